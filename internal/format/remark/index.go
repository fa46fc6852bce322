// SPDX-License-Identifier: GPL-2.0-or-later

package remark

import (
	"strings"

	"patchwork.example/pw/internal/format/diff"
)

// An index finds the lines of a diff by their text.
type index struct {
	lines []line
	by    map[string][]int32 // mark and key
	begin map[string][]int32 // mark and the beginning of the key: quotes may have been wrapped
	last  int                // the last line that is not empty
}

// A line is one of a diff: mark is '+', '-' or ' ', '@' for the head of a hunk, 'h' for that of a file.
type line struct {
	file, hunk, line int32
	mark             byte
	key              string // without mark and white space
	text             string
}

// minStrong is how long a quoted line must be to be known anywhere in the diff, in bytes without white space; shorter ones are known only where they are
// expected, or from minAlone on if there is no other such line. beginning is how much of a wrapped line must be there.
const (
	minStrong = 8
	minAlone  = 5
	beginning = 16
)

func newIndex(doc *diff.Doc) *index {
	x := &index{lines: make([]line, 0, doc.Lines), by: make(map[string][]int32, doc.Lines), begin: map[string][]int32{}}
	for f := range doc.Files {
		file := &doc.Files[f]
		for _, s := range file.Head {
			x.add(line{file: int32(f), hunk: -1, mark: 'h', key: keyOf(s), text: s})
		}
		for h := range file.Hunks {
			hunk := &file.Hunks[h]
			if hunk.Head != "" {
				x.add(line{file: int32(f), hunk: int32(h), line: -1, mark: '@', key: hunkKey(hunk.Head), text: hunk.Head})
			}
			for l := range hunk.Lines {
				x.addLine(f, h, l, hunk, &hunk.Lines[l])
			}
		}
	}
	return x
}

func (x *index) addLine(f, h, l int, hunk *diff.Hunk, of *diff.Line) {
	mark := byte(' ')
	switch of.Kind {
	case diff.Add:
		mark = '+'
	case diff.Remove:
		mark = '-'
	case diff.Note, diff.Text:
		mark = 'h'
	}
	x.add(line{int32(f), int32(h), int32(l), mark, keyOf(hunk.Body(of)), of.Text})
}

func (x *index) add(l line) {
	n := int32(len(x.lines))
	x.lines = append(x.lines, l)
	if l.key != "" {
		x.last = int(n)
	}
	put(x.by, string(l.mark)+l.key, n)
	if len(l.key) > beginning && (l.mark == '+' || l.mark == '-' || l.mark == ' ') {
		put(x.begin, string(l.mark)+l.key[:beginning], n)
	}
}

func put(m map[string][]int32, key string, n int32) {
	if list := m[key]; len(list) < maxCandidates {
		m[key] = append(list, n)
	}
}

// hunkKey is the head of a hunk up to the second @@: what follows is often cut.
func hunkKey(s string) string {
	if at := strings.Index(s[min(2, len(s)):], "@@"); at >= 0 {
		s = s[:at+4]
	}
	return keyOf(s)
}

// markOf is the mark a quoted line seems to have.
func markOf(key string) byte {
	switch {
	case strings.HasPrefix(key, "@@"):
		return '@'
	case strings.HasPrefix(key, "diff--git"), strings.HasPrefix(key, "+++"), strings.HasPrefix(key, "---"):
		return 'h'
	case strings.HasPrefix(key, "+"):
		return '+'
	case strings.HasPrefix(key, "-"):
		return '-'
	}
	return ' '
}

// find lists the lines of the diff that a quoted line may be.
func (x *index) find(l piece) []int32 {
	mark := markOf(l.key)
	switch mark {
	case '@':
		return x.by["@"+hunkKey(l.text)]
	case 'h':
		if found := x.by["h"+l.key]; found != nil {
			return found
		}
		return x.by[l.key] // a marked line that begins with signs
	case ' ':
		return x.by[" "+l.key]
	}
	if found := x.by[l.key]; found != nil {
		return found
	}
	if len(l.key) > beginning {
		return x.wrapped(l.key)
	}
	return nil
}

// wrapped lists the lines that begin with what is left of a quoted one; it has its mark.
func (x *index) wrapped(key string) []int32 {
	var out []int32
	for _, n := range x.begin[key[:beginning+1]] {
		if strings.HasPrefix(x.lines[n].key, key[1:]) {
			out = append(out, n)
		}
	}
	return out
}

// near is how far behind the last quoted line a weak one is looked for.
const near = 3

// certain is the score from which a match is one of several lines.
const certain = 50

// align finds the line of the diff that the quoted line i is; -1: none.
func (p *placer) align(lines []piece, i int) int {
	if next := p.cursor + 1; next > 0 && next < len(p.lines) && p.same(lines[i].key, next) {
		return next
	}
	found := p.find(lines[i])
	if len(found) == 0 && i+1 < len(lines) && lines[i+1].depth > 0 && lines[i].key != "" { // it may go on there
		found = p.by[lines[i].key+lines[i+1].key]
	}
	best, bestScore := -1, 0
	try := func(at int) {
		if score := p.score(lines, i, at, len(found)); score > bestScore {
			best, bestScore = at, score
		}
	}
	for _, n := range found {
		try(int(n))
	}
	if len(found) == maxCandidates && p.cursor >= 0 { // there are more of them
		for at := p.cursor + 2; at <= p.cursor+near && at < len(p.lines); at++ {
			if p.same(lines[i].key, at) {
				try(at)
			}
		}
	}
	switch {
	case bestScore < certain && p.isBeginning(lines[i].key, p.cursor+1):
		return p.cursor + 1
	case best < 0 && len(found) > 0 && len(lines[i].key) >= minStrong && p.cursor >= 0:
		return p.nextInHunk(found)
	}
	return best
}

// isBeginning knows the beginning of the line that is expected next, of which a reviewer has cut the rest.
func (p *placer) isBeginning(key string, at int) bool {
	if p.cursor < 0 || at >= len(p.lines) || len(key) < minAlone {
		return false
	}
	l := &p.lines[at]
	switch l.mark {
	case '+', '-':
		return key[0] == l.mark && strings.HasPrefix(l.key, key[1:])
	case ' ':
		return strings.HasPrefix(l.key, key)
	}
	return false
}

// score says how good a match is; 0: not at all. What is near the last quote is best, then what is followed by the same lines, then what comes next in the diff.
func (p *placer) score(lines []piece, i, at, candidates int) int {
	gap, weak := at-p.cursor, len(lines[i].key) < minStrong
	run := p.run(lines, i, at)
	if p.cursor >= 0 && gap >= 1 && gap <= near && (run > 0 || !weak) {
		return 1000 - gap
	}
	if run < 2 && (candidates > 3 || weak && (candidates > 1 || len(lines[i].key) < minAlone)) {
		if p.cursor >= 0 && gap >= 1 && gap <= near {
			return 1
		}
		return 0
	}
	score := 10 + run*20
	if gap > 0 {
		score += 10
		if gap < 100 {
			score += (100 - gap) / 12
		}
	}
	return score
}

// nextInHunk is the first of some lines behind the last quoted one, in its hunk; -1: none.
func (p *placer) nextInHunk(found []int32) int {
	last := &p.lines[p.cursor]
	for _, n := range found {
		if l := &p.lines[n]; int(n) > p.cursor && l.file == last.file && l.hunk == last.hunk {
			return int(n)
		}
	}
	return -1
}

// run counts how many of the next quoted lines are the next ones of the diff, also behind what was written between them.
func (p *placer) run(lines []piece, i, at int) int {
	n, strong, depth := 0, false, lines[i].depth
	for n < 8 {
		i++
		for i < len(lines) && (lines[i].depth == 0 || lines[i].depth < depth && lines[i].key == "" || p.isRest(lines[i-1].key, lines[i].key, at)) {
			i++
		}
		at++
		if i >= len(lines) || at >= len(p.lines) || lines[i].depth != depth || !p.same(lines[i].key, at) {
			break
		}
		strong = strong || len(lines[i].key) >= minStrong
		n++
	}
	if !strong {
		return min(n, 1)
	}
	return n
}

// isRest knows the second half of a line that was wrapped.
func (p *placer) isRest(first, second string, at int) bool {
	l := &p.lines[at]
	if (l.mark == '+' || l.mark == '-') && first != "" && first[0] == l.mark {
		first = first[1:]
	}
	return first != "" && second != "" && len(first)+len(second) == len(l.key) && strings.HasPrefix(l.key, first) && strings.HasSuffix(l.key, second)
}

func (p *placer) same(key string, at int) bool {
	l := &p.lines[at]
	switch l.mark {
	case '+', '-':
		return len(key) == len(l.key)+1 && key[0] == l.mark && key[1:] == l.key
	case '@':
		return strings.HasPrefix(key, l.key)
	}
	return key == l.key
}
