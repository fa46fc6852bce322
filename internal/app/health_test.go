// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/test/dbtest"
)

func (s *site) enqueue(n job.New) {
	s.t.Helper()
	err := s.db.Tx(context.Background(), func(tx *sqldb.Tx) error {
		_, err := job.Enqueue(context.Background(), tx, s.app.Clock.Now(), n)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestReady(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.expect(s.get("/healthz"), 200, "ok\n")
		s.expect(s.get("/readyz"), 200, "ok\n")
		s.enqueue(job.New{Kind: "a", RunAt: noon})
		s.exec("UPDATE job SET run_at = ?", int64(noon)-600_000_001)
		s.expect(s.get("/readyz"), 503, "queue: jobs have been due for 10 minutes and no worker runs\n")
		s.exec("INSERT INTO worker (id, host, pid, kinds, started_at, seen_at) VALUES ('w', 'h', 1, '', 0, ?)", int64(noon)-10_000_000)
		s.expect(s.get("/readyz"), 200, "ok\n")
		s.exec("UPDATE worker SET seen_at = ?", int64(noon)-60_000_000)
		s.expect(s.get("/readyz"), 503, "no worker runs")
		s.exec("DELETE FROM schema_version WHERE version_id = (SELECT MAX(v) FROM (SELECT MAX(version_id) AS v FROM schema_version) x)")
		s.expect(s.get("/readyz"), 503, "schema: the tables are not those of this version of pw\n")
		db.Close()
		s.expect(s.get("/readyz"), 503, "database: the database does not answer\n", "!schema")
		s.expect(s.get("/healthz"), 200, "ok\n")
	})
}

func TestDiagnoses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.project("alpha")
		levels := func() string {
			var out []string
			for _, d := range s.app.Diagnose(context.Background(), false) {
				out = append(out, d.Check+" "+d.Level)
				if (d.Level == Good) != (d.Remedy == "") {
					t.Errorf("%s: %s, and the remedy is %q", d.Check, d.Level, d.Remedy)
				}
			}
			return strings.Join(out, ", ")
		}
		// The clock of this test stands at noon of a day, which is not that of the server.
		if got, want := levels(), "database ok, schema ok, queue note, mail ok, dead jobs ok, events ok, clock problem, disk ok, configuration note, waiting replies ok, broken mails ok"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		s.enqueue(job.New{Kind: "a"})
		s.exec("UPDATE job SET state = 'dead'")
		s.exec("INSERT INTO event (id, kind, at, payload) VALUES (1, 'x', 0, '')")
		s.exec("INSERT INTO worker (id, host, pid, kinds, started_at, seen_at) VALUES ('w', 'h', 1, '', 0, ?)", int64(noon))
		if got, want := levels(), "database ok, schema ok, queue ok, mail ok, dead jobs note, events problem, clock problem"; !strings.HasPrefix(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		found, err := s.app.Check(context.Background(), false, func(string) {})
		if err != nil || len(found) != 1 || found[0].What != "events that have no position after an hour (no worker runs)" {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

func TestMetrics(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	s := serve(t, db)
	s.seriesOfTwo()
	s.expect(s.get("/project/alpha/list/"), 200)
	s.expect(s.get("/project/none/list/"), 404)
	s.enqueue(job.New{Kind: "later", RunAt: noon + 1})
	s.app.meters().attempt("mail", "done", 3e6)
	server := httptest.NewServer(s.app.MetricsHandler())
	defer server.Close()
	resp, err := http.Get(server.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if _, err := io.Copy(&b, resp.Body); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`pw_http_requests_total{route="GET /project/{link}/list/{$}",status="200"} 1`,
		`pw_http_requests_total{route="GET /project/{link}/list/{$}",status="404"} 1`,
		`pw_mails_total{outcome="patch"} 3`, `pw_mails_total{outcome="cover"} 1`, `pw_mails_total{outcome="comment"} 2`,
		`pw_mail_batch_mails_count 6`, `pw_mail_batch_mails_sum 6`, `pw_mail_batch_failures_total 0`,
		`pw_job_attempts_total{kind="mail",outcome="done"} 1`, `pw_jobs{kind="later",state="waiting"} 1`, `pw_job_oldest_due_seconds 0`, `pw_workers 0`, `pw_database_up 1`,
		`# TYPE go_goroutines gauge`, `# TYPE process_resident_memory_bytes gauge`,
	} {
		if !strings.Contains(b.String(), line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if t.Failed() {
		for line := range strings.Lines(b.String()) {
			if strings.HasPrefix(line, "pw_") && !strings.Contains(line, "_bucket") {
				t.Log(strings.TrimSpace(line))
			}
		}
	}
}
