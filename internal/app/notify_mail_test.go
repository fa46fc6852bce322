// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/mailsink"
)

// byMail configures a site that sends its mail to the sink.
func byMail(sink *mailsink.Sink) func(*config.Config) {
	return func(c *config.Config) {
		c.HTTP.BaseURL = "https://patchwork.example.net"
		c.SMTP.Host, c.SMTP.Port = "127.0.0.1", sink.Port
		c.SMTP.From = mail.Address{Name: "Patchwork", Address: "patchwork@example.net"}
		c.Notify.From = mail.Address{Address: "notices@example.net"}
	}
}

// work runs the worker until stop is called or the test ends. What is due from time to time sleeps by the real clock, so time is advanced before.
func (s *site) work() (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.app.Work(ctx)
	}()
	stop = func() { cancel(); <-done }
	s.t.Cleanup(stop)
	return stop
}

func (s *site) advance(d time.Duration) { s.app.Clock.(*clock.Fake).Advance(d) }

// await waits until something is so.
func (s *site) await(what string, so func() bool) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not within a minute: %s; log:\n%s", what, s.log)
		}
	}
}

// telling makes alpha tell submitters, with a maintainer whose session it returns.
func (s *site) telling() (token string) {
	s.t.Helper()
	s.seriesOfTwo()
	on := true
	if _, err := project.Update(s.t.Context(), s.db, account.CLI, noon, "alpha", project.Change{SendNotifications: &on}); err != nil {
		s.t.Fatal(err)
	}
	_, token = s.user("mia", "mia@people.example", false)
	s.maintainer("alpha", "mia")
	return token
}

func (s *site) bulkState(token string, state int, msgids ...string) {
	s.t.Helper()
	form := url.Values{"form": {"patch-list-form"}, "state": {fmt.Sprint(state)}, "delegate": {"*"}, "archived": {"*"}}
	for _, m := range msgids {
		form.Set(fmt.Sprintf("patch_id:%d", s.id("patch", m)), "on")
	}
	if a := s.visit(token, "POST", "/project/alpha/list/", form.Encode()); a.StatusCode != 303 {
		s.t.Fatalf("%d: %s", a.StatusCode, a.body)
	}
}

// TestKnownFailureB8WebChangesAreEvents: a change by the form of a list raises an event for each patch and is told by mail, as any other is.
func TestKnownFailureB8WebChangesAreEvents(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		sink := mailsink.Start(t, mailsink.Options{})
		s := serve(t, db, byMail(sink))
		mia := s.telling()
		s.bulkState(mia, 3, "p1@x", "p2@x")
		if got := s.rows("SELECT COUNT(*) FROM event WHERE kind = 'patch-state-changed' AND actor_id IS NOT NULL"); got[0] != "2" {
			t.Errorf("%s events", got[0])
		}
		s.advance(11 * time.Minute)
		s.work()
		s.await("a mail comes", func() bool { return len(sink.Mails()) > 0 })
		m := sink.Mails()[0]
		for _, want := range []string{"From: notices@example.net\r\n", "To: Ann Author <ann@people.example>\r\n", "Subject: [alpha] Patch notification: 2 patches updated\r\n", "now: Accepted\r\n"} {
			if !strings.Contains(m.Raw, want) {
				t.Errorf("no %q in\n%s", want, m.Raw)
			}
		}
	})
}

// TestKnownFailureB9MailDoesNotHoldUpPages: while the mail server hangs, a page that gives rise to mail is answered at once, no transaction is held,
// and what waits is sent after a restart, once.
func TestKnownFailureB9MailDoesNotHoldUpPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		sink := mailsink.Start(t, mailsink.Options{})
		s := serve(t, db, byMail(sink))
		mia := s.telling()
		hanging, release := make(chan struct{}, 100), make(chan struct{})
		sink.Refuse(func(stage, _ string) error {
			if stage == "mail" {
				hanging <- struct{}{}
				<-release
				return mailsink.ErrHangup
			}
			return nil
		})
		s.bulkState(mia, 3, "p1@x")
		s.advance(11 * time.Minute)
		stop := s.work()
		s.await("the mail is on its way", func() bool { return len(hanging) > 0 })
		start := time.Now()
		s.bulkState(mia, 4, "p2@x")
		s.patchMail("alpha", "more@x", "[PATCH] More")
		if took := time.Since(start); took > time.Minute {
			t.Errorf("a page and an intake took %v", took)
		}
		sink.Refuse(nil)
		close(release)
		stop()
		if n := len(sink.Mails()); n != 0 {
			t.Fatalf("%d mails came", n)
		}
		s.advance(40 * time.Minute)
		s.work()
		s.await("both mails come after the restart", func() bool { return len(sink.Mails()) == 2 })
		s.await("none waits", func() bool { return s.rows("SELECT COUNT(*) FROM outgoing_mail WHERE state = 'queued'")[0] == "0" })
	})
}

// TestKnownFailureB10LinksInMailLead: every link in the mail is a page of the site.
func TestKnownFailureB10LinksInMailLead(t *testing.T) {
	sink := mailsink.Start(t, mailsink.Options{})
	s := serve(t, dbtest.Open(t, sqldb.SQLite), byMail(sink))
	mia := s.telling()
	s.patchMail("alpha", "odd/1?a=b&c#e@x", "[PATCH] Odd Message-ID")
	s.bulkState(mia, 3, "p1@x", "odd/1?a=b&c#e@x")
	s.advance(11 * time.Minute)
	s.work()
	s.await("a mail comes", func() bool { return len(sink.Mails()) > 0 })
	raw := sink.Mails()[0].Raw
	links := regexp.MustCompile(`https://patchwork\.example\.net(/[^\s>]*)`).FindAllStringSubmatch(strings.ReplaceAll(raw, "=\r\n", ""), -1)
	if len(links) != 5 { // unsubscribe, two patches, the site, mail settings
		t.Errorf("%d links in\n%s", len(links), raw)
	}
	for _, l := range links {
		if a := s.get(l[1]); a.StatusCode != 200 && !(l[1] == "/" && a.StatusCode == 302) {
			t.Errorf("%s: %d", l[1], a.StatusCode)
		}
	}
}

// TestKnownFailureC4HostIsNotBelieved: a visitor who sends another Host does not get it into a mail: with http.base-url the links have that, without it
// no mail with a link leaves.
func TestKnownFailureC4HostIsNotBelieved(t *testing.T) {
	sink := mailsink.Start(t, mailsink.Options{})
	for _, base := range []string{"", "https://patchwork.example.net"} {
		s := serve(t, dbtest.Open(t, sqldb.SQLite), byMail(sink), func(c *config.Config) { c.HTTP.BaseURL = base })
		a := s.visit("", "POST", "/mail/optout/", "email=ann%40people.example", "Host: evil.example", "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example")
		s.redirects(a, 303, "/mail/")
		s.work()
		if base == "" {
			s.await("the mail waits", func() bool {
				return s.rows("SELECT error FROM outgoing_mail WHERE state = 'queued'")[0] == "http.base-url is empty: mail needs it for its links"
			})
			s.expect(s.get("/readyz"), 503, "mail: mail waits: http.base-url is empty: mail needs it for its links\n")
			continue
		}
		s.await("a mail comes", func() bool { return len(sink.Mails()) > 0 })
		all := sink.Mails()
		if len(all) != 1 || strings.Contains(all[0].Raw, "evil.example") || !strings.Contains(all[0].Raw, "\r\n    https://patchwork.example.net/confirm/") {
			t.Errorf("%+v", all)
		}
	}
}

// A user's choice on the page is what he is told; only his own.
func TestNotificationsPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.project("alpha")
		_, token := s.user("joe", "joe@people.example", false)
		const path = "/user/notifications/"
		s.redirects(s.get(path), 302, "/user/login/?next="+url.QueryEscape(path))
		s.redirects(s.visit("", "POST", path, "series=1"), 302, "/user/login/?next="+url.QueryEscape(path))
		s.expect(s.visit(token, "GET", path, ""), 200, "joe@people.example", `name="review_days"`, "!checked", "ALPHA")
		s.redirects(s.visit(token, "POST", path, "series=1&delegated=1&review_days=14&summary=1"), 303, path)
		got := s.rows("SELECT kind, project_id, value FROM notify_choice ORDER BY kind, project_id")
		if strings.Join(got, "; ") != "checks 0 0; delegated 0 1; review 0 14; series 0 1; summary 1 1" {
			t.Errorf("%q", got)
		}
		a := s.visit(token, "GET", path, "")
		s.expect(a, 200, `name="review_days" min="0" max="365" value="14"`)
		if n := strings.Count(a.body, " checked"); n != 3 {
			t.Errorf("%d boxes are checked", n)
		}
		for _, bad := range []string{"review_days=x", "review_days=-1", "review_days=9999", "summary=x", "summary=99"} {
			s.expect(s.visit(token, "POST", path, bad), 400)
		}
		s.exec("INSERT INTO mail_suspended (recipient_key, at, reason) VALUES ('joe@people.example', 1772366400000000, '3 mails came back')")
		s.exec("INSERT INTO email_optout (email_key, created_at) VALUES ('joe@people.example', 1)")
		s.expect(s.visit(token, "GET", path, ""), 200, "since 2026-03-01: 3 mails came back", "has opted out of all notices")
		s.redirects(s.visit(token, "POST", path, "resume=1"), 303, path)
		s.expect(s.visit(token, "GET", path, ""), 200, "!3 mails came back", `value="14"`)
	})
}
