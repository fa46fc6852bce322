// SPDX-License-Identifier: GPL-2.0-or-later

package ingress_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestMain(m *testing.M) { dbtest.MainOfWaiting(m) }

// claimer claims mails whose subject begins with its word; "bad" in a subject makes it fail, "away" as if the database were gone.
type claimer struct{ word string }

func (c claimer) Prepare(m *mailmsg.Message, _ clock.Time) any {
	return c.word + ":" + m.Header.Get("Subject")
}

func (c claimer) Claim(ctx context.Context, tx *sqldb.Tx, mails []ingress.Mail) ([]ingress.Outcome, error) {
	out := make([]ingress.Outcome, len(mails))
	for i, m := range mails {
		subject := m.Prepared.(string)
		if strings.Contains(subject, "bad") {
			return nil, errors.New("a bug in " + c.word)
		}
		if strings.Contains(subject, "away") {
			return nil, fault.New(fault.Unavailable, "gone")
		}
		if strings.HasPrefix(subject, c.word+":"+c.word) {
			out[i] = ingress.Outcome{Kind: c.word, Project: 7}
		}
	}
	return out, nil
}

func newIntake(db *sqldb.DB, limits ingress.Limits) *ingress.Intake {
	return ingress.New(db, clock.NewFake(clock.FromTime(time.Unix(1e9, 0))), limits, claimer{"one"}, claimer{"two"})
}

func mail(subject string) ingress.Delivery {
	return ingress.Delivery{Raw: []byte("Subject: " + subject + "\n\nText of " + subject + "\n"), Via: "test"}
}

func mails(subjects ...string) []ingress.Delivery {
	var out []ingress.Delivery
	for _, s := range subjects {
		out = append(out, mail(s))
	}
	return out
}

// stored lists outcome and reason of all deliveries, in order, and reads every mail back.
func stored(t *testing.T, db *sqldb.DB) string {
	t.Helper()
	var rows []struct {
		ID              int64
		Outcome, Reason string
		Size            int64
	}
	if err := db.Select(context.Background(), &rows, "SELECT id, outcome, reason, size FROM mail ORDER BY id"); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		raw, err := mailstore.Raw(context.Background(), db, r.ID, 64<<20)
		if err != nil || int64(len(raw)) != r.Size {
			t.Errorf("mail %d: %d bytes of %d, %v", r.ID, len(raw), r.Size, err)
		}
		out = append(out, r.Outcome)
		if r.Outcome == mailstore.Broken {
			out[len(out)-1] += "(" + r.Reason + ")"
		}
	}
	return strings.Join(out, " ")
}

// TestClaimersInTurn: the second claimer is asked about what the first did not want; what nobody wants is kept as ignored.
func TestClaimersInTurn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		got, err := newIntake(db, ingress.DefaultLimits).Deliver(context.Background(), mails("two a", "one a", "three", "one b"))
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, o := range got {
			kinds = append(kinds, o.Kind)
		}
		if g := strings.Join(kinds, " "); g != "two one ignored one" || stored(t, db) != g {
			t.Errorf("outcomes %s, stored %s", g, stored(t, db))
		}
	})
}

// TestKnownFailureA2: a mail that makes a domain fail is kept with the reason and holds up nobody; a second time it changes nothing.
func TestKnownFailureA2(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		in := newIntake(db, ingress.DefaultLimits)
		for _, known := range []bool{false, true} {
			got, err := in.Deliver(context.Background(), mails("one a", "one bad", "two bad", "two a"))
			if err != nil || got[0].Kind != "one" || got[1].Kind != mailstore.Broken || got[1].Known != known || got[3].Kind != "two" {
				t.Errorf("%+v, %v", got, err)
			}
			if known {
				break // the claimers of this test do not look for copies; only the quarantine does
			}
			const want = "one broken(take in 1 mails: a bug in one) broken(take in 1 mails: a bug in one) two"
			if got := stored(t, db); got != want {
				t.Errorf("stored %s", got)
			}
		}
		if got := strings.Count(stored(t, db), "broken"); got != 2 {
			t.Errorf("%d broken mails are kept, want 2", got)
		}
	})
}

// TestUnavailable: while the database is away nothing is taken, and the sender is told.
func TestUnavailable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		in := newIntake(db, ingress.DefaultLimits)
		if got, err := in.Deliver(context.Background(), mails("one a", "one away")); !fault.Is(err, fault.Unavailable) || got != nil {
			t.Errorf("%+v, %v", got, err)
		}
		// A bug and an outage in one batch: the outage decides, though a part may be stored by then.
		if _, err := in.Deliver(context.Background(), mails("one bad", "one away")); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%v", err)
		}
		if got := stored(t, db); got != "broken(take in 1 mails: a bug in one)" {
			t.Errorf("stored %s", got)
		}
	})
	db := dbtest.Open(t, sqldb.SQLite)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := newIntake(db, ingress.DefaultLimits).Deliver(ctx, mails("one a")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("cancelled: %v", err)
	}
}

// list is a source.
type list struct {
	mails []ingress.Delivery
	end   error
}

func (l *list) Next() (ingress.Delivery, error) {
	if len(l.mails) == 0 {
		return ingress.Delivery{}, l.end
	}
	d := l.mails[0]
	l.mails = l.mails[1:]
	return d, nil
}

// TestImport keeps order and counts, cuts by number and by bytes, and stores what came before an error of the source.
func TestImport(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		var subjects []string
		for i := range 50 {
			subjects = append(subjects, fmt.Sprintf("%s %d", []string{"one", "two", "three", "one bad"}[i%4], i))
		}
		in := newIntake(db, ingress.Limits{BatchMails: 7, BatchBytes: 150, MailSize: 100})
		commits, last := 0, 0
		sum, err := in.Import(context.Background(), &list{mails(subjects...), errors.New("the tape broke")}, func(s ingress.Summary) {
			if s.Mails <= last || s.Mails > last+7 {
				t.Errorf("after %d mails there are %d", last, s.Mails)
			}
			commits, last = commits+1, s.Mails
		})
		if err == nil || err.Error() != "the tape broke" || sum.Mails != 50 || fmt.Sprint(sum.Outcomes) != "map[broken:12 ignored:12 one:13 two:13]" || commits < 10 {
			t.Errorf("%+v in %d commits, %v", sum, commits, err)
		}
		got := strings.Fields(strings.ReplaceAll(stored(t, db), "(take in 1 mails: a bug in one)", ""))
		for i, kind := range got {
			if want := []string{"one", "two", "ignored", "broken"}[i%4]; kind != want {
				t.Fatalf("mail %d became %s, want %s", i, kind, want)
			}
		}
	})
}

func TestImportIsCancelled(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	ctx, cancel := context.WithCancel(context.Background())
	in := newIntake(db, ingress.Limits{BatchMails: 2, BatchBytes: 1 << 20, MailSize: 100})
	sum, err := in.Import(ctx, &list{mails(strings.Fields(strings.Repeat("one ", 60))...), io.EOF}, func(s ingress.Summary) { cancel() })
	if !errors.Is(err, context.Canceled) || sum.Mails == 0 || sum.Mails > 16 {
		t.Errorf("%+v, %v", sum, err)
	}
	if got := len(strings.Fields(stored(t, db))); got != sum.Mails {
		t.Errorf("%d mails are stored, %d counted", got, sum.Mails)
	}
}

// counted counts what was read of a list.
type counted struct {
	list
	read atomic.Int64
}

func (c *counted) Next() (ingress.Delivery, error) {
	d, err := c.list.Next()
	c.read.Add(1)
	return d, err
}

// TestImportStoresWhatWaits: eight batches share a transaction while mails wait for it.
func TestImportStoresWhatWaits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		const all = 100
		source := &counted{list: list{mails(strings.Fields(strings.Repeat("one ", all))...), io.EOF}}
		in := newIntake(db, ingress.Limits{BatchMails: 2, BatchBytes: 1 << 20, MailSize: 100})
		last, commits := 0, []int(nil)
		_, err := in.Import(context.Background(), source, func(s ingress.Summary) {
			commits, last = append(commits, s.Mails-last), s.Mails
			for int(source.read.Load()) < min(s.Mails+17, all+1) { // the ninth batch is being read: eight wait
				time.Sleep(time.Millisecond)
			}
		})
		if err != nil || last != all {
			t.Fatalf("%d mails, %v", last, err)
		}
		for i, n := range commits {
			if i > 0 && i < len(commits)-1 && n != 16 || n > 16 {
				t.Errorf("commits of %v mails: want 16", commits)
			}
		}
	})
}

// TestArchive reads plain input, cuts mails at the limit, and tells a damaged file by its name. The compressed forms are tested with pw.
func TestArchive(t *testing.T) {
	mbox := "From a Mon Mar  1 10:00:00 2021\nSubject: x\n\n" + strings.Repeat("y", 500) + "\n\nFrom b Mon Mar  1 10:00:00 2021\nSubject: z\n\nz\n"
	a, err := ingress.OpenArchive(strings.NewReader(mbox), "a.mbox", "list.example", 100)
	if err != nil {
		t.Fatal(err)
	}
	first, err1 := a.Next()
	second, err2 := a.Next()
	_, err3 := a.Next()
	if err1 != nil || err2 != nil || err3 != io.EOF || len(first.Raw) != 100 || string(second.Raw) != "Subject: z\n\nz\n" || second.ListID != "list.example" || second.Via != "mbox" {
		t.Errorf("%q %v, %q %v, %v", first.Raw, err1, second.Raw, err2, err3)
	}
	for _, head := range []string{"\x1f\x8b", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "\x28\xb5\x2f\xfd\x01", "\xfd7zXZ\x00", "BZh9"} {
		a, err := ingress.OpenArchive(bytes.NewReader([]byte(head)), "short.gz", "", 100)
		if err == nil {
			_, err = a.Next()
		}
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "short.gz") {
			t.Errorf("%q: %v", head, err)
		}
	}
}

// panicking is a claimer with a bug that some mails bring out.
type panicking struct{ ingress.Claimer }

func (p panicking) Prepare(m *mailmsg.Message, _ clock.Time) any {
	if m.Header.Get("Subject") == "prepare" {
		panic("bug in prepare")
	}
	return nil
}

func (p panicking) Claim(_ context.Context, _ *sqldb.Tx, mails []ingress.Mail) ([]ingress.Outcome, error) {
	out := make([]ingress.Outcome, len(mails))
	for i, m := range mails {
		if m.Message.Header.Get("Subject") == "claim" {
			panic("bug in claim")
		}
		out[i].Kind = "fine"
	}
	return out, nil
}

func TestPanicSpoilsOneMail(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	in := ingress.New(db, clock.System{}, ingress.DefaultLimits, panicking{})
	var mails []ingress.Delivery
	for _, subject := range []string{"a", "prepare", "b", "claim", "c"} {
		mails = append(mails, ingress.Delivery{Raw: []byte("Subject: " + subject + "\nMessage-ID: <" + subject + "@example.org>\n\nx\n"), Via: "test"})
	}
	outcomes, err := in.Deliver(context.Background(), mails)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range outcomes {
		got = append(got, o.Kind)
	}
	if want := []string{"fine", "broken", "fine", "broken", "fine"}; !slices.Equal(got, want) {
		t.Errorf("outcomes %q, want %q", got, want)
	}
}
