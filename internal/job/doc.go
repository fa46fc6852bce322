// SPDX-License-Identifier: GPL-2.0-or-later

// Package job is the durable queue: work that must happen after a transaction commits is a row written in that transaction.
//
// It owns the table job. It knows nothing of what jobs do; whoever runs them finds that by Kind.
//
//	id, err := job.Enqueue(ctx, tx, now, job.New{Kind: "mail", Target: "smtp:example.org", Payload: payload})
package job
