// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/recent"
	"patchwork.example/pw/internal/base/sqldb"
)

const (
	totalsAge = time.Minute // how long a number is remembered although something was committed since
	maxFacts  = 1000        // how many are
	dearShare = 5           // what an index of words finds is dear to count from this part of fewFound on, which is 1,000 patches; that of other queries from CountLimit on
	keptHead  = 1000        // the first ones of a longer list
	keptFound = fewFound    // ids of a search, or of a page, that are remembered
	maxHeld   = 1 << 20     // ids that are remembered together: 8 MiB
)

// Stamp says in a text what is committed, see sqldb.DB.Stamp.
type Stamp func(context.Context) (stamp string, ok bool, err error)

// Totals remembers what was dear to find in lists, a bounded number of facts, each with the moment that it is of. A fact is true as long as its moment is the
// same; one that counts what arrives can be moved on to the present one; a number that is dear to count is used for a minute after that. It is safe for concurrent use.
type Totals struct {
	clock clock.Clock
	stamp Stamp
	rough bool // nothing is counted beyond CountLimit, no search by words beyond what is looked at
	facts *recent.Memory[string, fact]
}

// moment is what a list depends on: what is committed, of which its own counters are a part. Either says that nothing has happened to the list.
type moment struct {
	stamp string // empty: not known
	state string // see Query.state; empty: not known
}

func (m moment) same(now moment) bool {
	return m.stamp != "" && m.stamp == now.stamp || m.state != "" && m.state == now.state
}

// fact is what was found at a moment: a list as it was counted, the ids of a page, all patches with some words in their names, or places of a long list.
type fact struct {
	moment
	at  clock.Time // when it was last seen to be true
	top int64      // the highest id of a patch then, if it can be moved on; 0: it can't

	n            int
	more, beyond bool     // as in a Listing
	plan         wordPlan // by which way it was found
	dear         bool
	ids          []int64 // all of them in order, if they were found so and are few
	head         []int64 // the first ones, likewise
	steps        []step
}

func (f fact) weight() int { return len(f.ids) + len(f.head) + 3*len(f.steps) }

// follows tells whether nothing has happened but that those patches came that a look has seen: each is counted once.
func (f fact) follows(n look) bool {
	return f.top != 0 && n.looked <= maxArrived && f.state == arrivals(n.arrivals-int64(n.looked))
}

func arrivals(n int64) string { return "arrivals " + strconv.FormatInt(n, 10) }

// state says in a text what a list depends on beside its conditions; as long as it is the same, what was found in the order of id, date or name is true.
func (f Query) state(n look) string {
	switch {
	case f.Keyset() == "":
		return ""
	case f.whole():
		return arrivals(n.arrivals)
	}
	return "changes " + strconv.FormatInt(n.changes, 10)
}

// whole tells whether a list is all patches of its project, which only arrivals change.
func (f Query) whole() bool { return f.States == nil && f.Archived == nil && f.Delegates == nil }

// watched tells whether counters say that what was found in the list is true still: they do for one project, and nobody may see what is not committed.
func (f Query) watched(q sqldb.Queryer) bool {
	_, whole := q.(*sqldb.DB)
	return whole && f.Totals != nil && len(f.Projects) == 1 && !f.narrow() && f.arrived == 0
}

// NewTotals makes an empty memory; a nil stamp knows nothing.
func NewTotals(c clock.Clock, stamp Stamp) *Totals {
	return &Totals{clock: c, stamp: stamp, facts: recent.NewWeighed[string](maxFacts, maxHeld, fact.weight)}
}

// NewRoughTotals makes an empty memory of totals that are not counted beyond CountLimit, and those of searches by words not beyond what is looked at to find the way.
func NewRoughTotals(c clock.Clock, stamp Stamp) *Totals {
	t := NewTotals(c, stamp)
	t.rough = true
	return t
}

// exact tells whether everything is counted.
func (t *Totals) exact() bool { return t != nil && !t.rough }

func (w *where) key() string { return fmt.Sprint(w.sql(), w.args) }

// now is the stamp of what a query that comes after it sees; empty: there is none, as within a transaction, which sees more or less.
func (t *Totals) now(ctx context.Context, q sqldb.Queryer) string {
	if _, whole := q.(*sqldb.DB); t == nil || t.stamp == nil || !whole {
		return ""
	}
	stamp, ok, err := t.stamp(ctx)
	if err != nil || !ok { // whatever is wrong with the database, the query will say it
		return ""
	}
	return stamp
}

// recall is the fact of a name, whatever its moment, and whether it is true now.
func (t *Totals) recall(name string, now moment) (known fact, ok bool) {
	if t == nil {
		return fact{}, false
	}
	if known, ok = t.facts.Get(name); !ok || !known.same(now) {
		return known, false
	}
	known.stamp = cmp.Or(now.stamp, known.stamp)
	t.keep(name, known)
	return known, true
}

// aged tells whether a fact that is not true any more is used all the same.
func (t *Totals) aged(known fact) bool {
	return t != nil && known.dear && t.clock.Now().Time().Sub(known.at.Time()) <= totalsAge
}

// keep remembers a fact; of two of a name that were found at the same time one stays.
func (t *Totals) keep(name string, known fact) {
	if t == nil || known.moment == (moment{}) && !known.dear {
		return
	}
	if len(known.ids) > keptFound {
		known.ids, known.head = nil, known.ids
	}
	if len(known.head) > keptHead { // a page or ten, without the rest of a long list
		known.head = append([]int64{}, known.head[:keptHead]...)
	}
	known.at = t.clock.Now()
	t.facts.Put(name, known)
}
