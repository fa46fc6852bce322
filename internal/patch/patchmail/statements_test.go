// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/mbox"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/archivegen"
	"patchwork.example/pw/internal/test/dbtest"
)

// tallied is an intake whose statements are counted.
type tallied struct {
	*ingress.Intake
	db *sqldb.DB
	n  int
}

func newTallied(t testing.TB, engine string) *tallied {
	t.Helper()
	c := &tallied{}
	db, err := sqldb.Open(t.Context(), dbtest.MigratedURL(t, engine), sqldb.Options{Statement: func(string) { c.n++ }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	name, list, email := "kettle", "kettle.lists.example", "kettle@lists.example"
	_, err = project.Create(t.Context(), db, account.CLI, clock.System{}.Now(), project.Change{Linkname: &name, Name: &name, ListID: &list, ListEmail: &email})
	if err != nil {
		t.Fatal(err)
	}
	c.db, c.Intake = db, ingress.New(db, clock.System{}, ingress.DefaultLimits, patchmail.New(clock.System{}))
	return c
}

func (c *tallied) deliver(t testing.TB, mails [][]byte, size int) (batches int) {
	t.Helper()
	for len(mails) > 0 {
		n := min(size, len(mails))
		var list []ingress.Delivery
		for _, raw := range mails[:n] {
			list = append(list, ingress.Delivery{Raw: raw, Via: "smtp"})
		}
		if _, err := c.Deliver(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		batches++
		mails = mails[n:]
	}
	return batches
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// serverCPU is how many microseconds of CPU those processes of PostgreSQL have taken that are there now; 0 elsewhere.
func (c *tallied) serverCPU(t testing.TB) (total int64) {
	if c.db.Engine() != sqldb.Postgres {
		return 0
	}
	var pids []int
	if err := c.db.Select(t.Context(), &pids, "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')'):]))
		for _, f := range fields[12:14] {
			n, _ := strconv.ParseInt(f, 10, 64)
			total += n * 10000
		}
	}
	return total
}

// threeKB are n generated mails of 3 kB.
func threeKB(t testing.TB, n int) (out [][]byte) {
	t.Helper()
	var all bytes.Buffer
	if _, err := archivegen.Write(&all, archivegen.Options{Mails: n, Seed: 1, List: "kettle.lists.example"}); err != nil {
		t.Fatal(err)
	}
	for r := mbox.NewReader(&all, 1<<20); ; {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, bytes.Clone(m.Raw))
	}
}

// TestStatements: what a batch of mails asks of the database, on average over generated mails, as SMTP brings them. Each statement costs SQLite some 10 µs and PostgreSQL
// ten times as much: one more for each batch must be worth it.
func TestStatements(t *testing.T) {
	mails := threeKB(t, 1200)
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			c := newTallied(t, engine)
			c.deliver(t, mails[:400], 64)
			for i, want := range []struct {
				size int
				most float64
			}{{1, 32}, {2, 34}, {8, 43}} {
				c.n = 0
				batches := c.deliver(t, mails[400+i*200:600+i*200], want.size)
				if each := float64(c.n) / float64(batches); each > want.most {
					t.Errorf("batches of %d mails: %.1f statements each, at most %.0f are wanted", want.size, each, want.most)
				}
			}
			check(t, c.db)
		})
	}
}

// BenchmarkBatches takes generated mails in in small batches.
func BenchmarkBatches(b *testing.B) {
	mails := threeKB(b, 4000)
	for _, engine := range dbtest.Engines(b) {
		for _, size := range []int{1, 2, 8} {
			b.Run(fmt.Sprintf("%s/%d", engine, size), func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					c := newTallied(b, engine)
					c.deliver(b, mails[:1000], 64)
					b.StartTimer()
					c.measure(b, mails[1000:], size)
				}
			})
		}
	}
}

func (c *tallied) measure(b *testing.B, mails [][]byte, size int) {
	c.n = 0
	server, own, start := c.serverCPU(b), ownCPU(), time.Now()
	batches := c.deliver(b, mails, size)
	n := float64(len(mails))
	b.ReportMetric(n/time.Since(start).Seconds(), "mails/s")
	b.ReportMetric(float64((ownCPU()-own).Microseconds())/n, "cpu-µs/mail")
	b.ReportMetric(float64(c.serverCPU(b)-server)/n, "server-µs/mail")
	b.ReportMetric(float64(c.n)/float64(batches), "statements/batch")
}
