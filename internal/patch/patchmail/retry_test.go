// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// buggy fails on mails whose subject holds "bad".
type buggy struct{ ingress.Claimer }

func (b buggy) Claim(ctx context.Context, tx *sqldb.Tx, mails []ingress.Mail) ([]ingress.Outcome, error) {
	for _, m := range mails {
		if strings.Contains(m.Message.Header.Get("Subject"), "bad") {
			return nil, errors.New("a bug")
		}
	}
	return b.Claimer.Claim(ctx, tx, mails)
}

// mails lists the stored deliveries in the order they came: Message-ID, outcome and project.
func (s *site) mails() string {
	s.t.Helper()
	var out []string
	s.each(func(r *sqlx.Rows) error {
		var msgid, outcome, project string
		err := r.Scan(&msgid, &outcome, &project)
		out = append(out, fmt.Sprintf("%s %s %s", short(msgid), outcome, project))
		return err
	}, "SELECT m.msgid, m.outcome, COALESCE(p.linkname, '-') FROM mail m LEFT JOIN project p ON p.id = m.project_id ORDER BY m.id")
	return strings.Join(out, ", ")
}

// numbers are those of the deliveries with these ids, separated by blanks; "r'" is the second with the id r.
func (s *site) numbers(ids string) (out []int64) {
	s.t.Helper()
	for _, id := range strings.Fields(ids) {
		first, second := strings.CutSuffix(id, "'")
		query := "SELECT MIN(id) FROM mail WHERE msgid = ?"
		if second {
			query = "SELECT MAX(id) FROM mail WHERE msgid = ?"
		}
		var n int64
		s.each(scanInto(&n), query, msgid(first))
		out = append(out, n)
	}
	return out
}

// retries takes mails in again and wants this to become of each: "p unrouted→patch", or "p skipped: why".
func (s *site) retries(by account.Actor, how ingress.Again, want string, ids string) {
	s.t.Helper()
	var got []string
	err := s.in.Retry(context.Background(), by, s.numbers(ids), how, func(done []ingress.Retried) { got = append(got, tell(done)...) })
	if err != nil {
		got = append(got, fault.UserText(err))
	}
	if g := strings.Join(got, ", "); g != want {
		s.t.Errorf("retry %s:\ngot  %s\nwant %s", ids, g, want)
	}
}

func tell(done []ingress.Retried) (out []string) {
	for _, r := range done {
		if r.Skipped != "" {
			out = append(out, fmt.Sprintf("%s skipped: %s", short(r.Mail.MsgID), r.Skipped))
		} else {
			out = append(out, fmt.Sprintf("%s %s→%s", short(r.Mail.MsgID), r.Mail.Outcome, r.Outcome.Kind))
		}
	}
	return out
}

func (s *site) audited() string {
	s.t.Helper()
	return s.text("SELECT CONCAT_WS(': ', verb, subject, detail) FROM audit WHERE verb LIKE 'ingress%' ORDER BY id DESC LIMIT 1")
}

// TestRetry: mails that found no project, and one that a bug spoilt, are taken in when both are mended.
func TestRetry(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		other := newSite(t, db, "other")
		fixed := clock.NewFake(now)
		old := *other
		old.in = ingress.New(db, fixed, ingress.DefaultLimits, buggy{patchmail.New(fixed)})
		old.project.ListID = "late.lists.example"
		old.deliver(letter{id: "c", subject: "[PATCH 0/2] topic", body: "Words.\n"}.raw(), letter{id: "p2", subject: "[PATCH 2/2] bad two", refs: "c", body: patchText("x")}.raw(),
			letter{id: "r", subject: "Re: [PATCH 1/2] one", refs: "c p1", body: "Acked-by: Bob <bob@people.example>\n"}.raw(),
			letter{id: "p1", subject: "[PATCH 1/2] one", refs: "c", body: patchText("x")}.raw())
		if got, want := old.mails(), "c unrouted -, p2 broken -, r unrouted -, p1 unrouted -"; got != want {
			t.Fatalf("at first: %s, want %s", got, want)
		}
		other.retries(account.CLI, ingress.Again{}, "c unrouted→unrouted, p2 broken→unrouted, r unrouted→unrouted, p1 unrouted→unrouted", "p1 r p2 c")
		late := newSite(t, db, "late", useTags(true))
		late.retries(account.CLI, ingress.Again{DryRun: true}, "c unrouted→cover, p2 unrouted→patch", "c p2")
		if got, want := late.mails(), "c unrouted -, p2 unrouted -, r unrouted -, p1 unrouted -"; got != want {
			t.Errorf("after a dry run: %s, want %s", got, want)
		}
		late.retries(account.CLI, ingress.Again{}, "c unrouted→cover, p2 unrouted→patch, r unrouted→comment, p1 unrouted→patch", "c p2 r p1")
		if got, want := late.mails(), "c cover late, p2 patch late, r comment late, p1 patch late"; got != want {
			t.Errorf("in the end: %s, want %s", got, want)
		}
		same(t, "series", late.series(), []string{`(1,2,[1 2]) c "topic"`})
		if got := late.comments() + " " + late.events(); got != "r→p1 SCPPppsr" {
			t.Errorf("comments and events: %s", got)
		}
		if got, want := late.audited(), fmt.Sprintf("ingress retry: 4 mails: %d unrouted → cover, %d unrouted → patch, %d unrouted → comment, %d unrouted → patch",
			late.numbers("c")[0], late.numbers("p2")[0], late.numbers("r")[0], late.numbers("p1")[0]); got != want {
			t.Errorf("audit: %s, want %s", got, want)
		}
		late.retries(account.CLI, ingress.Again{}, "c skipped: it is a cover already: message "+late.text("SELECT id FROM message WHERE msgid = ?", msgid("c"))+
			", p1 skipped: it is a patch already: message "+late.text("SELECT id FROM message WHERE msgid = ?", msgid("p1")), "c p1")
		late.send("known", letter{id: "p1", subject: "[PATCH 1/2] one", refs: "c", body: patchText("x")})
		check(t, db)
	})
}

// TestRetrySkips is what is not taken in again, and who may not.
func TestRetrySkips(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		newUser(t, db, "ann", "ann@people.example")
		newUser(t, db, "eve", "eve@people.example")
		s := newSite(t, db, "dev")
		if err := project.AddMaintainer(context.Background(), db, account.CLI, now, "dev", "ann"); err != nil {
			t.Fatal(err)
		}
		s.send("pending ignored duplicate ignored", letter{id: "r", subject: "Re: x", refs: "gone", body: "Hm.\n"}, letter{id: "i", subject: "hello", body: "Hi.\n"},
			letter{id: "r", subject: "Re: x", refs: "gone", body: "Hm, again.\n"}, letter{id: "j", subject: "hello again", body: "Hi.\n"})
		cut, err := s.in.Deliver(context.Background(), []ingress.Delivery{{Raw: letter{id: "big", subject: "[PATCH] big", body: patchText("x")}.raw(), Via: "test", Cut: true}})
		if err != nil || cut[0].Kind != "broken" {
			t.Fatal(cut, err)
		}
		s.retries(account.CLI, ingress.Again{}, "r skipped: it waits for the mail it answers, and becomes a comment by itself when that comes, i ignored→ignored, "+
			"r duplicate→duplicate, big skipped: only its beginning is kept, because it was too large", "r i r' big")
		if err := s.in.Retry(context.Background(), account.CLI, []int64{1, 77}, ingress.Again{}, nil); fault.UserText(err) != "there is no mail 77" {
			t.Errorf("a mail that is not there: %v", err)
		}

		drop := func(by account.Actor, purge bool, want string, ids string) {
			t.Helper()
			done, err := s.in.Drop(context.Background(), by, s.numbers(ids), "spam", purge)
			got := strings.Join(tell(done), ", ")
			if err != nil {
				got = fault.UserText(err)
			}
			if got != want {
				t.Errorf("drop %s:\ngot  %s\nwant %s", ids, got, want)
			}
		}
		const denied = "only an administrator, or a maintainer of its project, may handle a stored mail"
		ann := account.Actor{User: 1, Via: "web"}
		eve := account.Actor{User: 2, Via: "web"}
		s.send("patch", letter{id: "p", subject: "[PATCH] x", body: patchText("x")})
		s.retries(eve, ingress.Again{}, denied, "i")
		s.retries(ann, ingress.Again{}, denied, "big i")
		s.retries(ann, ingress.Again{}, "i ignored→ignored", "i")
		drop(eve, false, denied, "i")
		drop(ann, false, "i ignored→dropped", "i")
		drop(account.CLI, false, "r pending→dropped, i skipped: it was dropped before, p skipped: it is a patch: `pw admin message delete` removes it", "r i p")
		if got, want := s.audited(), fmt.Sprintf("ingress drop: 1 mails: %d: spam", s.numbers("r")[0]); got != want {
			t.Errorf("audit: %s, want %s", got, want)
		}
		s.send("known known", letter{id: "i", subject: "hello", body: "Hi.\n"}, letter{id: "r", subject: "Re: x", refs: "gone", body: "Hm.\n"})
		s.send("patch", letter{id: "gone", subject: "[PATCH] y", body: patchText("y")}) // the dropped reply no longer waits
		if got := s.comments(); got != "" {
			t.Errorf("comments: %s", got)
		}
		s.retries(account.CLI, ingress.Again{}, "r skipped: it was dropped on purpose; it takes force to bring it back", "r")
		s.retries(account.CLI, ingress.Again{Force: true}, "r dropped→comment", "r")
		drop(account.CLI, true, "i dropped→dropped, j ignored→dropped", "i j")
		s.retries(account.CLI, ingress.Again{Force: true}, "i skipped: its bytes are no longer kept", "i")
		if got, want := s.mails(), "r comment dev, i dropped dev, r duplicate dev, j dropped dev, big broken -, p patch dev, gone patch dev"; got != want {
			t.Errorf("mails: %s, want %s", got, want)
		}
		if _, err := s.in.Drop(context.Background(), account.CLI, []int64{4}, " ", false); !fault.Is(err, fault.Invalid) {
			t.Errorf("without a reason: %v", err)
		}
		check(t, db)
	})
}

// TestRoute takes mails into a project that their headers do not name; they stay there when they come again.
func TestRoute(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "dev")
		lost := *s
		lost.project.ListID = "lost.lists.example"
		p := letter{id: "p", subject: "[PATCH] x", body: patchText("x")}
		lost.send("unrouted unrouted", p, letter{id: "q", subject: "[PATCH] y", body: patchText("y")})
		s.send("ignored", letter{id: "i", subject: "[PATCH] z", header: "X-Patchwork-Hint: ignore\n", body: "Hi.\n"})
		far := newSite(t, db, "far")
		s.retries(account.CLI, ingress.Again{Project: s.project.ID}, "p unrouted→patch", "p")
		s.retries(account.CLI, ingress.Again{ListID: "far.lists.example"}, "p skipped: it is a patch already: message 1, q unrouted→patch, i ignored→ignored", "p q i")
		if got, want := far.mails(), "p patch dev, q patch far, i ignored far"; got != want {
			t.Errorf("mails: %s, want %s", got, want)
		}
		lost.send("known", p)
		check(t, db)
	})
}

// TestRetryAtOnce: two who take the same mails in again at the same time make one patch of each, while mail comes in.
func TestRetryAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		first := newSite(t, db, "first")
		lost := *first
		lost.project.ListID = "late.lists.example"
		var ids string
		for i := range 20 {
			lost.send("unrouted", letter{id: fmt.Sprint("p", i), subject: fmt.Sprintf("[PATCH %d/20] x", i+1), refs: "c", body: patchText("x")})
			ids += fmt.Sprint(" p", i)
		}
		late := newSite(t, db, "late")
		numbers := lost.numbers(ids)
		errs := make(chan error)
		for range 2 {
			go func() {
				errs <- newIntake(db, ingress.Limits{BatchMails: 3, BatchBytes: 1 << 20, MailSize: 1 << 20}).Retry(context.Background(), account.CLI, numbers, ingress.Again{}, func([]ingress.Retried) {})
			}()
		}
		late.send("cover", letter{id: "c", subject: "[PATCH 0/20] x", body: "Words.\n"})
		for range 2 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if got := late.text("SELECT COUNT(*) FROM patch") + late.text("SELECT COUNT(*) FROM mail WHERE outcome = 'patch'"); got != "2020" {
			t.Errorf("patches and mails that are one: %s", got)
		}
		same(t, "series", late.series(), []string{`(1,20,[1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20]) c "x"`})
		check(t, db)
	})
}
