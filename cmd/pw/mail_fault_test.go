// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"net/mail"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/mailsink"
)

// testKillWorkerInMidSend kills a worker with signal 9 after the mail server has the mail and before pw knows: the next worker sends it again, under the same
// name, and only then is it done.
func testKillWorkerInMidSend(t *testing.T, program string) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			s := site{t, dbtest.MigratedURL(t, engine)}
			db := s.db()
			sink := mailsink.Start(t, mailsink.Options{})
			s.queueMails(clock.FromTime(time.Now()))
			s.exec("DELETE FROM outgoing_mail WHERE id = 2")
			release := make(chan struct{})
			sink.Refuse(func(stage, _ string) error {
				if stage == "end" {
					<-release
				}
				return nil
			})
			first := s.worker(program, sink)
			s.await(first, "the server has the mail", func() bool { return len(sink.Mails()) == 1 })
			first.Process.Kill()
			first.Wait()
			close(release)
			sink.Refuse(nil)
			row, err := outmail.Get(t.Context(), db, 1)
			if err != nil || row.State != outmail.Queued || row.Attempts != 1 {
				t.Fatalf("after the kill: %+v, %v", row, err)
			}
			s.exec("UPDATE job SET lease_until = 1 WHERE state = 'running'") // a minute goes by
			second := s.worker(program, sink)
			s.await(second, "it is sent again", func() bool {
				row, err = outmail.Get(t.Context(), db, 1)
				return err == nil && row.State == outmail.Sent
			})
			mails := sink.Mails()
			if row.Attempts != 2 || len(mails) != 2 || mails[0].Raw != mails[1].Raw || !strings.Contains(mails[1].Raw, "Message-ID: "+row.MsgID+"\r\n") {
				t.Errorf("%+v, mails %+v", row, mails)
			}
		})
	}
}

// testStopWorkerInMidSend stops a worker with SIGTERM while the mail server has not yet answered: that mail ends as it should, no other is begun, and the process
// ends then, without an error and off the list of workers.
func testStopWorkerInMidSend(t *testing.T, program string) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			s := site{t, dbtest.MigratedURL(t, engine)}
			db := s.db()
			sink := mailsink.Start(t, mailsink.Options{})
			s.queueMails(clock.FromTime(time.Now()))
			s.exec("DELETE FROM outgoing_mail WHERE id = 2")
			stopped := make(chan struct{})
			sink.Refuse(func(stage, _ string) error {
				if stage == "end" {
					<-stopped
					time.Sleep(2 * time.Second)
				}
				return nil
			})
			p := s.worker(program, sink)
			s.await(p, "the server has the mail", func() bool { return len(sink.Mails()) == 1 })
			p.Process.Signal(syscall.SIGTERM)
			began := time.Now()
			time.Sleep(300 * time.Millisecond) // it has heard
			close(stopped)
			err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
				_, err := outmail.Queue(t.Context(), tx, clock.FromTime(time.Now()), outmail.Mail{Kind: "late", To: mail.Address{Address: "bob@example.org"}, Subject: "x", Text: "x"})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if code := p.code(t); code != 0 || time.Since(began) < 1500*time.Millisecond || time.Since(began) > 20*time.Second {
				t.Errorf("exit %d after %v: %s", code, time.Since(began), p.err.String())
			}
			var left []string
			err = db.Select(t.Context(), &left, "SELECT CONCAT_WS(' ', m.kind, m.state, m.attempts, j.state) FROM outgoing_mail m JOIN job j ON j.id = m.job_id UNION ALL SELECT id FROM worker ORDER BY 1")
			if want := []string{"late queued 0 queued", "test sent 1 done"}; err != nil || !slices.Equal(left, want) {
				t.Errorf("%q, want %q, %v", left, want, err)
			}
			if n := len(sink.Mails()); n != 1 {
				t.Errorf("%d mails were sent", n)
			}
		})
	}
}

// worker starts pw worker with the sink for a mail server; it ends with the test.
func (s site) worker(program string, sink *mailsink.Sink) *process {
	s.t.Helper()
	p := &process{Cmd: exec.Command(program, "worker")}
	p.Env = append(s.env(), "PATH="+os.Getenv("PATH"), "PW_HTTP_BASE_URL=https://pw.example", "PW_SMTP_HOST=127.0.0.1", fmt.Sprintf("PW_SMTP_PORT=%d", sink.Port), "PW_SMTP_FROM=pw@example.net")
	p.Dir = s.t.TempDir()
	p.Stderr = &p.err
	if err := p.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { p.Process.Kill(); p.Wait() })
	return p
}

func (s site) await(p *process, what string, so func() bool) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.Process.Kill()
			p.Wait()
			s.t.Fatalf("not within a minute: %s\n%s", what, p.err.String())
		}
	}
}
