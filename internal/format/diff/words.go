// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import (
	"unicode"
	"unicode/utf8"
)

// A Range is a stretch of a line, in bytes.
type Range struct{ Begin, End int }

// maxWords bounds the words of two lines that are compared with each other: their number is squared. Longer lines differ from their first different word to the last.
const maxWords = 100

// Words finds the words in which two lines differ. Lines that have little in common differ as a whole, and then there is nothing to point at: nil.
func Words(before, after string) (was, is []Range) {
	a, b := words(before), words(after)
	head := 0
	for head < len(a) && head < len(b) && before[a[head].Begin:a[head].End] == after[b[head].Begin:b[head].End] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && before[a[len(a)-1-tail].Begin:a[len(a)-1-tail].End] == after[b[len(b)-1-tail].Begin:b[len(b)-1-tail].End] {
		tail++
	}
	a, b = a[head:len(a)-tail], b[head:len(b)-tail]
	keepA, keepB := common(before, after, a, b)
	was, is = joined(a, keepA), joined(b, keepB)
	if !alike(before, was) || !alike(after, is) {
		return nil, nil
	}
	return was, is
}

// alike tells whether at least a third of a line, and something, is left when what changed is taken out.
func alike(s string, changed []Range) bool {
	left, word := 0, 0
	at := 0
	for _, r := range append(changed, Range{len(s), len(s)}) {
		for _, c := range s[at:r.Begin] {
			if !unicode.IsSpace(c) {
				left++
			}
		}
		at = r.End
	}
	for _, c := range s {
		if !unicode.IsSpace(c) {
			word++
		}
	}
	return left > 0 && left*3 >= word
}

// words cuts a line into words, runs of white space, and single other characters.
func words(s string) []Range {
	var out []Range
	for i := 0; i < len(s); {
		begin := i
		r, n := utf8.DecodeRuneInString(s[i:])
		kind := kindOf(r)
		for i += n; kind != 0 && i < len(s); i += n {
			if r, n = utf8.DecodeRuneInString(s[i:]); kindOf(r) != kind {
				break
			}
		}
		out = append(out, Range{begin, i})
	}
	return out
}

func kindOf(r rune) int {
	switch {
	case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
		return 1
	case unicode.IsSpace(r):
		return 2
	}
	return 0
}

// common marks the words of the longest sequence that both have.
func common(before, after string, a, b []Range) (keepA, keepB []bool) {
	keepA, keepB = make([]bool, len(a)), make([]bool, len(b))
	if len(a) > maxWords || len(b) > maxWords {
		return keepA, keepB
	}
	same := func(i, j int) bool { return before[a[i].Begin:a[i].End] == after[b[j].Begin:b[j].End] }
	w := len(b) + 1
	best := make([]uint8, (len(a)+1)*w)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if same(i, j) {
				best[i*w+j] = best[(i+1)*w+j+1] + 1
			} else {
				best[i*w+j] = max(best[(i+1)*w+j], best[i*w+j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case same(i, j):
			keepA[i], keepB[j] = true, true
			i, j = i+1, j+1
		case best[(i+1)*w+j] >= best[i*w+j+1]:
			i++
		default:
			j++
		}
	}
	return keepA, keepB
}

// joined are the words that are not kept, those that touch as one.
func joined(words []Range, keep []bool) []Range {
	var out []Range
	for i, r := range words {
		switch {
		case keep[i]:
		case len(out) > 0 && out[len(out)-1].End == r.Begin:
			out[len(out)-1].End = r.End
		default:
			out = append(out, r)
		}
	}
	return out
}
