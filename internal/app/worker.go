// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"time"

	"patchwork.example/pw/internal/account"
)

// sweepEvery is how often what has expired is removed.
const sweepEvery = 10 * time.Minute

// Work does what has to be done from time to time until ctx ends. Any number of processes may do so on one database. What fails is
// logged and tried again the next time.
func (a *App) Work(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		n, err := account.Sweep(ctx, a.DB, a.Clock.Now())
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			a.Log.Warn("housekeeping failed, trying again later", "err", err)
		case n > 0:
			a.Log.Info("housekeeping", "expired sessions", n)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
