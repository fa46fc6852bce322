// SPDX-License-Identifier: GPL-2.0-or-later

package arch

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestHouse checks the source of this module.
func TestHouse(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	problems, err := check(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
}

const migration1 = `-- +goose Up
-- owner: patch
CREATE TABLE patch (id BIGINT PRIMARY KEY);
CREATE TABLE series (id BIGINT PRIMARY KEY);
-- owner: account
CREATE TABLE IF NOT EXISTS person (id BIGINT PRIMARY KEY);
CREATE TABLE new_token (id BIGINT PRIMARY KEY);
ALTER TABLE new_token RENAME TO token;
-- owner: issue
CREATE TABLE issue (id BIGINT PRIMARY KEY);
`

// house is a small module that keeps all rules, with the given files on top; a file is its package clause and what follows.
func house(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{
		"go.mod":                {Data: []byte("module example.org/m\n\ngo 1.26\n")},
		migrations + "/001.sql": {Data: []byte(migration1)},
		"tools/go.mod":          {Data: []byte("module example.org/m/tools\n")},
		"tools/main.go":         {Data: []byte("package broken because nobody reads it")},
	}
	drawing := "cmd/pw/ base/{schema,sqldb,fault,clock}\n"
	dirs := map[string]bool{}
	for _, p := range strings.Fields("account project patch patch/patchweb issue web format/diff format/fold app job") {
		dirs["internal/"+p] = true
		drawing += "internal/" + p + "\n"
	}
	for name, src := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(src)}
		if path.Ext(name) == ".go" {
			fsys[name].Data = []byte(licence + "\n\n" + src)
			dirs[path.Dir(name)] = true
		}
	}
	for d := range dirs {
		if fsys[d+"/doc.go"] == nil {
			fsys[d+"/doc.go"] = &fstest.MapFile{Data: []byte(licence + "\n\n// Package p owns nothing.\npackage p\n")}
		}
	}
	if fsys["docs/design.md"] == nil {
		fsys["docs/design.md"] = &fstest.MapFile{Data: []byte(drawing)}
	}
	return fsys
}

func TestCheckFinds(t *testing.T) {
	imports := func(p string) string { return "package p\n\nimport _ \"example.org/m/internal/" + p + "\"\n" }
	query := func(sql string) string { return "package p\n\nconst q = `" + sql + "`\n" }
	tests := []struct {
		name  string
		files map[string]string
		want  []string // literal problems; nil: none
	}{
		{"nothing", nil, nil},
		{"lower floor", map[string]string{"internal/patch/a.go": imports("account")}, nil},
		{"upper floor", map[string]string{"internal/account/a.go": imports("patch")},
			[]string{"internal/account/a.go:5: account imports patch: floor 2 must not know floor 3 above it"}},
		{"upper floor, in a test", map[string]string{"internal/account/a_test.go": imports("patch")}, nil},
		{"sideways as listed", map[string]string{"internal/project/a.go": imports("account")}, nil},
		{"sideways", map[string]string{"internal/account/a.go": imports("project")},
			[]string{"internal/account/a.go:5: account imports project: both stand on floor 2 and the table sideways does not allow it"}},
		{"domain to domain", map[string]string{"internal/patch/a.go": imports("issue")},
			[]string{"internal/patch/a.go:5: patch imports issue: both stand on floor 3 and the table sideways does not allow it"}},
		{"face of another domain", map[string]string{"internal/patch/patchweb/a.go": imports("issue")},
			[]string{"internal/patch/patchweb/a.go:5: patch/patchweb imports issue: only a face of issue, crosslink and legacy may know issue"}},
		{"face of its domain", map[string]string{"internal/patch/patchweb/a.go": imports("patch")}, nil},
		{"shell to domain", map[string]string{"internal/web/a.go": imports("patch")},
			[]string{"internal/web/a.go:5: web imports patch: a shell must not know a domain; declare a small interface and let app plug the domain in"}},
		{"app to all", map[string]string{"internal/app/a.go": imports("patch/patchweb")}, nil},
		{"test helper in a test", map[string]string{"internal/patch/a_test.go": imports("test/dbtest")}, nil},
		{"test helper in code", map[string]string{"internal/app/a.go": imports("test/dbtest")},
			[]string{"internal/app/a.go:5: app imports test/dbtest: packages of internal/test are for _test.go files"}},
		{"unknown package", map[string]string{
			"internal/attic/a.go": "package p\n", "docs/design.md": "internal/attic account project patch patch/patchweb issue web format/{diff,fold} app job"},
			[]string{"internal/attic: unknown package; give it a floor in internal/test/arch/floors_test.go"}},
		{"not in the drawing", map[string]string{"docs/design.md": "account project patch patch/patchweb issue web format/diff app jobs job"},
			[]string{"docs/design.md: the drawing lacks format/fold"}},

		{"go statement", map[string]string{"internal/patch/a.go": "package p\n\nfunc f() { go f() }\n"},
			[]string{"internal/patch/a.go:5: go statement in patch: goroutines start only in job, ingress, app"}},
		{"hidden go statement", map[string]string{"internal/patch/a.go": "package p\n\nfunc f(g group) { g.Go(f) }\n"},
			[]string{"internal/patch/a.go:5: call of Go in patch: goroutines start only in job, ingress, app"}},
		{"go statement where it may be", map[string]string{"internal/job/a.go": "package p\n\nfunc f() { go f() }\n"}, nil},
		{"go statement in a test", map[string]string{"internal/patch/a_test.go": "package p\n\nfunc f() { go f() }\n"}, nil},
		{"init", map[string]string{"internal/patch/a.go": "package p\n\nfunc init() {}\n"},
			[]string{"internal/patch/a.go:5: func init has effects nobody asked for; call it from where it is needed"}},
		{"method named init", map[string]string{"internal/patch/a.go": "package p\n\nfunc (t) init() {}\n"}, nil},
		{"no doc.go comment", map[string]string{"internal/patch/doc.go": "package p\n"},
			[]string{"internal/patch: no doc.go with a package comment"}},
		{"long file", map[string]string{"internal/patch/a.go": "package p\n" + strings.Repeat("\n", 598)},
			[]string{"internal/patch/a.go: 601 lines, more than 600; would two files be clearer?"}},
		{"long generated file", map[string]string{"internal/patch/a_templ.go": "// Code generated by templ - DO NOT EDIT.\n\npackage p\n" + strings.Repeat("\n", 700)}, nil},

		{"write of its table", map[string]string{"internal/patch/a.go": query("INSERT INTO patch (id) VALUES (?)")}, nil},
		{"write of another's", map[string]string{"internal/patch/a.go": query("INSERT OR IGNORE INTO person (id) VALUES (?)")},
			[]string{"internal/patch/a.go:5: patch writes table person, which account owns"}},
		{"update of another's", map[string]string{"internal/project/a.go": query("UPDATE token SET id = 1")},
			[]string{"internal/project/a.go:5: project writes table token, which account owns"}},
		{"delete of another's", map[string]string{"internal/app/a.go": query("DELETE FROM series WHERE id = ?")},
			[]string{"internal/app/a.go:5: app writes table series, which patch owns"}},
		{"alter of another's", map[string]string{"internal/app/a.go": query("ALTER TABLE series ADD x TEXT")},
			[]string{"internal/app/a.go:5: app writes table series, which patch owns"}},
		{"table is no table", map[string]string{"internal/patch/a.go": query("SELECT id FROM patches")},
			[]string{"internal/patch/a.go:5: table patches is in no migration"}},
		{"read below", map[string]string{"internal/patch/a.go": query("SELECT p.id FROM patch p, series JOIN person ON true")}, nil},
		{"read above", map[string]string{"internal/account/a.go": query("SELECT id FROM person LEFT JOIN patch USING (id)")},
			[]string{"internal/account/a.go:5: account reads table patch of patch: floor 2 must not know floor 3 above it"}},
		{"read of another domain", map[string]string{"internal/issue/a.go": query("SELECT i.id FROM issue AS i, patch")},
			[]string{"internal/issue/a.go:5: issue reads table patch of patch: both stand on floor 3 and the table sideways does not allow it"}},
		{"read in parts", map[string]string{"internal/account/a.go": "package p\n\nconst cols = `id`\n\nvar q = `SELECT ` + cols + f(` JOIN series s`) + ` FROM patch`\n"},
			[]string{
				"internal/account/a.go:7: account reads table patch of patch: floor 2 must not know floor 3 above it",
				"internal/account/a.go:7: account reads table series of patch: floor 2 must not know floor 3 above it"}},
		{"table at run time", map[string]string{"internal/patch/a.go": "package p\n\nvar q = `SELECT id FROM ` + table\n"},
			[]string{"internal/patch/a.go:5: the table after FROM is not named in the text: SQL is written whole"}},
		{"table by format", map[string]string{"internal/patch/a.go": query("DELETE FROM %s")},
			[]string{"internal/patch/a.go:5: the table after FROM is not named in the text: SQL is written whole"}},
		{"table by constant", map[string]string{"internal/patch/a.go": "package p\n\nconst table = `patch`\n\nvar q = `SELECT id FROM ` + table\n"}, nil},
		{"with", map[string]string{"internal/patch/a.go": query("WITH RECURSIVE up (id) AS (SELECT id FROM patch) SELECT id FROM up")}, nil},
		{"with hides", map[string]string{"internal/account/a.go": query("WITH patch AS (SELECT 1) SELECT id FROM patch")},
			[]string{"internal/account/a.go:5: the name patch of a WITH or temporary table hides the table patch"}},
		{"no tables", map[string]string{"internal/patch/a.go": query(
			"SELECT EXTRACT(YEAR FROM x) FROM (SELECT 1) y WHERE a IS DISTINCT FROM b AND c = 'FROM d' -- FROM e\n" +
				"ON CONFLICT DO UPDATE SET f = 1 ON DUPLICATE KEY UPDATE g = 1 FOR UPDATE SKIP LOCKED; SELECT FROM json_each(h), pg_class")}, nil},
		{"English", map[string]string{"internal/patch/a.go": query("501 wrong: MAIL FROM %s, or TABLE for two, update patch from series")}, nil},
		{"small letters", map[string]string{"internal/account/a.go": query("select id from patch")},
			[]string{"internal/account/a.go:5: write SQL keywords in capitals, so that this test can read them"}},
		{"verb", map[string]string{"internal/patch/a.go": "package p\n\nvar _ = tx.Insert(ctx, `person`, a, b)\nvar _ = tx.Insert(ctx, `patch`, a, b)\n"},
			[]string{"internal/patch/a.go:5: patch writes table person, which account owns"}},
		{"verb on no table", map[string]string{"internal/patch/a.go": "package p\n\nvar _ = tx.Insert(ctx, `patches`, a, b)\n"},
			[]string{"internal/patch/a.go:5: table patches is in no migration"}},
		{"verb on some table", map[string]string{"internal/patch/a.go": "package p\n\nvar _ = tx.Insert(ctx, table, a, b)\n"},
			[]string{"internal/patch/a.go:5: the table after Insert is not named in the text: SQL is written whole"}},
		{"another verb", map[string]string{"internal/patch/a.go": "package p\n\nvar _ = tx.BulkInsert(ctx, n, `person`)\nvar _ = strings.Replace(s, `person`, `x`)\n"},
			[]string{"internal/patch/a.go:5: patch writes table person, which account owns"}},
		{"upsert", map[string]string{"internal/patch/a.go": "package p\n\nvar _ = sqldb.Upsert{Table: `person`}\n"},
			[]string{"internal/patch/a.go:5: patch writes table person, which account owns"}},
		{"in a test", map[string]string{"internal/patch/a_test.go": query("DELETE FROM person")}, nil},
		{"other systems", map[string]string{
			"internal/legacy/django/a.go": query("SELECT id FROM patchwork_patch"),
			"docs/design.md":              "legacy/{django} account project patch patch/patchweb issue web format/{diff,fold} app job"}, nil},

		{"table without owner", map[string]string{migrations + "/sqlite/002.sql": "CREATE VIRTUAL TABLE words USING fts5(x);\n"},
			[]string{migrations + "/sqlite/002.sql: table words has no owner; write a line `-- owner: package` above it"}},
		{"owner is no package of the table", map[string]string{migrations + "/002.sql": "-- owner: nobody\n"},
			[]string{migrations + "/002.sql: owner nobody stands on no floor"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := check(house(test.files))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckFindsMissingLicence(t *testing.T) {
	fsys := house(nil)
	fsys["internal/patch/a.go"] = &fstest.MapFile{Data: []byte("package p\n")}
	got, err := check(fsys)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`internal/patch/a.go:1: the first line is not "// SPDX-License-Identifier: GPL-2.0-or-later"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCheckFindsMissingDrawing(t *testing.T) {
	fsys := house(nil)
	delete(fsys, "docs/design.md")
	got, err := check(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"docs/design.md: missing; it holds the drawing of the packages"}, got); diff != "" {
		t.Error(diff)
	}
}
