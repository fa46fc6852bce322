// SPDX-License-Identifier: GPL-2.0-or-later

package account

import "patchwork.example/pw/internal/event"

// Actor is who does something, and by which way in. Every verb of a core takes one and decides by it what is allowed.
type Actor = event.Actor

// CLI is whoever can run pw on the server: an administrator.
var CLI = Actor{Admin: true, Via: "cli"}
