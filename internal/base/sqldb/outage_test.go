// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// relay stands between a test and a server: stop looks to the client like the end of the server.
type relay struct {
	listener net.Listener
	mu       sync.Mutex
	conns    []net.Conn
}

// behindRelay gives the url of the same database by way of a relay.
func behindRelay(t *testing.T, raw string) (*relay, string) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "pw") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	q := u.Query()
	server, front := q.Get("socket"), dir+"/s"
	if u.Scheme == "postgres" {
		server, front = q.Get("host")+"/.s.PGSQL.5432", dir+"/.s.PGSQL.5432"
		q.Set("host", dir)
	} else {
		q.Set("socket", front)
	}
	u.RawQuery = q.Encode()
	r := &relay{}
	if r.listener, err = net.Listen("unix", front); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
	go r.serve(server)
	return r, u.String()
}

func (r *relay) serve(server string) {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		back, err := net.Dial("unix", server)
		if err != nil {
			client.Close()
			continue
		}
		r.mu.Lock()
		r.conns = append(r.conns, client, back)
		r.mu.Unlock()
		go io.Copy(client, back)
		go io.Copy(back, client)
	}
}

func (r *relay) stop() {
	r.listener.Close()
	r.cut()
}

// cut ends the connections; new ones can be made.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c.Close()
	}
}

func expectUnavailable(t *testing.T, what string, err error) {
	t.Helper()
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("%s: kind %v: %v", what, fault.KindOf(err), err)
	}
}

// A server that goes away, before, in the middle of, or at the end of what is asked, is Unavailable and never anything else.
func TestServerGone(t *testing.T) {
	withTable(t, func(t *testing.T, raw string, _ *sqldb.DB) {
		if strings.HasPrefix(raw, "sqlite:") {
			return // TestDiskFull
		}
		ctx := t.Context()
		for _, when := range []string{"idle", "query", "statement", "commit", "held", "batch"} {
			r, through := behindRelay(t, raw)
			db := open(t, through)
			fill(t, db)
			err := db.Tx(ctx, func(tx *sqldb.Tx) error {
				switch when {
				case "idle":
					r.stop()
				case "held": // the write is sent with the commit, to nobody
					tx.Pipeline()
					r.stop()
				case "batch": // the server has the write, and goes before it answers
					tx.Pipeline()
					if err := insert(ctx, tx, []any{1, when}); err != nil {
						return err
					}
					fallthrough
				case "query":
					time.AfterFunc(50*time.Millisecond, r.stop)
					var n any
					return tx.Get(ctx, &n, map[string]string{sqldb.Postgres: "SELECT 1 FROM pg_sleep(20)", sqldb.MariaDB: "SELECT SLEEP(20)"}[db.Engine()])
				}
				err := insert(ctx, tx, []any{1, when})
				if when == "commit" || when == "statement" {
					r.stop()
				}
				if when == "statement" {
					err = insert(ctx, tx, []any{2, when})
				}
				return err
			})
			expectUnavailable(t, when, err)
			expectUnavailable(t, "Ping after "+when, db.Ping(ctx))
			expectUnavailable(t, "Get after "+when, db.Get(ctx, new(int), "SELECT 1"))
			expectUnavailable(t, "Tx after "+when, db.Tx(ctx, func(tx *sqldb.Tx) error { return nil }))
			_, err = db.Lock(ctx, "test")
			expectUnavailable(t, "Lock after "+when, err)
		}
		expectNames(t, open(t, raw))
	})
}

// A server that ends its sessions, as for a restart, says so with an error of its own.
func TestSessionKilled(t *testing.T) {
	withTable(t, func(t *testing.T, _ string, db *sqldb.DB) {
		ctx := t.Context()
		who := map[string]string{sqldb.Postgres: "SELECT pg_backend_pid()", sqldb.MariaDB: "SELECT CONNECTION_ID()"}[db.Engine()]
		kill := map[string]string{sqldb.Postgres: "SELECT pg_terminate_backend(%d)", sqldb.MariaDB: "KILL %d"}[db.Engine()]
		there := map[string]string{sqldb.Postgres: "SELECT COUNT(*) FROM pg_stat_activity WHERE pid = ?", sqldb.MariaDB: "SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?"}
		if who == "" {
			return
		}
		attempts := 0
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			attempts++
			var session int64
			if err := tx.Get(ctx, &session, who); err != nil {
				return err
			}
			if _, err := db.SQL().Exec(fmt.Sprintf(kill, session)); err != nil {
				return err
			}
			for alive := 1; alive > 0; time.Sleep(5 * time.Millisecond) { // the server takes its time
				if err := db.Get(ctx, &alive, there[db.Engine()], session); err != nil {
					return err
				}
			}
			return insert(ctx, tx, []any{1, "ann"})
		})
		expectUnavailable(t, "insert", err)
		if attempts != 1 {
			t.Errorf("%d attempts", attempts)
		}
		fill(t, db, []any{2, "bob"})
		expectNames(t, db, "bob")
	})
}

// fillDisk writes rows until an error comes, which must be Unavailable, and tells in the table's directory how many were committed.
func fillDisk(ctx context.Context, url string) error {
	// The second way to a full disk, for a child: files may not grow over 2 MiB.
	if os.Getenv("PW_SQLDB_LIMIT") != "" {
		limit := unix.Rlimit{Cur: 2 << 20, Max: 2 << 20}
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
			return err
		}
	}
	db, err := sqldb.Open(ctx, url, sqldb.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	n, err := writeUntilFull(ctx, db)
	if !fault.Is(err, fault.Unavailable) {
		return fmt.Errorf("kind %v: %w", fault.KindOf(err), err)
	}
	return os.WriteFile(os.Getenv("PW_SQLDB_TALLY"), []byte(strconv.FormatInt(n, 10)), 0o600)
}

// writeUntilFull commits rows of 20 kB, whose ids come from NextID, until there is an error, and some attempts more.
func writeUntilFull(ctx context.Context, db *sqldb.DB) (committed int64, first error) {
	for failed := 0; failed < 5; {
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			id, err := tx.NextID(ctx, "cup")
			if err != nil {
				return err
			}
			return tx.Insert(ctx, "cup", []string{"id", "name", "content"}, [][]any{{id, fmt.Sprint(id), make([]byte, 20000)}})
		})
		switch {
		case err == nil:
			committed++
		case !fault.Is(err, fault.Unavailable):
			return committed, err
		default:
			failed++
			first = err
		}
		if committed > 1000 {
			return committed, fmt.Errorf("the disk does not fill")
		}
	}
	return committed, first
}

// A full disk is Unavailable, keeps all that was committed, and when there is room again it goes on.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	const tables = "CREATE TABLE cup (id BIGINT PRIMARY KEY, name TEXT, hits INTEGER NOT NULL DEFAULT 0, content BLOB);" +
		"CREATE TABLE id_block (name TEXT PRIMARY KEY, next_id BIGINT NOT NULL)"
	url := "sqlite:" + filepath.Join(dir, "disk", "patchwork.db")
	tally := filepath.Join(dir, "tally")
	mounted := os.Mkdir(filepath.Join(dir, "disk"), 0o700) == nil &&
		unix.Mount("tmpfs", filepath.Join(dir, "disk"), "tmpfs", 0, "size=2m") == nil
	db, err := sqldb.Open(t.Context(), url, sqldb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if mounted {
		t.Cleanup(func() { unix.Unmount(filepath.Join(dir, "disk"), unix.MNT_DETACH) })
	} else {
		t.Setenv("PW_SQLDB_LIMIT", "1")
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.SQL().Exec(tables); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PW_SQLDB_TALLY", tally)
	spawn(t, "fill", url).Process.Kill()
	text, err := os.ReadFile(tally)
	if err != nil {
		t.Fatal(err)
	}
	want, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || want < 10 {
		t.Fatalf("the child committed %q rows: %v", text, err)
	}
	if mounted {
		if err := unix.Mount("", filepath.Join(dir, "disk"), "", unix.MS_REMOUNT, "size=64m"); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, url)
	if id := nextID(t, again, "cup"); id <= want {
		t.Errorf("%d rows, and the next id is %d", want, id)
	}
	fill(t, again, []any{100000, "room again"})
	var got, sum int64
	if err := again.Get(t.Context(), &got, "SELECT COUNT(*) FROM cup WHERE LENGTH(content) = 20000"); err != nil {
		t.Fatal(err)
	}
	if err := again.Get(t.Context(), &sum, "SELECT COUNT(*) FROM cup"); err != nil || got != want || sum != want+1 {
		t.Errorf("%d whole rows of %d, want %d of %d: %v", got, sum, want, want+1, err)
	}
	var sound string
	if err := again.Get(t.Context(), &sound, "PRAGMA integrity_check"); err != nil || sound != "ok" {
		t.Errorf("integrity: %s, %v", sound, err)
	}
}
