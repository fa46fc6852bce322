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
	"strings"
	"syscall"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/archivegen"
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
	program := build(b)
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

// build builds the program, unless $PROGRAM names one, to compare an older one in turn.
func build(b *testing.B) string {
	b.Helper()
	if program := os.Getenv("PROGRAM"); program != "" {
		return program
	}
	program := filepath.Join(b.TempDir(), "pw")
	if out, err := exec.Command("go", "build", "-o", program, "patchwork.example/pw/cmd/pw").CombinedOutput(); err != nil {
		b.Fatalf("build pw: %v\n%s", err, out)
	}
	return program
}

// size reads $SIZE: 10k, 100k, 1M or a plain number.
func size(b *testing.B) int {
	b.Helper()
	text := os.Getenv("SIZE")
	if text == "" {
		text = "10k"
	}
	n, err := strconv.Atoi(strings.NewReplacer("k", "000", "K", "000", "M", "000000", "m", "000000").Replace(text))
	if err != nil || n < 1 {
		b.Fatalf("SIZE=%s: want a number of mails, such as 10k, 100k or 1M", text)
	}
	return n
}

func sources(b *testing.B) []source {
	b.Helper()
	const list = "kettle.lists.example"
	path := filepath.Join(scratch(b), "generated.mbox")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	n := size(b)
	if _, err := archivegen.Write(f, archivegen.Options{Mails: n, Seed: 1, List: list}); err != nil {
		b.Fatal(err)
	}
	out := []source{{"generated-" + strconv.Itoa(n), path, list}}
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

// scratch is a directory on a disk: b.TempDir may be in memory.
func scratch(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp("", "pw-bench-intake")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// database is an empty one with a project for the list.
func database(b *testing.B, program, engine, list string) (url string) {
	b.Helper()
	if engine == sqldb.SQLite {
		url = "sqlite:" + filepath.Join(scratch(b), "pw.db")
	} else {
		url = dbtest.URL(b, engine)
	}
	run(b, program, url, "db", "sync")
	run(b, program, url, "admin", "project", "create", "bench", "--name", "Bench", "--list-id", list, "--list-email", "bench@"+list)
	return url
}

func command(program, url string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "PW_DATABASE_URL="+url)
	return cmd
}

func run(b *testing.B, program, url string, args ...string) {
	b.Helper()
	if out, err := command(program, url, args...).CombinedOutput(); err != nil {
		b.Fatalf("pw %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func benchImport(b *testing.B, program, engine string, s source) {
	b.StopTimer()
	url := database(b, program, engine, s.list)
	profile := filepath.Join(b.TempDir(), "cpu")
	cmd := command(program, url, "ingress", "--mbox", "--json", "--list-id", s.list, s.find(b))
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
	var n int64
	query := map[string]string{
		sqldb.SQLite:   "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
		sqldb.Postgres: "SELECT pg_database_size(current_database())",
		sqldb.MariaDB:  "SELECT CAST(SUM(file_size) AS SIGNED) FROM information_schema.innodb_sys_tablespaces WHERE name LIKE CONCAT(DATABASE(), '/%')",
	}[engine]
	if err := db.Get(b.Context(), &n, query); err != nil {
		b.Fatal(err)
	}
	return n
}
