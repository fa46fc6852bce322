// SPDX-License-Identifier: GPL-2.0-or-later

// Package mailsink is a mail server for tests: it takes mail by SMTP, keeps it, and fails as it is told to.
//
//	sink := mailsink.Start(t)
//	sink.Refuse = func(stage, address string) error { return mailsink.Answer(450, "4.2.2", "mailbox full") }
package mailsink
