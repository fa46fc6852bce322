// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"sync/atomic"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestNotModified: an answer that the client has is told without asking the database anything, as soon as it was asked for twice, by any commit that concerns it
// it is another one, and by one that does not it stays.
func TestNotModified(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			var n atomic.Int64
			url := dbtest.MigratedURL(t, engine)
			db, err := sqldb.Open(t.Context(), url, sqldb.Options{Statement: func(string) { n.Add(1) }})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			other, err := sqldb.Open(t.Context(), url, sqldb.Options{}) // as another process has it
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { other.Close() })
			s, writer := serve(t, db), serve(t, other)
			s.seriesOfTwo()
			const path = "/api/series/?per_page=100"
			tag := s.get(path).Header.Get("ETag")
			ask := func(what string, status int, asksNothing bool) (now string) {
				t.Helper()
				before := n.Load()
				a := s.visit("", "GET", path, "", "If-None-Match: "+tag)
				asked := n.Load() - before
				if a.StatusCode != status || asksNothing && asked > 0 {
					t.Errorf("%s: %d with %d statements, want %d", what, a.StatusCode, asked, status)
				}
				return a.Header.Get("ETag")
			}
			fast := engine != sqldb.MariaDB
			ask("the first time", 304, false)
			ask("the second time", 304, fast)
			ask("again", 304, fast)
			writer.exec("UPDATE state SET name = name WHERE id = 1") // commits, and changes nothing
			ask("after another commit", 304, false)
			ask("again after it", 304, fast)
			writer.exec("UPDATE series SET name = 'kettles and pots'")
			if now := ask("after a change by another process", 200, false); now == tag {
				t.Error("two answers have one tag")
			}
			tag = s.get(path).Header.Get("ETag")
			ask("the changed one", 304, false)
			writer.patchMail("alpha", "later@x", "[PATCH] Later")
			ask("after a mail", 200, false)
		})
	}
}
