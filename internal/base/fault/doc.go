// SPDX-License-Identifier: GPL-2.0-or-later

// Package fault gives errors a kind, so that each face (HTTP, SMTP, command line) can map kinds to its own codes in one place.
//
// It owns no table. It never logs, never knows HTTP or SMTP, and never decides whether something is an error.
//
//	func (c *Core) Patch(ctx context.Context, id ID) (Patch, error) {
//		...
//		return Patch{}, fault.New(fault.NotFound, "there is no patch %d", id)
//	}
//
//	p, err := core.Patch(ctx, 7)
//	fault.KindOf(fmt.Errorf("show patch: %w", err)) // fault.NotFound
//	fault.UserText(err)                             // "there is no patch 7"
package fault
