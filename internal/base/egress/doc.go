// SPDX-License-Identifier: GPL-2.0-or-later

// Package egress says to which addresses the program may connect when a user of the site names the host: a webhook, an IRC server. Addresses
// that only this machine or its network can reach are refused, unless the administrator allows their network.
//
// The check is made on the address that is being connected to, after the name was resolved: a name that resolves to something else the second
// time (DNS rebinding) gains nothing. It owns no table, and knows no protocol.
//
//	dialer := egress.Guard{Allowed: cfg.Webhook.AllowedNetworks}.Dialer(5 * time.Second)
//	conn, err := dialer.DialContext(ctx, "tcp", "hooks.example.org:443") // fault.Denied, if that is 127.0.0.1
package egress
