// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"net/mail"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/test/dbtest"
)

// Mail that came back is claimed before patchmail sees it, once, and shown for its address; one that is not about our mail goes its usual way.
func TestBouncesComeInByIngress(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.project("alpha")
		var id int64
		var name string
		err := db.Tx(t.Context(), func(tx *sqldb.Tx) (err error) {
			id, err = outmail.Queue(context.Background(), tx, noon, outmail.Mail{Kind: "test", To: mail.Address{Address: "ann@example.org"}, Subject: "x", Text: "x\n"})
			if err != nil {
				return err
			}
			sign, err := outmail.LoadSigner(context.Background(), tx, noon)
			name = sign.Name(id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		const report = "From: MAILER-DAEMON@mx.example\nList-Id: <alpha.lists.example>\nSubject: [PATCH] Undelivered\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n" +
			"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 unknown\n\n--b\nContent-Type: message/rfc822\n\nSubject: x\n\n--b--\n"
		deliver := func(raw string, to ...string) ingress.Outcome {
			t.Helper()
			out, err := s.app.Intake().Deliver(t.Context(), []ingress.Delivery{{Raw: []byte(raw), Via: "test", Recipients: to}})
			if err != nil {
				t.Fatal(err)
			}
			return out[0]
		}
		if o := deliver(report, "bounces+"+name+"@example.net"); o.Kind != "bounce" || o.Known || o.Reason != "failed 5.1.1: smtp; 550 unknown" {
			t.Errorf("%+v", o)
		}
		if o := deliver(report, "bounces+"+name+"@example.net"); o.Kind != "bounce" || !o.Known {
			t.Errorf("again: %+v", o)
		}
		if o := deliver(strings.Replace(report, "unknown", "nobody", 1), "bounces+1-00000000000000000000@example.net"); o.Kind != "ignored" {
			t.Errorf("forged: %+v", o)
		}
		found, err := outmail.Troubles(t.Context(), db, "")
		if err != nil || len(found) != 1 || found[0].Address != "ann@example.org" || found[0].Permanent != 1 {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

// TestBounceTakenInAgain: a bounce that a fault kept from being counted is counted when it is taken in once more, not called a copy of itself.
func TestBounceTakenInAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		var name string
		err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			id, err := outmail.Queue(context.Background(), tx, noon, outmail.Mail{Kind: "test", To: mail.Address{Address: "ann@example.org"}, Subject: "x", Text: "x\n"})
			if err != nil {
				return err
			}
			sign, err := outmail.LoadSigner(context.Background(), tx, noon)
			name = sign.Name(id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		raw := "From: MAILER-DAEMON@mx.example\nSubject: Undelivered\n\nNo such user: 550 5.1.1\n\nMessage-ID: <pw-" + name + "@example.net>\n"
		if _, err := s.app.Intake().Deliver(t.Context(), []ingress.Delivery{{Raw: []byte(raw), Via: "test"}}); err != nil {
			t.Fatal(err)
		}
		err = db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			if _, err := tx.Exec(context.Background(), "DELETE FROM mail_bounce"); err != nil {
				return err
			}
			_, err := tx.Exec(context.Background(), "UPDATE mail SET outcome = 'broken', reason = 'the database was full'")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.app.Intake().Retry(t.Context(), account.CLI, []int64{1}, ingress.Again{}, func([]ingress.Retried) {}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.rows("SELECT m.outcome, b.recipient_key FROM mail m, mail_bounce b"), "\n"); got != "bounce ann@example.org" {
			t.Errorf("got %q", got)
		}
	})
}
