// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/test/dbtest"
)

// The tests here are named after the items of a list of failures that were seen in an earlier system. A3 is in concurrent_test.go, A9 and A12
// in intake_test.go, A1, A2 and A7 also with the real program in cmd/pw.

// TestKnownFailureA1: an archive is read to its end, and the events are there.
func TestKnownFailureA1(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "a1")
		sum, err := s.importMbox(writeMbox(generate(1, 60)))
		if err != nil || sum.Mails != 60 || sum.Outcomes["patch"] == 0 {
			t.Errorf("%+v, %v", sum, err)
		}
		if p, e := s.text("SELECT COUNT(*) FROM patch"), s.text("SELECT COUNT(*) FROM event WHERE kind = 'patch-created'"); p != e || p == "0" {
			t.Errorf("%s patches and %s events about them", p, e)
		}
	})
}

// TestKnownFailureA2: a bad mail ends nothing.
func TestKnownFailureA2(t *testing.T) {
	bad := [][]byte{[]byte("\x00\x01\x02"), []byte("Subject: no sender\n\nx"), []byte("From: \xff\n\n\n"), bytes.Repeat([]byte("A"), 5000), []byte(":\n:\n:"), {}}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "a2")
		var mails [][]byte
		for i, raw := range bad {
			mails = append(mails, raw, letter{id: fmt.Sprint("p", i), subject: "[PATCH] x", body: patchText("x")}.raw())
		}
		sum, err := s.importMbox(writeMbox(mails))
		if err != nil || sum.Mails != 12 || sum.Outcomes["patch"] != 6 || sum.Outcomes["broken"] != 6 {
			t.Errorf("%+v, %v", sum, err)
		}
		if got := s.text("SELECT COUNT(*) FROM mail WHERE outcome = 'broken' AND reason <> ''"); got != "6" {
			t.Errorf("%s broken mails with a reason", got)
		}
		check(t, db)
	})
}

// TestKnownFailureA4: mails without a Message-ID are all kept, unless they are the same.
func TestKnownFailureA4(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "a4")
		s.send("patch patch known patch", letter{subject: "[PATCH] one", body: patchText("x")}, letter{subject: "[PATCH] two", body: patchText("x")},
			letter{subject: "[PATCH] one", body: patchText("x")}, letter{subject: "[PATCH] three", header: "Message-ID: <>\n", body: patchText("x")})
		check(t, db)
	})
}

// TestKnownFailureA5: neither an odd Message-ID nor an unknown charset nor a long line is a reason to refuse a mail.
func TestKnownFailureA5(t *testing.T) {
	long := strings.Repeat("x", 5<<20)
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "a5")
		s.send("patch patch patch",
			letter{subject: "[PATCH] a", header: "Message-ID: <no-at-sign>\n", body: patchText("x")},
			letter{id: "p2", subject: "[PATCH] b", header: "Content-Type: text/plain; charset=unknown-8bit\n", body: "caf\xe9\n---\n" + tiny},
			letter{id: "p3", subject: "[PATCH] c", body: "Words\n---\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+" + long + "\n"})
		if x := s.one("p2"); x.content != "café\n---" {
			t.Errorf("text %q", x.content)
		}
		if got := s.text("SELECT LENGTH(d.diff) FROM patch_diff d JOIN patch p ON p.id = d.patch_id WHERE p.name = 'c'"); got != fmt.Sprint(32+len(long)+1) {
			t.Errorf("a diff of %s bytes", got)
		}
	})
}

// TestKnownFailureA6: see TestFuzzConformance; here ten thousand references and five thousand parts.
func TestKnownFailureA6(t *testing.T) {
	var refs []string
	for i := range 10_000 {
		refs = append(refs, msgid(fmt.Sprint("far", i)))
	}
	var parts []string
	for i := range 5_000 {
		parts = append(parts, fmt.Sprintf("Content-Type: text/plain\n\npart %d", i))
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "a6")
		s.send("patch comment pending ignored patch",
			letter{id: "p1", subject: "[PATCH] x", body: patchText("x")},
			letter{id: "r1", subject: "Re: x", refs: "p1", header: "References: " + strings.Join(refs, "\n ") + "\n", body: "Yes.\n"},
			letter{id: "r2", subject: "Re: y", header: "References: " + strings.Join(refs, "\n ") + "\n", body: "No.\n"},
			letter{id: "m", subject: "parts", header: mixed, body: multipart(parts...)},
			letter{id: "p2", subject: "[PATCH] y", header: mixed, body: multipart(append([]string{"Content-Type: text/plain\n\n" + tiny}, parts...)...)})
		if got := s.text("SELECT COUNT(*) FROM pending_reference"); got != "100" {
			t.Errorf("the reply waits for %s mails, want 100 at most", got)
		}
		check(t, db)
	})
}

// TestKnownFailureA7: a mail of 60 MB that hardly compresses is kept as far as the limit goes, and the next one is taken in.
func TestKnownFailureA7(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 60 MB")
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "a7")
		sum, err := s.importMbox(writeMbox([][]byte{bigMail(60 << 20), letter{id: "p1", subject: "[PATCH] x", body: patchText("x")}.raw()}))
		if err != nil || sum.Mails != 2 || sum.Outcomes["patch"] != 1 {
			t.Errorf("%+v, %v", sum, err)
		}
		if got := s.text("SELECT outcome FROM mail WHERE msgid = '<big@x>' AND reason <> ''"); got != "broken" { // it is cut
			t.Errorf("the big mail became %q", got)
		}
	})
}

// bigMail is a mail of so many bytes that hardly compress.
func bigMail(size int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	big := make([]byte, size)
	for i := range big {
		big[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[random.Uint32()&63]
		if i%77 == 76 {
			big[i] = '\n'
		}
	}
	return append([]byte("From: a@people.example\nSubject: [PATCH] big\nMessage-ID: <big@x>\n\n"), big...)
}

// TestKnownFailureA10: one forged mail renames nobody, and one without a name makes nobody nameless.
func TestKnownFailureA10(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "a10")
		for i, from := range []string{author, author, author, "Nitwit <ANN@people.example>", "ann@people.example"} {
			s.send("patch", letter{id: fmt.Sprint("p", i), subject: "[PATCH] x", from: from, body: patchText("x")})
		}
		if got := s.one("p0").Submitter; got != [2]string{"ann@people.example", "Ann Author"} {
			t.Errorf("the submitter is now %q", got)
		}
		if got := s.text("SELECT COUNT(*) FROM person"); got != "1" {
			t.Errorf("%s persons", got)
		}
	})
}

// TestKnownFailureA11: a patch that refers to its series may be late.
func TestKnownFailureA11(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "a11")
		s.send("cover patch patch", letter{id: "c", subject: "[PATCH 0/2] top", body: "Words\n"}, letter{id: "p1", subject: "[PATCH 1/2] x", refs: "c", body: patchText("x")},
			letter{id: "p2", subject: "[PATCH 2/2] x", refs: "c", minutes: 60 * 24 * 30, body: patchText("x")})
		same(t, "series", s.series(), []string{`(1,2,[1 2]) c "top"`})
	})
}

// TestKnownFailureA13: an encoded word with a line end in it does not become a header of its own.
func TestKnownFailureA13(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "a13")
		s.send("patch", letter{id: "p1", subject: "=?utf-8?q?=5BPATCH=5D_x=0AX-Evil:_1=0D=0ABcc:_a=40b=00?=", from: "=?utf-8?q?Ann=0AX-Evil:_2?= <ann@people.example>",
			header: "X-A: 1\rX-Evil: 3\n\x00X-Evil\x00: 4\nX-B: =?utf-8?b?DQpYLUV2aWw6IDU=?=\n", body: patchText("x")})
		x := s.one("p1")
		if strings.ContainsAny(x.Name+x.Submitter[1], "\n\r\x00") || x.Name != "x X-Evil: 1 Bcc: a@b" {
			t.Errorf("name %q, submitter %q", x.Name, x.Submitter[1])
		}
		for line := range strings.Lines(x.headers) {
			if strings.HasPrefix(strings.ToLower(line), "x-evil: ") && !strings.Contains(line, "4") || strings.HasPrefix(line, "Bcc") || strings.ContainsAny(line, "\r\x00") {
				t.Errorf("a header line of its own: %q", line)
			}
		}
	})
}

// TestKnownFailureA14: dates that cannot be are not believed.
func TestKnownFailureA14(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "a14")
		for i, date := range []string{"Fri, 1 Mar 2222 10:00:00 +0000", "Mon, 1 Jan 1900 00:00:00 +0000", "nonsense", "Thu, 3 Mar 2022 10:00:00 +0000"} {
			raw := fmt.Sprintf("From: a@people.example\nSubject: [PATCH] x\nMessage-ID: <%d@x>\nDate: %s\n\n%s", i, date, patchText("x"))
			s.deliver([]byte(raw))
			if got := s.text("SELECT date FROM patch p WHERE p.message_id = (SELECT id FROM message WHERE msgid = ?)", fmt.Sprintf("<%d@x>", i)); got != fmt.Sprint(int64(now)) {
				t.Errorf("Date: %s is stored as %s", date, got)
			}
		}
	})
}

// failing is a claimer that stores and then fails.
type failing struct{ ingress.Claimer }

func (f failing) Claim(ctx context.Context, tx *sqldb.Tx, mails []ingress.Mail) ([]ingress.Outcome, error) {
	if _, err := f.Claimer.Claim(ctx, tx, mails); err != nil {
		return nil, err
	}
	return nil, errors.New("the power failed")
}

// TestKnownFailureB1: events are in the transaction of what they tell of.
func TestKnownFailureB1(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "b1")
		fixed := clock.NewFake(now)
		in := ingress.New(db, fixed, ingress.DefaultLimits, failing{newClaimer(fixed)})
		out, err := in.Deliver(context.Background(), []ingress.Delivery{{Raw: letter{id: "p1", subject: "[PATCH] x", body: patchText("x")}.raw(), ListID: s.project.ListID}})
		if err != nil || out[0].Kind != "broken" || !strings.Contains(out[0].Reason, "the power failed") {
			t.Errorf("%+v, %v", out, err)
		}
		for _, table := range []string{"patch", "message", "series", "event", "event_subject", "person", "patch_count", "series_reference"} {
			if n := s.text("SELECT COUNT(*) FROM " + table); n != "0" {
				t.Errorf("%s rows in %s", n, table)
			}
		}
		s.send("patch", letter{id: "p1", subject: "[PATCH] x", body: patchText("x")}) // what failed then is taken in when it comes again
		check(t, db)
	})
}
