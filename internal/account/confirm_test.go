// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/test/dbtest"
)

// lastMail is the newest mail in the queue, and the key in its link.
func lastMail(t *testing.T, db *sqldb.DB) (outmail.Row, outmail.Mail, string) {
	t.Helper()
	rows, err := outmail.List(t.Context(), db, outmail.Filter{Most: 1})
	if err != nil || len(rows) != 1 {
		t.Fatalf("%+v, %v", rows, err)
	}
	m, err := rows[0].Mail()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`https://x/confirm/([0-9a-f]{40})/\n`).FindStringSubmatch(m.Shown("https://x"))
	if found == nil {
		t.Fatalf("no link in %s", m.Text)
	}
	return rows[0], m, found[1]
}

func TestOptOutAndIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		out := func(email string) bool {
			t.Helper()
			is, err := OptedOut(t.Context(), db, email)
			if err != nil {
				t.Fatal(err)
			}
			return is
		}
		ask := func(at clock.Time, kind string) error {
			return AskOptout(t.Context(), db, at, kind, "Some@Example.org", "192.0.2.1", 7)
		}
		if err := ask(noon, ConfirmOptIn); !fault.Is(err, fault.Conflict) || fault.UserText(err) != "this address has not opted out" {
			t.Errorf("opt in: %v", err)
		}
		if err := ask(noon, ConfirmOptOut); err != nil {
			t.Fatal(err)
		}
		row, m, key := lastMail(t, db)
		want := "Hello,\n\nsomebody, probably you, asked Patchwork to no longer send notices to this address:\n\n    Some@Example.org\n\nTo confirm it, open this page and press the button:\n\n    https://x/confirm/" + key +
			"/\n\nThe page works for 7 days. If you do not want this, ignore this mail: nothing\nwill change, and you will not be asked again.\n"
		if row.Kind != "confirm-optout" || row.Recipient != "Some@Example.org" || m.Subject != "Patchwork opt-out request" || m.Shown("https://x") != want || !m.Private || !m.Always || m.Notice {
			t.Errorf("%+v\n%s", row, m.Shown("https://x"))
		}
		if n := count(t, db, "SELECT COUNT(*) FROM email_confirmation WHERE email = 'some@example.org'"); n != 1 {
			t.Errorf("%d confirmations", n)
		}
		for range 3 { // looking changes nothing
			if c, err := FindConfirmation(t.Context(), db, noon.Add(time.Hour), key, 7); err != nil || c.Kind != ConfirmOptOut || c.Email != "some@example.org" || out("some@example.org") {
				t.Fatalf("%+v, %v", c, err)
			}
		}
		if _, err := FindConfirmation(t.Context(), db, noon.Add(7*24*time.Hour+time.Second), key, 7); !fault.Is(err, fault.Conflict) || !strings.Contains(fault.UserText(err), "has expired") {
			t.Errorf("%v", err)
		}
		for _, bad := range []string{"", strings.Repeat("0", 40), key[:39], strings.Repeat("x", 5000)} {
			if _, err := Confirm(t.Context(), db, Actor{}, noon, bad, 7); !fault.Is(err, fault.NotFound) {
				t.Errorf("%.50q: %v", bad, err)
			}
		}
		if _, err := Confirm(t.Context(), db, Actor{}, noon.Add(time.Hour), key, 7); err != nil || !out("SOME@example.org") {
			t.Errorf("%v", err)
		}
		if _, err := Confirm(t.Context(), db, Actor{}, noon.Add(time.Hour), key, 7); !fault.Is(err, fault.Conflict) || !strings.Contains(fault.UserText(err), "already been processed") {
			t.Errorf("%v", err)
		}
		if err := ask(noon, ConfirmOptOut); !fault.Is(err, fault.Conflict) {
			t.Errorf("opt out again: %v", err)
		}
		if err := ask(noon.Add(time.Hour), ConfirmOptIn); err != nil {
			t.Fatal(err)
		}
		_, m, key = lastMail(t, db)
		if m.Subject != "Patchwork opt-in request" || !strings.Contains(m.Text, "asked Patchwork to send notices to this address again:") {
			t.Errorf("%+v", m)
		}
		exec(t, db, "INSERT INTO mail_suspended (recipient_key, at, reason) VALUES ('some@example.org', 1, 'came back')")
		if _, err := Confirm(t.Context(), db, Actor{}, noon.Add(2*time.Hour), key, 7); err != nil || out("some@example.org") {
			t.Errorf("%v", err)
		}
		if s, err := outmail.Suspended(t.Context(), db, "some@example.org"); s != nil || err != nil {
			t.Errorf("still suspended: %+v, %v", s, err)
		}
		if n, err := SweepConfirmations(t.Context(), db, noon.Add(time.Minute)); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}

// Nobody can fill a mailbox by asking: an address is asked three times a day, and who asks much must wait.
func TestConfirmationsAreBounded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		mails := func() int64 { return count(t, db, "SELECT COUNT(*) FROM outgoing_mail") }
		for i := range 10 {
			err := AskOptout(t.Context(), db, noon.Add(time.Duration(i)*time.Hour), ConfirmOptOut, "victim@example.org", fmt.Sprintf("192.0.2.%d:1", i), 7)
			if (i < 3) != (err == nil) || i >= 3 && !fault.Is(err, fault.Denied) {
				t.Errorf("%d: %v", i, err)
			}
		}
		if n := mails(); n != 3 {
			t.Errorf("%d mails", n)
		}
		if err := AskOptout(t.Context(), db, noon.Add(25*time.Hour), ConfirmOptOut, "victim@example.org", "192.0.2.1", 7); err != nil {
			t.Errorf("the next day: %v", err)
		}
		var err error
		n := 0
		for ; n < 50 && err == nil; n++ {
			err = AskOptout(t.Context(), db, noon.Add(30*time.Hour), ConfirmOptOut, fmt.Sprintf("a%d@example.org", n), "198.51.100.7:9", 7)
		}
		var throttled *Throttled
		if !errors.As(err, &throttled) || n != 12 {
			t.Errorf("refused after %d: %v", n, err)
		}
		for _, bad := range []string{"", "x", "a@b\r\nBcc: c@d", "-x@y"} {
			if err := AskOptout(t.Context(), db, noon, ConfirmOptOut, bad, "", 7); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}

func TestSetOptoutAndUnsubscribe(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		if err := SetOptout(t.Context(), db, Actor{User: 1, Via: "web"}, noon, "ann@example.org", true); !fault.Is(err, fault.Denied) {
			t.Errorf("%v", err)
		}
		if err := SetOptout(t.Context(), db, CLI, noon, "Ann@example.org", true); err != nil {
			t.Error(err)
		}
		if list, err := Optouts(t.Context(), db); err != nil || len(list) != 1 || list[0] != (Optout{"ann@example.org", noon}) {
			t.Errorf("%+v, %v", list, err)
		}
		if err := SetOptout(t.Context(), db, CLI, noon, "ann@example.org", false); err != nil {
			t.Error(err)
		}
		if n := count(t, db, "SELECT COUNT(*) FROM audit WHERE verb IN ('optout add', 'optout remove')"); n != 2 {
			t.Errorf("%d lines of the audit trail", n)
		}
		var path string
		err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			sign, err := outmail.LoadSigner(context.Background(), tx, noon)
			path = sign.UnsubscribePath("Ann@Example.org")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		token := strings.TrimSuffix(strings.TrimPrefix(path, "/mail/unsubscribe/"), "/")
		if email, err := Unsubscriber(t.Context(), db, noon, token); email != "ann@example.org" || err != nil {
			t.Errorf("%q, %v", email, err)
		}
		if _, err := Unsubscribe(t.Context(), db, noon, "x"+token); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
		if list, _ := Optouts(t.Context(), db); len(list) != 0 {
			t.Errorf("%+v", list)
		}
		for range 2 {
			if email, err := Unsubscribe(t.Context(), db, noon, token); email != "ann@example.org" || err != nil {
				t.Errorf("%q, %v", email, err)
			}
		}
		if list, _ := Optouts(t.Context(), db); len(list) != 1 {
			t.Errorf("%+v", list)
		}
	})
}
