// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import "bytes"

// maxParents bounds the sides of a combined diff. Git's octopus merges have few.
const maxParents = 16

// combinedHunk reads "@@@ -a,b -c,d +e,f @@@": one "@" more than there are parents.
func (s *splitter) combinedHunk(line []byte) bool {
	at := 0
	for at < len(line) && line[at] == '@' {
		at++
	}
	n := at - 1
	if n < 2 || n > maxParents {
		return false
	}
	rest := line[at:]
	counts := make([]int, 0, n+1)
	for i := range n + 1 {
		sign := " -"
		if i == n {
			sign = " +"
		}
		var ok bool
		if rest, ok = after(rest, sign); !ok {
			return false
		}
		var written []byte
		if written, rest, ok = span(rest); !ok {
			return false
		}
		counts = append(counts, count(written))
	}
	if len(rest) < 1+at || rest[0] != ' ' || !bytes.Equal(rest[1:1+at], line[:at]) {
		return false
	}
	s.parents, s.newLeft = counts[:n], counts[n]
	return true
}

// combinedLine counts a line of a combined hunk: it has a column for each parent. A "-" in any of them means that the result lacks the line, and then a
// parent has it if its column says so; else a parent has it unless its column is "+".
func (s *splitter) combinedLine(line []byte, end int) {
	s.keep(end, true)
	if has(line, noNewline) {
		return
	}
	marks := line[:min(len(line), len(s.parents))]
	removed := bytes.IndexByte(marks, '-') >= 0
	left := 0
	for i := range s.parents {
		mark := byte(' ')
		if i < len(marks) {
			mark = marks[i]
		}
		if removed && mark == '-' || !removed && mark != '+' {
			s.parents[i]--
		}
		left = max(left, s.parents[i])
	}
	if !removed {
		s.newLeft--
	}
	if left <= 0 && s.newLeft <= 0 {
		s.hunks++
		s.state = sawNew
	}
}

const (
	oldContext = "*** "
	contextBar = "***************"
)

// beginsContext looks ahead: line, which ends before end, is the first of a context diff if the next two are "--- name" and a bar of stars.
func (s *splitter) beginsContext(line []byte, end int) bool {
	if !has(line, oldContext) || end >= len(s.text) {
		return false
	}
	second, third, _ := bytes.Cut(s.text[end:], []byte{'\n'})
	return has(second, oldName) && has(third, contextBar)
}

// contextLine takes what a context diff is made of: its lines are marked in two columns. Anything else ends it.
func (s *splitter) contextLine(line []byte, end int) {
	if has(line, oldContext) || has(line, oldName) || has(line, contextBar) || has(line, noNewline) ||
		has(line, "  ") || has(line, "! ") || has(line, "+ ") || has(line, "- ") {
		s.keep(end, true)
		return
	}
	s.state = inText
	s.textLine(line, end)
}
