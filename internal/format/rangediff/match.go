// SPDX-License-Identifier: GPL-2.0-or-later

package rangediff

import (
	"math"
	"slices"
	"strings"

	"znkr.io/diff"
)

// match gives each patch of a the place of its match in b, or -1. Equal diffs match first; the rest is the assignment that costs least, where a pair costs
// the lines of the difference of their diffs, and a patch without match a share of its own lines.
func match(a, b []normal, factor int) ([]int, error) {
	newOf := slices.Repeat([]int{-1}, len(a))
	taken := make([]bool, len(b))
	same := map[string][]int{}
	for j := range b {
		key := strings.Join(b[j].diff, "\n")
		same[key] = append(same[key], j)
	}
	for i := range a {
		key := strings.Join(a[i].diff, "\n")
		if js := same[key]; len(js) > 0 {
			newOf[i], same[key] = js[0], js[1:]
			taken[js[0]] = true
		}
	}
	var is, js []int
	for i := range a {
		if newOf[i] < 0 {
			is = append(is, i)
		}
	}
	for j := range b {
		if !taken[j] {
			js = append(js, j)
		}
	}
	m, err := costs(a, b, is, js, factor)
	if err != nil {
		return nil, err
	}
	for x, y := range assign(m) {
		if x < len(is) && y < len(js) {
			newOf[is[x]] = js[y]
		}
	}
	return newOf, nil
}

// never is dearer than any assignment.
const never = math.MaxInt32

// maxLines is how many lines costs may compare, each pair of patches counted.
const maxLines = 20 << 20

// costs is the square matrix of the assignment: patches of a and as many places for new patches as there are in b; patches of b and places for dropped ones.
func costs(a, b []normal, is, js []int, factor int) ([][]int, error) {
	n := len(is) + len(js)
	m := make([][]int, n)
	for x := range m {
		m[x] = make([]int, n)
	}
	words := interned{}
	left, right, compared := words.all(a, is), words.all(b, js), 0
	for x, i := range is {
		for y, j := range js {
			if compared += len(left[x].order) + len(right[y].order); compared > maxLines {
				return nil, ErrTooLarge
			}
			m[x][y] = pairCost(left[x], right[y], alone(a[i], factor)+alone(b[j], factor))
		}
		for y := len(js); y < n; y++ {
			m[x][y] = alone(a[i], factor)
		}
	}
	for y, j := range js {
		for x := len(is); x < n; x++ {
			m[x][y] = alone(b[j], factor)
		}
	}
	return m, nil
}

// alone is what it costs that a patch has no match.
func alone(n normal, factor int) int { return n.size * factor / 100 }

// lines is a diff with numbers for its lines: in order, and sorted.
type lines struct{ order, sorted []int }

type interned map[string]int

func (words interned) all(patches []normal, which []int) []lines {
	out := make([]lines, len(which))
	for x, i := range which {
		order := make([]int, len(patches[i].diff))
		for k, line := range patches[i].diff {
			id, ok := words[line]
			if !ok {
				id = len(words)
				words[line] = id
			}
			order[k] = id
		}
		sorted := slices.Clone(order)
		slices.Sort(sorted)
		out[x] = lines{order, sorted}
	}
	return out
}

// pairCost counts the lines of the difference of two diffs, with heads of hunks and three lines of context. What is surely no cheaper than two patches without
// match is not computed.
func pairCost(a, b lines, most int) int {
	if len(a.order)+len(b.order)-2*common(a.sorted, b.sorted) > most {
		return never
	}
	n := 0
	for _, h := range diff.Hunks(a.order, b.order, effort(len(a.order), len(b.order))...) {
		n += 1 + len(h.Edits)
	}
	return n
}

// effort chooses how hard to look for the shortest difference of so many lines: where they are few the shortest is found, as git does.
func effort(a, b int) []diff.Option {
	const few = 4 << 20
	if a*b > few {
		return []diff.Option{diff.Context(context)}
	}
	return []diff.Option{diff.Context(context), diff.Minimal()}
}

// common counts the elements that two sorted lists share.
func common(a, b []int) int {
	n := 0
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			n, a, b = n+1, a[1:], b[1:]
		}
	}
	return n
}
