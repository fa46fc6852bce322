// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/peers"
	"patchwork.example/pw/internal/webhook"
)

// receiver writes down the numbers of the deliveries it gets, in order.
type receiver struct {
	*httptest.Server
	mu  sync.Mutex
	ids []int
}

func newReceiver(t *testing.T, pause func()) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		io.Copy(io.Discard, q.Body)
		id, _ := strconv.Atoi(q.Header.Get("X-Patchwork-Delivery"))
		r.mu.Lock()
		r.ids = append(r.ids, id)
		r.mu.Unlock()
		pause()
	}))
	t.Cleanup(func() { r.CloseClientConnections(); r.Close() })
	return r
}

func (r *receiver) got() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ids)
}

// worker starts pw worker.
func (in *inbox) worker(program string) *process {
	in.t.Helper()
	p := &process{Cmd: exec.Command(program, "worker")}
	p.Env = append(in.env("PW_WEBHOOK_ALLOWED_NETWORKS=127.0.0.0/8"), "PATH="+os.Getenv("PATH"))
	p.Stderr = &p.err
	if err := p.Start(); err != nil {
		in.t.Fatal(err)
	}
	return p
}

// ends stops a worker, once it is up: before that SIGTERM kills it, and there may have been nothing left for it to do.
func (in *inbox) ends(p *process) {
	in.t.Helper()
	in.await("workers that are up", 1, fmt.Sprintf("SELECT COUNT(*) FROM worker WHERE pid = %d", p.Process.Pid))
	p.Process.Signal(syscall.SIGTERM)
	if code := p.code(in.t); code != 0 {
		in.t.Errorf("exit %d: %s", code, p.err.String())
	}
}

// await waits until a count is as wanted.
func (in *inbox) await(what string, want int64, query string) {
	in.t.Helper()
	var n int64
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if n = in.count(query); n == want {
			return
		}
	}
	in.t.Fatalf("%s: %d, want %d", what, n, want)
}

// hooked starts a worker once, so that its consumer stands at the beginning, and makes the hooks.
func (in *inbox) hooked(program string, addresses ...string) {
	in.t.Helper()
	p := in.worker(program)
	in.await("consumers", 1, "SELECT COUNT(*) FROM event_consumer WHERE name = 'webhook'")
	in.ends(p)
	db := in.open()
	defer db.Close()
	for _, a := range addresses {
		if _, _, err := webhook.Create(in.t.Context(), db, account.CLI, clock.System{}.Now(), webhook.Words{}, "dev", webhook.Change{URL: &a}); err != nil {
			in.t.Fatal(err)
		}
	}
}

// testKillWhileDelivering kills the worker with signal 9 at random moments: first while it is starting and makes deliveries of events, then while it delivers. In
// the end each event has arrived at least once, and in order.
func testKillWhileDelivering(t *testing.T, program string) {
	archive := file(t, "threads.mbox", threads(20))
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			in := newInbox(t, engine)
			r := newReceiver(t, func() { time.Sleep(2 * time.Millisecond) })
			in.hooked(program, r.URL)
			in.finish(program, archive)
			events := in.count("SELECT COUNT(*) FROM event")
			for round := range faultRounds() {
				p := in.worker(program)
				in.await("workers that there were", int64(round)+1, "SELECT COUNT(*) FROM worker")
				time.Sleep(rand.N(60 * time.Millisecond))
				p.Process.Kill()
				p.code(t)
				in.expire()
			}
			hit := 0
			for range faultRounds() {
				before := len(r.got())
				p := in.worker(program)
				peers.Eventually(t, "some events arrive", func() bool { n := len(r.got()); return n > before+3 || int64(n) >= events })
				time.Sleep(rand.N(50 * time.Millisecond))
				p.Process.Kill()
				p.code(t)
				if n := len(r.got()); n > before && int64(n) < events {
					hit++
				}
				in.expire()
			}
			if hit == 0 {
				t.Error("no kill hit the middle")
			}
			p := in.worker(program)
			in.await("delivered", events, "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'delivered'")
			in.ends(p)
			got := slices.Compact(r.got()) // one that was under way comes twice
			if int64(len(got)) != events || !slices.IsSorted(got) {
				t.Errorf("%d of %d events, in order: %v", len(got), events, slices.IsSorted(got))
			}
		})
	}
}

// expire lets the leases of a process that was killed run out, as a minute would.
func (in *inbox) expire() {
	in.t.Helper()
	db := in.open()
	defer db.Close()
	err := db.Tx(in.t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(in.t.Context(), "UPDATE job SET lease_until = 0 WHERE state = 'running'")
		return err
	})
	if err != nil {
		in.t.Fatal(err)
	}
}

// testHangingReceiver: a receiver that never answers delays neither mail nor another receiver, and a worker that waits for it ends within its grace.
func testHangingReceiver(t *testing.T, program string) {
	archive := file(t, "threads.mbox", threads(60))
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			calm := newInbox(t, engine)
			began := time.Now()
			calm.finish(program, archive)
			alone := time.Since(began)

			in := newInbox(t, engine)
			hang := make(chan struct{})
			bad, good := newReceiver(t, func() { <-hang }), newReceiver(t, func() {})
			t.Cleanup(func() { close(hang) })
			in.hooked(program, bad.URL, good.URL)
			p := in.worker(program)
			began = time.Now()
			in.finish(program, archive)
			beside := time.Since(began)
			if beside > 6*alone+30*time.Second { // the worker shares the machine
				t.Errorf("taking mail in took %s beside a hanging receiver, %s alone", beside, alone)
			}
			events := in.count("SELECT COUNT(*) FROM event")
			in.await("delivered to the other receiver", events, "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'delivered'")
			peers.Eventually(t, "the hanging receiver is asked", func() bool { return len(bad.got()) > 0 })
			if n := len(bad.got()); n > 20 {
				t.Errorf("the hanging receiver was asked %d times", n)
			}
			if got := good.got(); !slices.IsSorted(got) || int64(len(got)) != events {
				t.Errorf("the other receiver got %d of %d, in order: %v", len(got), events, slices.IsSorted(got))
			}
			began = time.Now()
			p.Process.Signal(syscall.SIGTERM)
			if code := p.code(t); code != 0 || time.Since(began) > time.Minute {
				t.Errorf("exit %d after %s: %s", code, time.Since(began), p.err.String())
			}
			if n := in.count("SELECT COUNT(*) FROM webhook_delivery WHERE state = 'pending'"); n != events {
				t.Errorf("%d wait, want %d", n, events)
			}
			t.Logf("%d events; mail alone %s, beside %s", events, alone.Round(time.Millisecond), beside.Round(time.Millisecond))
		})
	}
}
