// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/shared"
)

// BenchmarkPages measures the server time of pages over a real archive (extra test data) in SQLite on disk, caches warm: the median as p50-ms and the
// 99th percentile as p99-ms.
func BenchmarkPages(b *testing.B) {
	a := benchSite(b)
	handler := a.Handler("bench")
	var msgid string
	if err := a.DB.Get(context.Background(), &msgid, "SELECT m.msgid FROM patch p JOIN message m ON m.id = p.message_id JOIN patch_diff d ON d.patch_id = p.id WHERE LENGTH(d.diff) BETWEEN 30000 AND 40000 ORDER BY p.id LIMIT 1"); err != nil {
		b.Fatal(err)
	}
	var series struct{ ID, Received int64 }
	if err := a.DB.Get(context.Background(), &series, "SELECT id, received FROM series WHERE received <= 31 ORDER BY received DESC, id LIMIT 1"); err != nil {
		b.Fatal(err)
	}
	for _, page := range []struct{ name, path string }{
		{"list", "/project/bench/list/"},
		{"list-all-states-page-5", "/project/bench/list/?state=*&archive=both&page=5"},
		{"list-by-name", "/project/bench/list/?order=name"},
		{"list-q", "/project/bench/list/?q=erofs"},
		{"patch-with-1000-line-diff", "/project/bench/patch/" + msgid[1:len(msgid)-1] + "/"},
		{"about", "/project/bench/"},
		{fmt.Sprintf("series-mbox-of-%d", series.Received), fmt.Sprintf("/series/%d/mbox/", series.ID)},
	} {
		b.Run(page.name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				w := httptest.NewRecorder()
				start := time.Now()
				handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, page.path, nil))
				took = append(took, time.Since(start))
				if w.Code != http.StatusOK {
					b.Fatalf("%s: %d", page.path, w.Code)
				}
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
		})
	}
}

func benchSite(b *testing.B) *App {
	ctx := context.Background()
	f, err := os.Open(filepath.Join(shared.Dir(b), "corpora", "lore-linux-erofs.mbox.gz"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	db, err := sqldb.Open(ctx, "sqlite:"+filepath.Join(b.TempDir(), "bench.db"), sqldb.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	if err := schema.Sync(ctx, db); err != nil {
		b.Fatal(err)
	}
	name, list, email := "bench", "linux-erofs.lists.ozlabs.org", "linux-erofs@lists.ozlabs.org"
	if _, err := project.Create(ctx, db, account.CLI, 0, project.Change{Linkname: &name, Name: &name, ListID: &list, ListEmail: &email}); err != nil {
		b.Fatal(err)
	}
	a := &App{Config: config.Default(), DB: db, Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	source, err := ingress.OpenArchive(f, "archive", list, 100<<20)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := a.Intake().Import(ctx, source, func(ingress.Summary) {}); err != nil {
		b.Fatal(err)
	}
	return a
}
