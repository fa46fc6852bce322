// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"context"
	"log/slog"
	"time"
)

// Followed is a place that gets new mail and is read again and again.
type Followed interface {
	Name() string // as an administrator wrote it, without secrets; the key of its position
	Kind() string
	// round takes in what is new. It returns nil when it is time to wait for the next round, or when ctx ended.
	round(ctx context.Context, in *Intake, log *slog.Logger) error
	// every is how long to wait between rounds.
	every() time.Duration
}

const (
	firstRetry = 5 * time.Second // after a round that failed; doubled each time
	lastRetry  = 5 * time.Minute
)

// Follow takes in what s gets until ctx ends. What fails is logged, kept with the source, and tried again, later each time. Any number of processes may
// follow the same source on one database: they take turns.
func (in *Intake) Follow(ctx context.Context, s Followed, log *slog.Logger) {
	log = log.With("source", s.Name())
	log.Info("following")
	for retry := firstRetry; ctx.Err() == nil; {
		began := time.Now()
		wait := s.every()
		if err := s.round(ctx, in, log); err != nil && ctx.Err() == nil {
			if time.Since(began) > lastRetry { // it worked for a while
				retry = firstRetry
			}
			log.Warn("a source of mail can't be read, trying again", "in", retry, "error", err)
			in.failed(ctx, s, err)
			wait, retry = min(retry, max(wait, firstRetry)), min(2*retry, lastRetry)
		} else {
			retry = firstRetry
		}
		pause(ctx, wait)
	}
	log.Info("following no more")
}

// pause waits so long, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
