// SPDX-License-Identifier: GPL-2.0-or-later

package event

import "patchwork.example/pw/internal/base/fault"

// Actor is who does something, and by which way in. Every verb of a core takes one and decides by it what is allowed. It stands here, below account, for
// the cores that account itself builds on; everybody else calls it account.Actor.
type Actor struct {
	User  int64  // 0: not a user (anonymous, a mail, the command line)
	Admin bool   // may do everything
	Via   string // "cli", "web", "api", "mail"
}

// RequireAdmin is fault.Denied unless the actor is an administrator.
func (a Actor) RequireAdmin(verb string) error {
	if a.Admin {
		return nil
	}
	return fault.New(fault.Denied, "only an administrator may %s", verb)
}
