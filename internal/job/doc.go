// SPDX-License-Identifier: GPL-2.0-or-later

// Package job is the durable queue: work that must happen after a transaction commits is a row written in that transaction. A Runner in any number of
// processes claims and does it; each job runs until it succeeds, at least once, and in one process at a time. The Runner also does periodic work, by
// one process among all, and loops, such as giving events their positions.
//
// It owns the tables job, job_lane, job_periodic and worker. It knows nothing of what jobs do: whoever runs them hands it a Handler per Kind.
//
//	id, err := job.Enqueue(ctx, tx, now, job.New{Kind: "mail", Target: "smtp:example.org", Payload: payload})
//
//	r := job.NewRunner(db, clock.System{}, log, job.Options{})
//	r.Handle(job.Kind{Name: "mail", Handle: func(ctx context.Context, j job.Job) error { … }})
//	r.Every(job.Periodic{Name: "sweep", Every: time.Hour, Run: sweep})
//	err := r.Run(ctx)
//
// A handler must bear to be run again for a job whose effect is there already: its process may have been killed before the end was written down.
package job
