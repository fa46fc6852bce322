// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"fmt"
	"strings"
)

// didYouMean is a hint to append to an error: the known name nearest to name, or the only one that ends like it; empty if none is
// near.
func didYouMean(name string, known []string) string {
	best, bestDistance := "", max(2, len(name)/4)+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	if best == "" {
		best = onlyOneEndingIn(name, known)
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// onlyOneEndingIn finds http.base-url for base-url.
func onlyOneEndingIn(name string, known []string) string {
	last := name[strings.LastIndexByte(name, '.')+1:]
	found := ""
	for _, k := range known {
		if strings.HasSuffix(k, "."+last) {
			if found != "" {
				return ""
			}
			found = k
		}
	}
	return found
}

// distance is the number of bytes to insert, delete, replace, or swap with their neighbour that make a into b (optimal string
// alignment).
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
