// SPDX-License-Identifier: GPL-2.0-or-later

package webhook

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestSkip: a message that its receiver refuses keeps those behind it waiting until somebody skips it; then they are sent at once.
func TestSkip(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := clock.NewFake(noon)
		alpha := newProject(t, db, "alpha")
		listen(t, db, c)
		status := 422
		r := newReceiver(t, func(w http.ResponseWriter, n int) { w.WriteHeader(status) })
		h, other := hook(t, db, "alpha", r.URL), hook(t, db, "alpha", newReceiver(t, nil).URL)
		happen(t, db, c, alpha.ID, "patch-created", "check-created", "patch-state-changed", "check-created")
		w := newWorker(t, db, c, local)
		work(t, db, c, w)
		c.Advance(time.Second)
		status = 200
		if n := work(t, db, c, w); n != 0 {
			t.Fatalf("%d jobs", n)
		}
		expectRows(t, db, deliveryRows+" LIMIT 1", "1 1 1 patch-created pending 1 answered 422 Unprocessable Entity")
		if d, err := FirstPending(t.Context(), db, account.CLI, h.ID); err != nil || d.ID != 1 {
			t.Errorf("%+v, %v", d, err)
		}
		_, err := FirstPending(t.Context(), db, account.CLI, other.ID)
		expectKind(t, "nothing waits for the other", err, fault.NotFound)
		joe := newMaintainer(t, db, "joe", "")
		_, err = FirstPending(t.Context(), db, joe, h.ID)
		expectKind(t, "joe looks", err, fault.Denied)
		expectKind(t, "joe skips", Skip(t.Context(), db, joe, c.Now(), h.ID, 1), fault.Denied)
		expectKind(t, "of another hook", Skip(t.Context(), db, account.CLI, c.Now(), other.ID, 1), fault.NotFound)
		expectKind(t, "what has arrived", Skip(t.Context(), db, account.CLI, c.Now(), other.ID, 2), fault.Conflict)

		// One in the middle goes when its turn comes, and hurries nobody.
		if err := Skip(t.Context(), db, account.CLI, c.Now(), h.ID, 5); err != nil {
			t.Fatal(err)
		}
		if n := work(t, db, c, w); n != 0 {
			t.Errorf("%d jobs", n)
		}
		if err := Skip(t.Context(), db, newMaintainer(t, db, "mia", "alpha"), c.Now(), h.ID, 1); err != nil {
			t.Fatal(err)
		}
		expectKind(t, "twice", Skip(t.Context(), db, account.CLI, c.Now(), h.ID, 1), fault.Conflict)
		if n := work(t, db, c, w); n != 4 {
			t.Errorf("%d jobs", n)
		}
		expectRows(t, db, "SELECT CONCAT_WS(' ', kind, state, attempts, error) FROM webhook_delivery WHERE webhook_id = 1 ORDER BY id",
			"patch-created cancelled 1 skipped; the last attempt: answered 422 Unprocessable Entity", "check-created delivered 1 ", "patch-state-changed cancelled 0 skipped", "check-created delivered 1 ")
		if got := strings.Join(r.bodies(), " "); strings.Count(got, "patch-created") != 1 || strings.Count(got, "check-created") != 2 || strings.Contains(got, "state-changed") {
			t.Error(got)
		}
		if h, _ := Get(t.Context(), db, account.CLI, h.ID); h.Pending != 0 || h.Failures != 0 {
			t.Errorf("%+v", h)
		}
		expectRows(t, db, "SELECT CONCAT(subject, ': ', detail) FROM audit WHERE verb = 'webhook skip' ORDER BY id", "webhook 1 of project alpha: delivery 5", "webhook 1 of project alpha: delivery 1")
	})
}

// TestSkipUnderWay: a message that is skipped while its receiver is being asked is not tried again if it is refused, and counts as delivered if it is not.
func TestSkipUnderWay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := clock.NewFake(noon)
		alpha := newProject(t, db, "alpha")
		listen(t, db, c)
		var h Hook
		r := newReceiver(t, func(w http.ResponseWriter, n int) {
			if err := Skip(t.Context(), db, account.CLI, noon, h.ID, int64(n)); err != nil {
				t.Error(err)
			}
			w.WriteHeader([]int{500, 204}[n-1])
		})
		h = hook(t, db, "alpha", r.URL)
		happen(t, db, c, alpha.ID, "patch-created", "check-created")
		work(t, db, c, newWorker(t, db, c, local))
		expectRows(t, db, "SELECT CONCAT_WS(' ', state, attempts) FROM webhook_delivery ORDER BY id", "cancelled 1", "delivered 1")
		expectRows(t, db, "SELECT CONCAT_WS(' ', state, error) FROM job ORDER BY id", "done ", "done ")
		if h, _ := Get(t.Context(), db, account.CLI, h.ID); h.Pending != 0 {
			t.Errorf("%d wait", h.Pending)
		}
	})
}
