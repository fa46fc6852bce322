// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds how much of one mail a page shows, in bytes; the rest is in the mbox.
const maxText = 512 << 10

var (
	trailerRE = regexp.MustCompile(`^[A-Z][A-Za-z0-9-]*-by: |^(Fixes|Link|Closes|Cc|Co-developed-by|Reported-by|Depends-on|Change-Id): `)
	urlRE     = regexp.MustCompile(`https?://[^\s<>"']+[^\s<>"'.,;:!?)\]]`)
)

// textHTML is the text of a mail as HTML: quotes dimmed, trailers marked, web addresses linked. Everything else is escaped.
func textHTML(text string) string {
	if len(text) > maxText {
		text = text[:maxText] + "\n[… cut here; the mbox has all of it]"
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	var b strings.Builder
	b.Grow(len(text) + len(text)/4)
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		class := ""
		switch {
		case strings.HasPrefix(line, ">"):
			class = "q"
		case trailerRE.MatchString(line):
			class = "t"
		}
		if class != "" {
			b.WriteString(`<span class="` + class + `">`)
		}
		linked(&b, line)
		if class != "" {
			b.WriteString("</span>")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func linked(b *strings.Builder, line string) {
	for strings.Contains(line, "://") {
		at := urlRE.FindStringIndex(line)
		if at == nil {
			break
		}
		u := html.EscapeString(line[at[0]:at[1]])
		escape(b, line[:at[0]])
		b.WriteString(`<a rel="nofollow noreferrer" href="` + u + `">` + u + `</a>`)
		line = line[at[1]:]
	}
	escape(b, line)
}

// escape writes text as HTML. Characters that turn the text around them, so that it reads otherwise than it runs, are shown by their number.
func escape(b *strings.Builder, text string) {
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if !unicode.Is(unicode.Bidi_Control, r) {
			i += size
			continue
		}
		b.WriteString(html.EscapeString(text[:i]))
		fmt.Fprintf(b, `<b class="ctl">%U</b>`, r)
		text, i = text[i+size:], 0
	}
	b.WriteString(html.EscapeString(text))
}
