// SPDX-License-Identifier: GPL-2.0-or-later

package benchsite

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
)

// Build makes the program, without the race detector or whatever the benchmark is built with, unless $PROGRAM names one, to compare an older one in turn.
func Build(b *testing.B) string {
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

// Size reads $SIZE: 10k, 100k, 1M or a plain number, of patches or mails.
func Size(b *testing.B) int {
	b.Helper()
	text := os.Getenv("SIZE")
	if text == "" {
		text = "10k"
	}
	n, err := strconv.Atoi(strings.NewReplacer("k", "000", "K", "000", "M", "000000", "m", "000000").Replace(text))
	if err != nil || n < 1 {
		b.Fatalf("SIZE=%s: want a number, such as 10k, 100k or 1M", text)
	}
	return n
}

// Scratch is a directory on a disk, which goes when the benchmark ends: b.TempDir may be in memory.
func Scratch(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp("", "pw-bench")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// Command is the program with a database.
func Command(program, url string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "PW_DATABASE_URL="+url)
	return cmd
}

// Run runs the program to its end, which must be a good one.
func Run(b *testing.B, program, url string, args ...string) {
	b.Helper()
	if out, err := Command(program, url, args...).CombinedOutput(); err != nil {
		b.Fatalf("pw %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Project makes the tables in an empty database, and the project bench for a list.
func Project(b *testing.B, program, url, list string) {
	b.Helper()
	Run(b, program, url, "db", "sync")
	Run(b, program, url, "admin", "project", "create", "bench", "--name", "Bench", "--list-id", list, "--list-email", "bench@"+list)
}

// Bytes is the size of a database, with its indexes.
func Bytes(b *testing.B, db *sqldb.DB) (n int64) {
	b.Helper()
	query := map[string]string{
		sqldb.SQLite:   "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
		sqldb.Postgres: "SELECT pg_database_size(current_database())",
		sqldb.MariaDB:  "SELECT CAST(SUM(file_size) AS SIGNED) FROM information_schema.innodb_sys_tablespaces WHERE name LIKE CONCAT(DATABASE(), '/%')",
	}[db.Engine()]
	if err := db.Get(b.Context(), &n, query); err != nil {
		b.Fatal(err)
	}
	return n
}
