// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// HTMLText makes plain text of HTML: of a mail that has nothing else. Blocks, rows and <br> end a line, white space is collapsed but in <pre>, tables
// give a space between two cells, quoted blocks get "> " before their lines, and what is not text (scripts, styles, the head, comments) is left out. No
// more than maxHTML bytes are read. The result has LF line ends, at most one empty line in a row outside of <pre>, and no more bytes than the limit on
// quoting allows.
func HTMLText(source string) string {
	w := htmlWriter{emptyLines: 1}
	z := html.NewTokenizer(strings.NewReader(source[:min(len(source), maxHTML)]))
	for w.out.Len() < 2*maxHTML {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimRight(w.out.String(), "\n ") + "\n"
		case html.TextToken:
			w.text(string(z.Text()))
		case html.StartTagToken:
			name, _ := z.TagName()
			w.open(atom.Lookup(name))
		case html.SelfClosingTagToken:
			if name, _ := z.TagName(); atom.Lookup(name) == atom.Br {
				w.endLine()
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			w.close(atom.Lookup(name))
		}
	}
	return w.out.String()
}

// htmlWriter writes the text between tags.
type htmlWriter struct {
	out        strings.Builder
	hidden     int // how many elements without text are open
	pre        int
	quote      int
	inLine     bool // something stands on the line
	gap        bool // white space is due before the next word
	emptyLines int
}

// maxQuote bounds the depth of quotes, and so what "> " adds to a line.
const maxQuote = 10

func (w *htmlWriter) open(tag atom.Atom) {
	switch {
	case hasNoText(tag):
		w.hidden++
	case tag == atom.Br:
		w.endLine()
	case tag == atom.Pre:
		w.block()
		w.pre++
	case tag == atom.Blockquote:
		w.block()
		w.quote = min(w.quote+1, maxQuote)
	case isBlock(tag):
		w.block()
	case tag == atom.Td || tag == atom.Th:
		w.gap = true
	}
	if tag == atom.P {
		w.paragraph()
	}
}

func (w *htmlWriter) close(tag atom.Atom) {
	switch {
	case hasNoText(tag):
		w.hidden = max(w.hidden-1, 0)
	case tag == atom.Pre:
		w.block()
		w.pre = max(w.pre-1, 0)
	case tag == atom.Blockquote:
		w.block()
		w.quote = max(w.quote-1, 0)
	case isBlock(tag):
		w.block()
	}
	if tag == atom.P {
		w.paragraph()
	}
}

func hasNoText(tag atom.Atom) bool {
	return tag == atom.Script || tag == atom.Style || tag == atom.Title
}

func isBlock(tag atom.Atom) bool {
	switch tag {
	case atom.P, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Tr, atom.Table, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Hr, atom.Section, atom.Article,
		atom.Dt, atom.Dd, atom.Address, atom.Center, atom.Body:
		return true
	}
	return false
}

// text writes words. Space that must not break, which mail programs put in by the dozen, is space.
func (w *htmlWriter) text(s string) {
	if w.hidden > 0 {
		return
	}
	s = strings.ReplaceAll(s, "\u00a0", " ")
	if w.pre > 0 {
		w.preformatted(strings.ReplaceAll(s, "\r\n", "\n"))
		return
	}
	w.gap = w.gap || strings.TrimLeftFunc(s, isSpace) != s
	for i, word := range strings.FieldsFunc(s, isSpace) {
		if w.inLine && (i > 0 || w.gap) {
			w.write(" ")
		}
		w.write(word)
		w.gap = false
	}
	w.gap = w.gap || strings.TrimRightFunc(s, isSpace) != s
}

func (w *htmlWriter) preformatted(s string) {
	for s != "" {
		line, rest, more := strings.Cut(s, "\n")
		w.write(line)
		if more {
			w.endLine()
			w.emptyLines = 0
		}
		s = rest
	}
}

func (w *htmlWriter) write(s string) {
	if s == "" {
		return
	}
	if !w.inLine {
		w.out.WriteString(strings.Repeat("> ", w.quote))
	}
	w.out.WriteString(s)
	w.inLine, w.emptyLines = true, 0
}

// endLine ends the line, also an empty one if none was before it.
func (w *htmlWriter) endLine() {
	if w.inLine || w.emptyLines < 1 {
		if !w.inLine {
			w.emptyLines++
		}
		w.out.WriteByte('\n')
	}
	w.inLine, w.gap = false, false
}

// block begins or ends a block: on a line of its own.
func (w *htmlWriter) block() {
	if w.inLine {
		w.endLine()
	}
	w.gap = false
}

// paragraph sets off by an empty line.
func (w *htmlWriter) paragraph() {
	w.block()
	w.endLine()
}
