// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/format/fold"
)

// Series is patches that were sent together, with their cover letter.
type Series struct {
	ID        int64
	Project   int64 `db:"project_id"`
	Cover     int64 `db:"cover_id"`    // 0: none
	Previous  int64 `db:"previous_id"` // the series this one is a new version of; 0: none known
	Name      string
	Date      clock.Time
	Submitter int64 `db:"submitter_id"`
	Version   int
	Total     int
	Received  int   // patches that are here
	State     int64 `db:"state_id"` // what all patches share; 0: none, or they differ

	numbers     map[int]int64 // number → patch
	awaits      bool          // one of its references is no mail of it: other mails of its thread are still to come
	firstName   string        // of patch 1, empty if it is not here
	dirty       bool
	unannounced bool // it is new, and its event is not raised yet
}

const seriesColumns = `s.id, COALESCE(s.project_id, 0) AS project_id, COALESCE(s.cover_id, 0) AS cover_id, COALESCE(s.previous_id, 0) AS previous_id,
	COALESCE(s.name, '') AS name, s.date, s.submitter_id, s.version, s.total, s.received, COALESCE(s.state_id, 0) AS state_id`

// Has tells whether the series has a patch with this number.
func (s *Series) Has(number int) bool { return s.numbers[number] != 0 }

// Threaded tells whether a mail that belongs to the series must be reachable from it by references: it has a cover letter, or its mails answer one that
// is not here.
func (s *Series) Threaded() bool { return s.Cover != 0 || s.awaits }

// Numbers are the numbers of the patches that are here, unordered.
func (s *Series) Numbers() []int {
	out := make([]int, 0, len(s.numbers))
	for n := range s.numbers {
		out = append(out, n)
	}
	return out
}

// complete tells whether every number from 1 to Total is here.
func (s *Series) complete() bool {
	for n := 1; n <= s.Total; n++ {
		if !s.Has(n) {
			return false
		}
	}
	return s.Total > 0
}

// completedBy lists the patches that have all their predecessors once number is here: number itself and those that follow it without a
// gap; empty as long as a predecessor of number is missing.
func (s *Series) completedBy(number int) []int64 {
	for n := 1; n < number; n++ {
		if !s.Has(n) {
			return nil
		}
	}
	var out []int64
	for n := number; s.Has(n); n++ {
		out = append(out, s.numbers[n])
	}
	return out
}

// attach puts a patch into the series under number and keeps the roll-ups; name is the patch's.
func (s *Series) attach(patch int64, number int, name string, state int64) {
	if s.numbers == nil {
		s.numbers = map[int]int64{}
	}
	s.numbers[number] = patch
	if s.Received == 0 {
		s.State = state
	} else if s.State != state {
		s.State = 0
	}
	s.Received++
	if number == 1 {
		s.firstName = name
		if s.Name == "" {
			s.Name = name
		}
	}
	s.dirty = true
}

// setCover gives the series its cover letter, unless it has one. A series that is named after its first patch is renamed after the cover;
// one that was named by a user keeps its name.
func (s *Series) setCover(cover int64, name string) {
	if s.Cover != 0 {
		return
	}
	s.Cover, s.dirty = cover, true
	if s.Name == "" || s.Name == s.firstName {
		s.Name = fold.Cut(withoutPrefix(name), 255)
	}
}

func withoutPrefix(name string) string {
	for strings.HasPrefix(name, "[") {
		_, rest, ok := strings.Cut(name, "]")
		if !ok {
			break
		}
		name = strings.TrimSpace(rest)
	}
	return name
}
