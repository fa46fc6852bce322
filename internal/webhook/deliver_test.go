// SPDX-License-Identifier: GPL-2.0-or-later

package webhook

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/egress"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

const deliveryRows = "SELECT CONCAT_WS(' ', id, webhook_id, COALESCE(event_id, 0), kind, state, attempts, error) FROM webhook_delivery ORDER BY id"

// TestDelivers: a hook is told of the events it wants, in order, with signatures that its receiver can check.
func TestDelivers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := clock.NewFake(noon)
		alpha, beta := newProject(t, db, "alpha"), newProject(t, db, "beta")
		listen(t, db, c) // from here on
		one, all := newReceiver(t, nil), newReceiver(t, nil)
		_, _, err := Create(t.Context(), db, account.CLI, noon, words, "alpha", Change{URL: ptr(one.URL + "/in?x=1"), Secret: ptr("sesame"), Categories: &[]string{"patch-created", "patch-state-changed"}, States: &[]string{"accepted"}})
		if err != nil {
			t.Fatal(err)
		}
		whole, secret, err := Create(t.Context(), db, account.CLI, noon, words, "", Change{URL: &all.URL, Secret: ptr("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")})
		if err != nil || secret != "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=" {
			t.Fatal(secret, err)
		}
		happen(t, db, c, alpha.ID, "patch-created", `patch-state-changed {"State":"new"}`, `patch-state-changed {"State":"accepted"}`, "check-created", "gone")
		happen(t, db, c, beta.ID, "patch-created")
		if n := work(t, db, c, newWorker(t, db, c, local)); n != 7 {
			t.Errorf("%d jobs", n)
		}
		if diff := cmp.Diff([]string{`{"kind":"patch-created","payload":{}}`, `{"kind":"patch-state-changed","payload":{"State":"accepted"}}`}, one.bodies()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{`{"kind":"patch-created","payload":{}}`, `{"kind":"patch-state-changed","payload":{"State":"new"}}`, `{"kind":"patch-state-changed","payload":{"State":"accepted"}}`,
			`{"kind":"check-created","payload":{}}`, `{"kind":"patch-created","payload":{}}`}, all.bodies()); diff != "" {
			t.Error(diff)
		}
		// Literal values, made by openssl.
		first := one.got()[0].header
		for name, want := range map[string]string{
			"Content-Type": "application/json", "User-Agent": "Patchwork/test", "X-Patchwork-Event": "patch-created", "X-Patchwork-Delivery": "1",
			"X-Patchwork-Signature": "sha256=64a9478ee189e42ffceefca83f688ca6d5f245d4f054e7db7138d50010c7a188", "Webhook-Id": "pw-1", "Webhook-Timestamp": "1772366400",
			"Webhook-Signature": "v1,dJpPzI5icUH4DrbfHOkhitE/VXXN0nNdPGJn1yqw46o=",
		} {
			if got := first.Get(name); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
		if got := all.got()[0].header.Get("Webhook-Signature"); got != "v1,ZuWWN+IMlvCTDpbCCtgOMJjes6mtOCW68mwTp337LHI=" {
			t.Error(got)
		}
		d, attempts, err := GetDelivery(t.Context(), db, account.CLI, whole.ID, 2)
		if err != nil || d.State != Delivered || len(attempts) != 1 || attempts[0].Status != 200 || !strings.Contains(attempts[0].Request, "X-Patchwork-Event: patch-created\n") || !strings.Contains(attempts[0].Response, "Content-Length: 0\n") {
			t.Errorf("%+v, %+v, %v", d, attempts, err)
		}
		if h, err := Get(t.Context(), db, account.CLI, whole.ID); err != nil || h.Pending != 0 || h.DeliveredAt == nil || *h.DeliveredAt != noon {
			t.Errorf("%+v, %v", h, err)
		}
	})
}

// TestWorkersInTurn: whichever process sees an event, those of a hook are told in the order in which they happened, though each process takes ids in blocks.
func TestWorkersInTurn(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			url := dbtest.MigratedURL(t, engine)
			var workers []*sqldb.DB
			for range 3 {
				db, err := sqldb.Open(t.Context(), url, sqldb.Options{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { db.Close() })
				workers = append(workers, db)
			}
			c := clock.NewFake(noon)
			alpha := newProject(t, workers[0], "alpha")
			listen(t, workers[0], c)
			r := newReceiver(t, nil)
			if _, _, err := Create(t.Context(), workers[0], account.CLI, noon, words, "alpha", Change{URL: &r.URL}); err != nil {
				t.Fatal(err)
			}
			var want []string
			for i, worker := range []int{0, 0, 0, 0, 1, 0, 1, 1, 2, 0, 2, 1} {
				state := fmt.Sprintf(`{"State":"%d"}`, i)
				happen(t, workers[worker], c, alpha.ID, "patch-created "+state, "patch-created "+state)
				body := `{"kind":"patch-created","payload":` + state + `}`
				want = append(want, body, body)
			}
			work(t, workers[0], c, newWorker(t, workers[0], c, local))
			if diff := cmp.Diff(want, r.bodies()); diff != "" {
				t.Error(diff)
			}
			ids := []int{}
			for _, p := range r.got() {
				id, err := strconv.Atoi(p.header.Get("X-Patchwork-Delivery"))
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, id)
			}
			if !slices.IsSorted(ids) {
				t.Errorf("deliveries in the order %v", ids)
			}
		})
	}
}

// TestKnownFailureB4: only a status of 200 to 299 counts as delivered. What fails is tried again, with longer and longer pauses, and keeps what comes
// after it waiting; all of it is in the log.
func TestKnownFailureB4(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := clock.NewFake(noon)
		alpha := newProject(t, db, "alpha")
		listen(t, db, c)
		r := newReceiver(t, func(w http.ResponseWriter, n int) {
			if n <= 3 {
				w.WriteHeader(500)
				w.Write([]byte("try " + strings.Repeat("x", 100000)))
			} else {
				w.WriteHeader(204)
			}
		})
		h := hook(t, db, "alpha", r.URL)
		happen(t, db, c, alpha.ID, "patch-created", "check-created")
		w := newWorker(t, db, c, local)
		for i, pause := range []time.Duration{0, 13 * time.Second, 25 * time.Second} {
			c.Advance(pause)
			if n := work(t, db, c, w); n != 1 {
				t.Errorf("%d: %d jobs", i, n)
			}
			c.Advance(time.Second) // too soon
			if n := work(t, db, c, w); n != 0 {
				t.Errorf("%d: %d jobs", i, n)
			}
		}
		expectRows(t, db, deliveryRows, "1 1 1 patch-created pending 3 answered 500 Internal Server Error", "2 1 2 check-created pending 0 ")
		if h, _ := Get(t.Context(), db, account.CLI, h.ID); h.Failures != 3 || *h.FailingSince != noon || h.Pending != 2 {
			t.Errorf("%+v", h)
		}
		c.Advance(time.Minute)
		if n := work(t, db, c, w); n != 2 {
			t.Errorf("%d jobs", n)
		}
		expectRows(t, db, deliveryRows, "1 1 1 patch-created delivered 4 ", "2 1 2 check-created delivered 1 ")
		_, attempts, err := GetDelivery(t.Context(), db, account.CLI, h.ID, 1)
		if err != nil || len(attempts) != 4 || attempts[3].Number != 1 || attempts[3].Status != 500 || len(attempts[3].Body) != 65536 || !attempts[3].Cut || attempts[0].Status != 204 || attempts[0].Cut {
			t.Errorf("%d %v", len(attempts), err)
		}
		if h, _ := Get(t.Context(), db, account.CLI, h.ID); h.Failures != 0 || h.FailingSince != nil || h.Pending != 0 {
			t.Errorf("%+v", h)
		}
		// Again, the same bytes; the message has the same id, so that the receiver can tell.
		if err := Redeliver(t.Context(), db, account.CLI, c.Now(), h.ID, 1); err != nil {
			t.Fatal(err)
		}
		work(t, db, c, w)
		posts := r.got()
		last := posts[len(posts)-1]
		if len(posts) != 6 || last.body != posts[0].body || last.header.Get("Webhook-Id") != "pw-1" || last.header.Get("Webhook-Timestamp") == posts[0].header.Get("Webhook-Timestamp") {
			t.Errorf("%d posts, the last %+v", len(posts), last)
		}
		expectKind(t, "of another hook", Redeliver(t.Context(), db, account.CLI, c.Now(), hook(t, db, "alpha", r.URL).ID, 1), fault.NotFound)
	})
}

// TestDisable: a hook that fails for three days, or answers 410, is switched off; its maintainers are told, what waits is cancelled.
func TestDisable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := clock.NewFake(noon)
		alpha := newProject(t, db, "alpha")
		listen(t, db, c)
		status := 503
		r := newReceiver(t, func(w http.ResponseWriter, n int) { w.WriteHeader(status) })
		h := hook(t, db, "alpha", r.URL)
		w := newWorker(t, db, c, local)
		var told []string
		w.Disabled = func(_ context.Context, _ *sqldb.Tx, h Hook) error { told = append(told, h.DisabledReason); return nil }
		happen(t, db, c, alpha.ID, "patch-created", "check-created")
		n := 0
		for c.Now() < noon.Add(71*time.Hour) {
			n += work(t, db, c, w)
			c.Advance(time.Hour * 5 / 4)
		}
		if h, _ := Get(t.Context(), db, account.CLI, h.ID); !h.Active || h.Pending != 2 || len(told) != 0 || n < 50 {
			t.Errorf("%+v after %d attempts", h, n)
		}
		c.Set(noon.Add(72 * time.Hour))
		c.Advance(time.Hour)
		work(t, db, c, w)
		after, _ := Get(t.Context(), db, account.CLI, h.ID)
		if after.Active || after.DisabledAt == nil || after.Pending != 0 || len(told) != 1 || !strings.HasPrefix(told[0], "it failed for three days, ") || !strings.HasSuffix(told[0], "the last time: answered 503 Service Unavailable") {
			t.Errorf("%+v, %q", after, told)
		}
		expectRows(t, db, "SELECT CONCAT(state, ' ', error) FROM webhook_delivery ORDER BY id", "failed answered 503 Service Unavailable", "cancelled the webhook was switched off")
		expectRows(t, db, "SELECT CONCAT(via, ' ', subject) FROM audit WHERE verb = 'webhook disable'", "job webhook 1 of project alpha")
		expectRows(t, db, "SELECT CONCAT(COUNT(*), '') FROM webhook_attempt", "50")
		happen(t, db, c, alpha.ID, "patch-created")
		expectRows(t, db, "SELECT CONCAT(COUNT(*), '') FROM webhook_delivery", "2")

		if _, err := Update(t.Context(), db, account.CLI, c.Now(), words, h.ID, Change{Active: ptr(true)}); err != nil {
			t.Fatal(err)
		}
		status = 410
		happen(t, db, c, alpha.ID, "patch-created")
		work(t, db, c, w)
		if h, _ := Get(t.Context(), db, account.CLI, h.ID); h.Active || h.DisabledReason != "it answered 410 Gone" || len(told) != 2 {
			t.Errorf("%+v", h)
		}
	})
}

// TestPing: a ping says at once whether the receiver can be reached, also while the hook is off and while others wait.
func TestPing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := clock.NewFake(noon)
		alpha := newProject(t, db, "alpha")
		listen(t, db, c)
		status := 500
		r := newReceiver(t, func(w http.ResponseWriter, n int) { w.WriteHeader(status) })
		h := hook(t, db, "alpha", r.URL)
		happen(t, db, c, alpha.ID, "patch-created")
		w := newWorker(t, db, c, local)
		work(t, db, c, w)
		if _, err := Ping(t.Context(), db, account.CLI, noon, h.ID); err != nil {
			t.Fatal(err)
		}
		work(t, db, c, w)
		status = 200
		if _, err := Update(t.Context(), db, account.CLI, noon, words, h.ID, Change{Active: ptr(false)}); err != nil {
			t.Fatal(err)
		}
		d, err := Ping(t.Context(), db, account.CLI, noon, h.ID)
		if err != nil {
			t.Fatal(err)
		}
		// Somebody wants to see the first one arrive now.
		if err := Redeliver(t.Context(), db, account.CLI, noon, h.ID, 1); err != nil {
			t.Fatal(err)
		}
		work(t, db, c, w)
		expectRows(t, db, deliveryRows, "1 1 1 patch-created delivered 2 ", "2 1 0 ping failed 1 answered 500 Internal Server Error", "3 1 0 ping delivered 1 ")
		if got, want := r.bodies()[2], `{"category":"ping","date":"2026-03-01T12:00:00","payload":{"webhook":{"id":1,"project":"alpha","url":"`+r.URL+`","events":[]}}}`; got != want || d.ID != 3 {
			t.Errorf("%s, want %s", got, want)
		}
		if h, _ := Get(t.Context(), db, account.CLI, h.ID); h.Failures != 1 || h.Pending != 0 {
			t.Errorf("%+v", h)
		}
	})
}

// TestKnownFailureB6: private addresses are refused when they are connected to, whatever name leads there, and no redirect is followed.
func TestKnownFailureB6(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	c := clock.NewFake(noon)
	newProject(t, db, "alpha")
	inner := newReceiver(t, nil)
	_, port, _ := strings.Cut(strings.TrimPrefix(inner.URL, "http://"), ":")
	redirect := newReceiver(t, func(w http.ResponseWriter, n int) {
		w.Header().Set("Location", inner.URL+"/secret")
		w.WriteHeader([]int{301, 302, 303, 307, 308}[n-1])
	})
	once := func(url string, guard egress.Guard) string {
		h := hook(t, db, "alpha", url)
		d, err := Ping(t.Context(), db, account.CLI, noon, h.ID)
		if err != nil {
			t.Fatal(err)
		}
		work(t, db, c, newWorker(t, db, c, guard))
		d, _, err = GetDelivery(t.Context(), db, account.CLI, h.ID, d.ID)
		if err != nil || d.State != Failed {
			t.Errorf("%s: %+v, %v", url, d, err)
		}
		return d.Error
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		if why := once("http://"+host+":"+port+"/", egress.Guard{}); !strings.Contains(why, "is an address of a private network") {
			t.Errorf("%s: %s", host, why)
		}
	}
	for _, status := range []string{"301", "302", "303", "307", "308"} {
		if why := once(redirect.URL, local); why != "answered "+status+`: redirects are not followed; the new address is "`+inner.URL+`/secret"` {
			t.Error(why)
		}
	}
	if n := len(inner.got()); n != 0 {
		t.Errorf("%d posts got inside", n)
	}
	t.Setenv("HTTP_PROXY", inner.URL)
	if why := once("http://hooks.invalid/", local); !strings.Contains(why, "no such host") {
		t.Error(why)
	}
	if n := len(inner.got()); n != 0 {
		t.Errorf("%d posts went to the proxy of the environment", n)
	}
	// A proxy that is configured is asked for everything.
	proxy, err := url.Parse(inner.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSender(egress.Guard{}, proxy, "x")
	if a := s.send(t.Context(), noon, message{url: "http://hooks.invalid/x", body: []byte("b")}); !a.Delivered() || len(inner.got()) != 1 {
		t.Errorf("%+v", a)
	}
}

// TestKnownFailureB5: a hook or project that is deleted with deliveries pending leaves jobs that end quietly, and workers that go on.
func TestKnownFailureB5(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := clock.NewFake(noon)
		alpha, beta := newProject(t, db, "alpha"), newProject(t, db, "beta")
		listen(t, db, c)
		r := newReceiver(t, nil)
		h := hook(t, db, "alpha", r.URL+"/hook")
		hook(t, db, "alpha", r.URL+"/project")
		hook(t, db, "beta", r.URL+"/beta")
		happen(t, db, c, alpha.ID, "patch-created", "check-created")
		happen(t, db, c, beta.ID, "patch-created")
		if err := Delete(t.Context(), db, account.CLI, noon, h.ID, nil); err != nil {
			t.Fatal(err)
		}
		execute(t, db, "DELETE FROM project WHERE linkname = 'alpha'")
		if n := work(t, db, c, newWorker(t, db, c, local)); n != 5 {
			t.Errorf("%d jobs", n)
		}
		expectRows(t, db, "SELECT CONCAT(state, ' ', error) FROM job ORDER BY id", "done ", "done ", "done ", "done ", "done ")
		expectRows(t, db, deliveryRows, "5 3 3 patch-created delivered 1 ")
		if n := len(r.got()); n != 1 {
			t.Errorf("%d posts", n)
		}
		expectRows(t, db, "SELECT CONCAT(COUNT(*), '') FROM webhook_attempt", "1")
	})
}

// TestDeletedUnderWay: a hook that is deleted while its receiver is being asked needs no record.
func TestDeletedUnderWay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := clock.NewFake(noon)
		alpha := newProject(t, db, "alpha")
		listen(t, db, c)
		var h Hook
		r := newReceiver(t, func(w http.ResponseWriter, n int) {
			if err := Delete(context.Background(), db, account.CLI, noon, h.ID, nil); err != nil {
				t.Error(err)
			}
			w.WriteHeader(500)
		})
		h = hook(t, db, "alpha", r.URL)
		happen(t, db, c, alpha.ID, "patch-created")
		work(t, db, c, newWorker(t, db, c, local))
		expectRows(t, db, "SELECT CONCAT(state, ' ', error) FROM job", "done ")
	})
}

// TestKnownFailureB11: deliveries that ended are removed after their time, those that wait are not.
func TestKnownFailureB11(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := clock.NewFake(noon)
		alpha := newProject(t, db, "alpha")
		listen(t, db, c)
		r := newReceiver(t, nil)
		hook(t, db, "alpha", r.URL)
		happen(t, db, c, alpha.ID, "patch-created", "check-created")
		work(t, db, c, newWorker(t, db, c, local))
		c.Advance(time.Hour)
		happen(t, db, c, alpha.ID, "check-created")
		c.Advance(time.Hour)
		for _, step := range []struct {
			before  clock.Time
			removed int64
		}{{noon, 0}, {noon.Add(time.Minute), 2}, {noon.Add(2 * time.Hour), 0}} {
			if n, err := Sweep(t.Context(), db, step.before); err != nil || n != step.removed {
				t.Errorf("%s: %d, %v", step.before, n, err)
			}
		}
		expectRows(t, db, deliveryRows, "3 1 3 check-created pending 0 ")
		expectRows(t, db, "SELECT CONCAT(COUNT(*), '') FROM webhook_attempt", "0")
	})
}

// TestTimeout: an endpoint that takes the message and says nothing is not waited for longer than the client's time.
func TestTimeout(t *testing.T) {
	hang := make(chan struct{})
	r := newReceiver(t, func(w http.ResponseWriter, n int) { <-hang })
	t.Cleanup(func() { close(hang) })
	s := NewSender(local, nil, "x")
	if s.client.Timeout != 10*time.Second {
		t.Error(s.client.Timeout)
	}
	s.client.Timeout = 300 * time.Millisecond
	if a := s.send(t.Context(), noon, message{url: r.URL, body: []byte("b")}); a.Error != "no answer within 10 s, 5 s of them to connect" || a.Took < 300*time.Millisecond {
		t.Errorf("%+v", a)
	}
}
