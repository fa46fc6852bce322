// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/format/mailmsg"
)

// Draft is what is made of a mail without a database.
type Draft struct {
	Subject, Content, Charset, Hash, PullURL, Headers string
	Diff                                              []byte
	Files                                             []string
	Date                                              clock.Time
}

// DraftOf reads a mail.
func DraftOf(c clock.Clock, raw []byte) Draft {
	d := New(c).draft(mailmsg.Parse(raw), c.Now())
	return Draft{d.subject, d.content, d.charset, d.hash, d.pullURL, d.headers, d.diff, d.files, d.date}
}
