// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"strings"
	"unicode"
)

// Visible puts the replacement character in place of those that turn the text around them (UAX 9) and of control characters. What comes by mail is shown so.
func Visible(s string) string {
	if plain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) || unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// plain tells whether a text is printable ASCII, as most are.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
