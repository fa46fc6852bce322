// SPDX-License-Identifier: GPL-2.0-or-later

package ingress_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/test/dbtest"
)

// turnstile is a claimer that notes the sizes of batches; each goes on when it is let through.
type turnstile struct {
	pass chan struct{}
	mu   sync.Mutex
	seen []int
}

func (*turnstile) Prepare(*mailmsg.Message, clock.Time) any { return nil }

func (s *turnstile) Claim(_ context.Context, _ *sqldb.Tx, mails []ingress.Mail) ([]ingress.Outcome, error) {
	s.mu.Lock()
	s.seen = append(s.seen, len(mails))
	s.mu.Unlock()
	if s.pass != nil {
		<-s.pass
	}
	out := make([]ingress.Outcome, len(mails))
	for i, m := range mails {
		out[i] = ingress.Outcome{Kind: mailstore.Ignored, Reason: m.MsgID}
		if m.MsgID == "<poison@example.org>" {
			return nil, fault.New(fault.Internal, "poison")
		}
	}
	return out, nil
}

func (s *turnstile) batches() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int{}, s.seen...)
}

func collect(t *testing.T, s *turnstile, limits ingress.Limits, wait time.Duration) (*ingress.Collector, *sqldb.DB) {
	t.Helper()
	db := dbtest.Open(t, sqldb.SQLite)
	c := ingress.StartCollector(ingress.New(db, clock.System{}, limits, s), wait)
	t.Cleanup(func() {
		if s.pass != nil {
			close(s.pass)
		}
		c.Stop(time.Minute)
	})
	return c, db
}

func numbered(i int) ingress.Delivery {
	return ingress.Delivery{Raw: []byte(letter(fmt.Sprintf("n%d@example.org", i), "x")), Via: "smtp"}
}

func (s *turnstile) await(t *testing.T, batches int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); len(s.batches()) < batches; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("batches %v, waiting for %d", s.batches(), batches)
		}
	}
}

// inside waits until the collector has so many mails.
func inside(t *testing.T, c *ingress.Collector, mails int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); c.Inside() < mails; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d mails came, waiting for %d", c.Inside(), mails)
		}
	}
	time.Sleep(20 * time.Millisecond) // for the last step into the queue
}

func TestCollectorSharesTransactions(t *testing.T) {
	gate := &turnstile{pass: make(chan struct{})}
	c, db := collect(t, gate, ingress.Limits{BatchMails: 4, BatchBytes: 1 << 20}, 0)
	var all sync.WaitGroup
	submit := func(i int) {
		all.Go(func() {
			o, err := c.Submit(t.Context(), numbered(i))
			if want := fmt.Sprintf("<n%d@example.org>", i); err != nil || o.Reason != want {
				t.Errorf("mail %d got the answer %+v, %v", i, o, err)
			}
		})
	}
	submit(0)
	gate.await(t, 1)
	for i := range 6 {
		submit(i + 1)
	}
	inside(t, c, 7) // 1 is being stored, 4 are in the queue, 2 before it
	for range 3 {
		gate.pass <- struct{}{}
	}
	all.Wait()
	if got := gate.batches(); len(got) != 3 || got[0] != 1 || got[1] != 4 || got[2] != 2 {
		t.Errorf("batches of %v, want 1, 4, 2", got)
	}
	if n := len(mailRows(t, db)); n != 7 {
		t.Errorf("%d mails are stored, want 7", n)
	}
}

func TestCollectorBatchBytes(t *testing.T) {
	gate := &turnstile{pass: make(chan struct{})}
	size := len(numbered(1).Raw)
	c, _ := collect(t, gate, ingress.Limits{BatchMails: 100, BatchBytes: 2 * size}, 0)
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() { c.Submit(t.Context(), numbered(i)) })
		if i == 0 {
			gate.await(t, 1)
		}
	}
	inside(t, c, 5)
	for range 3 {
		gate.pass <- struct{}{}
	}
	all.Wait()
	if got := gate.batches(); len(got) != 3 || got[1] != 2 || got[2] != 2 {
		t.Errorf("batches of %v, want 1, 2, 2", got)
	}
}

func TestCollectorLoneSenderDoesNotWait(t *testing.T) {
	c, _ := collect(t, &turnstile{}, ingress.DefaultLimits, time.Minute)
	start := time.Now()
	for i := range 5 {
		if _, err := c.Submit(t.Context(), numbered(i)); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took > 50*time.Second {
		t.Errorf("five mails took %s", took)
	}
}

// TestCollectorSenderLeaves: the one who leaves is told so, the others get their answers, and what he left behind is there once or not at all.
func TestCollectorSenderLeaves(t *testing.T) {
	gate := &turnstile{pass: make(chan struct{})}
	c, db := collect(t, gate, ingress.DefaultLimits, 0)
	var all sync.WaitGroup
	var answered atomic.Int32
	submit := func(ctx context.Context, i int, want bool) {
		all.Go(func() {
			defer answered.Add(1)
			if _, err := c.Submit(ctx, numbered(i)); (err == nil) != want {
				t.Errorf("mail %d: %v", i, err)
			} else if err != nil && !fault.Is(err, fault.Unavailable) {
				t.Errorf("mail %d: %v, want unavailable", i, err)
			}
		})
	}
	ctx, leave := context.WithCancel(t.Context())
	submit(ctx, 0, false) // leaves while he is stored
	gate.await(t, 1)
	submit(ctx, 1, false) // leaves while he waits
	submit(t.Context(), 2, true)
	inside(t, c, 3)
	leave()
	for answered.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	gate.pass <- struct{}{}
	gate.pass <- struct{}{}
	all.Wait()
	got := mailRows(t, db)
	if len(got) != 2 || got["<n0@example.org>"] != 1 || got["<n2@example.org>"] != 1 {
		t.Errorf("stored %v", got)
	}
}

func TestCollectorOneBadMail(t *testing.T) {
	c, db := collect(t, &turnstile{}, ingress.DefaultLimits, time.Second)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			d := numbered(i)
			if i == 2 {
				d.Raw = []byte(letter("poison@example.org", "x"))
			}
			o, err := c.Submit(t.Context(), d)
			if err != nil || (o.Kind == mailstore.Broken) != (i == 2) {
				t.Errorf("mail %d: %+v, %v", i, o, err)
			}
		})
	}
	all.Wait()
	if n := len(mailRows(t, db)); n != 4 {
		t.Errorf("%d mails are stored, want 4", n)
	}
}

func TestCollectorStop(t *testing.T) {
	gate := &turnstile{pass: make(chan struct{}, 10)}
	c, db := collect(t, gate, ingress.Limits{BatchMails: 2, BatchBytes: 1 << 20}, 0)
	var all sync.WaitGroup
	answered := make(chan error, 8)
	for i := range 8 {
		all.Go(func() {
			_, err := c.Submit(t.Context(), numbered(i))
			answered <- err
		})
	}
	gate.await(t, 1)
	stopped := make(chan struct{})
	go func() {
		c.Stop(time.Minute)
		close(stopped)
	}()
	for range 8 {
		gate.pass <- struct{}{}
	}
	all.Wait()
	<-stopped
	close(answered)
	taken := 0
	for err := range answered {
		if err == nil {
			taken++
		} else if !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
	}
	if n := len(mailRows(t, db)); n != taken {
		t.Errorf("%d mails are stored, %d senders were told so", n, taken)
	}
	if _, err := c.Submit(t.Context(), numbered(9)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("after the end: %v, want unavailable", err)
	}
}

// A database that hangs does not keep the program from ending: what it has not stored in time is given up, and its sender told to try again.
func TestCollectorStopHanging(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	begun := make(chan struct{})
	c := ingress.StartCollector(ingress.New(db, clock.System{}, ingress.DefaultLimits, hanging(begun)), 0)
	answered := make(chan error, 1)
	go func() {
		_, err := c.Submit(t.Context(), numbered(1))
		answered <- err
	}()
	<-begun
	stopped := make(chan struct{})
	go func() {
		c.Stop(50 * time.Millisecond)
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-time.After(20 * time.Second):
		t.Fatal("it does not stop")
	}
	if err := <-answered; !fault.Is(err, fault.Unavailable) {
		t.Errorf("the sender is told %v", err)
	}
	if n := len(mailRows(t, db)); n != 0 {
		t.Errorf("%d mails are stored", n)
	}
}

// hanging is a claimer whose work has no end but that of its context.
type hanging chan struct{}

func (hanging) Prepare(*mailmsg.Message, clock.Time) any { return nil }

func (h hanging) Claim(ctx context.Context, _ *sqldb.Tx, _ []ingress.Mail) ([]ingress.Outcome, error) {
	close(h)
	<-ctx.Done()
	return nil, ctx.Err()
}
