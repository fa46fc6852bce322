// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/schema"
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
	db    *sqldb.DB
	heard map[string]int
	n     int
}

func newTallied(t testing.TB, engine string) *tallied {
	t.Helper()
	c := &tallied{heard: map[string]int{}}
	url := ""
	if engine == sqldb.SQLite {
		url = "sqlite:" + t.TempDir() + "/pw.db"
	} else {
		url = dbtest.URL(t, engine)
	}
	db, err := sqldb.Open(t.Context(), url, sqldb.Options{Statement: func(query string) {
		c.n++
		c.heard[strings.Join(strings.Fields(query), " ")]++
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := schema.Sync(t.Context(), db); err != nil {
		t.Fatal(err)
	}
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

func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
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
					c.n = 0
					c.heard = map[string]int{}
					before := cpu()
					b.StartTimer()
					batches := c.deliver(b, mails[1000:], size)
					b.StopTimer()
					b.ReportMetric(float64((cpu()-before).Microseconds())/3000, "cpu-µs/mail")
					b.ReportMetric(float64(c.n)/float64(batches), "statements/batch")
					b.ReportMetric(3000/b.Elapsed().Seconds(), "mails/s")
					if os.Getenv("SHOW") != "" {
						var keys []string
						for k := range c.heard {
							keys = append(keys, k)
						}
						sort.Slice(keys, func(i, j int) bool { return c.heard[keys[i]] > c.heard[keys[j]] })
						for _, k := range keys {
							fmt.Printf("%6.2f %.150s\n", float64(c.heard[k])/float64(batches), k)
						}
					}
					b.StartTimer()
				}
			})
		}
	}
}
