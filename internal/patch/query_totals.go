// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"fmt"
	"sync"
	"time"

	"patchwork.example/pw/internal/base/clock"
)

const (
	totalsAge = time.Minute // how long a number is remembered
	maxTotals = 1000        // how many are
	dearTotal = 1000        // more patches than these that an index of words finds are; those of other queries from CountLimit on
)

// Totals remembers for a minute how many patches those queries find that no counter covers and that have many: to count
// them takes a walk through all of them. It is safe for concurrent use.
type Totals struct {
	clock clock.Clock
	rough bool // nothing is counted beyond CountLimit
	mu    sync.Mutex
	known map[string]total
}

type total struct {
	n    int
	plan wordPlan // by which way they were found
	at   clock.Time
}

// NewTotals makes an empty memory.
func NewTotals(c clock.Clock) *Totals { return &Totals{clock: c, known: map[string]total{}} }

// NewRoughTotals makes an empty memory of totals that are not counted beyond CountLimit.
func NewRoughTotals(c clock.Clock) *Totals {
	t := NewTotals(c)
	t.rough = true
	return t
}

// exact tells whether everything is counted.
func (t *Totals) exact() bool { return t != nil && !t.rough }

func (w *where) key() string { return fmt.Sprint(w.sql(), w.args) }

func (t *Totals) recall(key string) (total, bool) {
	if t == nil {
		return total{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.known[key]
	if !ok || t.clock.Now().Time().Sub(known.at.Time()) > totalsAge {
		return total{}, false
	}
	return known, true
}

func (t *Totals) keep(key string, n total) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.known) >= maxTotals {
		clear(t.known)
	}
	n.at = t.clock.Now()
	t.known[key] = n
}
