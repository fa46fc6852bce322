// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"context"
	"strconv"
	"sync"
	"time"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/rest"
)

const (
	followPoll  = time.Second // how long a new event can go unseen when nobody wakes us, as where another process has written it
	followBatch = 100         // events that are read at once
)

// tail knows the position of the last event for all who wait for it: together they ask once where each would.
type tail struct {
	mu    sync.Mutex
	pos   int64
	asked time.Time
}

// last is the position of the last event, as of some moment not before since.
func (t *tail) last(ctx context.Context, q sqldb.Queryer, since time.Time) (int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asked.After(since) {
		return t.pos, nil
	}
	now := time.Now()
	pos, err := event.Last(ctx, q)
	if err == nil {
		t.pos, t.asked = pos, now
	}
	return pos, err
}

// followEvents answers with a stream of the events behind a position: that in Last-Event-ID, else after, else the last there is.
func (f *face) followEvents(c *rest.Call, q event.Query, none bool) error {
	pos, err := f.followFrom(c, q)
	if err != nil {
		return err
	}
	wake, stop := f.db.Wakeups(event.WakeReaders)
	defer stop()
	ctx := c.R.Context()
	return c.Stream(func(s *rest.Stream) error {
		since := time.Now()
		for {
			next, err := f.sendEvents(c, s, q, none, pos, since)
			if err != nil && !fault.Is(err, fault.Unavailable) { // of a database that is away for a moment the client need not know
				return err
			}
			if err == nil && next > pos {
				pos = next
				continue
			}
			asleep := time.Now()
			if !s.Wait(ctx, wake, followPoll, strconv.FormatInt(pos, 10)) {
				return nil
			}
			if since = time.Now(); since.Sub(asleep) >= followPoll {
				since = since.Add(-followPoll / 2) // nobody woke us: what another has asked a moment ago will do
			}
		}
	})
}

func (f *face) followFrom(c *rest.Call, q event.Query) (int64, error) {
	if err := followable(q); err != nil {
		return 0, err
	}
	if last, err := strconv.ParseInt(c.R.Header.Get("Last-Event-ID"), 10, 64); err == nil && last >= 0 {
		return last, nil
	}
	if c.Filters().Has("after") {
		return f.position(c, q)
	}
	return event.Last(c.R.Context(), f.db)
}

// sendEvents writes the events behind pos to a stream, some at a time, and gives the position up to which there are no more of them.
func (f *face) sendEvents(c *rest.Call, s *rest.Stream, q event.Query, none bool, pos int64, since time.Time) (int64, error) {
	ctx := c.R.Context()
	last, err := f.tail.last(ctx, f.db, since)
	if err != nil || last <= pos || none {
		return max(pos, last), err
	}
	stored, next, err := event.Next(ctx, f.db, pos, followBatch, q)
	if err != nil {
		return pos, err
	}
	events, err := addressesFor(c).Events(ctx, f.db, stored)
	if err != nil {
		return pos, err
	}
	for _, e := range events {
		if err := s.Send(strconv.FormatInt(*e.Pos, 10), e); err != nil {
			return pos, fault.Wrap(fault.Internal, err, "write to a stream")
		}
	}
	return next, nil
}
