// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"strings"
	"unicode"
)

// Decode reads a raw header value: RFC 2047 words become text wherever they stand (also inside quotes, also without white space
// around them), NULs go, every run of white space becomes one space, the ends are trimmed. The bytes of a word are read as its declared
// charset, else as UTF-8, else as windows-1252; so are raw 8-bit bytes, from UTF-8 on. Truncated base64 gives what it holds. The
// result is valid UTF-8 in one line.
func Decode(value string) string {
	if isPlain(value) {
		return value
	}
	if strings.Contains(value, "=?") {
		value = decodeWords(value, nil)
	} else if !isASCII(value) {
		value, _ = toUTF8([]byte(value), "")
	}
	return squeeze(value)
}

// isPlain recognises the values that decode to themselves, which most do.
func isPlain(s string) bool {
	prev := byte(' ')
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c >= 0x7f || c == ' ' && prev == ' ' || c == '?' && prev == '=' {
			return false
		}
		prev = c
	}
	return s == "" || prev != ' '
}

func isASCII[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// squeeze makes each run of white space one space, trims the ends and drops NULs.
func squeeze(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	gap := false
	for _, r := range s {
		switch {
		case r == 0:
		case isSpace(r):
			gap = b.Len() > 0
		default:
			if gap {
				b.WriteByte(' ')
				gap = false
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isSpace is what Python's \s matches in text, which the older system normalises.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

// encodedWord is one RFC 2047 word, at value[start:end].
type encodedWord struct {
	start, end       int
	charset, payload string
	base64           bool
}

// decodeWords replaces the encoded words. The bytes of neighbouring words of one charset are joined before they are decoded, because
// some senders cut inside a character. mark, if not nil, is applied to each character that was in a word.
func decodeWords(value string, mark func(rune) rune) string {
	var out strings.Builder
	var run []byte
	var charset string
	flush := func() {
		if len(run) > 0 {
			text, _ := toUTF8(run, charset)
			if mark != nil {
				text = strings.Map(mark, text)
			}
			out.WriteString(text)
			run = run[:0]
		}
	}
	pos, inRun := 0, false
	for {
		word, ok := nextWord(value, pos)
		if !ok {
			break
		}
		gap := value[pos:word.start]
		blank := inRun && strings.Trim(gap, " \t\r\n") == ""
		if !blank || !sameName(charset, word.charset) {
			flush()
		}
		if !blank {
			out.WriteString(rawText(gap))
		}
		run, charset, inRun = append(run, word.bytes()...), word.charset, true
		pos = word.end
	}
	flush()
	out.WriteString(rawText(value[pos:]))
	return out.String()
}

func rawText(s string) string {
	if isASCII(s) {
		return s
	}
	text, _ := toUTF8([]byte(s), "")
	return text
}

// nextWord finds the next encoded word at or after pos. Each step either advances or ends the search, so a value is read once.
func nextWord(value string, pos int) (encodedWord, bool) {
	for {
		i := strings.Index(value[pos:], "=?")
		if i < 0 {
			return encodedWord{}, false
		}
		start := pos + i
		charset, rest, ok := strings.Cut(value[start+2:], "?")
		if !ok {
			return encodedWord{}, false
		}
		if len(rest) < 2 || rest[1] != '?' || !strings.Contains("qQbB", rest[:1]) {
			pos = start + 2
			continue
		}
		payload, _, ok := strings.Cut(rest[2:], "?=")
		if !ok {
			return encodedWord{}, false
		}
		charset, _, _ = strings.Cut(charset, "*") // RFC 2231 language
		end := len(value) - len(rest) + 2 + len(payload) + 2
		return encodedWord{start, end, charset, payload, lower(rest[0]) == 'b'}, true
	}
}

// bytes undoes the transfer encoding of the word; a base64 payload that gives nothing is kept as it stands.
func (w encodedWord) bytes() []byte {
	if !w.base64 {
		return unquoteWord(w.payload)
	}
	b, _ := decodeBase64([]byte(w.payload))
	if len(b) == 0 {
		return []byte(w.payload)
	}
	return b
}

// unquoteWord is the "Q" encoding of RFC 2047 §4.2; a "=" without two hex digits stays.
func unquoteWord(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '_' {
			c = ' '
		} else if v, ok := hexByte(s, i); ok {
			c = v
			i += 2
		}
		out = append(out, c)
	}
	return out
}

// hexByte reads "=XX" at s[i:].
func hexByte[T string | []byte](s T, i int) (byte, bool) {
	if s[i] != '=' || i+2 >= len(s) {
		return 0, false
	}
	hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2])
	return hi<<4 | lo, hi < 16 && lo < 16
}

func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= lower(c) && lower(c) <= 'f':
		return lower(c) - 'a' + 10
	}
	return 16
}
