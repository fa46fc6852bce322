// SPDX-License-Identifier: GPL-2.0-or-later

// Package clock is the time of the house: microseconds UTC since 1970, the BIGINT that every engine stores, and a clock that tests
// can set.
//
// It owns no table. It never knows time zones and never sleeps.
//
//	func (c *Core) Create(ctx context.Context, ...) error {
//		at := c.clock.Now() // clock.System{} in pw, clock.NewFake(t) in tests
//		...
//	}
package clock
