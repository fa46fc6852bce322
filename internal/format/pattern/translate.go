// SPDX-License-Identifier: GPL-2.0-or-later

package pattern

import (
	"strings"
	"unicode/utf8"
)

// An escapeFunc gives an engine's spelling of Python's escape \c, inside or
// outside of a set in brackets; not ok if the engine has none.
type escapeFunc func(c byte, inSet bool) (spelling string, ok bool)

// translate rewrites what Python spells differently from both engines: named
// groups, {,n}, brackets within a set, and, by escape, the escapes.
func translate(expr string, escape escapeFunc) (translated string, ok bool) {
	var b strings.Builder
	inSet := false
	for i := 0; i < len(expr); {
		rest := expr[i:]
		read, write := rest[:1], rest[:1]
		switch {
		case rest[0] == '\\' && len(rest) > 1 && rest[1] >= utf8.RuneSelf:
			write = "" // the character stands for itself
		case rest[0] == '\\' && len(rest) > 1:
			read = rest[:2]
			if write, ok = escape(rest[1], inSet); !ok {
				return "", false
			}
		case inSet:
			inSet = rest[0] != ']'
			if rest[0] == '[' {
				write = `\[`
			}
		case rest[0] == '[':
			inSet = true
			read, write = setStart(rest)
		default:
			read, write = token(rest)
		}
		b.WriteString(write)
		i += len(read)
	}
	return b.String(), true
}

// setStart reads the start of a set; a closing bracket there is a member.
func setStart(rest string) (read, write string) {
	for _, start := range [...]string{"[^]", "[]", "[^", "["} {
		if body, ok := strings.CutPrefix(rest, start); ok {
			return rest[:len(rest)-len(body)], strings.Replace(start, "]", `\]`, 1)
		}
	}
	return "", ""
}

// token reads one element outside of sets.
func token(rest string) (read, write string) {
	if strings.HasPrefix(rest, "(?P<") {
		return "(?P<", "(?<"
	}
	if name, ok := strings.CutPrefix(rest, "(?P="); ok {
		if end := strings.IndexByte(name, ')'); end > 0 {
			return rest[:len("(?P=")+end+1], `\k<` + name[:end] + ">"
		}
	}
	if upTo(rest) {
		return "{,", "{0,"
	}
	return rest[:1], rest[:1]
}

// upTo reports whether rest begins with a repetition {,n} or {,}.
func upTo(rest string) bool {
	number, ok := strings.CutPrefix(rest, "{,")
	return ok && strings.HasPrefix(strings.TrimLeft(number, "0123456789"), "}")
}

// Python's classes hold all of Unicode, Go's ASCII only.
const (
	goWord  = `_\p{L}\p{N}`
	goSpace = `\s\v\x1c-\x1f\x{85}\p{Z}`
)

func goEscape(c byte, inSet bool) (string, bool) {
	switch c {
	case 'd':
		return `\p{Nd}`, true
	case 'D':
		return `\P{Nd}`, true
	case 'w', 's':
		class := goWord
		if c == 's' {
			class = goSpace
		}
		if inSet {
			return class, true
		}
		return "[" + class + "]", true
	case 'W', 'S':
		class := goWord
		if c == 'S' {
			class = goSpace
		}
		return "[^" + class + "]", !inSet
	case 'Q', 'C', 'E', 'p', 'P', 'z':
		// Go gives these a meaning; Python refuses them.
		return "", false
	}
	return backEscape(c, inSet)
}

func backEscape(c byte, _ bool) (string, bool) {
	switch c {
	case 'Z':
		return `\z`, true
	case '_':
		return "_", true // regexp2 knows no \_
	}
	return `\` + string(rune(c)), true
}
