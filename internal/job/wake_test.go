// SPDX-License-Identifier: GPL-2.0-or-later

package job_test

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestWokenByAnotherProcess: a worker process that looks by itself once an hour runs a job as soon as another process has committed it, and the next of its target
// as soon as the one before has ended. Only PostgreSQL tells other processes.
func TestWokenByAnotherProcess(t *testing.T) {
	if !slices.Contains(dbtest.Engines(t), sqldb.Postgres) {
		return // the others tell nobody; where PostgreSQL is wanted and missing, Engines skips, or fails with CI=true
	}
	url := dbtest.MigratedURL(t, sqldb.Postgres)
	db, err := sqldb.Open(t.Context(), url, sqldb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := startWorker(t, url, t.TempDir(), "PW_PROBE_POLL=1h")
	defer func() {
		w.Process.Signal(syscall.SIGTERM)
		if err := w.Wait(); err != nil || w.said.Len() > 0 {
			t.Errorf("%v: %s", err, w.said.String())
		}
	}()
	await(t, db, "SELECT CONCAT(COUNT(*), '') FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'", "[1]")
	await(t, db, "SELECT kinds FROM worker", "[shaky steady]")
	time.Sleep(300 * time.Millisecond) // it has looked, and sleeps
	var slowest time.Duration
	for range 5 {
		began := time.Now()
		enqueue(t, db, job.New{Kind: "steady", Target: "t"}, job.New{Kind: "steady", Target: "t", RunAt: clock.System{}.Now().Add(-time.Minute)})
		await(t, db, "SELECT CONCAT(COUNT(*), '') FROM job WHERE state <> 'done'", "[0]")
		slowest = max(slowest, time.Since(began))
	}
	t.Logf("the slowest of 5 pairs of jobs was done after %v", slowest)
}
