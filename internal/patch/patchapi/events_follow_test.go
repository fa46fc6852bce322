// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/patch"
)

// followed is one event of a stream.
type followed struct {
	id    int64
	event struct {
		Pos      int64
		Category string
		Project  struct{ Link_name string }
		Payload  struct {
			Patch    struct{ ID int64 }
			Previous string `json:"previous_state"`
		}
	}
}

// follow reads events of a stream until enough says so, or fails after a minute.
func (s *served) follow(t *testing.T, query, lastID string, enough func(followed) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/api/1.4/events/"+query, nil)
	if err != nil {
		t.Error(err)
		return
	}
	r.Header.Set("Accept", "text/event-stream")
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	res, err := http.DefaultClient.Do(r)
	for ; err == nil && res.StatusCode == http.StatusTooManyRequests; res, err = http.DefaultClient.Do(r) { // it has not noticed yet that the last ones have gone
		res.Body.Close()
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		t.Error(err)
		return
	}
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); res.StatusCode != 200 || kind != "text/event-stream" {
		t.Errorf("%s, %s", res.Status, kind)
		return
	}
	var one followed
	for lines := bufio.NewScanner(res.Body); ; {
		if !lines.Scan() {
			t.Errorf("the stream ended: %v", lines.Err())
			return
		}
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			one.id, _ = strconv.ParseInt(id, 10, 64)
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if err := json.Unmarshal([]byte(data), &one.event); err != nil {
			t.Error(err)
			return
		}
		if one.event.Pos != one.id {
			t.Errorf("id %d of an event at %d", one.id, one.event.Pos)
		}
		if enough(one) {
			return
		}
	}
}

// TestFollowMissesNothing: writers commit events at random moments while relays give positions; readers by stream, one of whom loses his connection again and
// again, and one who asks for pages, get each event once, in rising order.
func TestFollowMissesNothing(t *testing.T) {
	const writers, each = 6, 20
	eachServed(t, func(t *testing.T, s *served) {
		s.relayed(t)
		from, err := event.Last(t.Context(), s.db)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var relays, writing, reading sync.WaitGroup
		for range 2 {
			relays.Go(func() {
				for ctx.Err() == nil {
					event.Relay(ctx, s.db) // its errors are those of the end
					time.Sleep(time.Millisecond)
				}
			})
		}
		for w := range writers {
			writing.Go(func() { s.write(t, w, each) })
		}
		readers := [3]map[string]int{{}, {}, {}}
		reading.Go(func() { s.readStream(t, readers[0], from, writers*each, writers*each) })
		reading.Go(func() { s.readStream(t, readers[1], from, writers*each, 7) })
		reading.Go(func() { s.readPages(t, readers[2], from, writers*each) })
		writing.Wait()
		reading.Wait()
		stop()
		relays.Wait()
		for i, seen := range readers {
			for w := range writers {
				for n := range each {
					if seen[fmt.Sprint(w, " ", n)] != 1 {
						t.Errorf("reader %d has seen event %d of writer %d %d times", i, n, w, seen[fmt.Sprint(w, " ", n)])
					}
				}
			}
		}
	})
}

// write commits events one by one, each after a while with its transaction open.
func (s *served) write(t *testing.T, w, each int) {
	for n := range each {
		err := s.db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			err := event.Append(t.Context(), tx, event.Event{Kind: patch.EventPatchStateChanged, Project: s.Projects["alpha"], At: s.clock.Now(),
				Subjects: []event.Subject{{Kind: "patch", ID: s.Patches[1]}}, Payload: patch.Payload{Patch: s.Patches[1], PreviousState: fmt.Sprint(w, " ", n), CurrentState: "new"}})
			time.Sleep(time.Duration(rand.Int64N(int64(8 * time.Millisecond))))
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// readStream reads all events by streams, each of which it leaves after some.
func (s *served) readStream(t *testing.T, seen map[string]int, from int64, all, some int) {
	last, before := "", from
	query := fmt.Sprintf("?project=alpha&after=%d", from)
	for len(seen) < all && !t.Failed() {
		n := 0
		s.follow(t, query, last, func(f followed) bool {
			if f.id <= before {
				t.Errorf("position %d after %d", f.id, before)
			}
			before = f.id
			seen[f.event.Payload.Previous]++
			n++
			return n == some || len(seen) == all
		})
		last = fmt.Sprint(before)
	}
}

// readPages reads all events by asking for what is behind the position in Link.
func (s *served) readPages(t *testing.T, seen map[string]int, after int64, all int) {
	for end := time.Now().Add(time.Minute); len(seen) < all; {
		a := s.Get("", fmt.Sprintf("/api/1.4/events/?after=%d&per_page=5&category=patch-state-changed", after))
		for i := range max(0, a.Len()) {
			seen[fmt.Sprint(a.At(fmt.Sprint(i)+".payload.previous_state"))]++
		}
		if _, err := fmt.Sscanf(a.Header.Get("Link"), "<http://h/api/1.4/events/?after=%d&", &after); err != nil || time.Now().After(end) {
			t.Errorf("%s: %v", a.Header.Get("Link"), err)
			return
		}
	}
}

// TestFollowFilters: a stream begins with what comes, or behind a position, and has what its filters let pass.
func TestFollowFilters(t *testing.T) {
	eachServed(t, func(t *testing.T, s *served) {
		s.relayed(t)
		var got []string
		s.follow(t, "?after=0&project=beta", "", func(f followed) bool {
			got = append(got, f.event.Category)
			return len(got) == 4
		})
		if want := betaStory; strings.Join(got, " ") != want {
			t.Errorf("%v, want %s", got, want)
		}
		got = nil
		s.follow(t, "?after=last&category=patch-created", "0", func(f followed) bool {
			got = append(got, f.event.Category+" "+f.event.Project.Link_name)
			return len(got) == 5
		})
		slices.Sort(got) // which project is first depends on the engine
		if fmt.Sprint(got) != "[patch-created alpha patch-created alpha patch-created alpha patch-created alpha patch-created beta]" {
			t.Error(got)
		}
		for query, status := range map[string]int{"?after=x": 400, "?patch=1": 400, "?project=" + strings.Repeat("alpha&project=", 101): 400} {
			for _, method := range []string{"GET", "HEAD"} {
				if a := s.Do("", method, "/api/events/"+query, "", "Accept: text/event-stream"); a.Status != status {
					t.Errorf("%s %s: %d %s", method, query, a.Status, a.Body)
				}
			}
		}
		for version, kind := range map[string]string{"": "text/event-stream", "/1.4": "text/event-stream", "/1.3": "application/json"} {
			if a := s.Do("", "HEAD", "/api"+version+"/events/", "", "Accept: text/event-stream"); a.Status != 200 || a.Body != "" || a.Header.Get("Content-Type") != kind {
				t.Errorf("HEAD %s: %d %v %s", version, a.Status, a.Header, a.Body)
			}
		}
		if a := s.Do("", "GET", "/api/1.3/events/", "", "Accept: text/event-stream"); a.Status != 200 || a.Len() < 20 {
			t.Errorf("1.3: %d %.100s", a.Status, a.Body)
		}
		quiet := make(chan struct{}) // and nobody is asked much while nothing happens
		go func() {
			defer close(quiet)
			before := s.queries.Load()
			time.Sleep(2200 * time.Millisecond)
			if n := s.queries.Load() - before; n > 6 {
				t.Errorf("%d queries in two quiet seconds", n)
			}
			s.write(t, 9, 1)
			s.relayed(t)
		}()
		s.follow(t, "", "", func(f followed) bool { return f.event.Payload.Previous == "9 0" })
		<-quiet
		time.Sleep(500 * time.Millisecond) // until the server has noticed that the client has gone
		before := s.queries.Load()
		time.Sleep(followPoll + 500*time.Millisecond)
		if n := s.queries.Load() - before; n != 0 {
			t.Errorf("%d queries without a stream", n)
		}
	})
}
