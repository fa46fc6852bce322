// SPDX-License-Identifier: GPL-2.0-or-later

package django_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/legacy/django"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestInterruptedAnywhere ends the context before, or some moments after, each of the statements of an import: it is always seen that the context has ended, whatever the
// driver makes of it, and nothing was written.
func TestInterruptedAnywhere(t *testing.T) {
	old := oldFile(t)
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			url := dbtest.MigratedURL(t, engine)
			hits, step := 0, 1
			if engine != sqldb.SQLite {
				step = 5 // odd: both kinds of moments
			}
			for n := 0; ; n += step {
				heard, err := interruptAt(t, url, old, n)
				if err == nil && heard <= n {
					break // the import has no n statements
				}
				if err == nil { // the end of ctx came too late
					url = dbtest.MigratedURL(t, engine)
					continue
				}
				hits++
				if !errors.Is(err, context.Canceled) || !fault.Is(err, fault.Unavailable) {
					t.Errorf("at statement %d: %v error: %v", n, fault.KindOf(err), err)
				}
			}
			if hits < 8 {
				t.Errorf("only %d interrupts came before the end", hits)
			}
		})
	}
}

// interruptAt imports old with a context that ends at statement n, and counts the statements.
func interruptAt(t *testing.T, url, old string, n int) (heard int, err error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	db, err := sqldb.Open(t.Context(), url, sqldb.Options{Statement: func(string) {
		if heard++; heard == n+1 && n%2 == 0 {
			stop()
		} else if heard == n+1 {
			time.AfterFunc(time.Duration(rand.IntN(1000))*time.Microsecond, stop)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err = django.Import(ctx, db, account.CLI, now, django.Options{From: "sqlite://" + old}); err != nil {
		lists(t, db, map[string]string{"SELECT (SELECT COUNT(*) FROM project) + (SELECT COUNT(*) FROM message) + (SELECT COUNT(*) FROM event)": "0"})
	}
	return heard, err
}
