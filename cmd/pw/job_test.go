// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const jobRow = "INSERT INTO job (id, kind, target, priority, payload, state, run_at, attempts, max_attempts, lease_owner, lease_until, error, created_at, finished_at) VALUES "

func TestJobCommands(t *testing.T) {
	s := newSite(t)
	s.says("job list", 0, "ID  KIND  TARGET  STATE  RUN AT  ATTEMPTS  ERROR\n", "")
	s.exec(jobRow + `(7, 'mail', 'smtp:x', 2, '{"to":"ann@example.org"}', 'dead', 1000000, 3, 3, '', 0, 'no route' || char(10) || 'at all', 900000, 2000000)`)
	s.exec(jobRow + `(8, 'hook', '', 0, '{}', 'running', 1000000, 1, 10, 'me', 3000000, '', 900000, NULL)`)
	s.exec(jobRow + `(9, 'hook', '', 0, '{}', 'queued', 1000000, 0, 10, '', 0, '', 900000, NULL)`)
	s.says("job list --state dead", 0, ""+
		"ID  KIND  TARGET  STATE  RUN AT                       ATTEMPTS  ERROR\n"+
		"7   mail  smtp:x  dead   1970-01-01T00:00:01.000000Z  3         no route\n", "")
	s.says("job list --kind hook --before 9 --json", 0, "[\n"+
		`  {"id": 8, "kind": "hook", "target": "", "state": "running", "run_at": "1970-01-01T00:00:01.000000Z", "attempts": 1, "max_attempts": 10, "tried_for": null, "priority": 0, `+
		`"created_at": "1970-01-01T00:00:00.900000Z", "finished_at": null, "lease_owner": "me", "lease_until": "1970-01-01T00:00:03.000000Z", "payload": "{}", "error": ""}`+"\n]\n", "")
	s.says("job show 7", 0, ""+
		"id            7\nkind          mail\ntarget        smtp:x\nstate         dead\nrun at        1970-01-01T00:00:01.000000Z\nattempts      3\nmax attempts  3\ntried for     -\n"+
		"priority      2\ncreated at    1970-01-01T00:00:00.900000Z\nfinished at   1970-01-01T00:00:02.000000Z\nlease owner   -\nlease until   -\n"+
		"payload       {\"to\":\"ann@example.org\"}\nerror         no route\n              at all\n", "")
	s.exec("UPDATE job SET max_attempts = 1000000, allowed = 1000000, tried_for = 259200000000 WHERE id = 8")
	if got := s.does("job", "show", "8"); !strings.Contains(got, "\nmax attempts  -\ntried for     3 days\n") {
		t.Error(got)
	}
	s.says("job show 10", 66, "", "pw: there is no job 10\n")
	s.says("job show x", 65, "", "pw: \"x\" is no number of a job\n")
	s.says("job list --state gone", 65, "", "pw: \"gone\" is no state of a job; want waiting, blocked, queued, running, done, dead, cancelled\n")
	s.says("job retry", 65, "", "pw: say which jobs: by number, state, kind or target\n")
	s.says("job retry 8", 73, "", "pw: retry jobs: job 8 is running: only one that is dead, cancelled or waiting can be tried again\n")
	s.says("job retry --state dead", 0, "1 job will run again\n", "")
	s.says("job cancel 7 9", 0, "2 jobs cancelled\n", "")
	s.says("job cancel --kind none", 0, "0 jobs cancelled\n", "")
	if got := s.does("job", "list", "--state", "cancelled", "--json"); strings.Count(got, `"id"`) != 2 {
		t.Error(got)
	}
	s.says("job workers", 0, "HOST  PID  ALIVE  STARTED AT  SEEN AT  KINDS\n", "")
	s.exec("INSERT INTO worker (id, host, pid, kinds, started_at, seen_at) VALUES ('h:5:x', 'h', 5, 'hook mail', 1000000, 2000000)")
	s.says("job workers", 0, ""+
		"HOST  PID  ALIVE  STARTED AT                   SEEN AT                      KINDS\n"+
		"h     5    no     1970-01-01T00:00:01.000000Z  1970-01-01T00:00:02.000000Z  hook mail\n", "")
}

func TestDoctor(t *testing.T) {
	s := newSite(t)
	got := s.pw("", "doctor")
	for _, want := range []string{"ok        database        sqlite answers\n", "note      queue           no worker runs\n                          → start pw worker",
		"note      configuration   http.base-url is empty", "ok        clock ", "ok        disk "} {
		if got.code != 0 || got.err != "" || !strings.Contains(got.out, want) {
			t.Errorf("no %q in\n%s\nexit %d %s", want, got.out, got.code, got.err)
		}
	}
	s.exec(jobRow + `(7, 'mail', '', 2, '{}', 'queued', 1000000, 0, 3, '', 0, '', 900000, NULL)`)
	got = s.pw("", "doctor")
	if got.code != 1 || got.err != "pw: 1 problem of 11 checks\n" || !strings.Contains(got.out, "problem   queue           jobs have been due for ") {
		t.Errorf("exit %d %s\n%s", got.code, got.err, got.out)
	}
	got = s.pw("", "doctor", "--json")
	if got.code != 1 || !strings.HasPrefix(got.out, "[\n  {\"check\": \"database\", \"level\": \"ok\", \"text\": \"sqlite answers\", \"remedy\": \"\"},\n") {
		t.Errorf("exit %d\n%s", got.code, got.out)
	}
	s.exec("DELETE FROM schema_version WHERE version_id = (SELECT MAX(version_id) FROM schema_version)")
	got = s.pw("", "doctor")
	if got.code != 1 || !strings.Contains(got.out, "problem   schema          the tables are not those of this version of pw\n                          → run: pw db sync") ||
		strings.Contains(got.out, "queue") || !strings.Contains(got.out, "ok        clock") || got.err != "pw: 1 problem of 5 checks\n" {
		t.Errorf("exit %d %s\n%s", got.code, got.err, got.out)
	}
	// A server that is not there, and a file that is no database.
	broken := filepath.Join(t.TempDir(), "broken.db")
	if err := os.WriteFile(broken, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"postgres://x@/x?host=" + t.TempDir(), "sqlite:" + broken} {
		got = pw("", []string{"PW_DATABASE_URL=" + url}, "doctor")
		if got.code != 1 || got.err != "pw: 1 problem of 1 check\n" || !strings.HasPrefix(got.out, "problem   database        open database ") || !strings.Contains(got.out, "→ see whether the server runs") {
			t.Errorf("%s: exit %d %s\n%s", url, got.code, got.err, got.out)
		}
		if got = pw("", []string{"PW_DATABASE_URL=" + url}, "doctor", "--json"); got.code != 1 || !strings.Contains(got.out, `"level": "problem"`) {
			t.Errorf("%s: exit %d\n%s", url, got.code, got.out)
		}
	}
}
