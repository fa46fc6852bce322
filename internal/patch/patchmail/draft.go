// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/format/subject"
	"patchwork.example/pw/internal/format/trailer"
	"patchwork.example/pw/internal/mailstore"
)

// draft is what can be said of a mail without a database.
type draft struct {
	subject    string // decoded
	lists      []string
	ignored    string   // the header by which the sender asks to ignore the mail, "" if he does not
	references []string // key forms, nearest first
	date       clock.Time
	headers    string
	content    string // text, cleaned
	diff       []byte // nil: none
	charset    string // of diff when it is not UTF-8
	hash       string
	files      []string
	pullURL    string
	depends    []trailer.Dependency
	links      trailer.Links
	gitID      string // of git patch-id
	attached   []mailstore.Attachment
}

// maxReferences bounds how far back in a thread a mail is looked up.
const maxReferences = 100

// draft reads a mail; when it was received dates one that has no usable date.
func (c *Claimer) draft(m *mailmsg.Message, received clock.Time) *draft {
	d := &draft{
		subject: m.Header.Get("Subject"),
		lists:   mailmsg.ListIDs(m.Header),
		headers: m.Header.Text(),
	}
	when, _ := m.Date(received.Time())
	d.date = clock.FromTime(when)
	for _, ref := range m.References() {
		if len(d.references) == maxReferences {
			break
		}
		d.references = append(d.references, mailstore.Key(ref))
	}
	d.ignored, d.attached = ignoredBy(m.Header), carried(m)
	d.readBody(m, subject.Parse(d.subject, "").Reply)
	return d
}

// ignoredBy finds the header that asks to ignore a mail: a hint, or that which the manual of Patchwork 2.0 tells of, whatever its value.
func ignoredBy(h mailmsg.Header) string {
	switch {
	case h.Has("X-Patchwork-Ignore"):
		return "X-Patchwork-Ignore"
	case strings.EqualFold(h.Get("X-Patchwork-Hint"), "ignore"):
		return "X-Patchwork-Hint"
	}
	return ""
}

// automatic tells whether a program sent the letter, and it is no answer for that. That a pull request was merged is one: somebody has looked at it.
func (l *letter) automatic() bool {
	return l.mail.Message.Automatic(l.from) && !trailer.Merged(l.content)
}
