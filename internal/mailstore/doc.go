// SPDX-License-Identifier: GPL-2.0-or-later

// Package mailstore keeps every mail as it was received, with what became of it and why, and the messages that the mails of a
// project make: one row per Message-ID and project, which is the idempotency key, the thread tree and the parent lookup of every
// domain.
//
// It owns the tables mail, mail_raw, message, message_body, pending_reference and tombstone. It never decides what a mail means; the domains do.
//
//	known, err := mailstore.Lookup(ctx, tx, []mailstore.Ref{{Project: 3, MsgID: mailstore.Key("<a@b>")}})
package mailstore
