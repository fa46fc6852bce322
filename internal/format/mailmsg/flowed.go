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

// UnflowLines undoes what format=flowed does to the letters of a text that people read, and leaves its lines, and all that it quotes, as they were sent: the space goes that was put
// before lines (Unstuff), and with delSp words come together that were broken in two. Mail programs say flowed also of texts that they have left alone: one in which
// nothing looks as if it was made so is returned as it is.
func UnflowLines(text string, delSp bool) string {
	if !meansFlowed(text) {
		return text
	}
	text, _ = Unstuff(text)
	if delSp {
		text = joinWords(text)
	}
	return text
}

// meansFlowed looks for what only format=flowed has: a line of the sender's own that ends with a space where the next word had no room, or a space before ">" or "From ".
func meansFlowed(text string) bool {
	const full = 60 // what programs break is at least so long with the next word, in bytes; the usual widths are 66 to 78
	last := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		word, _, _ := strings.Cut(line, " ")
		if word != "" && word[0] != '>' && goesOn(last) && len(last)+len(word) > full || strings.HasPrefix(line, " >") || strings.HasPrefix(line, " From ") {
			return true
		}
		last = line
	}
	return false
}

// goesOn tells a line of the sender's own that the next one belongs to.
func goesOn(line string) bool {
	return line != "-- " && strings.HasSuffix(line, " ") && line[0] != '>'
}

// joinWords takes away the space that DelSp has put at the ends of lines, and the end of a line within a word.
func joinWords(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for len(text) > 0 {
		line, rest, _ := strings.Cut(text, "\n")
		body := strings.TrimRight(line, "\r")
		if !goesOn(body) {
			b.WriteString(text[:len(text)-len(rest)])
			text = rest
			continue
		}
		bare := body[:len(body)-1]
		b.WriteString(bare)
		if bare == "" || bare[len(bare)-1] == ' ' || rest == "" || rest[0] == '>' || rest[0] == '\r' || rest[0] == '\n' {
			b.WriteString(text[len(body) : len(text)-len(rest)])
		}
		text = rest
	}
	return b.String()
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
