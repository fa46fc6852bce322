// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/patch"
)

// Check looks for rows of the whole database that are not as they must be, and with repair makes the roll-ups true again. step hears the name
// of each probe.
func (a *App) Check(ctx context.Context, repair bool, step func(string)) ([]patch.Finding, error) {
	var out []patch.Finding
	err := a.DB.Tx(ctx, func(tx *sqldb.Tx) (err error) {
		if out, err = patch.Check(ctx, tx, repair, step); err != nil {
			return err
		}
		for _, p := range a.probes(repair) {
			step(p.what)
			n, err := p.count(ctx, tx)
			if err != nil {
				return err
			}
			if n > 0 {
				out = append(out, patch.Finding{What: p.what, Rows: n, Repairable: p.mends, Repaired: p.mends && repair})
			}
		}
		return nil
	})
	return out, err
}

// probe is a check of what belongs to no domain.
type probe struct {
	what  string
	mends bool
	count func(context.Context, *sqldb.Tx) (int64, error) // and, where it can and shall, repairs
}

func (a *App) probes(repair bool) []probe {
	return []probe{
		{"positions above the highest one that was given", true, func(ctx context.Context, tx *sqldb.Tx) (int64, error) { return event.Ahead(ctx, tx, repair) }},
		{"counts of events", true, func(ctx context.Context, tx *sqldb.Tx) (int64, error) { return event.Miscounted(ctx, tx, repair) }},
		{"events that have no position after an hour (no worker runs)", false, func(ctx context.Context, tx *sqldb.Tx) (int64, error) {
			return event.Late(ctx, tx, a.Clock.Now().Add(-time.Hour))
		}},
		{"targets of jobs that nobody works on", true, func(ctx context.Context, tx *sqldb.Tx) (int64, error) { return job.Orphans(ctx, tx, repair) }},
	}
}
