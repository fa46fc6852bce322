// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// readable shows compact JSON with line breaks, colours and links. It is a templ.Component.
type readable struct {
	text []byte
	base string // what addresses of this site begin with
}

// Render implements templ.Component.
func (r readable) Render(_ context.Context, w io.Writer) error {
	p := printer{readable: r}
	for p.at < len(p.text) {
		p.next()
	}
	_, err := p.out.WriteTo(w)
	return err
}

// printer goes once over the text, which the encoder has made and is therefore valid.
type printer struct {
	readable
	at    int
	out   bytes.Buffer
	stack []byte // the brackets that are open
	isKey bool   // the next string is a name
}

func (p *printer) next() {
	switch b := p.text[p.at]; b {
	case '{', '[':
		p.open(b)
	case '}', ']':
		p.stack = p.stack[:len(p.stack)-1]
		p.newLine()
		p.put(b)
	case ',':
		p.put(b)
		p.newLine()
		p.isKey = p.stack[len(p.stack)-1] == '{'
	case ':':
		p.put(b)
		p.out.WriteByte(' ')
		p.isKey = false
	case '"':
		p.quoted()
	default:
		p.word()
	}
}

func (p *printer) put(b byte) {
	p.out.WriteByte(b)
	p.at++
}

func (p *printer) open(b byte) {
	p.put(b)
	if p.text[p.at] == b+2 { // } follows { by two in ASCII, and so does ] [
		p.put(p.text[p.at])
		return
	}
	p.stack = append(p.stack, b)
	p.isKey = b == '{'
	p.newLine()
}

func (p *printer) newLine() {
	p.out.WriteByte('\n')
	p.out.WriteString(strings.Repeat("  ", len(p.stack)))
}

// word is a number, true, false or null.
func (p *printer) word() {
	end := p.at
	for end < len(p.text) && !bytes.ContainsRune([]byte(",:]}"), rune(p.text[end])) {
		end++
	}
	fmt.Fprintf(&p.out, `<span class="w">%s</span>`, html.EscapeString(string(p.text[p.at:end])))
	p.at = end
}

// quoted is a string, whose quotes are shown as they are.
func (p *printer) quoted() {
	end := p.at + 1
	for p.text[end] != '"' {
		if p.text[end] == '\\' {
			end++
		}
		end++
	}
	inner := string(p.text[p.at+1 : end])
	p.at = end + 1
	switch {
	case p.isKey:
		fmt.Fprintf(&p.out, `<span class="k">&#34;%s&#34;</span>`, html.EscapeString(inner))
	case isWebAddress(inner):
		rel := ` rel="noreferrer nofollow"`
		if strings.HasPrefix(inner, p.base+"/") {
			rel = ""
		}
		fmt.Fprintf(&p.out, `<span class="s">&#34;<a href="%s"%s>%[1]s</a>&#34;</span>`, html.EscapeString(inner), rel)
	default:
		p.out.WriteString(`<span class="s">&#34;`)
		p.lines(inner)
		p.out.WriteString(`&#34;</span>`)
	}
}

// isWebAddress tells whether a string, as JSON writes it, is an address of the web and nothing else.
func isWebAddress(s string) bool {
	if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") || len(s) > 2000 {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && !strings.ContainsFunc(s, func(r rune) bool { return r == '\\' || unsafeToShow(r) || unicode.IsSpace(r) })
}

// lines breaks a long text where it has a line break, and shows by number what would not be seen, or turn the direction of what is.
func (p *printer) lines(s string) {
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '\\':
			if n = 2; s[1] == 'u' {
				n = 6
			}
			p.out.WriteString(`<i>` + html.EscapeString(s[:n]) + `</i>`)
			if s[1] == 'n' && len(s) > 2 {
				p.out.WriteByte('\n')
			}
		case unsafeToShow(r):
			fmt.Fprintf(&p.out, `<i>\u%04x</i>`, r)
		default:
			end := strings.IndexFunc(s, func(r rune) bool { return r == '\\' || unsafeToShow(r) })
			if end < 0 {
				end = len(s)
			}
			n = end
			p.out.WriteString(html.EscapeString(s[:n]))
		}
		s = s[n:]
	}
}

func unsafeToShow(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.IsControl(r) || r == utf8.RuneError
}
