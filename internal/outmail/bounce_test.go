// SPDX-License-Identifier: GPL-2.0-or-later

package outmail

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/mailsink"
)

// report is a DSN as RFC 3464 has it.
func report(action, status, original string) string {
	return "From: Mail Delivery System <MAILER-DAEMON@mx.example.org>\nTo: patchwork@example.net\nSubject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n--b\nContent-Type: text/plain\n\nI'm sorry.\n\n--b\nContent-Type: message/delivery-status\n\n" +
		"Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; ann@example.org\nAction: " + action + "\nStatus: " + status + "\nDiagnostic-Code: smtp; 550 5.1.1\n <ann@example.org>: unknown\n\n" +
		"--b\nContent-Type: message/rfc822\n\n" + original + "\n--b--\n"
}

func TestReadBounce(t *testing.T) {
	const original = "From: x\nMessage-ID: <pw-1-x@y>\n\nText\n"
	plain := "From: MAILER-DAEMON@old.example\nSubject: failure notice\n\nHi. This is the qmail-send program.\n\n"
	tests := []struct {
		name, mail string
		want       string // status, lost, permanent, answer, detail; empty: none
	}{
		{"failed", report("failed", "5.1.1", original), "5.1.1 true true false failed 5.1.1: smtp; 550 5.1.1 <ann@example.org>: unknown"},
		{"delayed", report("delayed", "4.4.1", original), "4.4.1 false false false delayed 4.4.1: smtp; 550 5.1.1 <ann@example.org>: unknown"},
		{"failed after delays", report("failed", "4.4.7", original), "4.4.7 true false false failed 4.4.7: smtp; 550 5.1.1 <ann@example.org>: unknown"},
		{"too large", report("failed", "5.3.4", original), "5.3.4 true false false failed 5.3.4: smtp; 550 5.1.1 <ann@example.org>: unknown"},
		{"mailbox full", report("failed", "5.2.2", original), "5.2.2 true false false failed 5.2.2: smtp; 550 5.1.1 <ann@example.org>: unknown"},
		{"spam", report("failed", "5.7.1", original), "5.7.1 true false false failed 5.7.1: smtp; 550 5.1.1 <ann@example.org>: unknown"},
		{"domain gone", report("failed", "5.4.4", original), "5.4.4 true true false failed 5.4.4: smtp; 550 5.1.1 <ann@example.org>: unknown"},
		{"qmail", plain + "<ann@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n", "5.1.1 true true false bounce without a report: Hi. This is the qmail-send program. <ann@example.org>: Sorry, no mailbox here by that name. (#5.1.1)"},
		{"exim", "From: Postmaster@x\nX-Failed-Recipients: ann@example.org\n\nhost said: 550 unknown user\n", " true true false bounce without a report: host said: 550 unknown user"},
		{"only a word", plain + "It did not work.\n", " false false false bounce without a report: Hi. This is the qmail-send program. It did not work."},
		{"vacation", "From: ann@example.org\nAuto-Submitted: auto-replied (vacation)\nSubject: away\n\nBack on 5.1.1\n", " false false true "},
		{"patch", "From: ann@example.org\nSubject: [PATCH] x\n\ndiff\n", ""},
		{"report of something else", "From: a@b\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\nContent-Type: text/plain\n\nread\n--b--\n", ""},
	}
	for _, test := range tests {
		got := ""
		if b := ReadBounce(mailmsg.Parse([]byte(test.mail))); b != nil {
			got = fmt.Sprint(b.Status, " ", b.Lost, " ", b.Permanent, " ", b.Answer, " ", b.Detail)
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// postmaster reads mail as ingress has it read.
func (o *office) postmaster(at clock.Time, mail string, recipients ...string) (known bool) {
	o.t.Helper()
	b := ReadBounce(mailmsg.Parse([]byte(mail)))
	if b == nil {
		return false
	}
	o.tx(func(ctx context.Context, tx *sqldb.Tx) error {
		sign, err := LoadSigner(ctx, tx, at)
		if err != nil || !sign.Find(b, recipients) {
			known = false
			return err
		}
		known, err = RecordBounce(ctx, tx, at, slog.New(slog.NewTextHandler(&o.log, nil)), *b)
		return err
	})
	return known
}

// Mail that came back three times, over more than a day, is the end of mail to the address, until somebody resumes it.
func TestBouncesSuspend(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		sink := mailsink.Start(t, mailsink.Options{})
		o := newOffice(t, db, sink.Port)
		o.opt.BounceTo = "bounces@example.net"
		o.opt.BaseURL = "https://patchwork.example.net"
		send := func(to string) (Row, mailsink.Mail) {
			t.Helper()
			id := o.queue(to)
			if err := o.deliver(id); err != nil {
				t.Fatal(err)
			}
			all := sink.Mails()
			return o.is(id, Sent, "", 1), all[len(all)-1]
		}
		for i, day := range []time.Duration{0, time.Hour, 23 * time.Hour, 25 * time.Hour} {
			row, mail := send("Ann@example.org")
			at := noon.Add(day)
			known := false
			switch i {
			case 0: // told by the envelope
				known = o.postmaster(at, report("failed", "5.1.1", "Subject: no header of ours\n\n"), strings.ToUpper(mail.From))
				known = known && o.postmaster(at, report("failed", "5.1.1", "x: y\n\n"), mail.From) // twice the same
			default: // by the mail that came back
				known = o.postmaster(at, report("failed", "5.1.1", mail.Raw))
			}
			if !known {
				t.Errorf("bounce %d is not known", i)
			}
			o.is(row.ID, Bounced, "unknown", 1)
			s, err := Suspended(t.Context(), db, "ann@EXAMPLE.org")
			if err != nil || (s != nil) != (i == 3) {
				t.Fatalf("after bounce %d: %+v, %v", i, s, err)
			}
		}
		if !strings.Contains(o.log.String(), "an address gets no more mail") {
			t.Errorf("log: %s", o.log.String())
		}
		id := o.queue("ann@example.org")
		if err := o.deliver(id); err != nil {
			t.Fatal(err)
		}
		o.is(id, Dropped, "4 mails came back since 2026-03-01", 0)
		found, err := Troubles(t.Context(), db, "Ann@example.org")
		if err != nil || len(found) != 1 || found[0].Permanent != 4 || !found[0].Suspended || found[0].Address != "ann@example.org" || found[0].Last != noon.Add(25*time.Hour) {
			t.Errorf("%+v, %v", found, err)
		}
		o.tx(func(ctx context.Context, tx *sqldb.Tx) error {
			was, err := Resume(ctx, tx, "Ann@Example.org")
			if err == nil && !was {
				t.Error("it was not suspended")
			}
			return err
		})
		send("ann@example.org")
	})
}

// Nobody can make up a bounce of a mail that he has not received, so nobody can silence somebody else.
func TestForgedBouncesDoNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		sink := mailsink.Start(t, mailsink.Options{})
		o := newOffice(t, db, sink.Port)
		mine, theirs := o.queue("mallory@example.com"), o.queue("ann@example.org")
		for _, id := range []int64{mine, theirs} {
			if err := o.deliver(id); err != nil {
				t.Fatal(err)
			}
		}
		r, _ := Get(t.Context(), db, mine)
		number, mac, _ := strings.Cut(strings.TrimPrefix(r.MsgID, "<pw-"), "-")
		mac = strings.TrimSuffix(mac, "@example.net>")
		if number != "1" || len(mac) != 20 {
			t.Fatalf("Message-ID %s", r.MsgID)
		}
		for _, forged := range []string{"<pw-2-" + mac + "@example.net>", "<pw-2-00000000000000000000@example.net>", "<pw-2@example.net>", "<pw-2-@example.net>", "<pw-zzzzzzzzzzzzz-" + mac + "@example.net>", "<pw-99-" + mac + "@x>"} {
			if o.postmaster(noon, report("failed", "5.1.1", "Message-ID: "+forged+"\n\n"), "bounces+"+strings.Trim(forged, "<>pw-")) {
				t.Errorf("%s is believed", forged)
			}
		}
		if found, err := Troubles(t.Context(), db, ""); err != nil || len(found) != 0 {
			t.Errorf("%+v, %v", found, err)
		}
		if !o.postmaster(noon, report("failed", "5.1.1", "Message-ID: "+r.MsgID+"\n\n")) {
			t.Error("his own is not believed")
		}
		if !o.postmaster(noon, "From: a@b\nAuto-Submitted: auto-replied\n\nIn reply to "+r.MsgID+"\n") {
			t.Error("an answer by a machine is not known as such")
		}
		if found, _ := Troubles(t.Context(), db, ""); len(found) != 1 || found[0].Permanent != 1 {
			t.Errorf("%+v", found)
		}
	})
}

func TestUnsubscribeLinks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := newOffice(t, db, 0)
		var sign, again Signer
		o.tx(func(ctx context.Context, tx *sqldb.Tx) (err error) {
			if sign, err = LoadSigner(ctx, tx, noon); err == nil {
				again, err = LoadSigner(ctx, tx, noon)
			}
			return err
		})
		token := func(s Signer, address string) string {
			return strings.TrimSuffix(strings.TrimPrefix(s.UnsubscribePath(address), "/mail/unsubscribe/"), "/")
		}
		if key, err := again.Unsubscriber(token(sign, "Zoë@Example.ORG")); key != "zoë@example.org" || err != nil {
			t.Errorf("%q, %v", key, err)
		}
		other := Signer{key: make([]byte, 32)}
		for _, bad := range []string{"", ".", "x", token(other, "ann@example.org"), token(sign, "ann@example.org") + "0", strings.Replace(token(sign, "ann@example.org"), ".", "", 1), "YW5u." + strings.SplitN(token(sign, "ann@example.org"), ".", 2)[1]} {
			if key, err := sign.Unsubscriber(bad); !fault.Is(err, fault.NotFound) {
				t.Errorf("%q: %q, %v", bad, key, err)
			}
		}
	})
}
