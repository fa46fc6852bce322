// SPDX-License-Identifier: GPL-2.0-or-later

package patchnotify

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// All changes of a submitter come in one mail, whatever projects they are in, once the last is old enough. Who made them does not matter.
func TestStateDigest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db)
		s.project("kettle", true)
		s.project("alpha", true)
		s.project("quiet", false)
		s.series("kettle", "k", "Boil faster")
		s.mail("alpha", "Ann Author <Ann@People.example>", "a/1?x@x", "[PATCH v2] net: größere <Puffer>")
		s.mail("quiet", "ann@people.example", "q1@x", "[PATCH] Quiet")
		s.mail("alpha", "bob@people.example", "b1@x", "[PATCH] Of bob")
		s.none("new patches", s.after(time.Hour))
		s.state(account.CLI, "accepted", "k1@x", "q1@x")
		s.state(account.CLI, "under-review", "a/1?x@x")
		s.none("too early", s.after(delay-time.Minute))
		s.state(account.CLI, "rejected", "b1@x")
		s.state(account.CLI, "rfc", "a/1?x@x") // new, under review, rfc: the first and the last are told
		s.state(account.CLI, "accepted", "k2@x")
		s.state(account.CLI, "new", "k2@x") // as it was
		s.none("still changing", s.after(delay-time.Minute))
		mails := s.after(2 * time.Minute)
		if len(mails) != 2 {
			t.Fatalf("%d mails", len(mails))
		}
		golden(t, "digest.txt", mails[0])
		golden(t, "digest-one.txt", mails[1])
		if !mails[0].Notice || mails[0].Private {
			t.Errorf("%+v", mails[0])
		}
		s.none("told once", s.after(24*time.Hour))
	})
}

// One change after the other must not keep a submitter from being told for ever, as in Patchwork 3.2.
func TestStateDigestIsNotHeldBack(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite))
	s.project("kettle", true)
	s.series("kettle", "k", "Boil faster")
	states := []string{"under-review", "rfc"}
	s.state(account.CLI, "accepted", "k2@x")
	for i := range 6 {
		s.state(account.CLI, states[i%2], "k1@x")
		s.none("within the hour", s.after(delay-time.Minute))
	}
	s.state(account.CLI, "deferred", "k1@x")
	m := s.one(s.after(delay-time.Minute), "ann@people.example", "[kettle] Patch notification: 2 patches updated")
	if !strings.Contains(m.Text, "was: New\n     now: Deferred\n") || !strings.Contains(m.Text, "was: New\n     now: Accepted\n") {
		t.Error(m.Text)
	}
	s.state(account.CLI, "rfc", "k1@x")
	m = s.one(s.after(delay), "ann@people.example", "[kettle] Patch notification: 1 patch updated")
	if !strings.Contains(m.Text, "was: Deferred\n     now: RFC\n") {
		t.Error(m.Text)
	}
}

func TestStateDigestIsNotSent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db)
		s.project("kettle", true)
		s.series("kettle", "k", "Boil faster")
		s.mail("kettle", "odd address@sub <\"a b\"@people.example>", "o1@x", "[PATCH] Odd")
		left := func() (n int) {
			s.must(db.Get(t.Context(), &n, "SELECT COUNT(*) FROM state_notice"))
			return n
		}
		s.must(account.SetOptout(t.Context(), db, account.CLI, start, "ANN@people.example", true))
		s.state(account.CLI, "accepted", "k1@x")
		s.none("opted out", s.after(time.Hour))
		s.must(account.SetOptout(t.Context(), db, account.CLI, start, "ann@people.example", false))
		s.none("opted in later", s.after(time.Hour))
		s.state(account.CLI, "accepted", "k2@x")
		s.exec("UPDATE project SET send_notifications = FALSE")
		s.none("the project no longer tells", s.after(time.Hour))
		s.exec("UPDATE project SET send_notifications = TRUE")
		s.state(account.CLI, "accepted", "o1@x")
		s.exec("UPDATE person SET email = '<>' WHERE id = (SELECT submitter_id FROM patch WHERE id = ?)", s.patchID("o1@x"))
		s.none("no address", s.after(time.Hour))
		if !strings.Contains(s.log.String(), "the address can't be used") {
			t.Errorf("log: %s", s.log)
		}
		if n := left(); n != 0 {
			t.Errorf("%d notices are left", n)
		}
	})
}

// A change that is made while the digest is being written is neither lost nor told twice: it waits and is told the next time.
func TestChangeDuringDigest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db)
		s.project("kettle", true)
		s.series("kettle", "k", "Boil faster")
		s.state(account.CLI, "accepted", "k1@x")
		s.clock.Advance(time.Hour)
		person, done := int64(0), make(chan struct{})
		s.must(db.Get(t.Context(), &person, "SELECT submitter_id FROM patch WHERE id = ?", s.patchID("k1@x")))
		once := sync.Once{}
		s.must(db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			notices, err := patch.TakeNotices(context.Background(), tx, person)
			if err != nil || len(notices) != 1 || notices[0].Now != "Accepted" {
				t.Errorf("%+v, %v", notices, err)
			}
			once.Do(func() {
				go func() {
					defer close(done)
					s.state(account.CLI, "deferred", "k1@x")
				}()
			})
			time.Sleep(200 * time.Millisecond) // it waits for us
			return err
		}))
		<-done
		m := s.one(s.after(time.Hour), "ann@people.example", "[kettle] Patch notification: 1 patch updated")
		if !strings.Contains(m.Text, "was: Accepted\n     now: Deferred\n") {
			t.Error(m.Text)
		}
	})
}
