// SPDX-License-Identifier: GPL-2.0-or-later

package intakebench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/archivegen"
	"patchwork.example/pw/internal/test/benchsite"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/shared"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// source is an archive to take in.
type source struct {
	name, path, list string // a relative path is one of the extra test data
}

// BenchmarkIntake imports archives by `pw ingress --mbox` into an empty database: a generated one of $SIZE mails (10k by default; 100k, 1M) and, where there is
// extra test data, two real ones. It prints one line each and, from a CPU profile of the same run, where pw's own time goes. That of a database server is not in it.
func BenchmarkIntake(b *testing.B) {
	program := benchsite.Build(b)
	for _, engine := range dbtest.Engines(b) {
		for _, s := range sources(b) {
			b.Run(engine+"/"+s.name, func(b *testing.B) {
				for b.Loop() {
					benchImport(b, program, engine, s)
				}
			})
		}
	}
}

func sources(b *testing.B) []source {
	b.Helper()
	path := filepath.Join(benchsite.Scratch(b), "generated.mbox")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	n := benchsite.Size(b)
	if _, err := archivegen.Write(f, archivegen.Options{Mails: n, Seed: 1, List: benchsite.List}); err != nil {
		b.Fatal(err)
	}
	out := []source{{"generated-" + strconv.Itoa(n), path, benchsite.List}}
	return append(out, source{"erofs", "lore-linux-erofs.mbox.gz", "linux-erofs.lists.ozlabs.org"}, source{"linux-man", "lore-linux-man.mbox.gz", "linux-man.vger.kernel.org"})
}

// find is where the archive is; an extra one that is not there skips its benchmark.
func (s source) find(b *testing.B) string {
	b.Helper()
	if filepath.IsAbs(s.path) {
		return s.path
	}
	return filepath.Join(shared.Dir(b), "corpora", s.path)
}

// database is an empty one with a project for the list.
func database(b *testing.B, program, engine, list string) (url string) {
	b.Helper()
	if engine == sqldb.SQLite {
		url = "sqlite:" + filepath.Join(benchsite.Scratch(b), "pw.db")
	} else {
		url = dbtest.URL(b, engine)
	}
	benchsite.Project(b, program, url, list)
	return url
}

func benchImport(b *testing.B, program, engine string, s source) {
	b.StopTimer()
	url := database(b, program, engine, s.list)
	profile := filepath.Join(b.TempDir(), "cpu")
	cmd := benchsite.Command(program, url, "ingress", "--mbox", "--json", "--list-id", s.list, s.find(b))
	cmd.Env = append(cmd.Env, "PW_CPUPROFILE="+profile)
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	b.StartTimer()
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	b.StopTimer()
	if err != nil {
		b.Fatalf("import: %v\n%s", err, errors.Bytes())
	}
	var sum struct{ Mails int }
	if err := json.Unmarshal(out.Bytes(), &sum); err != nil || sum.Mails == 0 {
		b.Fatalf("%v: %s", err, out.Bytes())
	}
	report(b, cmd, sum.Mails, took, databaseSize(b, engine, url))
	fmt.Printf("\n%s: where the time of pw goes\n%s\n", b.Name(), stages(b, program, profile))
	b.StartTimer()
}

// report gives the figures of one run. CPU and memory are pw's alone, the size is the database's with its indexes.
func report(b *testing.B, cmd *exec.Cmd, mails int, took time.Duration, size int64) {
	n := float64(mails)
	b.ReportMetric(n/took.Seconds(), "mails/s")
	b.ReportMetric(float64((cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()).Microseconds())/n, "cpu-µs/mail")
	b.ReportMetric(float64(size)/n, "db-B/mail")
	b.ReportMetric(float64(size)/1e6, "db-MB")
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		b.ReportMetric(float64(usage.Maxrss)/1024, "peak-MiB")
	}
}

func databaseSize(b *testing.B, engine, url string) int64 {
	b.Helper()
	db, err := sqldb.Open(b.Context(), url, sqldb.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	return benchsite.Bytes(b, db)
}
