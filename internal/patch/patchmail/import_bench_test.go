// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/shared"
)

// BenchmarkImport imports a generated archive of 10,000 mails (PW_BENCH_MAILS: another number), and the real one if there is extra test data,
// into an empty database. SQLite is on disk in the temporary directory; the servers are durable under `make bench`.
func BenchmarkImport(b *testing.B) {
	n := 10000
	if s, err := strconv.Atoi(os.Getenv("PW_BENCH_MAILS")); err == nil {
		n = s
	}
	mbox := writeMbox(generate(1, n))
	for _, engine := range dbtest.Engines(b) {
		b.Run(engine+"/generated-"+strconv.Itoa(n), func(b *testing.B) {
			benchImport(b, engine, "kettle.lists.example", func() io.Reader { return bytes.NewReader(mbox) })
		})
		b.Run(engine+"/real", func(b *testing.B) {
			name := filepath.Join(shared.Dir(b), "corpora", "lore-linux-erofs.mbox.gz")
			benchImport(b, engine, erofsList, func() io.Reader {
				f, err := os.Open(name)
				if err != nil {
					b.Fatal(err)
				}
				return f
			})
		})
	}
}

func benchImport(b *testing.B, engine, listID string, open func() io.Reader) {
	ctx := context.Background()
	mails := 0
	for b.Loop() {
		b.StopTimer()
		db, path := benchDatabase(b, engine)
		linkname, email := "bench", "bench@"+listID
		_, err := project.Create(ctx, db, account.CLI, clock.System{}.Now(), project.Change{Linkname: &linkname, Name: &linkname, ListID: &listID, ListEmail: &email})
		if err != nil {
			b.Fatal(err)
		}
		source, err := ingress.OpenArchive(open(), "archive", listID, 100<<20)
		if err != nil {
			b.Fatal(err)
		}
		in := ingress.New(db, clock.System{}, ingress.DefaultLimits, patchmail.New(clock.System{}))
		b.StartTimer()
		sum, err := in.Import(ctx, source, func(ingress.Summary) {})
		if err != nil {
			b.Fatal(err)
		}
		mails += sum.Mails
		b.StopTimer()
		db.Close()
		if st, err := os.Stat(path); err == nil {
			b.ReportMetric(float64(st.Size())/1e6, "MB")
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(mails)/b.Elapsed().Seconds(), "mails/s")
}

// benchDatabase is an empty database; path is its file on SQLite, which is on disk and not in memory.
func benchDatabase(b *testing.B, engine string) (db *sqldb.DB, path string) {
	if engine != sqldb.SQLite {
		return dbtest.Open(b, engine), ""
	}
	path = filepath.Join(b.TempDir(), "bench.db")
	db, err := sqldb.Open(context.Background(), "sqlite:"+path, sqldb.Options{})
	if err == nil {
		err = schema.Sync(context.Background(), db)
	}
	if err != nil {
		b.Fatal(err)
	}
	return db, path
}
