// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

const nodePassword = "one kettle for all of them"

// visitor is a browser that goes to any node with the cookies it has.
type visitor struct {
	t *testing.T
	http.Client
}

// post sends a form to a node as its own page would, and gives the status of the answer.
func (v *visitor) post(node, path string, form url.Values) int {
	v.t.Helper()
	r, err := http.NewRequest("POST", node+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", node)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	a, err := v.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer a.Body.Close()
	io.Copy(io.Discard, a.Body)
	return a.StatusCode
}

// testNodes is known failure E7: of several nodes on one database each knows who has logged in at another one, takes a form that another one made, also one that was
// killed since, and what happens at one of them is told to a webhook once, by whichever worker comes first.
func testNodes(t *testing.T, program string) {
	archive := file(t, "threads.mbox", threads(12))
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			in := newInbox(t, engine)
			r := newReceiver(t, func() {})
			in.hooked(program, r.URL)
			in.maintainer("mia")
			workers := []*process{in.worker(program), in.worker(program), in.worker(program)}
			in.finish(program, archive)
			a, b := &poster{in: in}, &poster{in: in}
			a.start(program)
			b.start(program)

			jar, _ := cookiejar.New(nil)
			v := &visitor{t, http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
			if code := v.post(a.url, "/user/login/", url.Values{"username": {"mia"}, "password": {nodePassword}}); code != 302 && code != 303 {
				t.Fatalf("login: %d", code)
			}
			changed := int64(0)
			change := func(node *poster, state int) {
				patch := in.count("SELECT MIN(id) FROM patch") + changed
				if code := v.post(node.url, "/project/dev/list/", url.Values{fmt.Sprintf("patch_id:%d", patch): {"on"}, "state": {fmt.Sprint(state)}, "delegate": {"*"}, "archived": {"*"}}); code != 303 {
					t.Errorf("a form at %s: %d", node.url, code)
				}
				changed++
				if n := in.count("SELECT COUNT(*) FROM event WHERE kind = 'patch-state-changed' AND actor_id IS NOT NULL"); n != changed {
					t.Errorf("%d changes, want %d", n, changed)
				}
			}
			change(b, 3)
			change(a, 4)
			a.server.Process.Kill()
			a.server.code(t)
			a.start(program)
			change(a, 3)
			change(b, 4)

			events := in.count("SELECT COUNT(*) FROM event")
			in.await("delivered", events, "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'delivered'")
			if got := r.got(); !slices.IsSorted(got) || int64(len(slices.Compact(slices.Clone(got)))) != events || int64(len(got)) != events {
				t.Errorf("%d messages of %d events, in order: %v", len(got), events, slices.IsSorted(got))
			}
			for _, p := range append(workers, a.server, b.server) {
				p.Process.Signal(syscall.SIGTERM)
				if code := p.code(t); code != 0 {
					t.Errorf("exit %d: %s", code, p.err.String())
				}
			}
		})
	}
}

// maintainer makes a user who maintains the project.
func (in *inbox) maintainer(name string) {
	in.t.Helper()
	db := in.open()
	defer db.Close()
	now, email, password := clock.System{}.Now(), name+"@people.example", nodePassword
	if _, err := account.CreateUser(in.t.Context(), db, account.CLI, now, account.UserChange{Username: &name, Email: &email, Password: &password}); err != nil {
		in.t.Fatal(err)
	}
	if err := project.AddMaintainer(in.t.Context(), db, account.CLI, now, "dev", name); err != nil {
		in.t.Fatal(err)
	}
}
