// SPDX-License-Identifier: GPL-2.0-or-later

package pattern

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// Timeout is how long one search with look-around or back references may take
// before it counts as no match.
const Timeout = 100 * time.Millisecond

// MaxLength is the longest expression accepted, in bytes. The columns that
// hold expressions are shorter.
const MaxLength = 1000

// Pattern is a compiled expression. It may be used concurrently.
type Pattern struct {
	expr   string
	line   string // for the hand scanner: what a line begins with, folded
	linear *regexp.Regexp
	back   *regexp2.Regexp
}

// Compile reads an expression of Python's re module. The error names the
// character, counted from 1, at which the expression goes wrong.
func Compile(expr string) (*Pattern, error) {
	if len(expr) > MaxLength {
		return nil, fmt.Errorf("regular expression: %d bytes are more than %d", len(expr), MaxLength)
	}
	if line, ok := lineLiteral(expr); ok {
		return &Pattern{expr: expr, line: line}, nil
	}
	if linear := compileLinear(expr); linear != nil {
		return &Pattern{expr: expr, linear: linear}, nil
	}
	back, err := compileBack(expr)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q, character %d: %w", expr, errorPosition(expr), err)
	}
	return &Pattern{expr: expr, back: back}, nil
}

func compileLinear(expr string) *regexp.Regexp {
	translated, ok := translate(expr, goEscape)
	if !ok {
		return nil
	}
	re, err := regexp.Compile("(?im)" + translated)
	if err != nil {
		return nil
	}
	return re
}

func compileBack(expr string) (*regexp2.Regexp, error) {
	translated, _ := translate(expr, backEscape)
	re, err := regexp2.Compile(translated, regexp2.IgnoreCase|regexp2.Multiline)
	if err != nil {
		return nil, err
	}
	re.MatchTimeout = Timeout
	return re, nil
}

// errorPosition is the character after the longest start of expr that is an
// expression: neither engine tells where it stopped.
func errorPosition(expr string) int {
	for end := len(expr) - 1; end > 0; end-- {
		if !utf8.RuneStart(expr[end]) {
			continue
		}
		if _, err := compileBack(expr[:end]); err == nil {
			return utf8.RuneCountInString(expr[:end]) + 1
		}
	}
	return 1
}

// String returns the expression as it was given.
func (p *Pattern) String() string { return p.expr }

// Match reports whether the expression is found anywhere in text. A search
// that takes longer than Timeout finds nothing.
func (p *Pattern) Match(text string) bool {
	switch {
	case p.linear != nil:
		return p.linear.MatchString(text)
	case p.back != nil:
		found, err := p.back.MatchString(text)
		return found && err == nil
	}
	return nextLine(text, p.line) >= 0
}

// Count returns how often the expression is found in text without overlap. A
// search that takes longer than Timeout ends the count.
func (p *Pattern) Count(text string) int {
	switch {
	case p.linear != nil:
		return len(p.linear.FindAllStringIndex(text, -1))
	case p.back != nil:
		return p.countBack(text)
	}
	n := 0
	for {
		at := nextLine(text, p.line)
		if at < 0 {
			return n
		}
		n++
		text = text[at+len(p.line):]
		// What follows on the line is not at a line start.
		end := strings.IndexByte(text, '\n')
		if end < 0 {
			return n
		}
		text = text[end+1:]
	}
}

func (p *Pattern) countBack(text string) int {
	n := 0
	m, err := p.back.FindStringMatch(text)
	for m != nil && err == nil {
		n++
		m, err = p.back.FindNextMatch(m)
	}
	return n
}

// nextLine returns the start of the first line of text that begins with line,
// in any case, or -1. line is folded and not empty.
func nextLine(text, line string) int {
	for start := 0; len(text)-start >= len(line); {
		if lower(text[start]) == line[0] && hasFolded(text[start:], line) {
			return start
		}
		end := strings.IndexByte(text[start:], '\n')
		if end < 0 {
			return -1
		}
		start += end + 1
	}
	return -1
}

func hasFolded(text, line string) bool {
	for i := range len(line) {
		if lower(text[i]) != line[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// lineLiteral returns the folded text after ^ if expr is ^ and plain ASCII.
func lineLiteral(expr string) (line string, ok bool) {
	rest, ok := strings.CutPrefix(expr, "^")
	if !ok || rest == "" {
		return "", false
	}
	out := make([]byte, 0, len(rest))
	for i := 0; i < len(rest); i++ {
		c := rest[i]
		if c == '\\' && i+1 < len(rest) && isPunct(rest[i+1]) {
			i++
			out = append(out, rest[i])
			continue
		}
		if c < ' ' || c >= 0x7f || strings.IndexByte(`\.^$*+?{}[]|()`, c) >= 0 {
			return "", false
		}
		out = append(out, lower(c))
	}
	return string(out), true
}

func isPunct(c byte) bool {
	return ' ' <= c && c < 0x7f && (c < '0' || '9' < c) && (lower(c) < 'a' || 'z' < lower(c))
}
