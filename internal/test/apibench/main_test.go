// SPDX-License-Identifier: GPL-2.0-or-later

package apibench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/archivegen"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const list = "kettle.lists.example"

// BenchmarkAPI fills a database with $SIZE generated patches (10k by default; 100k, 1M) through `pw ingress --mbox`, runs `pw http` on it, and prints one
// line per kind of request: p50, p95 and p99 of one client after the other, requests/s of four at a time, bytes, and queries.
// $ENDPOINT, if set, picks those whose name contains it.
func BenchmarkAPI(b *testing.B) {
	program := build(b)
	n := size(b)
	archive := filepath.Join(scratch(b), "generated.mbox")
	for _, engine := range dbtest.Engines(b) {
		if engine == sqldb.MariaDB && os.Getenv("PW_TEST_ENGINES") == "" {
			continue // measured when it is asked for
		}
		b.Run(engine, func(b *testing.B) {
			b.StopTimer()
			generate(b, archive, n)
			s := fill(b, program, engine, archive)
			s.start(b)
			s.measure(b)
		})
	}
}

func build(b *testing.B) string {
	b.Helper()
	program := filepath.Join(b.TempDir(), "pw")
	if out, err := exec.Command("go", "build", "-o", program, "patchwork.example/pw/cmd/pw").CombinedOutput(); err != nil {
		b.Fatalf("build pw: %v\n%s", err, out)
	}
	return program
}

// size reads $SIZE: 10k, 100k, 1M or a plain number of patches.
func size(b *testing.B) int {
	b.Helper()
	text := os.Getenv("SIZE")
	if text == "" {
		text = "10k"
	}
	n, err := strconv.Atoi(strings.NewReplacer("k", "000", "K", "000", "M", "000000", "m", "000000").Replace(text))
	if err != nil || n < 1 {
		b.Fatalf("SIZE=%s: want a number of patches, such as 10k, 100k or 1M", text)
	}
	return n
}

// scratch is a directory on a disk: b.TempDir may be in memory.
func scratch(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp("", "pw-bench-api")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// generate writes the archive, once for all engines.
func generate(b *testing.B, path string, patches int) {
	b.Helper()
	if _, err := os.Stat(path); err == nil {
		return
	}
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	start := time.Now()
	made, err := archivegen.Write(f, archivegen.Options{Patches: patches, Few: true, Seed: 1, List: list})
	if err != nil {
		b.Fatal(err)
	}
	fmt.Printf("\ngenerated in %.1f s: %d patches, %d covers, %d comments in %d series, %.0f MB\n", time.Since(start).Seconds(), made.Patches, made.Covers, made.Comments, made.Series, float64(made.Bytes)/1e6)
}
