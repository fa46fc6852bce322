// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import "strings"

// fieldScan cuts a header block into fields.
type fieldScan struct {
	msg       *Message
	block     string
	lastKnown int // offset of the last line with a well-known field name; -1 until looked for
}

// readHeader reads the fields at the start of data and returns them with what follows, the body.
func (m *Message) readHeader(data []byte) (Header, []byte) {
	end, body := headerEnd(data)
	if end > maxHeaderBytes {
		m.defect("header of %d bytes, only the first %d are read", end, maxHeaderBytes)
		end = maxHeaderBytes
	}
	s := fieldScan{msg: m, block: string(data[:end]), lastKnown: -1}
	h, stop := s.fields()
	if stop < end {
		return h, data[stop:]
	}
	return h, data[body:]
}

// headerEnd finds the first empty line: end is its start, body is the offset after it. Without one all is header.
func headerEnd(data []byte) (end, body int) {
	for pos := 0; pos < len(data); {
		next := lineEnd(data, pos)
		if isEmptyLine(data[pos:next]) {
			return pos, next
		}
		pos = next
	}
	return len(data), len(data)
}

// fields returns the fields of the block and the offset at which it stops being a header.
func (s *fieldScan) fields() (Header, int) {
	h := make(Header, 0, min(strings.Count(s.block, "\n")+1, maxFields))
	for pos := 0; pos < len(s.block); {
		next := s.fieldEnd(pos)
		name, value, ok := splitField(s.block[pos:next])
		switch {
		case ok && len(h) >= maxFields:
			s.msg.defect("more than %d header fields, the rest is not read", maxFields)
			return h, len(s.block)
		case ok:
			h = append(h, Field{name, s.value(name, value)})
		case !s.headerGoesOn(pos):
			s.msg.defect("no empty line between header and body")
			return h, pos
		default:
			s.msg.defect("malformed header line %.60q", s.block[pos:next])
		}
		pos = next
	}
	return h, len(s.block)
}

// fieldEnd is the offset after the field that begins at pos, continuation lines included.
func (s *fieldScan) fieldEnd(pos int) int {
	for pos < len(s.block) {
		i := strings.IndexByte(s.block[pos:], '\n')
		if i < 0 {
			break
		}
		pos += i + 1
		if pos < len(s.block) && s.block[pos] != ' ' && s.block[pos] != '\t' {
			return pos
		}
	}
	return len(s.block)
}

// value cleans the line ends of a raw value: CRs before LF go, other CRs become spaces.
func (s *fieldScan) value(name, value string) string {
	if len(value) > maxValueBytes {
		s.msg.defect("header field %.40q of %d bytes is cut", name, len(value))
		if strings.EqualFold(name, "References") {
			value = value[len(value)-maxValueBytes:] // the nearest ancestors stand last
		} else {
			value = value[:maxValueBytes]
		}
	}
	if strings.IndexByte(value, '\r') < 0 {
		return value
	}
	var b strings.Builder
	b.Grow(len(value))
	for i, line := range strings.Split(value, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.ReplaceAll(strings.TrimRight(line, "\r"), "\r", " "))
	}
	return b.String()
}

// headerGoesOn says whether the malformed line at pos is a blot in the header rather than the first line of a body that lacks its
// empty line: it is when a well-known field still follows.
func (s *fieldScan) headerGoesOn(pos int) bool {
	if s.lastKnown < 0 {
		s.lastKnown = s.findLastKnown(pos)
	}
	return pos < s.lastKnown
}

func (s *fieldScan) findLastKnown(pos int) int {
	last := 0
	for pos < len(s.block) {
		next := s.fieldEnd(pos)
		if name, _, ok := splitField(s.block[pos:next]); ok && isKnownField(name) {
			last = pos
		}
		pos = next
	}
	return last
}

// splitField splits a field at its colon. White space before the colon is forgiven, other strange bytes in the name are not.
func splitField(line string) (name, value string, ok bool) {
	i := 0
	for i < len(line) && line[i] > ' ' && line[i] < 0x7f && line[i] != ':' {
		i++
	}
	colon := i
	for colon < len(line) && (line[colon] == ' ' || line[colon] == '\t') {
		colon++
	}
	if i == 0 || colon == len(line) || line[colon] != ':' {
		return "", "", false
	}
	value = strings.TrimRight(strings.TrimSuffix(line[colon+1:], "\n"), "\r")
	return line[:i], strings.TrimLeft(value, " \t"), true
}

// isKnownField knows the names that tell a header from prose such as "Note: …".
func isKnownField(name string) bool {
	for _, known := range [...]string{"From", "To", "Cc", "Subject", "Date", "Message-Id", "Received", "In-Reply-To", "References",
		"Reply-To", "Sender", "Return-Path", "Delivered-To", "List-Id", "List-Post", "Mime-Version", "Content-Type", "Content-Disposition",
		"Content-Transfer-Encoding", "Dkim-Signature", "Authentication-Results", "X-Mailer", "User-Agent", "X-Original-To"} {
		if sameName(known, name) {
			return true
		}
	}
	return false
}
