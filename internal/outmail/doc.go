// SPDX-License-Identifier: GPL-2.0-or-later

// Package outmail sends mail: a queue of what is to be sent, its composition, its delivery by SMTP or a sendmail program, what came back, and
// the addresses that get none any more.
//
// It owns the tables site_secret, outgoing_mail, outgoing_pause, mail_bounce and mail_suspended. It knows no domain and decides no text: what a mail
// says, and who gets it, is its caller's affair. It never sends within a transaction or a request: Queue writes a row and a job, a worker delivers.
//
//	id, err := outmail.Queue(ctx, tx, now, outmail.Mail{Kind: "state-digest", To: mail.Address{Name: "Ann", Address: "ann@example.org"},
//		Subject: "One patch updated", Text: "See " + outmail.Link("/project/x/list/") + "\n"})
package outmail
