// SPDX-License-Identifier: GPL-2.0-or-later

package fnmatch

import (
	"strings"
	"unicode/utf8"
)

// Match reports whether the whole of name matches pattern, case-sensitively:
// * is any run of characters including "/", ? one character, [seq] one of
// seq, [!seq] one not in it; a-z within the brackets is a range, and a bracket
// that is never closed stands for itself. There is no escape character: write
// [*] for a star. The time is at most len(pattern) times len(name).
func Match(pattern, name string) bool {
	// Only the last star met is ever tried again: whatever an earlier one
	// could give up, the last one can take.
	afterStar, retry := -1, 0
	p, n := 0, 0
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			afterStar, retry = p, n
			continue
		}
		r, size := utf8.DecodeRuneInString(name[n:])
		if width, ok := one(pattern[p:], r); ok {
			p += width
			n += size
			continue
		}
		if afterStar < 0 {
			return false
		}
		_, size = utf8.DecodeRuneInString(name[retry:])
		retry += size
		p, n = afterStar, retry
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// one tells whether the element at the start of pattern, which is not a star,
// matches r, and how many bytes of pattern it takes.
func one(pattern string, r rune) (width int, ok bool) {
	if pattern == "" {
		return 0, false
	}
	first, width := utf8.DecodeRuneInString(pattern)
	switch first {
	case '?':
		return width, true
	case '[':
		if end := setEnd(pattern); end > 0 {
			return end + 1, inSet(pattern[1:end], r)
		}
	}
	return width, first == r
}

// setEnd is the index of the bracket closing the set that pattern starts with,
// or 0. A closing bracket in first place is a member of the set.
func setEnd(pattern string) int {
	i := 1
	if strings.HasPrefix(pattern[i:], "!") {
		i++
	}
	if strings.HasPrefix(pattern[i:], "]") {
		i++
	}
	if end := strings.IndexByte(pattern[i:], ']'); end >= 0 {
		return i + end
	}
	return 0
}

// inSet reports whether r is one of the characters of set, the text between
// the brackets. A range that runs backwards holds nothing.
func inSet(set string, r rune) bool {
	set, negated := strings.CutPrefix(set, "!")
	for set != "" {
		lo, size := utf8.DecodeRuneInString(set)
		set = set[size:]
		hi := lo
		if len(set) > 1 && set[0] == '-' {
			hi, size = utf8.DecodeRuneInString(set[1:])
			set = set[1+size:]
		}
		if lo <= r && r <= hi {
			return !negated
		}
	}
	return negated
}
