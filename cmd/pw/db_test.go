// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"patchwork.example/pw/internal/test/dbtest"
)

// migrationFiles are the names of the migrations, each after a word, one per line.
func migrationFiles(t *testing.T, word string) string {
	t.Helper()
	files, err := filepath.Glob("../../internal/base/schema/migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	var b strings.Builder
	for _, f := range files {
		b.WriteString(word + strings.TrimSuffix(filepath.Base(f), ".sql") + "\n")
	}
	return b.String()
}

// unversioned puts N for the version of the schema, which each migration raises.
func unversioned(got outcome) outcome {
	re := regexp.MustCompile(`\b\d{4,}\b`)
	got.out, got.err = re.ReplaceAllString(got.out, "N"), re.ReplaceAllString(got.err, "N")
	return got
}

func TestDBSync(t *testing.T) {
	files := migrationFiles(t, "ran ")
	dir := t.TempDir()
	file := filepath.Join(dir, "data", "patchwork.db")
	run := func(args ...string) outcome {
		return unversioned(pw("", []string{"PW_DATABASE_URL=sqlite:" + file}, args...))
	}
	name := unversioned(outcome{out: "sqlite:" + file}).out
	want(t, run("db", "sync", "--check"), outcome{1, "", "pw: there is no file " + strings.TrimPrefix(name, "sqlite:") + " yet: `pw db sync` makes it\n"})
	want(t, run("db", "check"), outcome{66, "", "pw: there is no file " + strings.TrimPrefix(name, "sqlite:") + " yet: `pw db sync` makes it\n"})
	for _, line := range []string{"admin user list", "http", "worker", "ingress --mbox", "doctor"} {
		want(t, run(strings.Fields(line)...), outcome{66, "", "pw: there is no file " + strings.TrimPrefix(name, "sqlite:") + " yet: `pw db sync` makes it\n"})
	}
	if _, err := os.Stat(filepath.Dir(file)); err == nil {
		t.Error("a command that is no server made the directory of the database")
	}
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, run("admin", "user", "list"), outcome{73, "", "pw: the database schema is 0, this pw needs N: run `pw db sync`\n"})
	want(t, run("db", "sync", "--check"), outcome{1, strings.ReplaceAll(files, "ran ", "would run "), "pw: " + name + ": schema is 0, this pw needs N: run `pw db sync`\n"})
	want(t, run("db", "check", "--repair"), outcome{73, "", "pw: the database schema is 0, this pw needs N: run `pw db sync`\n"})
	want(t, run("db", "sync"), outcome{0, files + name + ": schema 0 → N\n", ""})
	want(t, run("db", "sync"), outcome{0, name + ": schema N is up to date\n", ""})
	want(t, run("db", "sync", "--check"), outcome{0, name + ": schema N is up to date\n", ""})
	want(t, run("admin", "project", "list", "--json"), outcome{0, "[]\n", ""})

	s := site{t, "sqlite:" + file}
	s.exec("INSERT INTO schema_version (version_id, is_applied) VALUES (999999, 1)")
	for _, line := range []string{"db sync", "db sync --check", "db check", "admin user list"} {
		want(t, run(strings.Fields(line)...), outcome{73, "", "pw: the database has schema N, this pw knows only N: install the newer pw that made it\n"})
	}
	s.exec("DELETE FROM schema_version WHERE version_id >= 5000")
	want(t, run("db", "sync", "--check"), outcome{1, strings.ReplaceAll(files[strings.Index(files, "ran 0005_"):], "ran ", "would run "), "pw: " + name + ": schema is N, this pw needs N: run `pw db sync`\n"})
	want(t, unversioned(pw("", nil, "admin", "user", "list", "--database-url", "sqlite:"+file)), outcome{73, "", "pw: the database schema is N, this pw needs N: run `pw db sync`\n"})
}

func TestDBUnreachable(t *testing.T) {
	for _, line := range []string{"db sync", "db sync --check", "db check", "admin state list"} {
		got := pw("", []string{"PW_DATABASE_URL=postgres://pw:secret@127.0.0.1:1/pw"}, strings.Fields(line)...)
		if got.code != 75 || got.out != "" || !strings.HasPrefix(got.err, "pw: open database postgres://") || strings.Contains(got.err, "secret") {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

func TestDBCheck(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		s := site{t, url}
		s.does("db", "sync")
		s.fill()
		s.expectFindings()
	})
}

func (s site) expectFindings() {
	s.t.Helper()
	s.says("db check", 0, s.url+": nothing is wrong\n", "")
	s.says("db check --json", 0, "[]\n", "")
	s.exec("UPDATE series SET received = 9")
	s.exec("DELETE FROM patch_tag")
	s.says("db check", 1, ""+
		"ROWS  OUTCOME          FINDING\n"+
		"1     can be repaired  series whose count of patches or common state is wrong\n"+
		"1     can be repaired  tag counts that are wrong\n"+
		"1     can be repaired  series that stand elsewhere than is noted\n",
		"pw: 3 findings of 3 can be repaired: run `pw db check --repair`\n")
	s.exec("UPDATE patch SET submitter_id = 9999")
	s.says("db check", 1, ""+
		"ROWS  OUTCOME            FINDING\n"+
		"1     can be repaired    series whose count of patches or common state is wrong\n"+
		"1     can't be repaired  patches of a submitter that does not exist\n"+
		"1     can be repaired    tag counts that are wrong\n"+
		"1     can be repaired    series that stand elsewhere than is noted\n",
		"pw: 3 findings of 4 can be repaired: run `pw db check --repair`\n")
	s.says("db check --repair", 1, ""+
		"ROWS  OUTCOME            FINDING\n"+
		"1     repaired           series whose count of patches or common state is wrong\n"+
		"1     can't be repaired  patches of a submitter that does not exist\n"+
		"1     repaired           tag counts that are wrong\n",
		"pw: 1 finding can't be repaired: restore a backup, or report it with this table\n")
	s.says("db check --json", 1, "[\n  {\"rows\": 1, \"outcome\": \"can't be repaired\", \"finding\": \"patches of a submitter that does not exist\"}\n]\n",
		"pw: 1 finding can't be repaired: restore a backup, or report it with this table\n")
	s.exec("UPDATE patch SET submitter_id = (SELECT submitter_id FROM cover)")
	s.exec("UPDATE series SET received = 9")
	s.says("db check --repair", 0, "ROWS  OUTCOME   FINDING\n1     repaired  series whose count of patches or common state is wrong\n", "")
	s.says("db check", 0, s.url+": nothing is wrong\n", "")
}

func TestDBCheckShowsProgress(t *testing.T) {
	s := newSite(t)
	at := s.atTerminal("db", "check")
	at.await("nothing is wrong\n")
	const clear = "\r\x1b[K"
	got := at.text()
	if !strings.HasPrefix(got, clear+"looking for hidden mails") || !strings.HasSuffix(got, clear+"looking for targets of jobs that nobody works on"+clear+s.url+": nothing is wrong\n") {
		t.Errorf("%q", got)
	}
}

// TestTagsAreCounted is what the help of tag promises, and what a repair does if they are gone.
func TestTagsAreCounted(t *testing.T) {
	s := newMailSite(t)
	s.says("admin tag create More -p ^Less.is", 0, "created tag \"More\"\n", "")
	s.expectRows("patch_tag", 2)
	s.exec("DELETE FROM patch_tag")
	s.says("db check --repair", 0, "ROWS  OUTCOME   FINDING\n2     repaired  tag counts that are wrong\n", "")
	s.expectRows("patch_tag", 2)
}
