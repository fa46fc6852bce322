// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

const (
	totalsAge = time.Minute // how long a number is remembered although something was committed since
	maxTotals = 1000        // how many are
	dearShare = 10          // what an index of words finds is dear to count from this part of fewFound on, which is 1,000 patches; that of other queries from CountLimit on
	keptHead  = 1000        // the first ones of a longer list
	keptFound = fewFound    // ids of a search, or of a page, that are remembered
	maxHeld   = 1 << 20     // ids that are remembered together: 8 MiB
)

// Stamp says in a text what is committed, see sqldb.DB.Stamp.
type Stamp func(context.Context) (stamp string, ok bool, err error)

// Totals remembers how many patches those queries find that no counter covers: to count them takes a walk through many. Until something is
// committed a number is true; for a minute those are used after that whose counting is dear. It is safe for concurrent use.
type Totals struct {
	clock clock.Clock
	stamp Stamp
	rough bool // nothing is counted beyond CountLimit
	mu    sync.Mutex
	known map[string]total
	sets  map[string]nameSet
	far   map[string]ladder
	held  int // ids in both
}

type total struct {
	n            int
	more, beyond bool     // as in a Listing
	plan         wordPlan // by which way they were found
	found        []int64  // all of them in order, if they were found so and are few
	head         []int64  // the first ones, likewise
	dear         bool
	at           clock.Time
	stamp        string // of what was committed; empty: not known
	state        string // of what the list depends on, see Query.state; empty: not known
}

// NewTotals makes an empty memory; a nil stamp knows nothing.
func NewTotals(c clock.Clock, stamp Stamp) *Totals {
	return &Totals{clock: c, stamp: stamp, known: map[string]total{}, sets: map[string]nameSet{}, far: map[string]ladder{}}
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

// recall finds a number. aged tells that it may have changed since.
func (t *Totals) recall(key, stamp string) (known total, aged, ok bool) {
	if t == nil {
		return total{}, false, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok = t.known[key]
	switch {
	case !ok:
		return total{}, false, false
	case stamp != "" && known.stamp == stamp:
		known.at = t.clock.Now()
		t.known[key] = known
		return known, false, true
	case known.dear && t.clock.Now().Time().Sub(known.at.Time()) <= totalsAge:
		known.found, known.head = nil, nil
		return known, true, true
	}
	return total{}, false, false
}

// before is what is remembered from whatever time.
func (t *Totals) before(key string) total {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.known[key]
}

// names is the set that is remembered under a name; without ids: none.
func (t *Totals) names(key string) nameSet {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sets[key]
}

// place finds the ids of a page that is as it was.
func (t *Totals) place(key, stamp, state string) ([]int64, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.known[key]
	if !ok || (stamp == "" || known.stamp != stamp) && (state == "" || known.state != state) {
		return nil, false
	}
	return known.found, true
}

func (t *Totals) keep(key string, n total) {
	if t == nil || n.stamp == "" && n.state == "" && !n.dear {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n.at = t.clock.Now()
	if len(n.found) > keptFound {
		n.found, n.head = nil, n.found
	}
	n.head = slices.Clone(n.head[:min(len(n.head), keptHead)]) // a page or ten, without the rest of a long list
	old := t.known[key]
	t.room(len(old.found)+len(old.head), len(n.found)+len(n.head))
	t.known[key] = n
}

// room makes room for some ids in the place of others; if there are too many, everything is forgotten.
func (t *Totals) room(old, ids int) {
	if t.held += ids - old; t.held > maxHeld || len(t.known)+len(t.sets)+len(t.far) >= maxTotals {
		clear(t.known)
		clear(t.sets)
		clear(t.far)
		t.held = ids
	}
}

func (t *Totals) keepNames(key string, s nameSet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.room(len(t.sets[key].ids), len(s.ids))
	t.sets[key] = s
}

// ladder is what is remembered of the places of a list.
func (t *Totals) ladder(name string) ladder {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.far[name]
}

// keepLadder remembers places; of two that were found at the same time one stays.
func (t *Totals) keepLadder(name string, l ladder) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.room(0, 0)
	t.far[name] = l
}
