// SPDX-License-Identifier: GPL-2.0-or-later

// Package ingress is the one way mail comes in, whatever it comes by. It collects mails into batches, opens one transaction per batch,
// asks the claimers (the domains' mail faces, plugged in by app) what each mail is, stores every delivery with its outcome, commits, and
// only then says so.
//
// It owns the table mail_source, and knows no domain. A batch that fails is repeated mail by mail, so that one bad mail holds up nobody; the
// bad one is kept with its reason.
//
//	in := ingress.New(db, clock.System{}, limits, patchmail.New(...))
//	results, err := in.Deliver(ctx, []ingress.Delivery{{Raw: raw, Via: "stdin"}})
package ingress
