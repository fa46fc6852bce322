// SPDX-License-Identifier: GPL-2.0-or-later

package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestDialect(t *testing.T) {
	tests := []struct{ name, sql, sqlite, postgres, mariadb string }{
		{"table", "CREATE TABLE a (\n  id BIGINT PRIMARY KEY,\n  n BIGINT NULL,\n  b BOOLEAN NOT NULL,\n  UNIQUE (n, b)\n)",
			"CREATE TABLE IF NOT EXISTS a (\n  id INTEGER PRIMARY KEY,\n  n BIGINT NULL,\n  b BOOLEAN NOT NULL,\n  UNIQUE (n, b)\n)",
			"CREATE TABLE IF NOT EXISTS a (\n  id BIGINT PRIMARY KEY,\n  n BIGINT NULL,\n  b BOOLEAN NOT NULL,\n  UNIQUE (n, b)\n)",
			"CREATE TABLE IF NOT EXISTS a (\n  id BIGINT PRIMARY KEY,\n  n BIGINT NULL,\n  b BOOLEAN NOT NULL,\n  UNIQUE (n, b)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin"},
		{"texts and octets", "CREATE TABLE a (h BYTES(32) NOT NULL PRIMARY KEY, v VARCHAR(255) NULL, t TEXT NOT NULL, b BYTES NOT NULL)",
			"CREATE TABLE IF NOT EXISTS a (h BLOB NOT NULL PRIMARY KEY, v VARCHAR(255) NULL, t TEXT NOT NULL, b BLOB NOT NULL)",
			`CREATE TABLE IF NOT EXISTS a (h BYTEA NOT NULL PRIMARY KEY, v VARCHAR(255) COLLATE "C" NULL, t TEXT COLLATE "C" NOT NULL, b BYTEA NOT NULL)`,
			"CREATE TABLE IF NOT EXISTS a (h BINARY(32) NOT NULL PRIMARY KEY, v VARCHAR(255) NULL, t LONGTEXT NOT NULL, b LONGBLOB NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin"},
		{"without rowid", "CREATE TABLE a (p BIGINT NOT NULL, PRIMARY KEY (p)) WITHOUT ROWID",
			"CREATE TABLE IF NOT EXISTS a (p BIGINT NOT NULL, PRIMARY KEY (p)) WITHOUT ROWID",
			"CREATE TABLE IF NOT EXISTS a (p BIGINT NOT NULL, PRIMARY KEY (p))",
			"CREATE TABLE IF NOT EXISTS a (p BIGINT NOT NULL, PRIMARY KEY (p)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin"},
		{"column", "ALTER TABLE a ADD COLUMN n TEXT NOT NULL", "ALTER TABLE a ADD COLUMN n TEXT NOT NULL", `ALTER TABLE a ADD COLUMN IF NOT EXISTS n TEXT COLLATE "C" NOT NULL`, "ALTER TABLE a ADD COLUMN IF NOT EXISTS n LONGTEXT NOT NULL"},
		{"index", "CREATE INDEX a_p ON a (p)", "CREATE INDEX IF NOT EXISTS a_p ON a (p)", "CREATE INDEX IF NOT EXISTS a_p ON a (p)", "CREATE INDEX IF NOT EXISTS a_p ON a (p)"},
		{"partial index", "CREATE INDEX a_p ON a (p, q) WHERE p IS NOT NULL", "CREATE INDEX IF NOT EXISTS a_p ON a (p, q) WHERE p IS NOT NULL", "CREATE INDEX IF NOT EXISTS a_p ON a (p, q) WHERE p IS NOT NULL", "CREATE INDEX IF NOT EXISTS a_p ON a (p, q)"},
		{"rows", "INSERT INTO a (p, b) VALUES (1, TRUE)", "INSERT INTO a (p, b) VALUES (1, TRUE)", "INSERT INTO a (p, b) VALUES (1, TRUE)", "INSERT INTO a (p, b) VALUES (1, TRUE)"},
		{"words in names", "CREATE TABLE text_bytes (context BIGINT NULL, BYTESIZE BIGINT NULL)",
			"CREATE TABLE IF NOT EXISTS text_bytes (context BIGINT NULL, BYTESIZE BIGINT NULL)",
			"CREATE TABLE IF NOT EXISTS text_bytes (context BIGINT NULL, BYTESIZE BIGINT NULL)",
			"CREATE TABLE IF NOT EXISTS text_bytes (context BIGINT NULL, BYTESIZE BIGINT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin"},
	}
	for _, test := range tests {
		for engine, want := range map[string]string{"sqlite": test.sqlite, "postgres": test.postgres, "mariadb": test.mariadb} {
			if diff := cmp.Diff(want, dialect(test.sql, engine)); diff != "" {
				t.Errorf("%s on %s: %s", test.name, engine, diff)
			}
		}
	}
}

func TestSteps(t *testing.T) {
	fsys := fstest.MapFS{
		"migrations/0002_more.sql":  {Data: []byte("INSERT INTO a (p) VALUES (';');\n")},
		"migrations/0003_some.sql":  {Data: []byte("-- only: mariadb\nDROP TABLE a;\n-- why\n-- only: sqlite\nCREATE VIRTUAL TABLE f USING fts5 (g);\nDROP TABLE b;\n")},
		"migrations/0001_first.sql": {Data: []byte("-- owner: a; not a statement;\nCREATE INDEX x\n  -- why;\n  ON a (p);\n\nCREATE INDEX y ON a (q);\n")},
	}
	got, err := steps(fsys, "sqlite")
	if err != nil {
		t.Fatal(err)
	}
	want := []step{
		{1001, "0001_first", "CREATE INDEX IF NOT EXISTS x\n  ON a (p)"},
		{1002, "0001_first", "CREATE INDEX IF NOT EXISTS y ON a (q)"},
		{2001, "0002_more", "INSERT INTO a (p) VALUES (';')"},
		{3001, "0003_some", ""}, // an engine passes over what is another's; the numbers are the same on all
		{3002, "0003_some", "CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5 (g)"},
		{3003, "0003_some", "DROP TABLE b"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(step{})); diff != "" {
		t.Error(diff)
	}
	_, err = steps(fstest.MapFS{"migrations/one.sql": {}}, "sqlite")
	if err == nil || err.Error() != "migration migrations/one.sql: name must begin with four digits" {
		t.Errorf("got %v", err)
	}
}

// A statement that ends without a line feed, or two files of one number, would be run wrongly or not at all.
func TestFilesAreWellFormed(t *testing.T) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil || len(names) < 5 {
		t.Fatal(names, err)
	}
	used := map[string]string{}
	for _, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		if other := used[number]; other != "" || len(number) != 4 {
			t.Errorf("%s: its number is that of %q, or has not four digits", name, other)
		}
		used[number] = name
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(string(text), ";\n") {
			t.Errorf("%s: the end is not a semicolon and a line feed", name)
		}
		if n := len(statements(string(text))); n == 0 || n > 999 {
			t.Errorf("%s: %d statements", name, n)
		}
	}
}

// checkReleased compares the migration files with the list of those that were released: lines "sha256  file".
func checkReleased(fsys fs.FS, list string) (problems []string) {
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		sum, name, _ := strings.Cut(line, "  ")
		text, err := fs.ReadFile(fsys, "migrations/"+name)
		have := sha256.Sum256(text)
		switch {
		case err != nil:
			problems = append(problems, name+" was released and is gone")
		case hex.EncodeToString(have[:]) != sum:
			problems = append(problems, name+" was released and has changed: put the change into a new file")
		}
	}
	return problems
}

func TestReleasedFilesNeverChange(t *testing.T) {
	list, err := os.ReadFile("released.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range checkReleased(files, string(list)) {
		t.Error(p)
	}
}

func TestCheckReleased(t *testing.T) {
	fsys := fstest.MapFS{"migrations/0001_a.sql": {Data: []byte("abc")}, "migrations/0002_b.sql": {Data: []byte("abd")}}
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	got := checkReleased(fsys, "# comment\n\n"+abc+"  0001_a.sql\n"+abc+"  0002_b.sql\n"+abc+"  0003_c.sql\nnonsense\n")
	want := []string{
		"0002_b.sql was released and has changed: put the change into a new file",
		"0003_c.sql was released and is gone",
		" was released and is gone",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
