// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/peers"
)

func TestProjectSecret(t *testing.T) {
	in := newInbox(t, sqldb.SQLite)
	admin := func(args ...string) outcome {
		return pw("", in.env(), append([]string{"admin", "project", "ingress-secret"}, args...)...)
	}
	made := admin("create", "dev", "postmark")
	if made.code != 0 || !regexp.MustCompile(`^pwin_[A-Za-z0-9_-]{43}\n$`).MatchString(made.out) {
		t.Fatalf("%+v", made)
	}
	if got := admin("list"); got.code != 0 || !strings.Contains(got.out, "postmark") || strings.Contains(got.out, strings.TrimSpace(made.out)) {
		t.Errorf("%+v", got)
	}
	want(t, admin("create", "dev", "postmark"), outcome{73, "", "pw: \"dev\" has a secret \"postmark\" already\n"})
	want(t, admin("delete", "dev", "postmark"), outcome{0, "deleted the secret \"postmark\" of \"dev\"\n", ""})
	want(t, admin("delete", "dev", "postmark"), outcome{66, "", "pw: \"dev\" has no secret \"postmark\"\n"})
	want(t, admin("create", "gone", "x"), outcome{66, "", "pw: no project \"gone\"\n"})
}

// poster posts mails to a pw http of its own.
type poster struct {
	in     *inbox
	secret string
	server *process
	url    string
}

func newPoster(in *inbox) *poster {
	made := pw("", in.env(), "admin", "project", "ingress-secret", "create", "dev", "test")
	if made.code != 0 {
		in.t.Fatalf("%+v", made)
	}
	return &poster{in: in, secret: strings.TrimSpace(made.out)}
}

var httpAddress = regexp.MustCompile(`address=(http://[^/ ]+)/`)

// start starts pw http and waits until it answers.
func (p *poster) start(program string, env ...string) {
	t := p.in.t
	t.Helper()
	p.server = p.in.command(program, "http", "--no-worker")
	p.server.Env = append(append(p.server.Env, "PW_HTTP_LISTEN=127.0.0.1:0"), env...)
	if err := p.server.Start(); err != nil {
		t.Fatal(err)
	}
	server := p.server
	t.Cleanup(func() { server.Process.Kill() })
	peers.Eventually(t, "pw http is up", func() bool {
		m := httpAddress.FindStringSubmatch(server.err.String())
		if m != nil {
			p.url = m[1]
		}
		return m != nil
	})
}

// post gives the status, 0 if there was no answer.
func (p *poster) post(mail string) (status int, answer string) {
	status, answer, _ = p.postForm("", "message/rfc822", mail)
	return status, answer
}

// postForm posts what a service wraps a mail in, and gives the header of the answer too.
func (p *poster) postForm(form, kind, body string) (status int, answer string, header http.Header) {
	r, _ := http.NewRequest("POST", p.url+"/ingress/dev/"+form, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+p.secret)
	r.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error(), nil
	}
	return resp.StatusCode, string(text), resp.Header
}

// testKillHTTP kills pw http while four clients post to it: what was answered 200 is there, and what is posted again is there once.
func testKillHTTP(t *testing.T, program string) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			in := newInbox(t, engine)
			p := newPoster(in)
			for round := range faultRounds() {
				p.start(program)
				enough, began := 2+rand.IntN(20), time.Now()
				taken := p.flood(round, enough, func() { // at another moment of a batch each time, on machines of any speed
					time.AfterFunc(rand.N(time.Since(began)/time.Duration(enough)*8), func() { p.server.Process.Kill() })
				})
				p.server.code(t)
				for _, id := range taken {
					if n := in.count("SELECT COUNT(*) FROM mail WHERE msgid = ?", "<"+id+"@mail.example>"); n != 1 {
						t.Errorf("%s was answered 200 and is there %d times", id, n)
					}
				}
				p.start(program)
				for client := range 4 {
					for i := range 10 {
						if status, text := p.post(floodMail(round, client, i)); status != 200 {
							t.Errorf("again: %d %s", status, text)
						}
					}
				}
				p.server.Process.Kill()
				p.server.code(t)
			}
			if n, twice := in.count("SELECT COUNT(*) FROM mail"), in.count("SELECT COUNT(*) - COUNT(DISTINCT msgid) FROM mail"); twice != 0 || n < int64(faultRounds()*40) {
				t.Errorf("%d mails, %d of them twice", n, twice)
			}
		})
	}
}

func floodMail(round, client, i int) string {
	return mailOf(fmt.Sprintf("m%d-%d-%d", round, client, i), "[PATCH] flood", aDiff)
}

// flood posts with four clients until nobody answers, and gives the ids of what was answered 200. It calls then when so many were.
func (p *poster) flood(round, enough int, then func()) (taken []string) {
	var mu sync.Mutex
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			for i := 0; ; i++ {
				status, _ := p.post(floodMail(round, client, i))
				if status == 0 {
					return
				}
				mu.Lock()
				if status == 200 {
					if taken = append(taken, fmt.Sprintf("m%d-%d-%d", round, client, i)); len(taken) == enough {
						then()
					}
				}
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	return taken
}

// testServerStopsUnderHTTP stops PostgreSQL: the sender is told to try again, and then it works without a restart.
func testServerStopsUnderHTTP(t *testing.T, program string) {
	s := newPostgres(t)
	s.start()
	in := &inbox{t: t, url: s.url()}
	db := in.open()
	if err := schema.Sync(context.Background(), db); err != nil {
		t.Fatal(err)
	}
	db.Close()
	in.project("dev", inboxList)
	p := newPoster(in)
	p.start(program)
	if status, text := p.post(floodMail(0, 0, 0)); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	s.stop()
	for i := range 3 {
		if status, text := p.post(floodMail(1, 0, i)); status != 503 || text != "the mail can't be stored now, try again later\n" {
			t.Errorf("without a database: %d %s", status, text)
		}
	}
	s.start()
	peers.Eventually(t, "it takes mail again", func() bool { status, _ := p.post(floodMail(1, 0, 0)); return status == 200 })
	if n := in.count("SELECT COUNT(*) FROM mail"); n != 2 {
		t.Errorf("%d mails", n)
	}
}
