// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/format/subject"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/test/shared"
)

// archive is the mails of the archive, for the deviations to look at.
type archive struct {
	mails  map[string]*archived
	bySent map[string][]*archived // by the sender's address, in order of arrival
}

// archived is one mail.
type archived struct {
	*mailmsg.Message
	id      string
	arrival int // number in the archive
	subject subject.Subject
	from    mailmsg.Address
	date    time.Time
	refs    []string // nearest first
}

func readErofs(t *testing.T) *archive {
	t.Helper()
	f := shared.Open(t, "corpora", "lore-linux-erofs.mbox.gz")
	source, err := ingress.OpenArchive(f, "lore-linux-erofs.mbox.gz", erofsList, 100<<20)
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{mails: map[string]*archived{}, bySent: map[string][]*archived{}}
	for n := 1; ; n++ {
		d, err := source.Next()
		if errors.Is(err, io.EOF) {
			return a
		}
		if err != nil {
			t.Fatal(err)
		}
		a.add(n, mailmsg.Parse(d.Raw))
	}
}

func (a *archive) add(n int, m *mailmsg.Message) {
	if a.mails[m.ID()] != nil {
		return
	}
	x := &archived{Message: m, id: m.ID(), arrival: n, subject: subject.Parse(m.Header.Get("Subject"), "linux-erofs"), refs: m.References()}
	x.from, _ = m.Author(erofsEmail) // nobody, if it can't be read
	x.date, _ = m.Date(time.Now())
	a.mails[x.id] = x
	a.bySent[x.from.Email] = append(a.bySent[x.from.Email], x)
}

// text is the first text of the mail, as it is written.
func (m *archived) text() string {
	for i := range m.Parts {
		if m.Parts[i].Type == "text/plain" {
			text, _ := m.Parts[i].Text()
			return text
		}
	}
	return ""
}
