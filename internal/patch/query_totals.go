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
)

// Totals remembers for a minute how many patches those queries find that have more than CountLimit and that no counter covers: to count
// them takes a walk through all of them. It is safe for concurrent use.
type Totals struct {
	clock clock.Clock
	mu    sync.Mutex
	known map[string]total
}

type total struct {
	n  int
	at clock.Time
}

// NewTotals makes an empty memory.
func NewTotals(c clock.Clock) *Totals { return &Totals{clock: c, known: map[string]total{}} }

func (w *where) key() string { return fmt.Sprint(w.sql(), w.args) }

func (t *Totals) recall(w *where) (int, bool) {
	if t == nil {
		return 0, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.known[w.key()]
	if !ok || t.clock.Now().Time().Sub(known.at.Time()) > totalsAge {
		return 0, false
	}
	return known.n, true
}

func (t *Totals) keep(w *where, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.known) >= maxTotals {
		clear(t.known)
	}
	t.known[w.key()] = total{n, t.clock.Now()}
}
