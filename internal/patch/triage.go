// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/clock"
)

// Lane is where a series stands on its way to being decided. Each series is in one.
type Lane int

// The lanes. They follow from stored columns alone, see facts.lane.
const (
	LaneHidden Lane = iota - 1 // nothing of it may be shown
	LaneDone                   // nothing is to be done: decided, archived, or there is a newer version
	LaneNew                    // nobody but its sender and programs has answered it, and no patch is reviewed
	LaneReady                  // each open patch is reviewed, and no check says no
	LaneReview                 // somebody has answered, but it is not ready
	LaneAuthor                 // its author is asked for something, or has not sent all of it
	LaneChecks                 // checks run
)

// OpenLanes are the lanes of what is still to be decided.
func OpenLanes() []Lane { return []Lane{LaneNew, LaneReady, LaneReview, LaneAuthor, LaneChecks} }

// Who must act on a series.
const (
	WhoNobody     = "nobody"
	WhoMaintainer = "maintainer"
	WhoAuthor     = "author"
	WhoCI         = "ci"
)

// Who must act on a series in this lane: one of the Who….
func (l Lane) Who() string {
	switch l {
	case LaneNew, LaneReady, LaneReview:
		return WhoMaintainer
	case LaneAuthor:
		return WhoAuthor
	case LaneChecks:
		return WhoCI
	}
	return WhoNobody
}

// authorStates are the slugs of states that ask the author for something.
var authorStates = []string{"changes-requested", "needs-resend", "needs-revision", "needs-rebase", "needs-changes"}

// reviewTags are the names of tags that say that somebody has reviewed a patch.
var reviewTags = []string{"reviewed-by", "acked-by"}

// Stand is what lists of series show of one beside its own columns; see the table series_triage.
type Stand struct {
	Lane                            Lane
	Date                            clock.Time
	ActiveAt                        clock.Time `db:"active_at"` // date of its newest mail
	Newer                           bool       // there is a newer version
	Patches                         int        // that are shown
	Open                            int        // not archived and in a state that requires action
	Reviewed                        int        // of those
	Comments                        int        // on its patches and its cover letter
	Unaddressed                     int        // of those
	Pending, Success, Warning, Fail int        // newest checks of patches that are not archived
	States, Tags, Delegates         string
}

// facts are what a stand follows from.
type facts struct {
	Stand
	project, submitter int64
	total, received    int
	part               bool // it sends a part of another series again
	cover              bool // it has a cover letter that is shown
	waiting            int  // patches, not archived, in one of the authorStates
	others             int  // comments by others than its sender, and by people
	states, tags       map[int64]int
	delegates          map[int64]bool
}

// lane decides where a series stands. The first that applies counts:
//   - nothing of it is shown: hidden;
//   - there is a newer version, or no patch requires action or waits for its author: done;
//   - a patch is in a state that asks its author, or patches are missing (unless it sends some of another series again), or a comment is not addressed: its author;
//   - a check is pending: the checks;
//   - all that is open is reviewed, and no check warns or fails: ready;
//   - nobody else has said anything, programs aside: it needs a first review; else it is in review.
//
// A check that fails moves nothing by itself: machines err, and whoever reads the row sees it.
func (f *facts) lane() Lane {
	switch {
	case f.Patches == 0 && !f.cover:
		return LaneHidden
	case f.Newer || f.Open == 0 && f.waiting == 0:
		return LaneDone
	case f.waiting > 0 || f.received < f.total && !f.part || f.Unaddressed > 0:
		return LaneAuthor
	case f.Pending > 0:
		return LaneChecks
	case f.Reviewed == f.Open && f.Warning == 0 && f.Fail == 0:
		return LaneReady
	case f.others == 0 && f.Reviewed == 0:
		return LaneNew
	}
	return LaneReview
}

// stand is what is stored.
func (f *facts) stand() Stand {
	s := f.Stand
	s.Lane, s.States, s.Tags = f.lane(), writeTally("", f.states), writeTally(f.full(), f.tags)
	s.Delegates = ""
	for _, id := range slices.Sorted(maps.Keys(f.delegates)) {
		s.Delegates = appended(s.Delegates, strconv.FormatInt(id, 10))
	}
	return s
}

// maxTally is how long a list of numbers is, in bytes; what does not fit is left out.
const maxTally = 255

func appended(list, item string) string {
	switch {
	case list == "":
		return item
	case len(list)+1+len(item) > maxTally:
		return list
	}
	return list + " " + item
}

// full lists the tags that all patches have.
func (f *facts) full() string {
	list := ""
	for _, tag := range slices.Sorted(maps.Keys(f.tags)) {
		if f.tags[tag] == f.Patches {
			list = appended(list, fullTag(tag))
		}
	}
	return list
}

func fullTag(tag int64) string { return fmt.Sprintf("=%d", tag) }

// writeTally writes behind a list how many patches have each of something, the most frequent first.
func writeTally(list string, n map[int64]int) string {
	keys := slices.SortedFunc(maps.Keys(n), func(a, b int64) int { return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b)) })
	for _, k := range keys {
		if n[k] > 0 {
			list = appended(list, fmt.Sprintf("%d:%d", k, n[k]))
		}
	}
	return list
}

// Tally is how many patches of a series have something: are in a state, or have a tag.
type Tally struct {
	ID      int64
	Patches int
}

func readTally(list string) []Tally {
	var out []Tally
	for item := range strings.FieldsSeq(list) {
		if strings.HasPrefix(item, "=") {
			continue
		}
		id, n, _ := strings.Cut(item, ":")
		var t Tally
		t.ID, _ = strconv.ParseInt(id, 10, 64)
		t.Patches, _ = strconv.Atoi(n)
		out = append(out, t)
	}
	return out
}
