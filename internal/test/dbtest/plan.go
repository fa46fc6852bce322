// SPDX-License-Identifier: GPL-2.0-or-later

package dbtest

import (
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
)

// Plan is how SQLite would run a query, a line per table. It is asked without statistics, as nobody collects them: it goes by the form of query and
// indexes alone, so a query that reads a whole table here does so in large archives.
func Plan(t testing.TB, query string, args ...any) (lines []string) {
	t.Helper()
	var steps []struct {
		ID, Parent, NotUsed int64
		Detail              string
	}
	if err := Open(t, sqldb.SQLite).Select(t.Context(), &steps, "EXPLAIN QUERY PLAN "+query, args...); err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		lines = append(lines, s.Detail)
	}
	return lines
}
