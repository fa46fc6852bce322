// SPDX-License-Identifier: GPL-2.0-or-later

package rangediff

import (
	"errors"
	"slices"
)

// Patch is one patch of a series.
type Patch struct {
	Name    string // one word that names it where git has the object name of a commit
	Author  string // Name <address>
	Message string // of the commit; its first line is the subject
	Diff    []byte // nil: none
}

// Status says what became of a patch, by the sign git has for it.
type Status byte

// What became of a patch.
const (
	Same    Status = '='
	Changed Status = '!'
	Dropped Status = '<'
	Added   Status = '>'
)

// Pair is a patch of one or both series.
type Pair struct {
	Status   Status
	Old, New int    // places in the series from 0; -1: not there
	Hunks    []Hunk // of a changed one: how text and diff differ
}

// What a comparison may cost.
const (
	MaxPatches = 500     // in a series
	MaxBytes   = 8 << 20 // of all diffs and messages together
)

// CreationFactor is git's own: how dear it is to take a patch for a new one, in percent of the lines of its diff. The higher the factor, the less alike
// patches are that still belong together; Loose puts together whatever it can.
const (
	CreationFactor = 60
	Loose          = 999
)

// ErrTooLarge is the error of what would cost too much.
var ErrTooLarge = errors.New("the series are too large to be compared")

// Compare matches the patches of two series and tells how they differ, in the order of the new series; a patch that was dropped stands where it was. factor is the CreationFactor. What is
// more than MaxPatches or MaxBytes, or too much alike to be told apart in a second or two, is ErrTooLarge.
func Compare(old, new []Patch, factor int) ([]Pair, error) {
	if err := bounded(old, new); err != nil {
		return nil, err
	}
	a, b := normaliseAll(old), normaliseAll(new)
	newOf, err := match(a, b, factor)
	if err != nil {
		return nil, err
	}
	oldOf := make([]int, len(b))
	for j := range oldOf {
		oldOf[j] = slices.Index(newOf, j)
	}
	var out []Pair
	shown := make([]bool, len(a))
	for i, j := 0, 0; i < len(a) || j < len(b); {
		for i < len(a) && shown[i] {
			i++
		}
		switch {
		case i < len(a) && newOf[i] < 0:
			out = append(out, Pair{Status: Dropped, Old: i, New: -1})
			i++
		case j < len(b) && oldOf[j] < 0:
			out = append(out, Pair{Status: Added, Old: -1, New: j})
			j++
		case j < len(b):
			out = append(out, pair(a, b, oldOf[j], j))
			shown[oldOf[j]] = true
			j++
		}
	}
	return out, nil
}

func bounded(old, new []Patch) error {
	bytes := 0
	for _, p := range slices.Concat(old, new) {
		bytes += len(p.Diff) + len(p.Message)
	}
	if len(old) > MaxPatches || len(new) > MaxPatches || bytes > MaxBytes {
		return ErrTooLarge
	}
	return nil
}

func normaliseAll(series []Patch) []normal {
	out := make([]normal, len(series))
	for i, p := range series {
		out[i] = normalise(p)
	}
	return out
}

func pair(a, b []normal, i, j int) Pair {
	p := Pair{Status: Same, Old: i, New: j}
	if !slices.Equal(a[i].whole, b[j].whole) {
		p.Status, p.Hunks = Changed, hunks(a[i].whole, b[j].whole)
	}
	return p
}
