// SPDX-License-Identifier: GPL-2.0-or-later

package trailer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"patchwork.example/pw/internal/format/fold"
)

// maxURL is the width of the pull_url columns, in characters.
const maxURL = 255

const (
	pullBegin = "The following changes since commit"
	pullWhere = "are available in the git repository at:"
)

// PullURL returns the address in the output of git request-pull that text
// holds: the URL and, after one space, the branch or tag if one is named; at
// most 255 characters, "" if there is none. Of several requests the last one
// with an address counts, as in Patchwork 3.2, and as there only an address of
// the form scheme://… or user@… is one.
func PullURL(text string) string {
	at := lineWith(text, 0, pullBegin)
	if at < 0 {
		return ""
	}
	url := ""
	for {
		if at = lineWith(text, nextLine(text, at), pullWhere); at < 0 {
			return url
		}
		if u, ok := address(text[at+len(pullWhere):]); ok {
			url = u
		}
	}
}

// Merged tells whether a text says that a pull request was merged, in the words
// of kernel.org's tracker: a line that begins with "The pull request", and after
// it one with "has been merged" or "was merged". What is quoted says nothing.
func Merged(text string) bool {
	at := lineWith(text, 0, "The pull request")
	for ; at >= 0; at = nextLine(text, at) {
		line := text[at:]
		if end := nextLine(line, 0); end > 0 {
			line = line[:end]
		}
		if !strings.HasPrefix(line, ">") && (strings.Contains(line, "has been merged") || strings.Contains(line, "was merged")) {
			return true
		}
	}
	return false
}

// lineWith returns where the first line that begins with prefix, in any case,
// starts, of the line that starts at start and those after it, or -1.
func lineWith(text string, start int, prefix string) int {
	for ; start >= 0; start = nextLine(text, start) {
		if len(text)-start >= len(prefix) && strings.EqualFold(text[start:start+len(prefix)], prefix) {
			return start
		}
	}
	return -1
}

// nextLine is the start of the line after the one at start, or -1.
func nextLine(text string, start int) int {
	if n := strings.IndexByte(text[start:], '\n'); n >= 0 {
		return start + n + 1
	}
	return -1
}

// address reads the URL and the ref that follow the words of git request-pull.
func address(rest string) (string, bool) {
	url := strings.TrimLeftFunc(rest, fold.IsSpace)
	if !strings.Contains(rest[:len(rest)-len(url)], "\n") {
		return "", false
	}
	end := urlEnd(url)
	if end == 0 {
		return "", false
	}
	gap := end + prefixLen(url[end:], isGap)
	ref := gap + prefixLen(url[gap:], func(r rune) bool { return wordOr(r, "/._-") })
	if !atLineEnd(url[ref:]) {
		// The word belongs to the next paragraph, or it is no address at all.
		if !strings.Contains(url[end:gap], "\n") {
			return "", false
		}
		ref = gap
	}
	return fold.Cut(strings.Join(strings.FieldsFunc(url[:ref], isGap), " "), maxURL), true
}

// isGap reports whether r may stand between the URL and the ref.
func isGap(r rune) bool { return r == '\\' || fold.IsSpace(r) }

// urlEnd is the length of the URL that s starts with, or 0.
func urlEnd(s string) int {
	n := prefixLen(s, func(r rune) bool { return wordOr(r, "+-") })
	if n == 0 {
		return 0
	}
	switch {
	case strings.HasPrefix(s[n:], "://"):
		n += len("://")
	case strings.HasPrefix(s[n:], "@"):
		n++
	default:
		return 0
	}
	path := prefixLen(s[n:], func(r rune) bool { return wordOr(r, "/.@:~-") })
	if path == 0 {
		return 0
	}
	return n + path
}

// atLineEnd reports whether only white space follows on the line.
func atLineEnd(s string) bool {
	line, _, _ := strings.Cut(s, "\n")
	return fold.Trim(line) == ""
}

// prefixLen is the length of the longest start of s whose characters satisfy f.
func prefixLen(s string, f func(rune) bool) int {
	if n := strings.IndexFunc(s, func(r rune) bool { return !f(r) }); n >= 0 {
		return n
	}
	return len(s)
}

// wordOr reports whether r is a letter, a digit, "_" or one of others.
func wordOr(r rune, others string) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9' || r == '_' || strings.ContainsRune(others, r)
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r)
}
