// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"strconv"
	"strings"
)

// mediaType is a Content-Type or Content-Disposition taken apart; the name is in lower case, as are the parameters' names.
type mediaType struct {
	name   string
	params map[string]string
}

// contentType reads the Content-Type of an entity. A type that is not of the form a/b counts as text/plain (RFC 2045 §5.2).
func contentType(h Header, byDefault string) mediaType {
	raw := h.Raw("Content-Type")
	if strings.Trim(raw, " \t\n") == "" {
		return mediaType{name: byDefault}
	}
	ct := parseMedia(raw)
	if strings.Count(ct.name, "/") != 1 {
		ct.name = "text/plain"
	}
	return ct
}

// parseMedia reads "type; name=value; …". It forgives missing and doubled semicolons, comments, unclosed quotes and spaces around "=".
func parseMedia(raw string) mediaType {
	s := paramScan{text: raw}
	s.skipFiller()
	mt := mediaType{name: strings.ToLower(strings.Trim(s.until(" \t\n\r;,("), `"'`))}
	continued := false
	for range maxParams {
		s.skipFiller()
		name := strings.ToLower(s.until("=; \t\n\r"))
		if name == "" && s.pos >= len(raw) {
			break
		}
		value, ok := s.value(name)
		if !ok || name == "" {
			continue
		}
		if mt.params == nil {
			mt.params = make(map[string]string)
		}
		if _, again := mt.params[name]; !again {
			mt.params[name] = value
		}
		continued = continued || strings.Contains(name, "*")
	}
	if continued {
		joinContinued(mt.params)
	}
	return mt
}

// paramScan reads a structured value from left to right.
type paramScan struct {
	text string
	pos  int
}

func (s *paramScan) until(stop string) string {
	rest := s.text[s.pos:]
	if i := strings.IndexAny(rest, stop); i >= 0 {
		rest = rest[:i]
	}
	s.pos += len(rest)
	return rest
}

func (s *paramScan) skipSpace() {
	for s.pos < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.pos]) >= 0 {
		s.pos++
	}
}

// skipFiller steps over white space, separators and comments.
func (s *paramScan) skipFiller() {
	for s.pos < len(s.text) && strings.IndexByte(" \t\r\n;,(", s.text[s.pos]) >= 0 {
		if s.text[s.pos] == '(' {
			s.until(")")
		}
		s.pos = min(s.pos+1, len(s.text))
	}
}

// value reads what stands after a parameter's name; false when it has none.
func (s *paramScan) value(name string) (string, bool) {
	s.skipSpace()
	if s.pos >= len(s.text) || s.text[s.pos] != '=' {
		return "", false
	}
	s.pos++
	s.skipSpace()
	if s.pos < len(s.text) && s.text[s.pos] == '"' {
		return s.quoted(), true
	}
	// File names with spaces are often left unquoted; elsewhere a space means a forgotten semicolon.
	if strings.HasPrefix(name, "filename") || strings.HasPrefix(name, "name") {
		return strings.TrimSpace(s.until(";\n")), true
	}
	return s.until("; \t\r\n"), true
}

// quoted reads a quoted string at the opening quote; an unclosed one ends with the value.
func (s *paramScan) quoted() string {
	var b strings.Builder
	for s.pos++; s.pos < len(s.text); s.pos++ {
		c := s.text[s.pos]
		switch {
		case c == '"':
			s.pos++
			return b.String()
		case c == '\\' && s.pos+1 < len(s.text):
			s.pos++
			c = s.text[s.pos]
		case c == '\n':
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// joinContinued adds the values that RFC 2231 splits over name*0, name*1*, … or marks as encoded by name*.
func joinContinued(params map[string]string) {
	bases := make(map[string]bool)
	for name := range params {
		if base, _, ok := strings.Cut(name, "*"); ok {
			bases[base] = true
		}
	}
	for base := range bases {
		if value, ok := params[base+"*"]; ok {
			params[base] = decodeExtended(value)
		} else if value, ok := joinPieces(params, base); ok {
			params[base] = value
		}
	}
}

// joinPieces joins name*0, name*1, …; pieces with a final star are percent-encoded, and the first of those names the charset.
func joinPieces(params map[string]string, base string) (string, bool) {
	var joined []byte
	charset := ""
	for n := 0; ; n++ {
		name := base + "*" + strconv.Itoa(n)
		if value, ok := params[name]; ok {
			joined = append(joined, value...)
		} else if value, ok := params[name+"*"]; ok {
			if n == 0 {
				charset, value = splitExtended(value)
			}
			joined = append(joined, unescapePercent(value)...)
		} else {
			text, _ := toUTF8(joined, charset)
			return text, n > 0
		}
	}
}

func decodeExtended(value string) string {
	charset, rest := splitExtended(value)
	text, _ := toUTF8(unescapePercent(rest), charset)
	return text
}

// splitExtended takes the charset'language' prefix off a value.
func splitExtended(value string) (charset, rest string) {
	parts := strings.SplitN(value, "'", 3)
	if len(parts) < 3 {
		return "", value
	}
	return parts[0], parts[2]
}

func unescapePercent(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) {
			if hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2]); hi < 16 && lo < 16 {
				c = hi<<4 | lo
				i += 2
			}
		}
		out = append(out, c)
	}
	return out
}
