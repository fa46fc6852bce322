// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// literal is HTML that stands in the source of this package. A constant becomes one by itself; nothing else may be made one (TestLiterals), so that what comes from
// elsewhere can only be written by text and what is made of it.
type literal string

// markup is a piece of a page that is written by hand: rows that a page has by the hundred, which templ writes in some forty pieces each.
type markup struct{ b []byte }

// piece is a piece of a page, as templ takes it.
type piece func(m *markup)

// markups keep their memory for the next page, up to a size.
var markups = sync.Pool{New: func() any { return new(markup) }}

const maxKeptMarkup = 1 << 20

// Render implements templ.Component.
func (p piece) Render(_ context.Context, w io.Writer) error {
	m := markups.Get().(*markup)
	m.b = m.b[:0]
	p(m)
	_, err := w.Write(m.b)
	if cap(m.b) <= maxKeptMarkup {
		markups.Put(m)
	}
	return err
}

func (m *markup) raw(s literal) *markup {
	m.b = append(m.b, s...)
	return m
}

// text writes a text so that it is one, also within the quotes of an attribute.
func (m *markup) text(s string) *markup {
	m.b = appendEscaped(m.b, s)
	return m
}

func (m *markup) num(n int64) *markup {
	m.b = strconv.AppendInt(m.b, n, 10)
	return m
}

// once is a text that is written often, escaped once.
type once []byte

func escaped(s string) once { return appendEscaped(nil, s) }

func (m *markup) again(o once) *markup {
	m.b = append(m.b, o...)
	return m
}

// shown writes what shown makes of a name that came by mail.
func (m *markup) shown(name string) *markup { return m.text(shown(name)) }

// cell begins a cell; one that is empty is left out where lists are narrow.
func (m *markup) cell(class literal, empty bool) *markup {
	if m.raw(`<td class="`).raw(class); empty {
		m.raw(` empty`)
	}
	return m.raw(`">`)
}

// escapes are what stands for a byte in a text; the same as html.EscapeString's.
var escapes = [utf8.RuneSelf]string{'&': "&amp;", '\'': "&#39;", '<': "&lt;", '>': "&gt;", '"': "&#34;"}

func appendEscaped(b []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		if c := s[i]; c < utf8.RuneSelf && escapes[c] != "" {
			b = append(append(b, s[from:i]...), escapes[c]...)
			from = i + 1
		}
	}
	return append(b, s[from:]...)
}

// writeEscaped is appendEscaped for texts that are built as strings.
func writeEscaped(b *strings.Builder, s string) {
	from := 0
	for i := range len(s) {
		if c := s[i]; c < utf8.RuneSelf && escapes[c] != "" {
			b.WriteString(s[from:i])
			b.WriteString(escapes[c])
			from = i + 1
		}
	}
	b.WriteString(s[from:])
}
