// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"bytes"
	"fmt"
)

// Message is one parsed mail. Its byte slices and strings may share memory with Raw, which must not be changed afterwards.
type Message struct {
	Raw    []byte // as given to Parse
	Header Header
	// Parts are the leaves of the MIME tree, depth first, also those inside attached mails (message/rfc822). A mail that is not
	// multipart has exactly one.
	Parts []Part
	// Defects says in English what was broken and how it was read; for people, at most 50 entries.
	Defects []string
}

// Parse reads a mail. It skips a byte order mark and a leading mbox "From " line, accepts LF, CRLF, stray CR, NUL and 8-bit bytes
// anywhere, steps over malformed header lines, and repairs broken MIME as far as it can.
func Parse(raw []byte) *Message {
	m := &Message{Raw: raw}
	data := skipLead(lfOnly(raw))
	var body []byte
	m.Header, body = m.readHeader(data)
	w := walker{msg: m}
	w.walk(m.Header, body, "text/plain", 0)
	return m
}

func (m *Message) defect(format string, args ...any) {
	if len(m.Defects) < maxDefects {
		m.Defects = append(m.Defects, fmt.Sprintf(format, args...))
	}
}

// lfOnly converts a mail that knows CR as its only line end; any other mail is returned as it is.
func lfOnly(raw []byte) []byte {
	if bytes.IndexByte(raw, '\n') >= 0 || bytes.IndexByte(raw, '\r') < 0 {
		return raw
	}
	return bytes.ReplaceAll(raw, []byte{'\r'}, []byte{'\n'})
}

// skipLead removes what may stand before the first field: a byte order mark, empty lines, an mbox separator.
func skipLead(data []byte) []byte {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if trimmed := bytes.TrimLeft(data, "\r\n"); len(trimmed) < len(data) && startsHeader(trimmed) {
		data = trimmed
	}
	if isFromLine(data) {
		data = data[lineEnd(data, 0):]
	}
	return data
}

// startsHeader tells a header after stray empty lines from the body of a mail that has no header.
func startsHeader(data []byte) bool {
	line := data[:min(lineEnd(data, 0), maxValueBytes)]
	name, _, ok := splitField(string(line))
	return isFromLine(data) || ok && isKnownField(name)
}

func isFromLine(line []byte) bool {
	return bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))
}

// lineEnd is the offset after the line that begins at pos.
func lineEnd(data []byte, pos int) int {
	if i := bytes.IndexByte(data[pos:], '\n'); i >= 0 {
		return pos + i + 1
	}
	return len(data)
}

// isEmptyLine says whether a line holds nothing but its end.
func isEmptyLine(line []byte) bool {
	for _, c := range line {
		if c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}
