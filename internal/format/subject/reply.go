// SPDX-License-Identifier: GPL-2.0-or-later

package subject

import "strings"

// cutReply removes one reply or forward prefix from the start of s, as
// Patchwork 3.2 does, and tells whether the mail is a reply. A forwarded mail
// is none.
func cutReply(s string) (rest string, reply bool) {
	word := leadingLetters(s)
	switch after := s[len(word):]; {
	case after == "" || after[0] != ':' && after[0] != ' ':
	case strings.EqualFold(word, "re"):
		return strings.TrimLeft(after[1:], " "), true
	case strings.EqualFold(word, "fw"), strings.EqualFold(word, "fwd"):
		return strings.TrimLeft(after[1:], " "), false
	}
	if rest, ok := cutForeign(s); ok {
		return rest, true
	}
	if rest, ok := cutForeign(skipTags(s)); ok {
		return rest, true
	}
	return s, false
}

// leadingLetters is the run of ASCII letters that s starts with.
func leadingLetters(s string) string {
	n := 0
	for n < len(s) && ('a' <= s[n]|0x20 && s[n]|0x20 <= 'z') {
		n++
	}
	return s[:n]
}

// cutForeign removes a reply prefix as other mail programs write it: with a
// count as in `Re[2]:`, or translated. A translation counts only in front of a
// bracket or another reply prefix, since words like "vs" and "r" are names of
// subsystems too.
func cutForeign(s string) (rest string, ok bool) {
	if rest, ok = cutWord(s, "re"); ok {
		return rest, true
	}
	for _, word := range [...]string{"aw", "sv", "vs", "antw", "rif", "r", "答复", "回复"} {
		rest, ok = cutWord(s, word)
		if !ok {
			continue
		}
		if inner, nested := cutForeign(rest); nested {
			return inner, true
		}
		return rest, strings.HasPrefix(rest, "[")
	}
	return s, false
}

// cutWord removes word, in any case, with a count and a colon after it.
func cutWord(s, word string) (rest string, ok bool) {
	if len(s) <= len(word) || !strings.EqualFold(s[:len(word)], word) {
		return s, false
	}
	rest, ok = cutColon(cutCount(s[len(word):]))
	return strings.TrimLeft(rest, " "), ok
}

// cutColon removes an ASCII or a full-width colon.
func cutColon(s string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(s, ":"); ok {
		return rest, true
	}
	return strings.CutPrefix(s, "：")
}

// cutCount removes `[2]`, `(2)` or `^2`.
func cutCount(s string) string {
	if s == "" || !strings.Contains("[(^", s[:1]) {
		return s
	}
	n := 1 + leadingDigits(s[1:])
	if s[0] == '^' {
		return s[n:]
	}
	if n > 1 && n < len(s) && (s[n] == ']' || s[n] == ')') {
		return s[n+1:]
	}
	return s
}

// skipTags passes over the brackets that list software and mail gateways put
// in front of `Re:`. The author's own brackets are not passed: a subject like
// `[PATCH] Re: x` is what someone called his patch.
func skipTags(s string) string {
	for strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 || ownTag(s[1:end]) {
			return s
		}
		s = strings.TrimLeft(s[end+1:], " ")
	}
	return s
}

func ownTag(content string) bool {
	tokens := appendTokens(nil, content, "")
	_, _, numbered := marker(tokens)
	lower := strings.ToLower(content)
	return numbered || version(tokens, content) > 1 ||
		strings.Contains(lower, "patch") || strings.Contains(lower, "rfc")
}
