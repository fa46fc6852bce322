// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"patchwork.example/pw/internal/format/trailer"
)

// maxText bounds how much of one mail a page shows, in bytes; the rest is in the mbox.
const maxText = 512 << 10

// Of a quotation of more than foldQuote lines the last quoteLines are shown, and the others in a fold: what is answered stands right above the answer.
const (
	foldQuote  = 20
	quoteLines = 6
)

// maxSignature is how many lines of a mail can be its signature.
const maxSignature = 20

var (
	trailerRE = regexp.MustCompile(`^[A-Z][A-Za-z0-9-]*-by: |^(Fixes|Link|Closes|Cc|Co-developed-by|Reported-by|Depends-on|Change-Id): `)
	urlRE     = regexp.MustCompile(`https?://[^\s<>"']+[^\s<>"'.,;:!?)\]]`)
)

// textHTML is the text of a mail as HTML, whole elements: quotes dimmed and folded if they are long, trailers marked, web addresses linked, the signature dimmed.
// Everything else is escaped.
func textHTML(text string) string {
	w := newTextWriter(text)
	lines := textLines(text)
	end := signature(lines)
	for at := 0; at < end; {
		n := quoted(lines[at:end])
		if lines[at] == "" && at+1 < end && quoted(lines[at+1:end]) > foldQuote {
			n = 1 // the line of the fold keeps its distance
		} else if n <= foldQuote {
			n = max(n, 1)
			w.lines(lines[at:at+n], lineClass)
		} else {
			w.folded(lines[at : at+n-quoteLines])
			w.lines(lines[at+n-quoteLines:at+n], lineClass)
		}
		at += n
	}
	w.lines(lines[end:], func(string) string { return "s" })
	return w.done()
}

// messageHTML is the text of a patch as HTML: what git makes the commit message, its trailers apart, and what follows the "---" apart as well.
func messageHTML(text string) string {
	w := newTextWriter(text)
	message, trailers, notes := messageParts(textLines(text), trailer.Trailers(text) != nil)
	w.lines(message, lineClass)
	if len(trailers) > 0 {
		w.end()
		w.begin("text trailers")
		w.lines(trailers, func(string) string { return "" })
	}
	if len(notes) > 0 {
		w.end()
		w.begin("text notes")
		w.lines(notes, lineClass)
	}
	return w.done()
}

// messageParts cuts the text of a patch at the paragraph of its trailers, if it has one, and at the first "---".
func messageParts(lines []string, hasTrailers bool) (message, trailers, notes []string) {
	blank := func(s string) bool { return strings.TrimSpace(s) == "" }
	message = lines
	if at := slices.IndexFunc(lines, func(s string) bool { return strings.TrimRight(s, " \t") == "---" }); at >= 0 {
		message, notes = lines[:at], lines[at:]
	}
	for len(message) > 0 && blank(message[len(message)-1]) {
		message = message[:len(message)-1]
	}
	for len(notes) > 0 && (blank(notes[0]) || strings.TrimSpace(notes[0]) == "---") {
		notes = notes[1:]
	}
	for len(notes) > 0 && blank(notes[len(notes)-1]) {
		notes = notes[:len(notes)-1]
	}
	if !hasTrailers {
		return message, nil, notes
	}
	at := len(message)
	for at > 0 && !blank(message[at-1]) {
		at--
	}
	trailers = message[at:]
	for at > 0 && blank(message[at-1]) {
		at--
	}
	return message[:at], trailers, notes
}

// textLines cuts a text into lines, and its end off if it is too long to be shown.
func textLines(text string) []string {
	if len(text) > maxText {
		text = text[:maxText] + "\n[… cut here; the mbox has all of it]"
	}
	text = strings.TrimRight(strings.ToValidUTF8(text, "\uFFFD"), "\r\n \t")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], "\r")
	}
	return lines
}

// signature is where the signature begins that ends the lines; their number if there is none.
func signature(lines []string) int {
	for i := len(lines) - 1; i >= 0 && i >= len(lines)-maxSignature; i-- {
		if lines[i] == "-- " || lines[i] == "--" {
			return i
		}
	}
	return len(lines)
}

// quoted is how many lines from the first on are quoted. Empty lines between quoted ones belong to them.
func quoted(lines []string) int {
	n := 0
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, ">"):
			n = i + 1
		case strings.TrimSpace(line) != "" || n == 0:
			return n
		}
	}
	return n
}

func lineClass(line string) string {
	switch {
	case strings.HasPrefix(line, ">"):
		return "q"
	case trailerRE.MatchString(line):
		return "t"
	}
	return ""
}

// textWriter writes lines into <pre> elements, which it opens and closes as they are needed.
type textWriter struct {
	b    strings.Builder
	open bool
}

func newTextWriter(text string) *textWriter {
	w := &textWriter{}
	w.b.Grow(len(text) + len(text)/4)
	return w
}

func (w *textWriter) begin(class string) {
	if !w.open {
		w.b.WriteString(`<pre class="` + class + `">`)
		w.open = true
	}
}

func (w *textWriter) end() {
	if w.open {
		w.b.WriteString("</pre>")
		w.open = false
	}
}

func (w *textWriter) lines(lines []string, classOf func(string) string) {
	for _, line := range lines {
		w.begin("text")
		class := classOf(line)
		if class != "" {
			w.b.WriteString(`<span class="` + class + `">`)
		}
		linked(&w.b, line)
		if class != "" {
			w.b.WriteString("</span>")
		}
		w.b.WriteByte('\n')
	}
}

func (w *textWriter) folded(lines []string) {
	w.end()
	fmt.Fprintf(&w.b, `<details class="quoted"><summary>%d quoted lines</summary>`, len(lines))
	w.lines(lines, lineClass)
	w.end()
	w.b.WriteString("</details>")
}

// done is what was written. A text without lines is an empty element.
func (w *textWriter) done() string {
	if w.b.Len() == 0 {
		w.begin("text")
	}
	w.end()
	return w.b.String()
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
		writeEscaped(b, text[:i])
		fmt.Fprintf(b, `<b class="ctl">%U</b>`, r)
		text, i = text[i+size:], 0
	}
	writeEscaped(b, text)
}
