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

	depth  int // at which the current mail quotes the diff; 0: it does not
	cursor int // the last line of the diff that was quoted
	at     int // where a remark would stand now
	fresh  []said
}

type said struct {
	key string
	at  int
}

// mail places the remarks of one mail.
func (p *placer) mail(n int, text string) {
	lines := pieces(text)
	p.depth = p.depthOf(lines)
	p.cursor, p.at, p.fresh = -1, nowhere, p.fresh[:0]
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
			p.cursor = at
			if where := &p.lines[at]; where.mark != '@' && where.mark != 'h' && (where.key != "" || where.mark != ' ') {
				p.at = at
			}
			return
		}
	}
	if at, ok := p.said[l.key]; ok && len(l.key) >= minSaid && at != twice && (at != atMessage || p.at < 0) {
		p.at = at
	}
}

// block takes in what is not quoted; more says whether quotes follow.
func (p *placer) block(n int, lines []piece, more bool) {
	own := make([]string, len(lines))
	for i, l := range lines {
		own[i] = l.text
	}
	text := clean(own)
	if text == "" {
		return
	}
	at := p.at
	if at == p.last && tagLine.MatchString(text) || !more && isVerdict(text) { // behind all of it, or of what was quoted of it: of the patch
		at = nowhere
	}
	for _, l := range lines {
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
