// SPDX-License-Identifier: GPL-2.0-or-later

package webbench

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/test/benchsite"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// How long each page is asked for.
const (
	long    = 2 * time.Second
	least   = 30                      // requests
	fresh   = 15                      // requests, each right after a commit
	silence = 1500 * time.Millisecond // before a request of a site that few visit
	cold    = 5                       // requests, each the first one of a new handle of the database and of what is remembered; as many after a change of the list
)

// BenchmarkWeb makes the pages of a site of $SIZE generated patches (10k by default; 100k, 1M) within the process, and prints one line for each: p50, p95 and p99 of the
// server's time, compressing included, p50 of requests right after something was committed, so that nothing of what was found before is true any more, CPU time a page, that of the server on PostgreSQL, p50 and CPU time of the first request of a process and of one after a patch of the list was changed, the budget of the design, bytes as they are and compressed, and queries. Caches are warm; totals may be remembered, as they are
// on a site that is used. $PAGE, if set, picks those whose name contains it.
func BenchmarkWeb(b *testing.B) {
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(300)) // as a server has it
	}
	program := benchsite.Build(b)
	for _, engine := range dbtest.Engines(b) {
		if engine == sqldb.MariaDB && os.Getenv("PW_TEST_ENGINES") == "" {
			continue // measured when it is asked for
		}
		b.Run(engine, func(b *testing.B) {
			b.StopTimer()
			s := &site{Site: benchsite.Open(b, program, engine)}
			a := newApp(s.DB)
			if err := a.FillIndexes(b.Context(), func(int64, int64) {}); err != nil {
				b.Fatal(err)
			}
			s.handler = a.Handler("bench")
			s.prepare(b)
			s.measure(b)
		})
	}
}

func newApp(db *sqldb.DB) *app.App {
	return &app.App{Config: config.Default(), DB: db, Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

type site struct {
	*benchsite.Site
	handler http.Handler

	submitter, series  int64
	large, huge, cover string // Message-IDs of patches with diffs of 1,600 and 20,000 lines, and of the cover letter of thirty patches
}

const (
	largeID = "large-diff@bench"
	hugeID  = "huge-diff@bench"
)

// prepare makes what the generated archive has not: a large diff, and patches that are archived, decided and delegated. What was kept from an earlier run has it.
func (s *site) prepare(b *testing.B) {
	b.Helper()
	var mia int64
	s.Get(b, &mia, "SELECT id FROM user_account WHERE username = ?", benchsite.Maintainer)
	if !s.has(b, largeID) {
		s.sendDiff(b, largeID, 10)
		s.triage(b, mia)
	}
	if !s.has(b, hugeID) {
		s.sendDiff(b, hugeID, 125)
	}
	s.large, s.huge, s.cover = largeID, hugeID, "thirty-0@bench"
	s.Get(b, &s.series, "SELECT p.series_id FROM patch p JOIN message m ON m.id = p.message_id WHERE m.msgid = '<thirty-1@bench>'")
	s.Get(b, &s.submitter, "SELECT submitter_id FROM patch WHERE id = (SELECT MAX(id) / 2 FROM patch)")
}

func (s *site) has(b *testing.B, msgid string) bool {
	b.Helper()
	var n int64
	s.Get(b, &n, "SELECT COUNT(*) FROM message WHERE msgid = ?", "<"+msgid+">")
	return n > 0
}

// sendDiff sends a patch of so many files, with 160 lines of each in one hunk.
func (s *site) sendDiff(b *testing.B, msgid string, files int) {
	b.Helper()
	var body strings.Builder
	for file := range files {
		fmt.Fprintf(&body, "diff --git a/src/f%[1]d.c b/src/f%[1]d.c\nindex 1111111..2222222 100644\n--- a/src/f%[1]d.c\n+++ b/src/f%[1]d.c\n@@ -1,100 +1,120 @@ int f%[1]d(void)\n", file)
		for line := range 40 {
			fmt.Fprintf(&body, " \tkept(value_%d, \"text\"); /* line */\n-\told(value_%d, %d);\n+\tnew(value_%d, %d);\n", line, line, line, line, line)
			if line < 20 {
				body.WriteString(" \treturn 0;\n")
			} else {
				body.WriteString("+\tif (ready && level > 3)\n")
			}
		}
	}
	c := clock.System{}
	_, err := ingress.New(s.DB, c, ingress.DefaultLimits, patchmail.New(c)).Deliver(b.Context(), []ingress.Delivery{{Via: "bench", Raw: []byte("From: Ann Author <ann@people.example>\nDate: " +
		time.Now().UTC().Format(time.RFC1123Z) + "\nMessage-ID: <" + msgid + ">\nSubject: [PATCH] boiler: a large change\nList-Id: <" + benchsite.List + ">\n\nText.\n---\n\n" + body.String())}})
	if err != nil {
		b.Fatal(err)
	}
}

// triage decides nine of ten patches, archives half of those, and delegates some of the rest.
func (s *site) triage(b *testing.B, mia int64) {
	b.Helper()
	accepted, archived := int64(3), true
	var ids []int64
	if err := s.DB.Select(b.Context(), &ids, "SELECT id FROM patch ORDER BY id"); err != nil {
		b.Fatal(err)
	}
	update := func(ids []int64, c patch.Change) {
		for piece := range slices.Chunk(ids, 1000) {
			if _, err := patch.Update(b.Context(), s.DB, account.CLI, clock.System{}.Now(), piece, c); err != nil {
				b.Fatal(err)
			}
		}
	}
	n := len(ids)
	update(ids[:n*45/100], patch.Change{State: &accepted, Archived: &archived})
	update(ids[n*45/100:n*90/100], patch.Change{State: &accepted})
	update(ids[n*99/100:], patch.Change{Delegate: &mia})
}

// openingPage is the name of the page that is also measured on a quiet site.
const openingPage = "list, as it opens"

// page is one that is measured.
type page struct {
	name, path string
	budget     float64 // of the design for p50, in ms; 0: none is set
	same       bool    // the visitor has it
}

func (s *site) pages() []page {
	list := "/project/bench/list/?"
	all := list + "state=*&archive=both"
	out := []page{
		{openingPage, list, 3, false},
		{"list, page 10", list + "page=10", 3, false},
		{"list, all states", list + "state=*", 3, false},
		{"list, all, page 10", all + "&page=10", 3, false},
		{"list, archived", list + "state=*&archive=true", 3, false},
		{"list, by name", list + "order=name", 3, false},
		{"list, all, by name, page 10", all + "&order=name&page=10", 3, false},
		{"list, of a series", fmt.Sprint(list, "series=", s.series), 3, false},
		{"list, of a submitter", fmt.Sprint(all, "&submitter=", s.submitter), 3, false},
		{"list, of a delegate", all + "&delegate=" + benchsite.Maintainer, 3, false},
	}
	for _, q := range []struct{ name, words string }{
		{"rare", "thirty"}, {"none", "nowhere"}, {"in 1 of 20", "fix"}, {"in 1 of 10", "boiler"}, {"two words", "thermostat leak"}, {"four words", "fix leak buffer whistle"}, {"two letters", "lo"},
	} {
		out = append(out, page{"q " + q.name + ", as it opens", list + "q=" + url.QueryEscape(q.words), 3, false}, page{"q " + q.name + ", all", all + "&q=" + url.QueryEscape(q.words), 3, false})
	}
	return append(out,
		page{"q in 1 of 20, all, page 10", all + "&q=fix&page=10", 3, false},
		page{"q two words, all, page 10", all + "&q=thermostat+leak&page=10", 3, false},
		page{"q in 1 of 20, all, by name", all + "&q=fix&order=name", 3, false},
		page{"q one letter, all", all + "&q=w", 50, false},
		page{"any other: by submitter", list + "order=submitter", 50, false},
		page{"any other: by delegate", list + "order=delegate", 50, false},
		page{"any other: by state", all + "&order=state", 50, false},
		page{"any other: page in the middle", fmt.Sprint(all, "&page=", s.Patches/200), 50, false},
		page{"any other: q in the middle", fmt.Sprint(all, "&q=fix&page=", s.Patches/20/200), 50, false},
		page{"patch, diff of 1,600 lines", "/project/bench/patch/" + s.large + "/", 5, false},
		page{"patch, diff of 20,000 lines", "/project/bench/patch/" + s.huge + "/", 0, false},
		page{"patch of the series of 30", "/project/bench/patch/thirty-7@bench/", 5, false},
		page{"cover of the series of 30", "/project/bench/cover/" + s.cover + "/", 0, false},
		page{"series of 30", fmt.Sprintf("/project/bench/series/%d/", s.series), 0, false},
		page{"series list", "/project/bench/series/", 0, false},
		page{"project", "/project/bench/", 0, false},
		page{"feed of the list", "/project/bench/list.atom", 0, false},
		page{"feed of the list, q in 1 of 20, all", "/project/bench/list.atom?state=*&archive=both&q=fix", 0, false},
		page{"feed of series", "/project/bench/series.atom", 0, false},
		page{"feed of events", "/project/bench/events.atom", 0, false},
		page{"feed of a series of 30", fmt.Sprint("/project/bench/events.atom?series=", s.series), 0, false},
		page{"feed of the list, 304", "/project/bench/list.atom", 0.3, true},
		page{"log in", "/user/login/", 0, false},
		page{"list, 304", list, 0.3, true},
	)
}

func (s *site) ask(p page, coding, tag string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, p.path, nil)
	if coding != "" {
		r.Header.Set("Accept-Encoding", coding)
	}
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// cpu is the processor time of the process, with the collection of garbage; a database server's is not in it.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// serverCPU is the processor time of all processes of a PostgreSQL server that run now, in steps of 10 ms; 0 for other engines, and where there is no /proc.
func (s *site) serverCPU(b *testing.B) (sum time.Duration) {
	if s.Engine != sqldb.Postgres {
		return 0
	}
	var pid int
	s.Get(b, &pid, "SELECT pg_backend_pid()")
	server, _ := statOf(fmt.Sprint("/proc/", pid, "/stat"))
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		if parent, used := statOf(path); parent == server && parent != 0 {
			sum += used
		}
	}
	return sum
}

// statOf reads the parent and the processor time of a process (proc(5)); zeros if it has ended.
func statOf(path string) (parent int, used time.Duration) {
	text, _ := os.ReadFile(path)
	_, rest, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, 0
	}
	parent, _ = strconv.Atoi(f[1])
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return parent, time.Duration(user+system) * 10 * time.Millisecond
}

func (s *site) measure(b *testing.B) {
	b.Helper()
	fmt.Printf("\n%-32s %8s %8s %8s %8s %8s %8s %8s %8s %7s %7s %8s %8s %8s %8s %8s %8s\n", s.Engine, "p50 ms", "p95 ms", "p99 ms", "fresh ms", "CPU ms", "server", "budget", "bytes", "zstd", "gzip",
		"queries", "cold ms", "CPU", "queries", "chgd ms", "CPU")
	for _, p := range s.pages() {
		if strings.Contains(p.name, os.Getenv("PAGE")) {
			s.measureOne(b, p)
			if p.name == openingPage {
				fmt.Printf("%-32s %8.2f\n", "  after "+silence.String()+" of silence", s.afterSilence(b, p))
			}
		}
	}
}

// afterSilence is the p50 of requests before each of which nobody asked for anything, in milliseconds.
func (s *site) afterSilence(b *testing.B, p page) float64 {
	b.Helper()
	var took []time.Duration
	for range cold {
		time.Sleep(silence)
		start := time.Now()
		s.ask(p, "zstd", "")
		took = append(took, time.Since(start))
	}
	return percentile(took, 50)
}

func (s *site) measureOne(b *testing.B, p page) {
	b.Helper()
	want, tag := http.StatusOK, ""
	plain := s.ask(p, "", "")
	if plain.Code == http.StatusNotFound { // a page that is not there yet
		fmt.Printf("%-32s not found\n", p.name)
		return
	}
	if p.same {
		want, tag = http.StatusNotModified, plain.Header().Get("ETag")
	}
	size := []int{plain.Body.Len(), s.ask(p, "zstd", "").Body.Len(), s.ask(p, "gzip", "").Body.Len()}
	s.ask(p, "zstd", tag)
	s.Queries.Store(0)
	if a := s.ask(p, "zstd", tag); a.Code != want {
		b.Errorf("%s: %d, want %d: %.300s", p.name, a.Code, want, a.Body)
		return
	}
	queries := s.Queries.Load()
	first, afterChange := s.cold(b, p), s.afterChange(b, p)
	afterCommit := s.afterCommit(b, p)
	var took []time.Duration
	before, server := cpu(), s.serverCPU(b)
	for end := time.Now().Add(long); len(took) < least || time.Now().Before(end); {
		start := time.Now()
		s.ask(p, "zstd", tag)
		took = append(took, time.Since(start))
	}
	n := float64(len(took))
	ours, theirs := (cpu()-before).Seconds()*1000/n, (s.serverCPU(b)-server).Seconds()*1000/n
	at := func(share int) float64 { return percentile(took, share) }
	budget := "-"
	if p.budget > 0 {
		budget = fmt.Sprint(p.budget)
		if at(50) > p.budget || !p.same && afterCommit > p.budget || p.budget == 3 && (at(99) > 15 || queries > 6 || first.queries > 6) || p.budget >= 3 && max(first.ms, afterChange.ms) > 50 {
			budget += " !"
		}
	}
	fmt.Printf("%-32s %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f %8s %8d %7d %7d %8d %8.2f %8.2f %8d %8.2f %8.2f\n", p.name, at(50), at(95), at(99), afterCommit, ours, theirs, budget, size[0], size[1], size[2], queries,
		first.ms, first.cpu, first.queries, afterChange.ms, afterChange.cpu)
}

// percentile is in milliseconds.
func percentile(took []time.Duration, share int) float64 {
	slices.Sort(took)
	return took[len(took)*share/100].Seconds() * 1000
}

// afterCommit is the p50 of requests each of which comes right after something was committed that it does not show, in milliseconds.
func (s *site) afterCommit(b *testing.B, p page) float64 {
	b.Helper()
	var took []time.Duration
	for range fresh {
		err := s.DB.Tx(b.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(b.Context(), "UPDATE event_last SET pos = pos + 1 WHERE id = 1")
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		s.ask(p, "zstd", "")
		took = append(took, time.Since(start))
	}
	return percentile(took, 50)
}

// cost is what a request takes: the median of the times in milliseconds, that of CPU time, and the most queries.
type cost struct {
	ms, cpu float64
	queries int64
}

// costOf asks for a page some times, each after something was done.
func (s *site) costOf(b *testing.B, p page, before func()) (c cost) {
	b.Helper()
	var took, worked []time.Duration
	for range cold {
		before()
		runtime.GC() // not that of what was done before
		s.Queries.Store(0)
		began, start := cpu(), time.Now()
		s.ask(p, "zstd", "")
		took, worked = append(took, time.Since(start)), append(worked, cpu()-began)
		c.queries = max(c.queries, s.Queries.Load())
	}
	c.ms, c.cpu = percentile(took, 50), percentile(worked, 50)
	return c
}

// cold is what the first request for a page costs in a process that has made another page.
func (s *site) cold(b *testing.B, p page) cost {
	b.Helper()
	old := s.handler
	defer func() { s.handler = old }()
	var db *sqldb.DB
	defer func() { db.Close() }()
	return s.costOf(b, p, func() {
		if db != nil {
			db.Close()
		}
		var err error
		if db, err = sqldb.Open(b.Context(), s.URL, sqldb.Options{Statement: func(string) { s.Queries.Add(1) }}); err != nil {
			b.Fatal(err)
		}
		s.handler = newApp(db).Handler("bench")
		s.ask(page{path: fmt.Sprint("/project/bench/list/?series=", s.series)}, "zstd", "")
	})
}

// afterChange is what a request costs after another process has changed a patch of the list: its counters have moved.
func (s *site) afterChange(b *testing.B, p page) cost {
	b.Helper()
	s.ask(p, "zstd", "")
	return s.costOf(b, p, func() {
		if _, err := s.DB.SQL().ExecContext(b.Context(), "UPDATE patch_count SET changes = changes + 1"); err != nil {
			b.Fatal(err)
		}
	})
}
