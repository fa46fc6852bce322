// SPDX-License-Identifier: GPL-2.0-or-later

package apibench

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/benchsite"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// BenchmarkAPI runs `pw http` on a database of $SIZE generated patches (10k by default; 100k, 1M), and prints one
// line per kind of request: p50, p95 and p99 of one client after the other, requests/s of four at a time, bytes, and queries.
// $ENDPOINT, if set, picks those whose name contains it.
func BenchmarkAPI(b *testing.B) {
	program := benchsite.Build(b)
	for _, engine := range dbtest.Engines(b) {
		if engine == sqldb.MariaDB && os.Getenv("PW_TEST_ENGINES") == "" {
			continue // measured when it is asked for
		}
		b.Run(engine, func(b *testing.B) {
			b.StopTimer()
			s := &site{Site: benchsite.Open(b, program, engine)}
			a := &app.App{Config: config.Default(), DB: s.DB, Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
			s.within = a.Handler("bench")
			s.find(b)
			s.Start(b)
			s.measure(b)
		})
	}
}

// site is what is measured, and beside the server the same program within the benchmark, whose queries are counted.
type site struct {
	*benchsite.Site
	within http.Handler
	facts  facts
}

// facts are of what was generated, for requests to name.
type facts struct {
	patch, series, cover int64 // somewhere in the middle
	thirty               int64 // a series of thirty
	commented, person    int64
	msgid, hash          string
	newest               []int64 // a hundred patches
	position             int64   // of an event in the middle
	bundle               int64
}

func (s *site) find(b *testing.B) {
	b.Helper()
	f := &s.facts
	s.Get(b, &f.patch, "SELECT id FROM patch WHERE id >= (SELECT MAX(id) / 2 FROM patch) ORDER BY id LIMIT 1")
	s.Get(b, &f.series, "SELECT id FROM series WHERE id >= (SELECT MAX(id) / 2 FROM series) AND cover_id IS NOT NULL ORDER BY id LIMIT 1")
	s.Get(b, &f.cover, "SELECT id FROM cover WHERE id >= (SELECT MAX(id) / 2 FROM cover) ORDER BY id LIMIT 1")
	s.Get(b, &f.thirty, "SELECT p.series_id FROM patch p JOIN message m ON m.id = p.message_id WHERE m.msgid = '<thirty-1@bench>'")
	s.Get(b, &f.commented, "SELECT patch_id FROM patch_comment WHERE patch_id >= ? ORDER BY patch_id LIMIT 1", f.patch)
	s.Get(b, &f.person, "SELECT submitter_id FROM patch WHERE id = ?", f.patch)
	s.Get(b, &f.msgid, "SELECT m.msgid FROM patch p JOIN message m ON m.id = p.message_id WHERE p.id = ?", f.patch)
	f.msgid = strings.Trim(f.msgid, "<>")
	s.Get(b, &f.hash, "SELECT hash FROM patch WHERE id = ?", f.patch)
	s.Get(b, &f.position, "SELECT pos / 2 FROM event_last WHERE id = 1")
	if err := s.DB.Select(b.Context(), &f.newest, "SELECT id FROM patch ORDER BY id DESC LIMIT 100"); err != nil {
		b.Fatal(err)
	}
}
