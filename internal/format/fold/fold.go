// SPDX-License-Identifier: GPL-2.0-or-later

package fold

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Key returns the form of s under which two spellings count as the same
// person, user or address: surrounding white space removed, invalid UTF-8
// replaced by U+FFFD, NFC, full Unicode case folding (ß equals ss, no
// language-specific rules), NFC again. Key(Key(s)) == Key(s). An ASCII s that
// is folded already is returned without an allocation.
func Key(s string) string {
	s = Trim(s)
	ascii, upper := true, false
	for i := 0; i < len(s); i++ {
		ascii = ascii && s[i] < utf8.RuneSelf
		upper = upper || 'A' <= s[i] && s[i] <= 'Z'
	}
	switch {
	case !ascii:
		s = norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD"))
		// x/text 0.43 swaps the two cases of Cherokee instead of joining them;
		// lower case first makes that one answer.
		return norm.NFC.String(cases.Fold().String(strings.ToLower(s)))
	case upper:
		return strings.ToLower(s)
	}
	return s
}

// Cut returns the first n runes of s as valid UTF-8; each run of invalid bytes
// counts as one U+FFFD. It suits columns whose width is in characters.
func Cut(s string, n int) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n <= 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// IsSpace reports whether r is white space to Python's str methods and
// regular expressions: Unicode's set and the four ASCII separators U+001C to
// U+001F. Patchwork 3.2 trims and splits text by it.
func IsSpace(r rune) bool {
	if r < utf8.RuneSelf {
		return r == ' ' || '\t' <= r && r <= '\r' || 0x1c <= r && r <= 0x1f
	}
	return unicode.IsSpace(r)
}

// Trim returns s without the white space at its ends, by IsSpace.
func Trim(s string) string { return strings.TrimFunc(s, IsSpace) }

// Collapse returns s with each run of white space made one space and the ends
// trimmed. A text that is in this form already is returned as it is.
func Collapse(s string) string {
	if collapsed(s) {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, IsSpace), " ")
}

func collapsed(s string) bool {
	wasSpace := true
	for _, r := range s {
		space := IsSpace(r)
		if space && (wasSpace || r != ' ') {
			return false
		}
		wasSpace = space
	}
	return s == "" || !wasSpace
}
