// SPDX-License-Identifier: GPL-2.0-or-later

package patchnotify

import (
	"context"
	"log/slog"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/patch"
)

// Notifier composes the mails.
type Notifier struct {
	db    *sqldb.DB
	clock clock.Clock
	log   *slog.Logger
	delay time.Duration
}

// New makes a notifier. delay is how long nothing must have happened before people are told of it.
func New(db *sqldb.DB, c clock.Clock, log *slog.Logger, delay time.Duration) *Notifier {
	return &Notifier{db: db, clock: c, log: log, delay: delay}
}

// longest is how many times the delay a change waits at most, if others keep following it.
const longest = 6

// mailsPerRun bounds how many people one run of Send tells of one sort of thing; the next run goes on.
const mailsPerRun = 500

// Consumer has what happens written down for those who want to know.
func (n *Notifier) Consumer() event.Consumer {
	return event.Consumer{Name: "notify", Handle: listen,
		Filter: event.Filter{Kinds: []string{patch.EventPatchDelegated, patch.EventPatchStateChanged, patch.EventCheckCreated, patch.EventCheckUpdated}}}
}

// Send queues the mails that are due and returns how many. What fails for one recipient is logged, waits, and keeps nobody else from being told.
func (n *Notifier) Send(ctx context.Context) (mails int, err error) {
	for _, sort := range []func(context.Context, clock.Time) (int, error){n.sendDigests, n.sendTopics, n.sendReminders, n.sendSummaries} {
		sent, err := sort(ctx, n.clock.Now())
		mails += sent
		if err != nil {
			return mails, err
		}
	}
	return mails, nil
}

// each runs one transaction per recipient, and returns how many of them queued a mail.
func each[T any](ctx context.Context, n *Notifier, what string, due []T, tell func(tx *sqldb.Tx, x T) (*outmail.Mail, error)) (mails int, err error) {
	for _, x := range due {
		queued := false
		err := n.db.Tx(ctx, func(tx *sqldb.Tx) error {
			queued = false
			m, err := tell(tx, x)
			if err != nil || m == nil {
				return err
			}
			_, err = outmail.Queue(ctx, tx, n.clock.Now(), *m)
			if fault.Is(err, fault.Invalid) { // there is no way to tell him: what he was to be told is forgotten
				n.log.Warn("nobody is told: the address can't be used", "what", what, "address", m.To.Address)
				return nil
			}
			queued = err == nil
			return err
		})
		if fault.Is(err, fault.Unavailable) || ctx.Err() != nil {
			return mails, err
		}
		if err != nil {
			n.log.Error("somebody is not told", "what", what, "whom", x, "err", err)
		}
		if queued {
			mails++
		}
	}
	return mails, nil
}
