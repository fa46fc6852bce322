// SPDX-License-Identifier: GPL-2.0-or-later

package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/egress"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var noon = clock.FromTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))

var words = Words{Kinds: []string{"check-created", "patch-created", "patch-state-changed"}, States: []string{"accepted", "new"}, CheckStates: []string{"fail", "success"}, Tags: []string{"Acked-by", "Tested-by"}}

func ptr[T any](v T) *T { return &v }

func newProject(t *testing.T, db *sqldb.DB, name string) project.Project {
	t.Helper()
	p, err := project.Create(t.Context(), db, account.CLI, noon, project.Change{Linkname: &name, Name: &name, ListID: ptr(name + ".example.org"), ListEmail: ptr(name + "@example.org")})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// newMaintainer makes a user who maintains a project, if it is not empty.
func newMaintainer(t *testing.T, db *sqldb.DB, name, linkname string) account.Actor {
	t.Helper()
	u, err := account.CreateUser(t.Context(), db, account.CLI, noon, account.UserChange{Username: &name, Email: ptr(name + "@example.org")})
	if err != nil {
		t.Fatal(err)
	}
	if linkname != "" {
		if err := project.AddMaintainer(t.Context(), db, account.CLI, noon, linkname, name); err != nil {
			t.Fatal(err)
		}
	}
	return account.Actor{User: u.ID, Via: "test"}
}

func inTx(t *testing.T, db *sqldb.DB, f func(ctx context.Context, tx *sqldb.Tx) error) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *sqldb.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func execute(t *testing.T, db *sqldb.DB, query string, args ...any) {
	t.Helper()
	inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
}

func expectRows(t *testing.T, db *sqldb.DB, query string, want ...string) {
	t.Helper()
	got := []string{}
	if err := db.Select(t.Context(), &got, query); err != nil {
		t.Fatal(query, err)
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Errorf("%s: %s", query, diff)
	}
}

func expectKind(t *testing.T, what string, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: %v, want %v", what, err, kind)
	}
}

// render tells of an event by its number and payload; the payload is the facts.
func render(_ context.Context, _ sqldb.Queryer, events []event.Stored) ([]Rendered, error) {
	var out []Rendered
	for _, e := range events {
		r := Rendered{Event: e.ID, Body: fmt.Appendf(nil, `{"kind":%q,"payload":%s}`, e.Kind, e.Payload)}
		if err := json.Unmarshal([]byte(e.Payload), &r.Facts); err != nil {
			return nil, err
		}
		if e.Kind != "gone" {
			out = append(out, r)
		}
	}
	return out, nil
}

// happen appends events of a project and lets the consumer see them. Each is a kind and facts in JSON.
func happen(t *testing.T, db *sqldb.DB, c clock.Clock, projectID int64, events ...string) {
	t.Helper()
	inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		for _, e := range events {
			kind, facts, _ := strings.Cut(e, " ")
			if facts == "" {
				facts = "{}"
			}
			if err := event.Append(ctx, tx, event.Event{Kind: kind, Project: projectID, At: c.Now(), Payload: json.RawMessage(facts)}); err != nil {
				return err
			}
		}
		return nil
	})
	listen(t, db, c)
}

// listen gives all events to the consumer.
func listen(t *testing.T, db *sqldb.DB, c clock.Clock) {
	t.Helper()
	for {
		given, err := event.Relay(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		moved, err := event.Consume(t.Context(), db, c.Now(), Consumer(c, render))
		if err != nil {
			t.Fatal(err)
		}
		if given+moved == 0 {
			return
		}
	}
}

// post is what a receiver got.
type post struct {
	header http.Header
	body   string
	at     time.Time
}

// receiver remembers what it gets. answer, if set, decides what it says.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	posts  []post
	answer func(w http.ResponseWriter, n int)
}

func newReceiver(t *testing.T, answer func(w http.ResponseWriter, n int)) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		r.posts = append(r.posts, post{q.Header, string(body), time.Now()})
		n := len(r.posts)
		r.mu.Unlock()
		if r.answer != nil {
			r.answer(w, n)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) got() []post {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]post{}, r.posts...)
}

func (r *receiver) bodies() []string {
	out := []string{}
	for _, p := range r.got() {
		out = append(out, p.body)
	}
	return out
}

// local allows this machine, which is where the receivers of tests are.
var local = egress.Guard{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

func newWorker(t *testing.T, db *sqldb.DB, c clock.Clock, guard egress.Guard) *Worker {
	t.Helper()
	return NewWorker(db, c, slog.New(slog.DiscardHandler), NewSender(guard, nil, "Patchwork/test"))
}

// work runs the jobs that are due, one after the other, and gives how often it ran one.
func work(t *testing.T, db *sqldb.DB, c clock.Clock, w *Worker) (n int) {
	t.Helper()
	kind := w.Kind()
	for {
		var jobs []job.Job
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) (err error) {
			if _, err := job.Tidy(ctx, tx, c.Now()); err != nil {
				return err
			}
			jobs, _, err = job.Claim(ctx, tx, c.Now(), "me", 1, []job.Want{{Kind: JobKind, Lease: time.Minute, Most: 1}})
			return err
		})
		if len(jobs) == 0 {
			return n
		}
		n++
		err := kind.Handle(t.Context(), jobs[0])
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			if err == nil {
				return job.Finish(ctx, tx, c.Now(), jobs[0])
			}
			_, err := job.Fail(ctx, tx, c.Now(), c.Now().Add(time.Hour), jobs[0], err)
			return err
		})
	}
}

// hook makes an active hook without filters.
func hook(t *testing.T, db *sqldb.DB, linkname, url string) Hook {
	t.Helper()
	h, _, err := Create(t.Context(), db, account.CLI, noon, words, linkname, Change{URL: &url, Secret: ptr("secret")})
	if err != nil {
		t.Fatal(err)
	}
	return h
}
