// SPDX-License-Identifier: GPL-2.0-or-later

package rangediff

import "math"

// assign finds the column of each row of a square matrix of costs such that their sum is least (the Hungarian method with shortest augmenting paths, O(n³)).
func assign(cost [][]int) []int {
	n := len(cost)
	s := solver{cost: cost, u: make([]int, n), v: make([]int, n+1), rowOf: make([]int, n+1), from: make([]int, n+1)}
	for j := range s.rowOf {
		s.rowOf[j] = -1
	}
	for i := range n {
		s.add(i)
	}
	out := make([]int, n)
	for j, i := range s.rowOf[:n] {
		out[i] = j
	}
	return out
}

// solver holds the dual of the problem: u of rows, v of columns, and the rows that columns have so far. Column n is none: a path begins there.
type solver struct {
	cost        [][]int
	u, v        []int
	rowOf, from []int
}

// add gives one more row a column, along the cheapest path on which others move on.
func (s *solver) add(row int) {
	n := len(s.cost)
	dist, done := make([]int, n+1), make([]bool, n+1)
	for j := range dist {
		dist[j] = math.MaxInt
	}
	s.rowOf[n] = row
	at := n
	for s.rowOf[at] >= 0 {
		done[at] = true
		at = s.step(at, dist, done)
	}
	for at != n {
		s.rowOf[at] = s.rowOf[s.from[at]]
		at = s.from[at]
	}
	s.rowOf[n] = -1
}

// step looks at the row of a column and returns the nearest column not done yet.
func (s *solver) step(at int, dist []int, done []bool) int {
	n, row := len(s.cost), s.rowOf[at]
	next, least := n, math.MaxInt
	for j := range n {
		if done[j] {
			continue
		}
		if d := s.cost[row][j] - s.u[row] - s.v[j]; d < dist[j] {
			dist[j], s.from[j] = d, at
		}
		if dist[j] < least {
			next, least = j, dist[j]
		}
	}
	for j := range n + 1 {
		switch {
		case done[j]:
			s.u[s.rowOf[j]] += least
			s.v[j] -= least
		case j < n:
			dist[j] -= least
		}
	}
	return next
}
