// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/mailstore"
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

	PreviousBy Sign   `db:"previous_by"` // what says so; 0: nothing
	ChangeID   string `db:"change_id"`   // what b4 calls all versions by
	BaseCommit string `db:"base_commit"` // what the patches apply to
	NameKey    string `db:"name_key"`    // sender and folded name of the cover letter or first patch, by which versions find each other
	Run        int    // what is known of the run of git-send-email or b4 that sent it: NoRun to FirstRun
	Threaded   bool   // one of its patches answers a mail
	Completed  bool   // it had all its patches once
	Withheld   bool   // it shows no mail

	numbers     map[int]int64 // number → patch
	awaits      int           // mails that its mails refer to and that are not here
	firstName   string        // of patch 1, empty if it is not here
	nameBase    string        // NameKey without the sender
	stored      identity      // as it was before
	dirty       bool
	unwritten   bool // it is new
	unannounced bool // and its event is not raised yet
}

// loaded notes how the series is stored.
func (s *Series) loaded() {
	s.stored, s.nameBase = s.identity(), s.nameOnly()
}

// part tells whether the series is patches of its previous one sent again, and not all of them: that one is not replaced by it.
func (s *Series) part() bool { return s.PreviousBy == SignResend && s.Received < s.Total }

// What the Message-IDs of a series tell of how it was sent.
const (
	NoRun    = iota
	InRun    // one of its mails was sent by git-send-email or b4
	LoneRun  // as the first of a run that may have sent it alone
	FirstRun // in a run that began with the first mail of the series and sent others too
)

const seriesColumns = `s.id, COALESCE(s.project_id, 0) AS project_id, COALESCE(s.cover_id, 0) AS cover_id, COALESCE(s.previous_id, 0) AS previous_id,
	COALESCE(s.name, '') AS name, s.date, s.submitter_id, s.version, s.total, s.received, COALESCE(s.state_id, 0) AS state_id, COALESCE(s.previous_by, 0) AS previous_by,
	COALESCE(s.change_id, '') AS change_id, COALESCE(s.base_commit, '') AS base_commit, COALESCE(s.name_key, '') AS name_key, s.run, s.threaded, s.completed, s.id IN (SELECT w.id FROM withheld w WHERE w.kind = 'series') AS withheld`

// Has tells whether the series has a patch with this number.
func (s *Series) Has(number int) bool { return s.numbers[number] != 0 }

// Closed tells whether a mail with references that belongs to the series must be reachable from it by them: it has a cover letter, or its mails answer one
// that is not here.
func (s *Series) Closed() bool { return s.Cover != 0 || s.awaits > 0 }

// Awaits tells whether a mail of the series refers to one that is not here.
func (s *Series) Awaits() bool { return s.awaits > 0 }

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

// join takes in what a mail says of the whole series, before it is attached: number 0 is the cover letter. The date is that of the earliest mail.
// Sender, version and total are those of the cover letter, else of the first patch that is here, in whatever order they come; so are the
// change-id and the base commit, as far as it names them.
func (s *Series) join(number int, m *mailstore.Message, version, total int, links Links) {
	s.dirty = true
	if m.Date < s.Date {
		s.Date = m.Date
	}
	leads := number == 0 || s.Cover == 0
	for n := range s.numbers {
		leads = leads && (number == 0 || number < n)
	}
	if leads {
		s.Submitter, s.Version, s.Total = m.Submitter, version, total
	}
	if links.ChangeID != "" && (leads || s.ChangeID == "") {
		s.ChangeID = links.ChangeID
	}
	if links.BaseCommit != "" && (leads || s.BaseCommit == "") {
		s.BaseCommit = links.BaseCommit
	}
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
		if s.Cover == 0 {
			s.nameBase = nameKey(name)
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
	s.Cover, s.dirty, s.nameBase = cover, true, nameKey(name)
	if s.Name == "" || s.Name == s.firstName {
		s.Name = fold.Cut(withoutPrefix(name), 255)
	}
}

// nameKey is by what name versions of a series find each other.
func nameKey(name string) string {
	return fold.Cut(fold.Collapse(fold.Key(withoutPrefix(name))), 230) // there must be room for a number before it
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
