// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import "strings"

// Unflow undoes format=flowed (RFC 3676): the space put before lines goes, and lines that were broken at a space are joined. delSp says that this space
// is not part of the text. The depth of quotes is not looked at, and a signature's "-- " stays.
func Unflow(text string, delSp bool) string {
	var b strings.Builder
	b.Grow(len(text))
	for line := range strings.Lines(text) {
		body := strings.TrimRight(line, "\r\n")
		if body == "-- " {
			endLine(&b)
			b.WriteString(line)
			continue
		}
		if strings.HasPrefix(body, " ") {
			body, line = body[1:], line[1:]
		}
		switch {
		case !strings.HasSuffix(body, " "):
			b.WriteString(line)
		case delSp:
			b.WriteString(body[:len(body)-1])
		default:
			b.WriteString(body)
		}
	}
	return b.String()
}

// Unstuff takes off the space that format=flowed has put before lines that begin with a space, ">" or "From ", and joins nothing. It does so only if the whole
// text looks as if it had been put there: ok is false when a line begins with a single space that nothing explains.
func Unstuff(text string) (bare string, ok bool) {
	var b strings.Builder
	b.Grow(len(text))
	for line := range strings.Lines(text) {
		rest, stuffed := strings.CutPrefix(line, " ")
		if stuffed && !strings.HasPrefix(rest, " ") && !strings.HasPrefix(rest, ">") && !strings.HasPrefix(rest, "From ") {
			return text, false
		}
		b.WriteString(rest)
	}
	return b.String(), true
}

// endLine ends a line that was left open because it seemed to go on.
func endLine(b *strings.Builder) {
	if s := b.String(); s != "" && s[len(s)-1] != '\n' {
		b.WriteByte('\n')
	}
}

// Flowed tells whether the part says that its text is in format=flowed, and whether with DelSp=yes.
func (p *Part) Flowed() (flowed, delSp bool) {
	return strings.EqualFold(p.Params["format"], "flowed"), strings.EqualFold(p.Params["delsp"], "yes")
}
