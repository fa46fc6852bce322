// SPDX-License-Identifier: GPL-2.0-or-later

package apibench

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// site is a filled database, the server that is measured, and beside it the same program within the benchmark, whose queries are counted.
type site struct {
	program, engine, url string
	db                   *sqldb.DB
	queries              *atomic.Int64
	within               http.Handler
	token                string // of a maintainer
	address              string // http://127.0.0.1:4711
	server               *exec.Cmd
	facts                facts
}

// facts are of what was generated, for requests to name.
type facts struct {
	patches, events, project int64
	patch, series, cover     int64 // somewhere in the middle
	thirty                   int64 // a series of thirty
	commented, person        int64
	msgid, hash              string
	newest                   []int64 // a hundred patches
	position                 int64   // of an event in the middle
	bundle                   int64
}

func command(program, url string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "PW_DATABASE_URL="+url, "PW_LOG_LEVEL=error")
	return cmd
}

func run(b *testing.B, program, url string, args ...string) {
	b.Helper()
	if out, err := command(program, url, args...).CombinedOutput(); err != nil {
		b.Fatalf("pw %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func fill(b *testing.B, program, engine, archive string) *site {
	b.Helper()
	s := &site{program: program, engine: engine, queries: &atomic.Int64{}}
	if engine == sqldb.SQLite {
		s.url = "sqlite:" + filepath.Join(scratch(b), "pw.db")
	} else {
		s.url = dbtest.URL(b, engine)
	}
	run(b, program, s.url, "db", "sync")
	run(b, program, s.url, "admin", "project", "create", "bench", "--name", "Bench", "--list-id", list, "--list-email", "bench@"+list)
	start := time.Now()
	run(b, program, s.url, "ingress", "--mbox", "--list-id", list, archive)
	took := time.Since(start)
	db, err := sqldb.Open(b.Context(), s.url, sqldb.Options{Statement: func(string) { s.queries.Add(1) }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	s.db = db
	a := &app.App{Config: config.Default(), DB: db, Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	s.within = a.Handler("bench")
	s.people(b)
	s.thirty(b)
	s.settle(b)
	s.find(b)
	fmt.Printf("\n%s: %d patches, %d events, %.0f MB, taken in within %.1f s\n", engine, s.facts.patches, s.facts.events, float64(s.size(b))/1e6, took.Seconds())
	return s
}

// people makes a maintainer who has a token.
func (s *site) people(b *testing.B) {
	b.Helper()
	name, email, now := "mia", "mia@people.example", clock.System{}.Now()
	if _, err := account.CreateUser(b.Context(), s.db, account.CLI, now, account.UserChange{Username: &name, Email: &email}); err != nil {
		b.Fatal(err)
	}
	if err := project.AddMaintainer(b.Context(), s.db, account.CLI, now, "bench", name); err != nil {
		b.Fatal(err)
	}
	var err error
	if s.token, _, err = account.CreateToken(b.Context(), s.db, account.CLI, now, account.NewToken{Username: name, Name: "bench", Scope: account.ScopeWrite}); err != nil {
		b.Fatal(err)
	}
}

// thirty sends a series of thirty patches of 200 lines, each with a reply.
func (s *site) thirty(b *testing.B) {
	b.Helper()
	var mails []ingress.Delivery
	send := func(id, parent, subject, body string) {
		head := ""
		if parent != "" {
			head = "In-Reply-To: <" + parent + ">\n"
		}
		mails = append(mails, ingress.Delivery{Via: "bench", Raw: []byte("From: Ann Author <ann@people.example>\nDate: " + time.Now().UTC().Format(time.RFC1123Z) + "\nMessage-ID: <" + id + ">\n" + head + "Subject: " + subject +
			"\nList-Id: <" + list + ">\n\n" + body)})
	}
	send("thirty-0@bench", "", "[PATCH 0/30] thirty", "Cover.\n")
	for n := 1; n <= 30; n++ {
		id := fmt.Sprintf("thirty-%d@bench", n)
		lines := strings.Repeat(fmt.Sprintf("+a line of patch number %d\n", n), 200)
		send(id, "thirty-0@bench", fmt.Sprintf("[PATCH %d/30] thirty: part %d", n, n), fmt.Sprintf("Text.\n---\n\ndiff --git a/f%d.c b/f%d.c\nnew file mode 100644\nindex 0000000..5a69788\n--- /dev/null\n+++ b/f%d.c\n@@ -0,0 +1,200 @@\n%s", n, n, n, lines))
		send("re-"+id, id, fmt.Sprintf("Re: [PATCH %d/30] thirty: part %d", n, n), "Good.\n\nAcked-by: Rev Example <rev@people.example>\n")
	}
	c := clock.System{}
	if _, err := ingress.New(s.db, c, ingress.DefaultLimits, patchmail.New(c)).Deliver(b.Context(), mails); err != nil {
		b.Fatal(err)
	}
}

// settle does what a server does by itself in the hours after an import: positions of events, statistics.
func (s *site) settle(b *testing.B) {
	b.Helper()
	for {
		n, err := event.Relay(b.Context(), s.db)
		if err != nil {
			b.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	if s.engine == sqldb.Postgres {
		err := s.db.Tx(b.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(b.Context(), "ANALYZE")
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func (s *site) find(b *testing.B) {
	b.Helper()
	f := &s.facts
	get := func(dest any, query string, args ...any) {
		b.Helper()
		if err := s.db.Get(b.Context(), dest, query, args...); err != nil {
			b.Fatalf("%s: %v", query, err)
		}
	}
	get(&f.patches, "SELECT COUNT(*) FROM patch")
	get(&f.events, "SELECT COUNT(*) FROM event")
	get(&f.project, "SELECT MAX(id) FROM project")
	get(&f.patch, "SELECT id FROM patch WHERE id >= (SELECT MAX(id) / 2 FROM patch) ORDER BY id LIMIT 1")
	get(&f.series, "SELECT id FROM series WHERE id >= (SELECT MAX(id) / 2 FROM series) AND cover_id IS NOT NULL ORDER BY id LIMIT 1")
	get(&f.cover, "SELECT id FROM cover WHERE id >= (SELECT MAX(id) / 2 FROM cover) ORDER BY id LIMIT 1")
	get(&f.thirty, "SELECT p.series_id FROM patch p JOIN message m ON m.id = p.message_id WHERE m.msgid = '<thirty-1@bench>'")
	get(&f.commented, "SELECT patch_id FROM patch_comment WHERE patch_id >= ? ORDER BY patch_id LIMIT 1", f.patch)
	get(&f.person, "SELECT submitter_id FROM patch WHERE id = ?", f.patch)
	get(&f.msgid, "SELECT m.msgid FROM patch p JOIN message m ON m.id = p.message_id WHERE p.id = ?", f.patch)
	f.msgid = strings.Trim(f.msgid, "<>")
	get(&f.hash, "SELECT hash FROM patch WHERE id = ?", f.patch)
	get(&f.position, "SELECT pos / 2 FROM event_last WHERE id = 1")
	if err := s.db.Select(b.Context(), &f.newest, "SELECT id FROM patch ORDER BY id DESC LIMIT 100"); err != nil {
		b.Fatal(err)
	}
}

func (s *site) size(b *testing.B) (n int64) {
	b.Helper()
	query := map[string]string{
		sqldb.SQLite:   "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
		sqldb.Postgres: "SELECT pg_database_size(current_database())",
		sqldb.MariaDB:  "SELECT CAST(SUM(file_size) AS SIGNED) FROM information_schema.innodb_sys_tablespaces WHERE name LIKE CONCAT(DATABASE(), '/%')",
	}[s.engine]
	if err := s.db.Get(b.Context(), &n, query); err != nil {
		b.Fatal(err)
	}
	return n
}

// start runs the real server, with its worker, until the benchmark ends.
func (s *site) start(b *testing.B) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	listen := l.Addr().String()
	l.Close()
	s.address, s.server = "http://"+listen, command(s.program, s.url, "http", "--http-listen", listen)
	if profile := os.Getenv("PROFILE"); profile != "" {
		s.server.Env = append(s.server.Env, "PW_CPUPROFILE="+profile+"."+s.engine)
	}
	s.server.Stderr = os.Stderr
	begun := time.Now()
	if err := s.server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		s.server.Process.Signal(syscall.SIGTERM)
		s.server.Wait()
	})
	for {
		resp, err := http.Get(s.address + "/healthz")
		if err == nil {
			resp.Body.Close()
			fmt.Printf("first answer after %d ms\n", time.Since(begun).Milliseconds())
			return
		}
		if time.Since(begun) > 30*time.Second {
			b.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// memory is what the server holds now, in MiB.
func (s *site) memory() int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.server.Process.Pid)) // elsewhere than on Linux there is none
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n / 1024
		}
	}
	return 0
}
