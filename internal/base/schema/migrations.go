// SPDX-License-Identifier: GPL-2.0-or-later

package schema

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/sqldb"
)

//go:embed migrations/*.sql
var files embed.FS

// Fingerprint names the schema of this binary: the number of its newest file, and a checksum of all files.
func Fingerprint() string {
	names, _ := fs.Glob(files, "migrations/*.sql") // sorted; the pattern is right
	sum := sha256.New()
	newest := "0000"
	for _, name := range names {
		text, _ := files.ReadFile(name) // embedded
		fmt.Fprintf(sum, "%s %d\n", name, len(text))
		sum.Write(text)
		newest = strings.TrimPrefix(name, "migrations/")[:4]
	}
	return fmt.Sprintf("%s-%x", newest, sum.Sum(nil)[:4])
}

// step is one statement of one migration file, in the words of one engine.
type step struct {
	version int64 // file number × 1000 + place in the file
	name    string
	sql     string // empty: nothing is to be done on this engine
}

// statement is one of a file.
type statement struct{ sql, only string } // only: the engine it is for; empty: any

// steps lists all statements of fsys in order, written for engine.
func steps(fsys fs.FS, engine string) ([]step, error) {
	names, err := fs.Glob(fsys, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var out []step
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		base := strings.TrimSuffix(strings.TrimPrefix(name, "migrations/"), ".sql")
		number, err := strconv.ParseInt(base[:min(4, len(base))], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("migration %s: name must begin with four digits", name)
		}
		for i, s := range statements(string(text)) {
			st := step{version: number*1000 + int64(i) + 1, name: base}
			if s.only == "" || s.only == engine {
				st.sql = dialect(s.sql, engine)
			}
			out = append(out, st)
		}
	}
	return out, nil
}

// statements cuts a file at semicolons that end a line, without comment lines. A line `-- only: sqlite` within a statement or above it names the engine it is for.
func statements(text string) []statement {
	var out []statement
	var b strings.Builder
	var s statement
	for line := range strings.Lines(text) {
		if comment, is := strings.CutPrefix(strings.TrimSpace(line), "--"); is {
			if only, ok := strings.CutPrefix(strings.TrimSpace(comment), "only:"); ok {
				s.only = strings.TrimSpace(only)
			}
			continue
		}
		b.WriteString(strings.TrimSuffix(line, ";\n"))
		if !strings.HasSuffix(line, ";\n") {
			continue
		}
		s.sql = strings.TrimSpace(b.String())
		out = append(out, s)
		b.Reset()
		s = statement{}
	}
	if s.sql = strings.TrimSpace(b.String()); s.sql != "" {
		out = append(out, s)
	}
	return out
}

var (
	bytesN  = regexp.MustCompile(`\bBYTES\((\d+)\)`)
	bytesRE = regexp.MustCompile(`\bBYTES\b`)
	textRE  = regexp.MustCompile(`\bTEXT\b`)
	charRE  = regexp.MustCompile(`\bVARCHAR\(\d+\)`)
	whereRE = regexp.MustCompile(`^(CREATE INDEX .*\)) WHERE \w+ IS NOT NULL$`)
)

// dialect writes a statement of the migration files for engine. The files say BYTES and BYTES(n) for octets, TEXT for text without
// limit, BIGINT PRIMARY KEY for an id, and WITHOUT ROWID where SQLite may keep the row in its primary key. An index WHERE a column IS NOT NULL has
// only such rows, but on MariaDB all. Text compares by code point on every engine.
func dialect(s, engine string) string {
	s = strings.Replace(s, "CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)
	s = strings.Replace(s, "CREATE VIRTUAL TABLE ", "CREATE VIRTUAL TABLE IF NOT EXISTS ", 1)
	s = strings.Replace(s, "CREATE INDEX ", "CREATE INDEX IF NOT EXISTS ", 1)
	if engine != sqldb.SQLite && strings.HasPrefix(s, "ALTER TABLE ") { // SQLite runs a step in one transaction with the note that it was done
		s = strings.Replace(s, " ADD COLUMN ", " ADD COLUMN IF NOT EXISTS ", 1)
	}
	switch engine {
	case sqldb.SQLite:
		s = bytesN.ReplaceAllString(s, "BLOB")
		s = bytesRE.ReplaceAllString(s, "BLOB")
		return strings.ReplaceAll(s, "BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY")
	case sqldb.Postgres:
		s = bytesN.ReplaceAllString(s, "BYTEA")
		s = bytesRE.ReplaceAllString(s, "BYTEA")
		s = charRE.ReplaceAllString(s, `$0 COLLATE "C"`)
		s = textRE.ReplaceAllString(s, `TEXT COLLATE "C"`)
		return strings.TrimSuffix(s, " WITHOUT ROWID")
	}
	s = bytesN.ReplaceAllString(s, "BINARY($1)")
	s = bytesRE.ReplaceAllString(s, "LONGBLOB")
	s = textRE.ReplaceAllString(s, "LONGTEXT")
	s = strings.TrimSuffix(s, " WITHOUT ROWID")
	s = whereRE.ReplaceAllString(s, "$1")
	if strings.HasPrefix(s, "CREATE TABLE") {
		s += " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin"
	}
	return s
}
