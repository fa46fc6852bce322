// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"strings"

	"patchwork.example/pw/internal/format/diff"
)

// unit is a line as it is shown.
type unit struct {
	*diff.Line
	at, twin int          // which of the hunk's lines it is, and which other one, if their difference is not shown; -1: none
	changed  []diff.Range // words of the body that differ from the other side
}

// units are the lines of a hunk in the order in which they are shown. With spaces, lines that differ in white space only are context.
func units(h *diff.Hunk, spaces bool) []unit {
	out := make([]unit, 0, len(h.Lines))
	for i := 0; i < len(h.Lines); {
		if h.Marks != 1 || h.Lines[i].Kind != diff.Remove {
			out = append(out, unit{&h.Lines[i], i, -1, nil})
			i++
			continue
		}
		begin := i
		for i < len(h.Lines) && (h.Lines[i].Kind == diff.Remove || h.Lines[i].Kind == diff.Note && h.Lines[i-1].Kind == diff.Remove) {
			i++
		}
		middle := i
		for i < len(h.Lines) && (h.Lines[i].Kind == diff.Add || h.Lines[i].Kind == diff.Note && i > middle) {
			i++
		}
		if spaces {
			out = withoutSpaces(out, h, begin, middle, i)
		} else {
			for k := begin; k < i; k++ {
				out = append(out, unit{&h.Lines[k], k, -1, nil})
			}
		}
	}
	markWords(h, out)
	return out
}

// withoutSpaces adds removed lines, from begin, and added ones, from middle to end, those that differ in white space only as one.
func withoutSpaces(out []unit, h *diff.Hunk, begin, middle, end int) []unit {
	was := begin
	var waiting []unit
	for is := middle; is < end; is++ {
		key := bare(h.Body(&h.Lines[is]))
		k := was
		for k < middle && (h.Lines[k].Kind != diff.Remove || bare(h.Body(&h.Lines[k])) != key) {
			k++
		}
		if k == middle || h.Lines[is].Kind != diff.Add {
			waiting = append(waiting, unit{&h.Lines[is], is, -1, nil})
			continue
		}
		for ; was < k; was++ {
			out = append(out, unit{&h.Lines[was], was, -1, nil})
		}
		out = append(out, waiting...)
		waiting = waiting[:0]
		both := diff.Line{Kind: diff.Context, Old: h.Lines[k].Old, New: h.Lines[is].New, Text: " " + h.Body(&h.Lines[is])}
		out = append(out, unit{&both, is, k, nil})
		was = k + 1
	}
	for ; was < middle; was++ {
		out = append(out, unit{&h.Lines[was], was, -1, nil})
	}
	return append(out, waiting...)
}

// bare is a line without white space.
func bare(s string) string { return strings.Join(strings.Fields(s), "") }

// markWords finds the words that changed in removed lines that as many added ones follow.
func markWords(h *diff.Hunk, list []unit) {
	for i := 0; i < len(list); {
		begin := i
		for i < len(list) && list[i].Kind == diff.Remove {
			i++
		}
		n := i - begin
		for i < len(list) && list[i].Kind == diff.Add {
			i++
		}
		if n == 0 && i == begin {
			i++
			continue
		}
		if n == 0 || i-begin != 2*n {
			continue
		}
		for k := begin; k < begin+n; k++ {
			before, _ := cutLine(h.Body(list[k].Line))
			after, _ := cutLine(h.Body(list[k+n].Line))
			list[k].changed, list[k+n].changed = diff.Words(before, after)
		}
	}
}

// pair is a row of two columns; a nil side is empty.
type pair struct{ old, new *unit }

// pairs puts what was beside what is.
func pairs(list []unit) []pair {
	var out []pair
	for i := 0; i < len(list); {
		begin := i
		for i < len(list) && list[i].Kind == diff.Remove {
			i++
		}
		middle := i
		for i < len(list) && list[i].Kind == diff.Add {
			i++
		}
		if i == begin {
			out = append(out, pair{&list[i], &list[i]})
			i++
			continue
		}
		for k := range max(middle-begin, i-middle) {
			var p pair
			if begin+k < middle {
				p.old = &list[begin+k]
			}
			if middle+k < i {
				p.new = &list[middle+k]
			}
			out = append(out, p)
		}
	}
	return out
}
