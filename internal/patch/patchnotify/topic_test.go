// SPDX-License-Identifier: GPL-2.0-or-later

package patchnotify

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

func as(u account.User) account.Actor { return account.Actor{User: u.ID, Via: "web"} }

// check writes a check as a CI system reports it.
func (s *site) check(id int64, by account.User, msgid string, state int, context_, url string) {
	s.t.Helper()
	p := s.patchID(msgid)
	s.must(s.db.Tx(s.t.Context(), func(tx *sqldb.Tx) error {
		ctx := context.Background()
		err := tx.Insert(ctx, "patch_check", []string{"id", "patch_id", "user_id", "date", "state", "target_url", "description", "context"},
			[][]any{{id, p, by.ID, int64(s.clock.Now()), state, url, "it broke\nat once", context_}})
		if err != nil {
			return err
		}
		err = tx.Upsert(ctx, sqldb.Upsert{Table: "patch_check_latest", Columns: []string{"patch_id", "user_id", "context", "check_id", "state"},
			Key: []string{"patch_id", "user_id", "context"}, Replace: []string{"check_id", "state"}}, [][]any{{p, by.ID, context_, id, state}})
		if err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Event{Kind: patch.EventCheckCreated, Actor: by.ID, At: s.clock.Now(), Payload: patch.Payload{Patch: p, Check: id},
			Subjects: []event.Subject{{Kind: "patch", ID: p}}})
	}))
}

// All that a user chose to be told of a series is one mail, an answer to its cover letter.
func TestNewsOfASeries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db)
		s.project("kettle", false)
		ann, carl, ci := s.user("ann"), s.user("carl", "kettle"), s.user("ci")
		s.user("maja", "kettle")
		s.series("kettle", "k", "Boil faster")
		s.series("kettle", "l", "Boil longer")
		s.exec("UPDATE person SET user_id = ? WHERE email_key = 'ann@people.example'", ann.ID)
		s.choose(ann, Choice{Checks: true, Series: true, Delegated: true})
		s.choose(carl, Choice{Delegated: true})
		s.change(account.CLI, patch.Change{Delegate: &carl.ID}, "k1@x", "k2@x")
		s.check(1, ci, "k2@x", 3, "ci/boot", "https://ci.example/1")
		s.check(2, ci, "k2@x", 1, "ci/ok", "https://ci.example/2")
		s.check(3, ci, "k1@x", 3, "ci/bad-link", "javascript:alert(1)")
		s.check(4, ci, "k1@x", 3, "ci/repaired", "https://ci.example/4")
		s.check(5, ci, "k1@x", 1, "ci/repaired", "https://ci.example/5")
		s.state(as(carl), "accepted", "k1@x", "k2@x")
		s.state(as(carl), "superseded", "l1@x")
		s.state(as(carl), "under-review", "l2@x")
		s.none("too early", s.after(delay-time.Second))
		mails := s.after(2 * time.Second)
		slices.SortFunc(mails, func(a, b mailT) int { return strings.Compare(a.Subject, b.Subject) })
		if len(mails) != 3 {
			t.Fatalf("%d mails: %+v", len(mails), mails)
		}
		golden(t, "series-submitter.txt", mails[0])
		golden(t, "series-delegate.txt", mails[1])
		golden(t, "series-part.txt", mails[2])
		s.none("told once", s.after(24*time.Hour))
	})
}

// A check that is changed to have failed is news, once; one that is changed to have passed is none.
func TestNewsOfChangedChecks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db)
		s.project("kettle", false)
		ann, ci := s.user("ann"), s.user("ci", "kettle")
		s.series("kettle", "k", "Boil faster")
		s.exec("UPDATE person SET user_id = ? WHERE email_key = 'ann@people.example'", ann.ID)
		s.choose(ann, Choice{Checks: true})
		report := func(context string, state int) {
			_, _, err := patch.PostCheck(t.Context(), db, as(ci), s.clock.Now(), s.patchID("k1@x"), patch.NewCheck{State: state, Context: context, Replace: true})
			s.must(err)
		}
		report("boot", 0)
		report("build", 3)
		s.one(s.after(time.Hour), "ann@people.example", "[kettle] Boil faster: checks failed")
		report("boot", 3)
		report("boot", 3)
		report("build", 1)
		m := s.one(s.after(time.Hour), "ann@people.example", "[kettle] Boil faster: checks failed")
		if text := m.Shown(""); strings.Count(text, "boot") != 1 || strings.Contains(text, "build") {
			t.Error(text)
		}
		report("boot", 1)
		s.none("mended", s.after(time.Hour))
	})
}

func TestWhoIsNotTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db)
		s.project("kettle", false)
		s.project("telling", true)
		ann, carl := s.user("ann", "kettle"), s.user("carl", "kettle")
		s.series("kettle", "k", "Boil faster")
		s.mail("telling", "ann@people.example", "t1@x", "[PATCH] Told anyway")
		s.exec("UPDATE person SET user_id = ? WHERE email_key = 'ann@people.example'", ann.ID)
		s.choose(ann, Choice{Checks: true, Series: true, Delegated: true})
		s.state(as(ann), "accepted", "k1@x")                            // did it himself
		s.change(as(ann), patch.Change{Delegate: &ann.ID}, "k1@x")      // himself
		s.change(account.CLI, patch.Change{Delegate: &carl.ID}, "k2@x") // chose nothing
		s.check(1, ann, "k1@x", 3, "mine", "")                          // reported it himself
		s.none("himself", s.after(time.Hour))
		s.state(account.CLI, "accepted", "t1@x")
		s.one(s.after(time.Hour), "ann@people.example", "[telling] Patch notification: 1 patch updated") // and no second mail
		s.state(account.CLI, "superseded", "k1@x")
		s.state(account.CLI, "rfc", "k1@x")
		s.none("not so any more", s.after(time.Hour))
		s.state(account.CLI, "superseded", "k1@x")
		off := false
		_, err := account.UpdateUser(t.Context(), db, account.CLI, start, "ann", account.UserChange{IsActive: &off})
		s.must(err)
		s.none("inactive when it is sent", s.after(time.Hour))
		s.state(account.CLI, "accepted", "k1@x")
		on := true
		s.none("inactive when it happens", s.after(time.Hour))
		_, err = account.UpdateUser(t.Context(), db, account.CLI, start, "ann", account.UserChange{IsActive: &on})
		s.must(err)
		s.none("active again", s.after(time.Hour))
		s.must(account.SetOptout(t.Context(), db, account.CLI, start, "ann@people.example", true))
		s.state(account.CLI, "superseded", "k1@x")
		s.none("opted out", s.after(time.Hour))
		var left int
		s.must(db.Get(t.Context(), &left, "SELECT COUNT(*) FROM notify_item"))
		if left != 0 {
			t.Errorf("%d are left", left)
		}
	})
}

// A series whose patches change all the time is told of after an hour all the same; mail that nobody is the actor of, such as that by which a series
// supersedes another, counts like any other.
func TestNewsIsNotHeldBack(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite))
	s.project("kettle", false)
	ann := s.user("ann")
	s.series("kettle", "k", "Boil faster")
	s.exec("UPDATE person SET user_id = ? WHERE email_key = 'ann@people.example'", ann.ID)
	on := true
	_, err := account.UpdateUser(t.Context(), s.db, account.CLI, start, "ann", account.UserChange{SendEmail: &on}) // that is how the release candidates say it
	s.must(err)
	s.state(account.Actor{Admin: true, Via: "mail"}, "superseded", "k1@x", "k2@x")
	for range 6 {
		s.none("within the hour", s.after(delay-time.Minute))
		s.state(account.CLI, "new", "k1@x")
		s.state(account.CLI, "superseded", "k1@x")
	}
	m := s.one(s.after(delay-time.Minute), "ann@people.example", "[kettle] Boil faster: superseded")
	if m.InReplyTo != "<k0@x>" {
		t.Errorf("in reply to %s", m.InReplyTo)
	}
}

func TestPatchWithoutASeries(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite))
	s.project("kettle", false)
	carl := s.user("carl", "kettle")
	s.mail("kettle", "ann@people.example", "p@x", "[PATCH] Alone")
	s.exec("UPDATE patch SET series_id = NULL, number = NULL")
	s.choose(carl, Choice{Delegated: true})
	s.change(account.CLI, patch.Change{Delegate: &carl.ID}, "p@x")
	m := s.one(s.after(time.Hour), "carl@people.example", "[kettle] Alone: delegated to you")
	if m.InReplyTo != "<p@x>" || !strings.Contains(m.Shown("https://pw.example"), "\nAlone\nhttps://pw.example/project/kettle/patch/p@x/\n") {
		t.Errorf("%s\n%s", m.InReplyTo, m.Shown("https://pw.example"))
	}
	s.change(account.CLI, patch.Change{Delegate: new(int64)}, "p@x")
	s.change(account.CLI, patch.Change{Delegate: &carl.ID}, "p@x")
	s.exec("UPDATE message SET hidden = TRUE")
	s.none("hidden meanwhile", s.after(time.Hour))
}

func TestChoices(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db)
		k, a := s.project("kettle", false), s.project("alpha", false)
		ann, bob := s.user("ann"), s.user("bob")
		want := func(c Choice) {
			t.Helper()
			got, err := ChoiceOf(t.Context(), db, ann)
			if diff := cmp.Diff(c, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		}
		want(Choice{})
		ann.SendEmail = true
		want(Choice{Checks: true, Series: true})
		for _, c := range []Choice{{Delegated: true, ReviewDays: 14, Summaries: []int64{k.ID, a.ID}}, {Series: true}, {}} {
			if err := Choose(t.Context(), db, as(ann), start, ann, c); err != nil {
				t.Error(err)
			}
			want(c)
		}
		for _, bad := range []Choice{{ReviewDays: -1}, {ReviewDays: 366}, {Summaries: []int64{999}}} {
			if err := Choose(t.Context(), db, as(ann), start, ann, bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		if err := Choose(t.Context(), db, as(bob), start, ann, Choice{}); !fault.Is(err, fault.Denied) {
			t.Errorf("by somebody else: %v", err)
		}
		s.choose(ann, Choice{Summaries: []int64{k.ID, k.ID, a.ID}})
		s.must(db.Tx(t.Context(), func(tx *sqldb.Tx) error { return PurgeProject(context.Background(), tx, k.ID) }))
		want(Choice{Summaries: []int64{a.ID}})
		var audited int
		s.must(db.Get(t.Context(), &audited, "SELECT COUNT(*) FROM audit WHERE verb = 'user notify'"))
		if audited != 1 {
			t.Errorf("%d lines of the audit trail", audited)
		}
	})
}
