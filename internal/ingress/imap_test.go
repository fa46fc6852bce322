// SPDX-License-Identifier: GPL-2.0-or-later

package ingress_test

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/peers"
)

// imapOptions read the inbox of d in clear; what is slower than IDLE would be seen as a failure.
func imapOptions(d *peers.Dovecot) ingress.IMAPOptions {
	return ingress.IMAPOptions{Name: "imap://reader@localhost/INBOX", Host: "localhost", Port: d.Port, Security: ingress.IMAPPlain, User: peers.DovecotUser,
		Password: peers.DovecotPassword, Mailbox: "INBOX", MailSize: 1 << 20, Every: 10 * time.Minute}
}

// followIMAP follows until the returned function is called.
func followIMAP(t *testing.T, db *sqldb.DB, opt ingress.IMAPOptions) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() {
		defer close(done)
		smallBatches(db).Follow(ctx, ingress.OpenIMAP(opt), slog.New(slog.NewTextHandler(t.Output(), nil)))
	}()
	return func() { cancel(); <-done }
}

func wantMails(t *testing.T, db *sqldb.DB, n int) {
	t.Helper()
	peers.Eventually(t, "the mails are here", func() bool { return len(mailRows(t, db)) >= n })
	for id, times := range mailRows(t, db) {
		if times != 1 {
			t.Errorf("%s is there %d times", id, times)
		}
	}
	if got := len(mailRows(t, db)); got != n {
		t.Errorf("%d mails, want %d", got, n)
	}
}

func state(t *testing.T, db *sqldb.DB) ingress.SourceState {
	t.Helper()
	all, err := ingress.SourceStates(t.Context(), db)
	if err != nil || len(all) != 1 {
		t.Fatal(err, all)
	}
	return all[0]
}

// noted waits until the position is stored, which is after the mails.
func noted(t *testing.T, db *sqldb.DB, mails int64) {
	t.Helper()
	peers.Eventually(t, "the position is noted", func() bool { s := state(t, db); return s.Mails >= mails && s.CheckedAt >= s.MovedAt })
}

// What is there and what comes is taken in, by IDLE, once; also when the server is gone for a while, or numbers its mails anew.
func TestIMAP(t *testing.T) {
	t.Parallel()
	d, all := peers.NewDovecot(t), feed(40)
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		addFeedProject(t, db)
		before := len(d.Files(""))
		d.Deliver(all[before : before+5]...)
		stop := followIMAP(t, db, imapOptions(d))
		wantMails(t, db, before+5)
		d.Deliver(all[before+5])
		wantMails(t, db, before+6) // told by IDLE: the next look is in ten minutes
		noted(t, db, int64(before+6))
		stop()
		first := state(t, db)
		d.Deliver(all[before+6])
		stop = followIMAP(t, db, imapOptions(d))
		wantMails(t, db, before+7)
		noted(t, db, first.Mails+1)
		stop()
		if now := state(t, db); now.Mails != first.Mails+1 || now.Kind != "imap" || now.Error != "" || now.CheckedAt == 0 {
			t.Errorf("resumed: %+v, before %+v", now, first)
		}
		stop = followIMAP(t, db, imapOptions(d))
		peers.Eventually(t, "it is connected", func() bool { return state(t, db).CheckedAt > first.CheckedAt })
		d.Stop()
		d.Deliver(all[before+7])
		peers.Eventually(t, "the failure is noted", func() bool { return strings.Contains(state(t, db).Error, "imap:") })
		d.NewValidity()
		d.Start()
		wantMails(t, db, before+8)
		peers.Eventually(t, "all is well again", func() bool { return state(t, db).Error == "" })
		noted(t, db, first.Mails+int64(before)+8)
		stop()
		if now := state(t, db); now.Mails < first.Mails+int64(before)+8 { // all were read again
			t.Errorf("after UIDVALIDITY changed: %+v", now)
		}
		for _, f := range d.Files("") {
			if strings.Contains(f, ":2,") && strings.Contains(f[strings.Index(f, ":2,"):], "S") {
				t.Errorf("%s was marked as seen", f)
			}
		}
	})
}

// A server that can't tell of mail is asked whether there is some, and what it has is taken in, once.
func TestIMAPWithoutIdle(t *testing.T) {
	t.Parallel()
	d, db, all := peers.NewDovecot(t, "imap_capability = IMAP4rev1 UIDPLUS"), dbtest.Open(t, sqldb.SQLite), feed(3)
	addFeedProject(t, db)
	conn, err := net.Dial("tcp", "127.0.0.1:"+d.Port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	greeting, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || strings.Contains(greeting, "IDLE") || !strings.Contains(greeting, "UIDPLUS") {
		t.Fatalf("dovecot begins with %q, %v", greeting, err)
	}
	d.Deliver(all[0])
	opt := imapOptions(d)
	opt.Every = 200 * time.Millisecond
	stop := followIMAP(t, db, opt)
	wantMails(t, db, 1)
	for i, m := range all[1:] {
		time.Sleep(300 * time.Millisecond) // it has looked, and found nothing
		d.Deliver(m)
		wantMails(t, db, 2+i)
	}
	noted(t, db, 3)
	stop()
	if now := state(t, db); now.Mails != 3 || now.Error != "" {
		t.Errorf("%+v", now)
	}
}

// Bytes are those that SMTP would have given; a mail that is too large is cut; list-id decides; mails are marked and moved when they are stored.
func TestIMAPBytesAndMarks(t *testing.T) {
	t.Parallel()
	d, db := peers.NewDovecot(t), dbtest.Open(t, sqldb.SQLite)
	addFeedProject(t, db)
	d.Make("Done")
	odd := "From: ann@example.org\nSubject: [PATCH] odd\nMessage-ID: <odd@mail.example>\n\n\xff 8 bit\n---\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n"
	d.Deliver(odd, letter("big@mail.example", strings.Repeat("xxxxxxxxx\n", 1000)), patchMail(1, 1, 1))
	opt := imapOptions(d)
	opt.ListID, opt.MailSize, opt.Seen, opt.MoveTo = feedList, 4000, true, "Done"
	stop := followIMAP(t, db, opt)
	wantMails(t, db, 3)
	peers.Eventually(t, "the mails are moved", func() bool { return len(d.Files("")) == 0 && len(d.Files(".Done")) == 3 })
	stop()
	if got := string(rawOf(t, db, "<odd@mail.example>")); got != odd {
		t.Errorf("%q", got)
	}
	if n := len(rawOf(t, db, "<big@mail.example>")); n < 3000 || n > 4000 {
		t.Errorf("%d bytes of the large mail", n)
	}
	for _, f := range d.Files(".Done") {
		if !strings.HasSuffix(f, "S") {
			t.Errorf("%s is not marked as seen", f)
		}
	}
}

// The password leaves only by an encrypted connection to the server whose certificate is good.
func TestIMAPSecurity(t *testing.T) {
	t.Parallel()
	d, db := peers.NewDovecot(t), dbtest.Open(t, sqldb.SQLite)
	addFeedProject(t, db)
	for what, change := range map[string]func(*ingress.IMAPOptions){
		"x509": func(o *ingress.IMAPOptions) { o.Security, o.Port = ingress.IMAPTLS, d.TLSPort },
		"certificate signed by unknown authority":    func(o *ingress.IMAPOptions) { o.Security = ingress.IMAPStartTLS },
		"log in as reader":                           func(o *ingress.IMAPOptions) { o.Password = "wrong" },
		"open Nowhere":                               func(o *ingress.IMAPOptions) { o.Mailbox = "Nowhere" },
		"read the password: open /nowhere/password:": func(o *ingress.IMAPOptions) { o.PasswordFile = "/nowhere/password" },
	} {
		opt := imapOptions(d)
		opt.Every = 10 * time.Second
		change(&opt)
		opt.Name = what
		stop := followIMAP(t, db, opt)
		peers.Eventually(t, what, func() bool {
			all, _ := ingress.SourceStates(t.Context(), db)
			for _, s := range all {
				if s.Name == what && strings.Contains(s.Error, what) && !strings.Contains(s.Error, "pass word") {
					return true
				}
			}
			return false
		})
		stop()
	}
	if log := d.Log(); strings.Count(log, "Login: user=<reader>") > 1 { // of Nowhere
		t.Errorf("somebody logged in: %s", log)
	}
}
