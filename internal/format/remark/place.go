// SPDX-License-Identifier: GPL-2.0-or-later

package remark

import (
	"slices"
	"strings"

	"patchwork.example/pw/internal/format/diff"
)

// A Remark is what somebody said of a line.
type Remark struct {
	Mail             int // whose it is: an index of the mails
	File, Hunk, Line int // indexes in the diff; File is -1 if it is about the message of the patch
	Text             string
	Quote            string // the line it is about, as the diff has it; empty for the message
}

// What is looked at, at most.
const (
	maxLines      = 10_000 // of a mail
	maxMailBytes  = 4 << 20
	maxKey        = 400 // bytes of a line
	maxCandidates = 64
)

// Where a remark may stand besides at a line, which is its number.
const (
	nowhere   = -1
	atMessage = -2
)

// Place finds the remarks of the replies to a patch, which are given by date, the oldest first, with the text above its diff.
func Place(doc *diff.Doc, message string, mails []string) []Remark {
	p := placer{index: newIndex(doc), said: map[string]int{}}
	for line := range strings.Lines(message) {
		if k := keyOf(line); len(k) >= minSaid {
			p.said[k] = atMessage
		}
	}
	size := 0
	for i, text := range mails {
		if size += len(text); size > maxMailBytes {
			break
		}
		p.mail(i, text)
	}
	return p.out
}

// minSaid is how long a line must be to be known again, in bytes without white space.
const minSaid = 10

// twice marks lines that were said in several places.
const twice = -3

type placer struct {
	*index
	said map[string]int // lines of remarks, and of the message, and where they stand
	out  []Remark

	depth   int  // at which the current mail quotes the diff; 0: it does not
	cursor  int  // the last line of the diff that was quoted
	at      int  // where a remark would stand now
	strange int  // lines that were quoted last and are not in the diff
	foreign bool // another diff is quoted
	fresh   []said
}

type said struct {
	key string
	at  int
}

// mail places the remarks of one mail.
func (p *placer) mail(n int, text string) {
	lines := pieces(text)
	p.depth = p.depthOf(lines)
	p.cursor, p.at, p.strange, p.foreign, p.fresh = -1, nowhere, 0, false, p.fresh[:0]
	for i := 0; i < len(lines); {
		if lines[i].depth > 0 {
			p.quote(lines, i)
			i++
			continue
		}
		begin := i
		for i < len(lines) && lines[i].depth == 0 {
			i++
		}
		p.block(n, lines[begin:i], slices.ContainsFunc(lines[i:], func(l piece) bool { return l.key != "" }))
	}
	for _, s := range p.fresh { // only now: nobody answers himself
		if at, ok := p.said[s.key]; ok && at != s.at {
			s.at = twice
		}
		p.said[s.key] = s.at
	}
}

// depthOf finds the depth at which a mail quotes the diff: that of most of its marked lines.
func (p *placer) depthOf(lines []piece) int {
	var counts [16]int
	best := 0
	for _, l := range lines {
		if l.depth == 0 || l.depth >= len(counts) || len(l.key) < minStrong || len(p.find(l)) == 0 || markOf(l.key) == ' ' {
			continue
		}
		counts[l.depth]++
		if counts[l.depth] >= counts[best] {
			best = l.depth
		}
	}
	return best
}

// quote takes a quoted line in: it says where what follows stands.
func (p *placer) quote(lines []piece, i int) {
	l := lines[i]
	if l.depth == p.depth && p.depth > 0 {
		if isBehind(l.text) && p.cursor >= 0 {
			p.at = nowhere
			return
		}
		if at := p.align(lines, i); at >= 0 {
			p.quoted(at)
			return
		}
	}
	if l.key == "" {
		return
	}
	at, known := p.said[l.key]
	if known = known && len(l.key) >= minSaid && at != twice; known && at != atMessage && l.depth != p.depth || known && p.at < 0 {
		p.at = at
	}
	if !known {
		p.unknown(l)
	}
}

// quoted takes in that a line of the diff was quoted; an empty one of context is no place for a remark.
func (p *placer) quoted(at int) {
	p.cursor, p.strange = at, 0
	p.foreign = p.foreign && p.lines[at].mark != '@' && p.lines[at].mark != 'h'
	switch where := &p.lines[at]; {
	case where.mark == 'h' && where.hunk < 0 && !strings.HasPrefix(where.text, "+++"): // of the patch as a whole
		p.at = nowhere
	case where.mark == 'h' && where.hunk < 0, where.mark == '@':
		p.at = p.below(at)
	case where.mark == ' ' && (where.key == "" || p.foreign):
	case where.mark != 'h':
		p.at = at
	}
}

// below is the first line below the head of a hunk or a file, at which nothing can stand.
func (p *placer) below(at int) int {
	for n := at + 1; n < len(p.lines) && n < at+3 && p.lines[n].file == p.lines[at].file; n++ {
		if mark := p.lines[n].mark; mark != 'h' && mark != '@' {
			return n
		}
	}
	return nowhere
}

// maxStrange is how many quoted lines that are not in the diff may follow each other before what comes then is about them: they may be of another version.
const maxStrange = 2

// unknown takes in a quoted line that nobody has said before. It may be of another diff, which somebody proposed: what is said of that is not said of ours.
func (p *placer) unknown(l piece) {
	switch mark := markOf(l.key); {
	case mark == '@' && strings.Count(l.key, "@@") > 1, strings.HasPrefix(l.key, "diff--git"):
		p.at, p.foreign = nowhere, true
	case p.cursor >= 0 && strings.HasSuffix(p.lines[p.cursor].key, l.key): // the rest of a line that was wrapped
	case l.depth == p.depth && (p.cursor >= 0 || mark == '+' || mark == '-'):
		if p.strange++; p.strange > maxStrange || p.foreign && mark != ' ' {
			p.at = nowhere
		}
	}
}

// block takes in what is not quoted; more says whether quotes follow.
func (p *placer) block(n int, lines []piece, more bool) {
	own := make([]string, len(lines))
	for i, l := range lines {
		own[i] = l.text
	}
	text := clean(own, more)
	if text == "" {
		return
	}
	at := p.at
	if at >= p.last && tagLine.MatchString(text) || isVerdict(text) { // behind all of it, or nothing but a tag: of the patch
		at = nowhere
	}
	for _, l := range lines {
		if beginsDiff.MatchString(l.text) { // which is quoted for itself
			break
		}
		if len(l.key) >= minSaid {
			p.fresh = append(p.fresh, said{l.key, at})
		}
	}
	switch {
	case at >= 0:
		l := p.lines[at]
		p.out = append(p.out, Remark{n, int(l.file), int(l.hunk), int(l.line), text, l.text})
	case at == atMessage:
		p.out = append(p.out, Remark{Mail: n, File: -1, Text: text})
	}
}
