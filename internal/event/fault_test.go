// SPDX-License-Identifier: GPL-2.0-or-later

package event_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/test/dbtest"
)

// relayForever is a process that gives positions until it is killed.
func relayForever(url string) int {
	ctx := context.Background()
	db, err := sqldb.Open(ctx, url, sqldb.Options{MaxConnections: 2})
	for err == nil {
		if _, err = event.Relay(ctx, db); err == nil {
			time.Sleep(time.Millisecond)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// TestKilledRelays: relay processes are killed at random moments while six writers commit. A reader by position sees each event once, in rising
// order.
func TestKilledRelays(t *testing.T) {
	events, kills := 300, 10
	if os.Getenv("PW_SOAK") == "1" {
		events, kills = 6000, 200
	}
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			url := dbtest.MigratedURL(t, engine)
			db, err := sqldb.Open(t.Context(), url, sqldb.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var wg sync.WaitGroup
			for w := range 6 {
				wg.Go(func() { appendSlowly(t, db, w, events/6) })
			}
			done := make(chan struct{})
			killed := 0
			wg.Go(func() { killed = killRelays(t, url, kills, done) })
			readAll(t, db, events)
			close(done)
			wg.Wait()
			t.Logf("%d events, %d kills", events, killed)
		})
	}
}

func appendSlowly(t *testing.T, db *sqldb.DB, writer, n int) {
	for i := range n {
		err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			err := event.Append(t.Context(), tx, event.Event{Kind: fmt.Sprint(writer, ".", i)})
			time.Sleep(time.Duration(rand.Int64N(int64(4 * time.Millisecond))))
			return err
		})
		if err != nil {
			t.Error(err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(20 * time.Millisecond))))
	}
}

// killRelays keeps two relay processes running and kills one now and then, until done is closed and at least so many were killed, and gives
// the number of kills.
func killRelays(t *testing.T, url string, kills int, done <-chan struct{}) int {
	start := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "PW_PROBE_DATABASE="+url)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Error(err)
		}
		return cmd
	}
	relays := [2]*exec.Cmd{start(), start()}
	for n := 0; ; n++ {
		time.Sleep(20*time.Millisecond + time.Duration(rand.Int64N(int64(100*time.Millisecond))))
		i := n % 2
		relays[i].Process.Kill()
		relays[i].Wait()
		select {
		case <-done:
			if n >= kills {
				relays[1-i].Process.Kill()
				relays[1-i].Wait()
				return n + 2
			}
		default:
		}
		relays[i] = start()
	}
}

// readAll reads by position until it has seen all events.
func readAll(t *testing.T, db *sqldb.DB, want int) {
	t.Helper()
	seen := map[string]bool{}
	pos := int64(0)
	for end := time.Now().Add(3 * time.Minute); len(seen) < want; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the reader has seen %d events of %d", len(seen), want)
		}
		found, next, err := event.After(t.Context(), db, pos, 50, event.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			if e.Pos <= pos || seen[e.Kind] {
				t.Errorf("event %s with position %d comes after %d, seen before: %v", e.Kind, e.Pos, pos, seen[e.Kind])
			}
			seen[e.Kind] = true
			pos = e.Pos
		}
		pos = next
	}
}
