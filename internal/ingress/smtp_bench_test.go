// SPDX-License-Identifier: GPL-2.0-or-later

package ingress_test

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
)

// BenchmarkSMTP feeds series with covers and replies through 8 connections into SQLite on a disk; each mail is answered when it is committed.
// The client shares the processors with the server.
func BenchmarkSMTP(b *testing.B) {
	const connections = 8
	dir, err := os.MkdirTemp(os.TempDir(), "pwsmtp") // b.TempDir may be in memory
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := sqldb.Open(b.Context(), "sqlite:"+filepath.Join(dir, "pw.db"), sqldb.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := schema.Sync(b.Context(), db); err != nil {
		b.Fatal(err)
	}
	addFeedProject(b, db)
	s := serve(b, db, nil)
	mails := feed(b.N)
	for i := range mails {
		mails[i] = dotted(mails[i])
	}
	peers := make([]*peer, connections)
	for i := range peers {
		peers[i] = s.hello()
		peers[i].SetDeadline(time.Time{})
	}
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for _, p := range peers {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				p.send("MAIL FROM:<ann@example.org>\r\nRCPT TO:<widgets@lists.example.org>\r\nDATA\r\n")
				p.want("250 ")
				p.want("250 ")
				p.want("354 ")
				p.send(mails[i])
				p.want("250 2.0.0 OK, ")
			}
		})
	}
	all.Wait()
	b.StopTimer()
	rate := float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "mails/s")
	if n := len(mailRows(b, db)); n != b.N {
		b.Errorf("%d mails are stored, %d were answered 250", n, b.N)
	}
	if info, err := os.Stat(filepath.Join(dir, "pw.db")); err == nil {
		b.ReportMetric(float64(info.Size()), "database-bytes")
	}
}
