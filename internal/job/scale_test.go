// SPDX-License-Identifier: GPL-2.0-or-later

package job_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestClaimAmongMany: a claim costs the same whatever waits: jobs whose time has not come, jobs of one target, jobs of kinds that this process does not
// run, and finished ones. It bounds the time of one claim generously; a claim that reads the queue takes far longer.
func TestClaimAmongMany(t *testing.T) {
	each := 2000
	if os.Getenv("PW_SOAK") == "1" {
		each = 25_000
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		fill := func(n job.New, states ...string) {
			for done := 0; done < each; done += 1000 {
				list := make([]job.New, 1000)
				for i := range list {
					list[i] = n
				}
				enqueue(t, db, list...)
			}
			for _, s := range states {
				dbExec(t, db, fmt.Sprintf("UPDATE job SET state = '%s', finished_at = 1 WHERE kind = '%s'", s, n.Kind))
			}
		}
		fill(job.New{Kind: "finished"}, "done")
		fill(job.New{Kind: "mine", RunAt: now + 1e12, Priority: -1})
		fill(job.New{Kind: "others"})
		fill(job.New{Kind: "mine", Target: "t", Priority: -1})
		enqueue(t, db, job.New{Kind: "mine"}, job.New{Kind: "mine"})
		if db.Engine() == sqldb.Postgres {
			dbExec(t, db, "ANALYZE job")
		}
		wants := []job.Want{{Kind: "mine", Lease: time.Hour, Most: 1}}
		var slowest, all time.Duration
		for claims := 1; ; claims++ {
			var got []job.Job
			var more bool
			began := time.Now()
			inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) (err error) {
				got, more, err = job.Claim(ctx, tx, now, "me", 1, wants)
				return err
			})
			took := time.Since(began)
			slowest, all = max(slowest, took), all+took
			if len(got) == 0 && !more {
				t.Logf("%d claims among %d jobs took %v, the slowest %v", claims, 4*each, all, slowest)
				break
			}
		}
		expect(t, db, "SELECT CONCAT_WS(' ', kind, target, COUNT(*)) FROM job WHERE state = 'running' GROUP BY kind, target ORDER BY target", "mine  2", "mine t 1")
		if slowest > 20*time.Second {
			t.Errorf("a claim took %v", slowest)
		}
	})
}
