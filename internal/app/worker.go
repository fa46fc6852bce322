// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/irc"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/webhook"
)

// parallelJobs is how many jobs a process runs at a time. They wait for others most of the time; one kind has half of the places at most.
const parallelJobs = 32

// keepJobs is how long jobs are kept after they were done or cancelled.
const keepJobs = 7 * 24 * time.Hour

// Work runs jobs, gives events their positions and does what has to be done from time to time, until ctx ends. Any number of processes may do so on one
// database.
func (a *App) Work(ctx context.Context) error {
	pool := irc.NewPool(a.guard(), nil)
	defer pool.Close() // when the jobs that use it have ended
	return a.runner(pool).Run(ctx)
}

// runner knows all that this program does in the background.
func (a *App) runner(pool *irc.Pool) *job.Runner {
	r := job.NewRunner(a.DB, a.Clock, a.Log, job.Options{Parallel: parallelJobs, Observe: a.meters().attempt})
	r.Loop(job.Loop{Name: "event relay", Wake: []string{event.WakeRelay}, Run: func(ctx context.Context) (bool, error) {
		n, err := event.Relay(ctx, a.DB)
		return n > 0, err
	}})
	for _, c := range a.consumers() {
		r.Loop(a.consuming(c))
	}
	r.Loop(job.Loop{Name: "idle irc connections", Poll: time.Minute, Run: func(context.Context) (bool, error) {
		pool.CloseIdle()
		return false, nil
	}})
	r.Handle(irc.NewWorker(a.DB, a.Clock, a.Log, pool).Kind())
	for _, k := range a.kinds() {
		r.Handle(k)
	}
	for _, p := range a.periodic() {
		r.Every(p)
	}
	return r
}

// consumers read all events in order.
func (a *App) consumers() []event.Consumer {
	return []event.Consumer{a.notifier().Consumer(), webhook.Consumer(a.Clock, a.renderEvents), irc.Consumer(a.Clock, a.Log, a.describeEvents)}
}

// kinds are the jobs that are run.
func (a *App) kinds() []job.Kind {
	return []job.Kind{a.Sender().Kind(), a.webhooks(), patch.NewChanger(a.DB, a.Clock).Kind(), patch.NewSweeper(a.DB).Kind(), account.ResetKind(a.DB, a.Clock)}
}

// periodic is what has to be done from time to time.
func (a *App) periodic() []job.Periodic {
	return []job.Periodic{
		{Name: "expired sessions", Every: 10 * time.Minute, Run: func(ctx context.Context) error {
			n, err := account.Sweep(ctx, a.DB, a.Clock.Now())
			if n > 0 {
				a.Log.Info("housekeeping", "expired sessions", n)
			}
			return err
		}},
		{Name: "notices", Every: time.Minute, Run: func(ctx context.Context) error {
			_, err := a.notifier().Send(ctx)
			return err
		}},
		{Name: "old outgoing mail", Every: time.Hour, Run: a.forgetMail},
		{Name: "unconfirmed registrations", Every: time.Hour, Run: a.forgetUnconfirmed},
		{Name: "old deliveries of webhooks", Every: time.Hour, Run: a.sweepWebhooks},
		{Name: "old changes", Every: 10 * time.Minute, Run: func(ctx context.Context) error {
			_, err := patch.SweepSets(ctx, a.DB, a.Clock.Now())
			return err
		}},
		{Name: "old jobs", Every: time.Hour, Run: func(ctx context.Context) error {
			now := a.Clock.Now()
			n, err := job.Sweep(ctx, a.DB, now, now.Add(-keepJobs))
			if n > 0 {
				a.Log.Info("housekeeping", "old jobs", n)
			}
			return err
		}},
		{Name: "old events", Every: time.Hour, Run: func(ctx context.Context) error {
			age := a.Config.Database.EventMaxAge
			if age == 0 {
				return nil
			}
			n, err := event.Prune(ctx, a.DB, a.Clock.Now().Add(-age))
			if n > 0 {
				a.Log.Info("housekeeping", "old events", n)
			}
			return err
		}},
	}
}

// consuming makes a consumer a loop of the runner.
func (a *App) consuming(c event.Consumer) job.Loop {
	return job.Loop{Name: "consumer " + c.Name, Wake: []string{event.WakeReaders}, Run: func(ctx context.Context) (bool, error) {
		n, err := event.Consume(ctx, a.DB, a.Clock.Now(), c)
		return n > 0, err
	}}
}
