// SPDX-License-Identifier: GPL-2.0-or-later

package outmail

import (
	"context"
	"fmt"
	"log/slog"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/mailsink"
)

// office is a site that sends mail.
type office struct {
	t     *testing.T
	db    *sqldb.DB
	clock *clock.Fake
	opt   Options
	log   strings.Builder
}

func newOffice(t *testing.T, db *sqldb.DB, port int) *office {
	return &office{t: t, db: db, clock: clock.NewFake(noon), opt: Options{
		Transport: Transport{Host: "127.0.0.1", Port: port, Encryption: "none", Timeout: 20 * time.Second},
		From:      mail.Address{Name: "Patchwork", Address: "patchwork@example.net"}, BaseURL: "https://patchwork.example.net"}}
}

func (o *office) queue(to string, change ...func(*Mail)) int64 {
	o.t.Helper()
	m := Mail{Kind: "test", To: mail.Address{Address: to}, Subject: "Hello", Text: "See " + Link("/x/") + "\n"}
	for _, f := range change {
		f(&m)
	}
	var id int64
	o.tx(func(ctx context.Context, tx *sqldb.Tx) (err error) {
		id, err = Queue(ctx, tx, o.clock.Now(), m)
		return err
	})
	return id
}

func (o *office) tx(f func(ctx context.Context, tx *sqldb.Tx) error) {
	o.t.Helper()
	if err := o.db.Tx(o.t.Context(), func(tx *sqldb.Tx) error { return f(o.t.Context(), tx) }); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) exec(query string, args ...any) {
	o.t.Helper()
	o.tx(func(ctx context.Context, tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
}

// deliver runs the job of a mail once.
func (o *office) deliver(id int64) error {
	s := NewSender(o.db, o.clock, o.opt, slog.New(slog.NewTextHandler(&o.log, nil)))
	return s.Handle(o.t.Context(), job.Job{Kind: JobKind, Payload: fmt.Sprintf(`{"mail":%d}`, id)})
}

func (o *office) is(id int64, state, errorHas string, attempts int) Row {
	o.t.Helper()
	r, err := Get(o.t.Context(), o.db, id)
	if err != nil || r.State != state || !strings.Contains(r.Error, errorHas) || r.Attempts != attempts || errorHas == "" && r.Error != "" {
		o.t.Errorf("mail %d: %s %q after %d attempts, %v; want %s %q after %d", id, r.State, r.Error, r.Attempts, err, state, errorHas, attempts)
	}
	return r
}

// TestStopWhileSending: a process that is told to stop while the server takes a mail still notes that it was sent, so that nobody sends it again.
func TestStopWhileSending(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		sink := mailsink.Start(t, mailsink.Options{})
		o := newOffice(t, db, sink.Port)
		id := o.queue("ann@example.org")
		ctx, stop := context.WithCancel(t.Context())
		sink.Refuse(func(stage, _ string) error {
			if stage == "end" {
				stop()
			}
			return nil
		})
		s := NewSender(db, o.clock, o.opt, slog.New(slog.DiscardHandler))
		if err := s.Handle(ctx, job.Job{Kind: JobKind, Payload: fmt.Sprintf(`{"mail":%d}`, id)}); err != nil {
			t.Error(err)
		}
		o.is(id, Sent, "", 1)
		if n := len(sink.Mails()); n != 1 {
			t.Errorf("%d mails came", n)
		}
	})
}

func TestDeliver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		sink := mailsink.Start(t, mailsink.Options{})
		o := newOffice(t, db, sink.Port)
		o.opt.BounceTo = "bounces@example.net"
		o.opt.NoticeFrom = mail.Address{Name: "Notices", Address: "notices@example.net"}
		id := o.queue("Ann@Example.org", func(m *Mail) { m.Notice = true })
		for range 2 { // the second finds it done
			if err := o.deliver(id); err != nil {
				t.Fatal(err)
			}
		}
		r := o.is(id, Sent, "", 1)
		if r.EndedAt == nil || *r.EndedAt != noon {
			t.Errorf("ended %v", r.EndedAt)
		}
		mails := sink.Mails()
		if len(mails) != 1 {
			t.Fatalf("%d mails came", len(mails))
		}
		m := mails[0]
		if !strings.HasPrefix(m.From, "bounces+1-") || !strings.HasSuffix(m.From, "@example.net") || m.To != "Ann@Example.org" {
			t.Errorf("envelope %s -> %s", m.From, m.To)
		}
		for _, want := range []string{"From: Notices <notices@example.net>\r\n", "Message-ID: " + r.MsgID + "\r\n", "\r\nList-Unsubscribe: <https://patchwork.example.net/mail/unsubscribe/",
			"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "\r\nPrecedence: bulk\r\n", "\r\nAuto-Submitted: auto-generated\r\n", "\r\n\r\nSee https://patchwork.example.net/x/\r\n"} {
			if !strings.Contains(m.Raw, want) {
				t.Errorf("no %q in\n%s", want, m.Raw)
			}
		}
		if since, ok, err := Waiting(t.Context(), db); ok || err != nil {
			t.Errorf("one waits since %v, %v", since, err)
		}
	})
}

// A refusal for the time being is tried again with the same Message-ID, one for good is not; either is shown.
func TestRefusals(t *testing.T) {
	tests := []struct {
		name, stage string
		answer      error
		state, says string
		paused      bool
		bounce      bool
	}{
		{"greylisted", "rcpt", mailsink.Answer(450, [3]int{4, 2, 0}, "come back later"), Queued, "RCPT TO: 450 4.2.0 come back later", false, false},
		{"no such user", "rcpt", mailsink.Answer(550, [3]int{5, 1, 1}, "no such user"), Failed, "RCPT TO: 550 5.1.1 no such user", false, true},
		{"relaying denied", "rcpt", mailsink.Answer(554, [3]int{5, 7, 1}, "relaying denied"), Failed, "RCPT TO: 554 5.7.1 relaying denied", false, false},
		{"log in first", "mail", mailsink.Answer(530, [3]int{5, 7, 0}, "log in first"), Queued, "MAIL FROM: 530 5.7.0 log in first", true, false},
		{"sender refused", "mail", mailsink.Answer(553, [3]int{5, 7, 1}, "not your address"), Failed, "MAIL FROM: 553 5.7.1 not your address", false, false},
		{"spam", "end", mailsink.Answer(554, [3]int{5, 7, 1}, "spam"), Failed, "end of the mail: 554 5.7.1 spam", false, false},
		{"disk full", "end", mailsink.Answer(452, [3]int{4, 3, 1}, "disk full"), Queued, "end of the mail: 452 4.3.1 disk full", false, false},
		{"going down", "mail", mailsink.Answer(421, [3]int{4, 3, 2}, "going down"), Queued, "MAIL FROM: 421 4.3.2 going down", true, false},
		{"not now", "connect", mailsink.Answer(421, [3]int{4, 3, 2}, "too busy"), Queued, "too busy", true, false},
		{"never for us", "connect", mailsink.Answer(554, [3]int{5, 3, 2}, "no"), Queued, "554", true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sink := mailsink.Start(t, mailsink.Options{})
			o := newOffice(t, dbtest.Open(t, sqldb.SQLite), sink.Port)
			sink.Refuse(func(stage, _ string) error {
				if stage == test.stage {
					return test.answer
				}
				return nil
			})
			id := o.queue("ann@example.org")
			err := o.deliver(id)
			before := o.is(id, test.state, test.says, 1)
			if (err != nil) != (test.state == Queued) {
				t.Errorf("the job: %v", err)
			}
			found, err := Troubles(t.Context(), o.db, "")
			if err != nil || (len(found) == 1) != test.bounce {
				t.Errorf("bounces %+v, %v", found, err)
			}
			if test.state != Queued {
				return
			}
			sink.Refuse(nil)
			if err := o.deliver(id); (err != nil) != test.paused {
				t.Errorf("the job at once again: %v", err)
			}
			if test.paused {
				o.is(id, Queued, "waiting for 127.0.0.1:", 1)
				o.clock.Advance(2 * time.Minute)
				if err := o.deliver(id); err != nil {
					t.Error(err)
				}
			}
			if after := o.is(id, Sent, "", 2); after.MsgID != before.MsgID || after.MsgID == "" {
				t.Errorf("Message-ID %q, then %q", before.MsgID, after.MsgID)
			}
		})
	}
}

// A server that stalls or goes away costs one delivery its time, and nobody else: the next ones are not even tried until the pause is over.
func TestServerStallsAndDies(t *testing.T) {
	sink := mailsink.Start(t, mailsink.Options{})
	o := newOffice(t, dbtest.Open(t, sqldb.SQLite), sink.Port)
	o.opt.Transport.Timeout = time.Second
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	sink.Refuse(func(stage, _ string) error {
		if stage == "rcpt" {
			<-release
		}
		return nil
	})
	first, second := o.queue("ann@example.org"), o.queue("bob@example.org")
	start := time.Now()
	if err := o.deliver(first); err == nil || time.Since(start) > time.Minute {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	o.is(first, Queued, "i/o timeout", 1)
	if err := o.deliver(second); err == nil {
		t.Error("tried at a server that stalls")
	}
	o.is(second, Queued, "waiting for", 0)
	if n := sink.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
	o.opt.Transport.Port = 1 // nobody listens
	if err := o.deliver(second); err == nil {
		t.Error("delivered to nobody")
	}
	o.is(second, Queued, "refused", 1)
}

// The server drops the connection in the middle of the mail: it is sent again later.
func TestDroppedConnection(t *testing.T) {
	sink := mailsink.Start(t, mailsink.Options{})
	o := newOffice(t, dbtest.Open(t, sqldb.SQLite), sink.Port)
	sink.Refuse(func(stage, _ string) error {
		if stage == "data" {
			return mailsink.ErrHangup
		}
		return nil
	})
	id := o.queue("ann@example.org")
	if err := o.deliver(id); err == nil {
		t.Error("taken for sent")
	}
	sink.Refuse(nil)
	o.clock.Advance(time.Hour)
	if err := o.deliver(id); err != nil {
		t.Fatal(err)
	}
	o.is(id, Sent, "", 2)
}

func TestEncryptionAndLogin(t *testing.T) {
	tests := []struct {
		name       string
		server     mailsink.Options
		encryption string
		user       string
		password   string
		trust      bool
		says       string // empty: it works
	}{
		{"plain", mailsink.Options{}, "none", "", "", true, ""},
		{"starttls", mailsink.Options{TLS: true}, "starttls", "", "", true, ""},
		{"starttls, unknown certificate", mailsink.Options{TLS: true}, "starttls", "", "", false, "certificate"},
		{"starttls, not offered", mailsink.Options{}, "starttls", "", "", true, "STARTTLS"},
		{"tls", mailsink.Options{Implicit: true}, "tls", "", "", true, ""},
		{"tls, unknown certificate", mailsink.Options{Implicit: true}, "tls", "", "", false, "certificate"},
		{"login", mailsink.Options{TLS: true, User: "pw", Password: "s3cret"}, "starttls", "pw", "s3cret", true, ""},
		{"login by tls", mailsink.Options{Implicit: true, User: "pw", Password: "s3cret"}, "tls", "pw", "s3cret", true, ""},
		{"wrong password", mailsink.Options{TLS: true, User: "pw", Password: "s3cret"}, "starttls", "pw", "other", true, "535"},
		{"login needed", mailsink.Options{User: "pw", Password: "s3cret"}, "none", "", "", true, "530"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sink := mailsink.Start(t, test.server)
			o := newOffice(t, dbtest.Open(t, sqldb.SQLite), sink.Port)
			o.opt.Transport.Encryption, o.opt.Transport.User, o.opt.Transport.Password = test.encryption, test.user, test.password
			if test.trust {
				o.opt.Transport.TLS = sink.Trust
			}
			id := o.queue("ann@example.org")
			err := o.deliver(id)
			r, _ := Get(t.Context(), o.db, id)
			if test.says != "" {
				if !strings.Contains(r.Error, test.says) || strings.Contains(r.Error+fmt.Sprint(err), "s3cret") || len(sink.Mails()) != 0 {
					t.Errorf("%s %q, %v", r.State, r.Error, err)
				}
				return
			}
			mails := sink.Mails()
			if err != nil || len(mails) != 1 || mails[0].Secure != (test.encryption != "none") || mails[0].User != test.user {
				t.Errorf("%v, %q, %+v", err, r.Error, mails)
			}
		})
	}
}

func TestAddressesThatAreNotASCII(t *testing.T) {
	for _, able := range []bool{true, false} {
		sink := mailsink.Start(t, mailsink.Options{UTF8: able})
		o := newOffice(t, dbtest.Open(t, sqldb.SQLite), sink.Port)
		id := o.queue("zoë@exämple.org")
		if err := o.deliver(id); err != nil {
			t.Error(err)
		}
		if able {
			o.is(id, Sent, "", 1)
		} else {
			o.is(id, Failed, "SMTPUTF8", 1)
		}
	}
}

// TestKnownFailureC4NoLinkWithoutBaseURL: the address of the site comes from the configuration only. While it is empty a mail with a link waits, and
// says so; one without a link does not.
func TestKnownFailureC4NoLinkWithoutBaseURL(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		sink := mailsink.Start(t, mailsink.Options{})
		o := newOffice(t, db, sink.Port)
		o.opt.BaseURL = ""
		linked := o.queue("ann@example.org")
		err := o.deliver(linked)
		if err == nil || !strings.Contains(err.Error(), "http.base-url is empty: mail needs it for its links") {
			t.Errorf("the job: %v", err)
		}
		o.is(linked, Queued, "http.base-url is empty: mail needs it for its links", 0)
		plain := o.queue("bob@example.org", func(m *Mail) { m.Text = "No link.\n" })
		if err := o.deliver(plain); err != nil {
			t.Error(err)
		}
		o.is(plain, Sent, "", 1)
		if got := o.opt.Problem(); got != "http.base-url is empty: mail needs it for its links" {
			t.Error(got)
		}
		o.opt.BaseURL = "https://now.example"
		if err := o.deliver(linked); err != nil {
			t.Error(err)
		}
		o.is(linked, Sent, "", 1)
		if got := sink.Mails(); len(got) != 2 || !strings.Contains(got[1].Raw, "See https://now.example/x/") {
			t.Errorf("%+v", got)
		}
	})
}

func TestMissingSettings(t *testing.T) {
	o := newOffice(t, dbtest.Open(t, sqldb.SQLite), 1)
	id := o.queue("ann@example.org")
	o.opt.From = mail.Address{}
	if err := o.deliver(id); err == nil {
		t.Error("sent from nobody")
	}
	o.is(id, Queued, "smtp.from is empty", 0)
	o.opt.Transport.Host = ""
	if err := o.deliver(id); err == nil {
		t.Error("sent by nobody")
	}
	o.is(id, Queued, "smtp.host and smtp.sendmail are empty", 0)
	o.clock.Advance(giveUpAfter + time.Minute)
	if err := o.deliver(id); err != nil {
		t.Error(err)
	}
	o.is(id, Failed, "not taken for 5 days; the last time: smtp.host and smtp.sendmail are empty", 0)
}

func TestWhoGetsNoMail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		sink := mailsink.Start(t, mailsink.Options{})
		o := newOffice(t, db, sink.Port)
		o.opt.OptedOut = func(_ context.Context, _ sqldb.Queryer, key string) (bool, error) {
			return key == "out@example.org", nil
		}
		notice := func(m *Mail) { m.Notice = true }
		o.tx(func(ctx context.Context, tx *sqldb.Tx) error {
			return tx.Insert(ctx, "mail_suspended", []string{"recipient_key", "at", "reason"}, [][]any{{"dead@example.org", int64(noon), "3 mails came back"}})
		})
		tests := []struct {
			id          int64
			state, says string
			attempts    int
		}{
			{o.queue("Out@example.org", notice), Dropped, "opted out", 0},
			{o.queue("out@example.org"), Sent, "", 1},
			{o.queue("Dead@example.org"), Dropped, "3 mails came back", 0},
			{o.queue("dead@example.org", func(m *Mail) { m.Always = true }), Sent, "", 1},
		}
		for _, test := range tests {
			if err := o.deliver(test.id); err != nil {
				t.Error(err)
			}
			o.is(test.id, test.state, test.says, test.attempts)
		}
	})
}

// A text that holds a secret is gone once it has been sent or can't be.
func TestPrivateTextsAreForgotten(t *testing.T) {
	sink := mailsink.Start(t, mailsink.Options{})
	o := newOffice(t, dbtest.Open(t, sqldb.SQLite), sink.Port)
	sink.Refuse(func(stage, to string) error {
		if stage == "rcpt" && strings.HasPrefix(to, "bad") {
			return mailsink.Answer(550, [3]int{5, 1, 1}, "no")
		}
		return nil
	})
	private := func(m *Mail) { m.Private = true }
	for _, id := range []int64{o.queue("good@example.org", private), o.queue("bad@example.org", private)} {
		if err := o.deliver(id); err != nil {
			t.Error(err)
		}
		r, _ := Get(t.Context(), o.db, id)
		if r.Body != "" || r.State == Queued {
			t.Errorf("%s keeps %s", r.State, r.Body)
		}
		if err := Retry(t.Context(), o.db, event.Actor{Admin: true}, noon, id); !fault.Is(err, fault.Conflict) {
			t.Errorf("retry: %v", err)
		}
	}
}

func TestSendmailProgram(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "sendmail")
	script := "#!/bin/sh\nfor a; do printf '<%s>' \"$a\"; done >" + dir + "/args\ncat >" + dir + "/mail\necho \"queued $(cat " + dir + "/code 2>/dev/null)\"\nexit $(cat " + dir + "/code 2>/dev/null || echo 0)\n"
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	o := newOffice(t, dbtest.Open(t, sqldb.SQLite), 0)
	o.opt.Transport = Transport{Sendmail: program}
	id := o.queue("ann@example.org")
	if err := o.deliver(id); err != nil {
		t.Fatal(err)
	}
	o.is(id, Sent, "", 1)
	args, _ := os.ReadFile(dir + "/args")
	raw, _ := os.ReadFile(dir + "/mail")
	if diff := cmp.Diff("<-i><-f><patchwork@example.net><--><ann@example.org>", string(args)); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(string(raw), "From: Patchwork <patchwork@example.net>\nTo: ann@example.org\n") || strings.Contains(string(raw), "\r") {
		t.Errorf("%s", raw)
	}
	for code, want := range map[string]string{"67": Failed, "75": Queued, "1": Queued} {
		if err := os.WriteFile(dir+"/code", []byte(code), 0o644); err != nil {
			t.Fatal(err)
		}
		id := o.queue("ann@example.org")
		o.deliver(id)
		o.is(id, want, "exit status "+code+": queued "+code, 1)
	}
	o.opt.Transport.Sendmail = dir + "/none"
	id = o.queue("ann@example.org")
	if err := o.deliver(id); err == nil {
		t.Error("sent by no program")
	}
}

func TestBackOff(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: time.Minute, 1: time.Minute, 2: 2 * time.Minute, 5: 16 * time.Minute, 9: 4 * time.Hour, 1000: 4 * time.Hour} {
		for range 20 {
			if got := backOff(failures); got < want*4/5 || got > want*6/5 {
				t.Errorf("%d failures: %v, want about %v", failures, got, want)
			}
		}
	}
}

func TestTest(t *testing.T) {
	sink := mailsink.Start(t, mailsink.Options{})
	o := newOffice(t, dbtest.Open(t, sqldb.SQLite), sink.Port)
	o.opt.BaseURL = ""
	s := NewSender(o.db, o.clock, o.opt, slog.New(slog.DiscardHandler))
	if said, err := s.Test(t.Context(), "ann@example.org"); err != nil || said == "" {
		t.Errorf("%q, %v", said, err)
	}
	if got := sink.Mails(); len(got) != 1 || !strings.Contains(got[0].Raw, "Subject: Test of outgoing mail\r\n") {
		t.Errorf("%+v", got)
	}
	sink.Refuse(func(stage, _ string) error { return mailsink.Answer(550, [3]int{5, 7, 1}, "not from here") })
	if _, err := s.Test(t.Context(), "ann@example.org"); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "not from here") {
		t.Error(err)
	}
	if _, err := s.Test(t.Context(), "nobody"); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

func TestSweepAndRetry(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		sink := mailsink.Start(t, mailsink.Options{})
		o := newOffice(t, db, sink.Port)
		sent, waiting := o.queue("a@example.org"), o.queue("b@example.org")
		if err := o.deliver(sent); err != nil {
			t.Fatal(err)
		}
		if err := Retry(t.Context(), db, event.Actor{Admin: true}, noon, sent); !fault.Is(err, fault.Conflict) {
			t.Errorf("retry of what was sent: %v", err)
		}
		if n, err := Sweep(t.Context(), db, noon); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := Sweep(t.Context(), db, noon.Add(time.Second)); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if since, ok, err := Waiting(t.Context(), db); !ok || since != noon || err != nil {
			t.Errorf("%v %v, %v", since, ok, err)
		}
		o.exec("UPDATE job SET state = 'waiting', run_at = ? WHERE id = (SELECT job_id FROM outgoing_mail WHERE id = ?)", int64(noon.Add(4*time.Hour)), waiting)
		if err := Retry(t.Context(), db, event.Actor{Admin: true}, noon, waiting); err != nil { // one that waits is tried at once
			t.Error(err)
		}
		var due int
		if err := db.Get(t.Context(), &due, "SELECT COUNT(*) FROM job WHERE state = 'queued' AND run_at = ?", int64(noon)); err != nil || due < 1 {
			t.Errorf("%d jobs are due, %v", due, err)
		}
		list, err := List(t.Context(), db, Filter{})
		if err != nil || len(list) != 1 || list[0].ID != waiting {
			t.Errorf("%+v, %v", list, err)
		}
		sink.Refuse(func(stage, _ string) error {
			if stage == "end" {
				return mailsink.Answer(554, [3]int{5, 7, 1}, "spam")
			}
			return nil
		})
		if err := o.deliver(waiting); err != nil {
			t.Fatal(err)
		}
		o.is(waiting, Failed, "spam", 1)
		if list, err := List(t.Context(), db, Filter{State: Failed, Address: "B@example.org"}); err != nil || len(list) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
		sink.Refuse(nil)
		if err := Retry(t.Context(), db, event.Actor{Admin: true}, noon.Add(time.Hour), waiting); err != nil {
			t.Fatal(err)
		}
		if err := o.deliver(waiting); err != nil {
			t.Fatal(err)
		}
		o.is(waiting, Sent, "", 2)
	})
}
