// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/test/dbtest"
)

// oldSite makes the database of a small Django Patchwork, and then runs more statements on it.
func oldSite(t *testing.T, more ...string) string {
	t.Helper()
	script, err := os.ReadFile("../../internal/legacy/django/testdata/old.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "old.db")
	db, err := sqlx.Open("sqlite", path+"?_pragma=synchronous(0)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, query := range append([]string{string(script)}, more...) {
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

const migrated = `VERB from FILE, Patchwork after 3.2 (migration 0048), in TIME
       3  users
       4  people
       1  API tokens
       2  e-mail confirmations
       3  opt-outs
       2  projects
       2  maintainers
       3  states
       1  tags
       1  delegation rules
       1  cover letters
       1  relations of patches
       5  patches
       3  series
       6  references to series
       2  dependencies of series
       3  comments on patches
       1  comments on cover letters
       3  checks
       2  bundles
       2  patches in bundles
       1  changes not told yet
       9  events
left out
       2  django_migrations    Django's own
       2  django_session       logins: everybody logs in again
       1  patchwork_patchtag   counts of tags: counted anew
note: texts with characters that are no text (NUL, or bytes that are not UTF-8), which were removed or replaced: 1
note: users with more than 500 items per page, or none: set to the nearest that is allowed: 1
note: patches with a hash but no diff: the hash was left out: 1
`

func TestDBMigrate(t *testing.T) {
	s := newSite(t)
	old := oldSite(t)
	timeless := func(got outcome) outcome {
		got.out = regexp.MustCompile(`, in [0-9.]+m?s\n`).ReplaceAllString(got.out, ", in TIME\n")
		return got
	}
	text := func(verb string) string {
		return strings.NewReplacer("VERB", verb, "FILE", old).Replace(migrated)
	}
	from := "sqlite://" + old
	s.says("db migrate", 65, "", "pw: --from is missing: the old database, as sqlite:///srv/patchwork/old.db\n")
	s.says("db migrate --from mysql://u:secret@h/x", 65, "", "pw: --from mysql://…: only SQLite files can be imported so far, named as sqlite:///srv/old/patchwork.db\n")
	s.says("db migrate --from sqlite:/no/such.db", 66, "", "pw: there is no file /no/such.db\n")
	s.says("db migrate --from "+from+" --time-zone Local", 65, "", "pw: --time-zone \"Local\": want the TIME_ZONE of the old site's settings, such as UTC or Australia/Canberra\n")
	want(t, timeless(s.pw("", "db", "migrate", "--from", from, "--dry-run")), outcome{0, text("would import"), ""})
	s.says("admin user list --json", 0, "[]\n", "")
	want(t, timeless(s.pw("", "db", "migrate", "--from", from)), outcome{0, text("imported"), ""})
	s.says("db migrate --from "+from, 73, "", "pw: the database holds projects already, and an import needs a new one: make one, name it by database.url, and run `pw db sync`\n")
	if got := s.does("db", "check"); !strings.HasSuffix(got, ": nothing is wrong\n") {
		t.Error(got)
	}
	bad := oldSite(t, "UPDATE patchwork_check SET state = state + 9")
	got := newSite(t).pw("", "db", "migrate", "--from", "sqlite://"+bad)
	want(t, got, outcome{65, "", "pw: " + bad + " can't be imported as it is; nothing was written:\npw: patchwork_check 50: its state is 12\npw: patchwork_check 51: its state is 10\n" +
		"pw: patchwork_check 52: its state is 11\n"})
}

func TestDBMigrateJSON(t *testing.T) {
	old := oldSite(t, "CREATE TABLE teapots (id INTEGER)")
	var got map[string]any
	if err := json.Unmarshal([]byte(newSite(t).does("db", "migrate", "--json", "--dry-run", "--from", "sqlite://"+old)), &got); err != nil {
		t.Fatal(err)
	}
	if seconds, ok := got["seconds"].(float64); !ok || seconds <= 0 {
		t.Error(got["seconds"])
	}
	delete(got, "seconds")
	imported := map[string]any{}
	for table, n := range map[string]float64{"auth_user": 3, "authtoken_token": 1, "patchwork_bundle": 2, "patchwork_bundlepatch": 2, "patchwork_check": 3, "patchwork_cover": 1,
		"patchwork_covercomment": 1, "patchwork_delegationrule": 1, "patchwork_emailconfirmation": 2, "patchwork_emailoptout": 3, "patchwork_event": 9, "patchwork_patch": 5,
		"patchwork_patchchangenotification": 1, "patchwork_patchcomment": 3, "patchwork_patchrelation": 1, "patchwork_person": 4, "patchwork_project": 2, "patchwork_series": 3,
		"patchwork_series_dependencies": 2, "patchwork_seriesreference": 6, "patchwork_state": 3, "patchwork_tag": 1, "patchwork_userprofile_maintainer_projects": 2} {
		imported[table] = n
	}
	want := map[string]any{"source": old, "version": "after 3.2 (migration 0048)", "dry_run": true, "imported": imported,
		"left_out": map[string]any{"django_migrations": 2.0, "django_session": 2.0, "patchwork_patchtag": 1.0, "teapots": nil},
		"notes": []any{"texts with characters that are no text (NUL, or bytes that are not UTF-8), which were removed or replaced: 1",
			"users with more than 500 items per page, or none: set to the nearest that is allowed: 1", "patches with a hash but no diff: the hash was left out: 1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// testKillInMidMigration interrupts pw, and kills it with signal 9, while it imports an old database: the new one is as it was, and a further run imports all.
func testKillInMidMigration(t *testing.T, program string) {
	old := oldSite(t, `INSERT INTO patchwork_patch (msgid, date, headers, content, name, project_id, submitter_id, archived, diff, state_id)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
		SELECT '<' || i || '@many.example>', '2024-01-01 00:00:00', 'Subject: [PATCH] one of many', 'Text.', 'one of many', 1, 1, 0, 'diff', 1 FROM n`)
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			url := dbtest.MigratedURL(t, engine)
			start := func(url string) *exec.Cmd {
				cmd := exec.Command(program, "db", "migrate", "--from", "sqlite://"+old)
				cmd.Env, cmd.Dir = []string{"PW_DATABASE_URL=" + url, "PATH=" + os.Getenv("PATH")}, t.TempDir()
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				return cmd
			}
			began := time.Now()
			if err := start(dbtest.MigratedURL(t, engine)).Wait(); err != nil {
				t.Fatal(err)
			}
			s, span := site{t, url}, moments{0, time.Since(began)}
			strikes := append([]os.Signal{os.Interrupt}, slices.Repeat([]os.Signal{os.Kill}, faultRounds())...)
			for end := time.Now().Add(5 * time.Minute); len(strikes) > 0; {
				if time.Now().After(end) {
					t.Fatalf("%d signals have come too early or too late for five minutes", len(strikes))
				}
				cmd, at := start(s.url), span.random()
				time.Sleep(at)
				cmd.Process.Signal(strikes[0])
				cmd.Wait()
				code, got := cmd.ProcessState.ExitCode(), s.holds()
				switch {
				case got == everything:
					s = site{t, dbtest.MigratedURL(t, engine)}
					span.tooLate(at)
				case got != nothing:
					t.Fatalf("%v, exit %d: patches, messages, states, users, projects, events: %s", strikes[0], code, got)
				case strikes[0] == os.Interrupt && code == -1: // it did not listen for signals yet
					span.tooEarly(at)
				case strikes[0] == os.Interrupt && code != exitInterrupted:
					t.Fatalf("exit %d after an interrupt", code)
				default:
					strikes = strikes[1:]
				}
			}
			if err := start(s.url).Wait(); err != nil {
				t.Fatal(err)
			}
			if got := s.holds(); got != everything {
				t.Errorf("after the run to the end: %s", got)
			}
			if got := s.does("db", "check"); !strings.HasSuffix(got, ": nothing is wrong\n") {
				t.Error(got)
			}
		})
	}
}

// moments are when a program that runs for a while may be struck, counted from its start. They come nearer to the middle with each miss, on machines of any speed.
type moments struct{ from, to time.Duration }

func (m *moments) random() time.Duration {
	if m.to-m.from < time.Millisecond { // the machine has changed its mind
		m.from, m.to = m.from/2, 2*m.to+10*time.Millisecond
	}
	return m.from + rand.N(m.to-m.from)
}

func (m *moments) tooLate(at time.Duration)  { m.to = max(at, m.from) }
func (m *moments) tooEarly(at time.Duration) { m.from = min(at, m.to) }

// What a database holds before the import of testKillInMidMigration and after it: patches, messages, states, users, projects, events.
const nothing, everything = "0 0 10 0 0 0", "4005 4010 3 3 2 9"

func (s site) holds() string {
	s.t.Helper()
	var got string
	query := `SELECT CONCAT_WS(' ', (SELECT COUNT(*) FROM patch), (SELECT COUNT(*) FROM message), (SELECT COUNT(*) FROM state), (SELECT COUNT(*) FROM user_account),
		(SELECT COUNT(*) FROM project), (SELECT COUNT(*) FROM event))`
	if err := s.db().Get(s.t.Context(), &got, query); err != nil {
		s.t.Fatal(err)
	}
	return got
}
