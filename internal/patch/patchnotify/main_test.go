// SPDX-License-Identifier: GPL-2.0-or-later

package patchnotify

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	dbtest.Main(m)
}

var update = flag.Bool("update", false, "write the golden files anew")

var start = clock.FromTime(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)) // a Wednesday

const delay = 10 * time.Minute

// site is a site whose mail stays in the queue.
type site struct {
	t      *testing.T
	db     *sqldb.DB
	clock  *clock.Fake
	log    *strings.Builder
	notify *Notifier
	seen   int64 // number of the newest mail that was looked at
}

func newSite(t *testing.T, db *sqldb.DB) *site {
	s := &site{t: t, db: db, clock: clock.NewFake(start), log: &strings.Builder{}}
	s.notify = New(db, s.clock, slog.New(slog.NewTextHandler(s.log, nil)), delay)
	if _, err := event.Consume(t.Context(), db, start, s.notify.Consumer()); err != nil { // from here on it hears everything
		t.Fatal(err)
	}
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) project(linkname string, sends bool) project.Project {
	s.t.Helper()
	name, list, email := strings.ToUpper(linkname[:1])+linkname[1:]+" project", linkname+".lists.example", linkname+"@lists.example"
	p, err := project.Create(s.t.Context(), s.db, account.CLI, start, project.Change{Linkname: &linkname, Name: &name, ListID: &list, ListEmail: &email, SendNotifications: &sends})
	s.must(err)
	return p
}

func (s *site) user(name string, maintains ...string) account.User {
	s.t.Helper()
	first, email := strings.ToUpper(name[:1])+name[1:], name+"@people.example"
	u, err := account.CreateUser(s.t.Context(), s.db, account.CLI, start, account.UserChange{Username: &name, Email: &email, FirstName: &first})
	s.must(err)
	for _, p := range maintains {
		s.must(project.AddMaintainer(s.t.Context(), s.db, account.CLI, start, p, name))
	}
	return u
}

// mail takes a mail in, sent now.
func (s *site) mail(linkname, from, msgid, subject string, more ...string) {
	s.t.Helper()
	body := "Text.\n"
	if !strings.Contains(subject, " 0/") {
		body += "---\n\ndiff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+" + msgid + "\n"
	}
	raw := "From: " + from + "\nSubject: " + subject + "\nMessage-ID: <" + msgid + ">\nDate: " + s.clock.Now().Time().Format(time.RFC1123Z) + "\nList-Id: <" + linkname + ".lists.example>\n" +
		strings.Join(append(more, ""), "\n") + "\n" + body
	in := ingress.New(s.db, s.clock, ingress.DefaultLimits, patchmail.New(s.clock))
	out, err := in.Deliver(s.t.Context(), []ingress.Delivery{{Raw: []byte(raw), Via: "test"}})
	s.must(err)
	if k := out[0].Kind; k != "patch" && k != "cover" {
		s.t.Fatalf("%s became %s: %s", msgid, k, out[0].Reason)
	}
}

// series sends a cover letter and two patches of ann's.
func (s *site) series(linkname, prefix, title string) {
	s.t.Helper()
	const ann = "Ann Author <ann@people.example>"
	s.mail(linkname, ann, prefix+"0@x", "[PATCH 0/2] "+title)
	s.mail(linkname, ann, prefix+"1@x", "[PATCH 1/2] First of "+title, "In-Reply-To: <"+prefix+"0@x>")
	s.mail(linkname, ann, prefix+"2@x", "[PATCH 2/2] Second of "+title, "In-Reply-To: <"+prefix+"0@x>")
}

func (s *site) patchID(msgid string) (id int64) {
	s.t.Helper()
	s.must(s.db.Get(s.t.Context(), &id, "SELECT p.id FROM patch p JOIN message m ON m.id = p.message_id WHERE m.msgid = ?", "<"+msgid+">"))
	return id
}

func (s *site) state(by account.Actor, slug string, msgids ...string) {
	s.t.Helper()
	st, err := patch.FindState(s.t.Context(), s.db, slug)
	s.must(err)
	s.change(by, patch.Change{State: &st.ID}, msgids...)
}

func (s *site) change(by account.Actor, c patch.Change, msgids ...string) {
	s.t.Helper()
	var ids []int64
	for _, m := range msgids {
		ids = append(ids, s.patchID(m))
	}
	done, err := patch.Update(s.t.Context(), s.db, by, s.clock.Now(), ids, c)
	s.must(err)
	if done.Patches != len(ids) {
		s.t.Fatalf("changed %d of %v", done.Patches, msgids)
	}
}

func (s *site) choose(u account.User, c Choice) {
	s.t.Helper()
	s.must(Choose(s.t.Context(), s.db, account.CLI, s.clock.Now(), u, c))
}

func (s *site) exec(query string, args ...any) {
	s.t.Helper()
	s.must(s.db.Tx(s.t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(context.Background(), query, args...)
		return err
	}))
}

// after lets time go by, has the events read and what is due sent, and returns the mails that were queued since the last look.
func (s *site) after(d time.Duration) []outmail.Mail {
	s.t.Helper()
	s.clock.Advance(d)
	_, err := event.Relay(s.t.Context(), s.db)
	s.must(err)
	for {
		n, err := event.Consume(s.t.Context(), s.db, s.clock.Now(), s.notify.Consumer())
		s.must(err)
		if n == 0 {
			break
		}
	}
	n, err := s.notify.Send(s.t.Context())
	s.must(err)
	rows, err := outmail.List(s.t.Context(), s.db, outmail.Filter{Most: 1000})
	s.must(err)
	slices.Reverse(rows)
	var out []outmail.Mail
	for _, r := range rows {
		if r.ID <= s.seen {
			continue
		}
		m, err := r.Mail()
		s.must(err)
		out, s.seen = append(out, m), r.ID
	}
	if n != len(out) {
		s.t.Errorf("Send says %d mails, there are %d", n, len(out))
	}
	return out
}

// none expects that nobody is told anything.
func (s *site) none(what string, mails []outmail.Mail) {
	s.t.Helper()
	for _, m := range mails {
		s.t.Errorf("%s: %s is told %q", what, m.To.Address, m.Subject)
	}
}

// one expects one mail.
func (s *site) one(mails []outmail.Mail, to, subject string) outmail.Mail {
	s.t.Helper()
	if len(mails) != 1 || mails[0].To.Address != to || mails[0].Subject != subject {
		var got []string
		for _, m := range mails {
			got = append(got, m.To.Address+" "+m.Subject)
		}
		s.t.Fatalf("mails %q, want one to %s: %s", got, to, subject)
	}
	return mails[0]
}

// golden compares a mail with a file in testdata that people have read.
func golden(t *testing.T, name string, m outmail.Mail) {
	t.Helper()
	path := filepath.Join("testdata", name)
	got := fmt.Sprintf("To: %s <%s>\nSubject: %s\nIn-Reply-To: %s\nReferences: %s\n\n%s", m.To.Name, m.To.Address, m.Subject, m.InReplyTo, strings.Join(m.References, " "), m.Shown("https://pw.example"))
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}
