// SPDX-License-Identifier: GPL-2.0-or-later

package django

import (
	"patchwork.example/pw/internal/format/trailer"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
)

// facts is what the mails of series say of them beyond what the old site has noted, so that new versions and late mails find them.
type facts struct {
	covers map[int64]*said // by cover letter
	series map[int64]*sent // by series
}

// said is what one mail says of its series.
type said struct {
	name         string
	refs         []string // key forms, nearest first
	change, base string
}

// sent is what the patches of a series say of it.
type sent struct {
	first    *said // the patch with the lowest number
	lowest   int
	numbers  []int
	threaded bool
	change   string // of the first patch that names one, and so on
	base     string
	nearest  map[string]int // reference (key form) → distance
}

func newFacts() facts { return facts{map[int64]*said{}, map[int64]*sent{}} }

// readSaid takes from a mail what it says of its series.
func readSaid(name string, m mailstore.ImportedMessage, refs []string) *said {
	s := &said{name: name, refs: refs}
	if m.Text != nil {
		links := trailer.ReadLinks(*m.Text)
		s.change, s.base = links.ChangeID, links.BaseCommit
	}
	return s
}

func (f facts) of(series int64) *sent {
	if f.series[series] == nil {
		f.series[series] = &sent{nearest: map[string]int{}}
	}
	return f.series[series]
}

// addPatch notes what a patch says of its series; 0: it has none. Patches come in the order of their ids.
func (f facts) addPatch(series int64, number *int, v *said) {
	if series == 0 {
		return
	}
	s := f.of(series)
	s.threaded = s.threaded || len(v.refs) > 0
	s.refer(v.refs)
	if number != nil {
		s.numbers = append(s.numbers, *number)
		if s.first == nil || *number < s.lowest {
			s.first, s.lowest = v, *number
		}
	}
	if s.change == "" {
		s.change = v.change
	}
	if s.base == "" {
		s.base = v.base
	}
}

func (s *sent) refer(refs []string) {
	for i, ref := range refs {
		if old, ok := s.nearest[ref]; !ok || i+1 < old {
			s.nearest[ref] = i + 1
		}
	}
}

// describe adds to a series what its mails say: the cover letter before the first patch before the others.
func (f facts) describe(s *patch.ImportedSeries) {
	patches := f.of(s.ID)
	here := 0
	for _, n := range patches.numbers {
		if n >= 1 && n <= s.Total {
			here++
		}
	}
	s.Threaded, s.Completed = patches.threaded, s.Total > 0 && here == s.Total
	for _, v := range []*said{f.covers[s.Cover], patches.first, {change: patches.change, base: patches.base}} {
		if v == nil {
			continue
		}
		first(&s.ChangeID, v.change)
		first(&s.BaseCommit, v.base)
	}
	if c := f.covers[s.Cover]; c != nil {
		s.Title = c.name
		patches.refer(c.refs)
	} else if patches.lowest == 1 && patches.first != nil {
		s.Title = patches.first.name
	}
}

// first keeps what is said first.
func first(v *string, also string) {
	if *v == "" {
		*v = also
	}
}

// distance is how far a Message-ID is from the nearest mail of a series that refers to it. Those that none does, such as its own, stand as near as can be.
func (f facts) distance(series int64, key string) int {
	return max(f.of(series).nearest[key], 1)
}
