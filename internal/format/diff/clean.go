// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import (
	"slices"
	"strings"

	"patchwork.example/pw/internal/format/fold"
)

// Clean returns the comment of a mail without its signature or list footer: everything from the first line that is exactly "-- ", or from a line of
// underscores that a footer follows, is dropped, then empty lines at the beginning and white space at the end, then every NUL. CRLF becomes LF.
//
// Patchwork 3.2 takes any line of underscores for the beginning of a footer, so that one below a headline or above Subversion's properties takes the rest of
// the text with it, trailers included; and it trims the indentation of the first line.
func Clean(text string) string {
	if strings.Contains(text, "\r\n") {
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	text = Trim(text[:footer(text)])
	if strings.IndexByte(text, 0) < 0 {
		return text
	}
	return Trim(strings.ReplaceAll(text, "\x00", ""))
}

// Trim drops empty lines at the beginning and white space at the end.
func Trim(text string) string {
	text = strings.TrimRightFunc(text, fold.IsSpace)
	start := len(text) - len(strings.TrimLeftFunc(text, fold.IsSpace))
	return text[strings.LastIndexByte(text[:start], '\n')+1:]
}

// footer is the index of the line that begins the signature or the first footer.
func footer(text string) int {
	end, rules := marks(text)
	text = strings.TrimRightFunc(text[:end], fold.IsSpace)
	for _, at := range slices.Backward(rules) {
		if at >= len(text) {
			continue
		}
		rule, rest, _ := strings.Cut(text[at:], "\n")
		if endsMail(len(rule), rest) {
			text = strings.TrimRightFunc(text[:at], fold.IsSpace)
		}
	}
	return len(text)
}

// marks finds the signature, or the end, and the lines of underscores above it.
func marks(text string) (end int, rules []int) {
	for start := 0; start < len(text); {
		end := len(text)
		if n := strings.IndexByte(text[start:], '\n'); n >= 0 {
			end = start + n
		}
		if line := text[start:end]; line == signature {
			return start, rules
		} else if isRule(line) {
			rules = append(rules, start)
		}
		start = end + 1
	}
	return len(text), rules
}

// isRule knows a line of underscores; white space behind it is of no matter.
func isRule(line string) bool {
	return line != "" && line[0] == '_' && fold.Trim(strings.TrimLeft(line, "_")) == ""
}

// The size of what list software adds, and the width of the rules that it and Outlook draw.
const (
	maxFooter = 1 << 10 // bytes
	minRule   = 20
)

// endsMail tells whether what follows a line of underscores is the footer of a list, or the mail that is answered, as Outlook puts it below. What is said with
// a trailer is neither.
func endsMail(width int, rest string) bool {
	if rest == "" {
		return true
	}
	if width >= minRule && quotesBelow(strings.TrimLeftFunc(rest[:min(len(rest), maxFooter)], fold.IsSpace)) {
		return true
	}
	return len(rest) <= maxFooter && !strings.Contains(rest, "-by: ") && (width >= minRule || strings.Contains(rest, "://") || strings.Contains(rest, "@"))
}

// quotesBelow knows how the header of the answered mail begins, in some languages.
func quotesBelow(rest string) bool {
	for _, word := range [...]string{"From:", "Von:", "De:", "De :", "Da:", "Van:", "Från:", "Fra:", "发件人"} {
		if strings.HasPrefix(rest, word) {
			return true
		}
	}
	return false
}
