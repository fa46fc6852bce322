// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"strings"
	"unicode/utf8"
)

// Field is one header field. Name has the spelling received. Value is raw: encoded words are not decoded, folds are kept with their line
// ends as LF, the final line end is gone.
type Field struct{ Name, Value string }

// Header holds the fields of a header block in the order received, repeated ones included.
type Header []Field

// Has says whether a field of that name exists, in any letter case, even with an empty value.
func (h Header) Has(name string) bool {
	return h.index(name) >= 0
}

// Raw returns the undecoded value of the first field of that name, "" if there is none.
func (h Header) Raw(name string) string {
	if i := h.index(name); i >= 0 {
		return h[i].Value
	}
	return ""
}

// Get returns the value of the first field of that name as Decode reads it, "" if there is none.
func (h Header) Get(name string) string {
	return Decode(h.Raw(name))
}

// All returns the values of every field of that name as Decode reads them, in the order received.
func (h Header) All(name string) []string {
	var values []string
	for _, raw := range h.allRaw(name) {
		values = append(values, Decode(raw))
	}
	return values
}

func (h Header) allRaw(name string) []string {
	var values []string
	for i := range h {
		if sameName(h[i].Name, name) {
			values = append(values, h[i].Value)
		}
	}
	return values
}

func (h Header) index(name string) int {
	for i := range h {
		if sameName(h[i].Name, name) {
			return i
		}
	}
	return -1
}

// sameName compares two ASCII names without regard to case; strings.EqualFold would take the Kelvin sign for a k.
func sameName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Text renders the header for storage: "Name: value" joined by LF, spelling and folding as received, in valid UTF-8 without NUL. A raw
// 8-bit value is taken for UTF-8, else for windows-1252. A line break inside a value is always followed by a space or tab, so that no
// value can pose as a further field.
func (h Header) Text() string {
	var b strings.Builder
	size := 0
	for i := range h {
		size += len(h[i].Name) + len(h[i].Value) + 3
	}
	b.Grow(size)
	for i := range h {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(flat(h[i].Name))
		b.WriteString(": ")
		writeFolded(&b, h[i].Value)
	}
	return b.String()
}

// writeFolded writes a value line by line. Lines of white space only are left out: some readers take them for the end of the header.
func writeFolded(b *strings.Builder, value string) {
	value = storable(value)
	first, rest, more := strings.Cut(value, "\n")
	b.WriteString(strings.TrimLeft(first, " \t"))
	for more {
		var line string
		line, rest, more = strings.Cut(rest, "\n")
		if strings.Trim(line, " \t") == "" {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			b.WriteByte('\n')
		} else {
			b.WriteByte(' ')
		}
		b.WriteString(line)
	}
}

// flat makes a name storable in one line.
func flat(name string) string {
	return strings.ReplaceAll(storable(name), "\n", " ")
}

// storable returns s as valid UTF-8 without NUL and CR.
func storable(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	if strings.IndexByte(s, '\r') >= 0 {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", " ")
	}
	if !utf8.ValidString(s) {
		s, _ = toUTF8([]byte(s), "")
	}
	return s
}
