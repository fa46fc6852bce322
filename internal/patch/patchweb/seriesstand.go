// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"slices"
	"strings"

	"patchwork.example/pw/internal/patch"
)

// title is the name of the series; that of its first patch that is here, if neither its cover letter nor its patch 1 is.
func (s seriesPage) title() string { return nameOf(s.series, s.patches) }

func nameOf(s *patch.SeriesDetail, patches []*patch.Row) string {
	if s.Name == "" && len(patches) > 0 {
		return shown(patches[0].Name)
	}
	return shown(s.Name)
}

// state says how many patches are in which state.
func (s seriesPage) state() string {
	all := s.stand.StateCounts()
	switch len(all) {
	case 0:
		return "no patches"
	case 1:
		return s.words.StateName(all[0].ID)
	}
	var out []string
	for _, t := range all {
		out = append(out, fmt.Sprintf("%d %s", t.Patches, s.words.StateName(t.ID)))
	}
	return strings.Join(out, ", ")
}

// actor is who must act, by name where he has one.
func (s seriesPage) actor() string {
	switch s.stand.Lane.Who() {
	case patch.WhoAuthor:
		return "author"
	case patch.WhoCI:
		return "CI"
	case patch.WhoNobody:
		return "nobody"
	}
	if names := s.delegates(); len(names) > 0 {
		return joined(names)
	}
	return "maintainer"
}

// delegates are the users that the patches which want something are delegated to.
func (s seriesPage) delegates() (names []string) {
	for _, r := range s.patches {
		if r.Delegate != 0 && !r.Archived && !slices.Contains(names, r.DelegateName) && slices.ContainsFunc(s.words.States, func(t patch.State) bool { return t.ID == r.State && (t.ActionRequired || t.AsksAuthor()) }) {
			names = append(names, r.DelegateName)
		}
	}
	return names
}

// because says why, with a colon before it.
func (s seriesPage) because() string {
	why := ""
	switch d := s.stand; d.Lane {
	case patch.LaneDone:
		why = "all patches are decided or archived"
		if d.Newer {
			why = "there is a newer version"
		}
	case patch.LaneAuthor:
		why = strings.Join(s.asked(), ", ")
	case patch.LaneChecks:
		why = countOf(d.Pending, "check is pending", "checks are pending")
	case patch.LaneReady:
		why = "reviewed, and no check says no"
	case patch.LaneNew:
		why = "nobody but the sender has answered yet"
	case patch.LaneReview:
		why = strings.Join(s.lacking(), ", ")
	}
	if why == "" {
		return ""
	}
	return ": " + why
}

// asked is what its author is asked for.
func (s seriesPage) asked() (out []string) {
	for _, t := range s.words.States {
		n := 0
		for _, r := range s.patches {
			if r.State == t.ID && !r.Archived && t.AsksAuthor() {
				n++
			}
		}
		if n > 0 {
			out = append(out, countOf(n, "patch is in the state ", "patches are in the state ")+t.Name)
		}
	}
	if n := s.series.Total - s.series.Received; n > 0 {
		out = append(out, countOf(n, "patch is missing", "patches are missing"))
	}
	if n := s.stand.Unaddressed; n > 0 {
		out = append(out, countOf(n, "comment is not addressed", "comments are not addressed"))
	}
	return out
}

// lacking is what a series in review does not have that one that is ready has.
func (s seriesPage) lacking() (out []string) {
	if d := s.stand; d.Reviewed < d.Open {
		out = append(out, fmt.Sprintf("%d of %s reviewed", d.Reviewed, countOf(d.Open, "open patch", "open patches")))
	}
	if n := s.stand.Fail; n > 0 {
		out = append(out, countOf(n, "check fails", "checks fail"))
	}
	if n := s.stand.Warning; n > 0 {
		out = append(out, countOf(n, "check warns", "checks warn"))
	}
	return out
}

// countOf is a number and the word for so many.
func countOf(n int, one, many string) string { return grouped(n) + " " + wordFor(n, one, many) }
