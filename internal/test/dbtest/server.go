// SPDX-License-Identifier: GPL-2.0-or-later

package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
)

// kind is what differs between the two servers.
type kind interface {
	// missing says what to install; nil if the server can be started.
	missing() error
	// account names the user who runs the server when the tests run as root.
	account() string
	// version tells apart servers whose data directories differ.
	version() (string, error)
	// initialize is the command that makes an empty data directory.
	initialize(data string) []string
	// serve is the command of the server in the foreground, with its socket in dir, and stopSignal what ends it at once.
	// A durable one keeps its word over a power failure.
	serve(dir, data string, durable bool) []string
	stopSignal() string
	// closeSignal ends the server so that its data directory can be used again.
	closeSignal() string
	// url names a database of the server whose socket is in dir; adminDB is one that is always there.
	url(dir, database string) string
	adminDB() string
	// create makes the empty database name; cloneSchema makes it a copy of the database schemaDB.
	create(ctx context.Context, admin *sql.DB, name string) error
	cloneSchema(ctx context.Context, admin *sql.DB, name string) error
	drop(ctx context.Context, admin *sql.DB, name string) error
}

// schemaDB is the database that fresh ones with the schema are copied from.
const schemaDB = "pw_schema"

// server is one database server of this test process. The zero value is one not started yet.
type server struct {
	kind    kind
	start   sync.Once
	err     error // of the start
	migrate sync.Once
	failed  error // of the migration of schemaDB

	kept  string // the data directory, if it stays; else it is in dir
	dir   string
	admin *sqldb.DB
	watch *exec.Cmd
	alive io.WriteCloser // closed: the watcher ends the server and removes dir
	ended chan struct{}  // closed when the server has ended
	count atomic.Int64
}

// servers are those of this process: many tests share them, so no test can own them.
var servers = map[string]*server{
	sqldb.Postgres: {kind: postgres{}},
	sqldb.MariaDB:  {kind: &mariadb{}},
}

// watcher runs the server "$@" and outlives the test process: when its input ends, because the process closed it or is gone, it
// ends the server and removes all it left.
const watcher = `dir=$1 signal=$2
shift 2
exec 3<&0
"$@" >"$dir/log" 2>&1 </dev/null 3<&- &
server=$!
trap '' PIPE
(cat <&3 >/dev/null; kill -s "$signal" "$server" 2>/dev/null) >/dev/null 2>&1 &
end=$!
wait "$server"
echo ended
wait "$end"
cd / && rm -rf "$dir"
`

const startTimeout = 90 * time.Second

// database makes a fresh database, with the schema or empty, and gives its url.
func (s *server) database(t testing.TB, withSchema bool) string {
	t.Helper()
	ctx := context.Background() // the test's own is over when its cleanup runs
	s.start.Do(func() { s.err = s.launch(ctx) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	create := s.kind.create
	if withSchema {
		s.migrate.Do(func() { s.failed = s.makeSchema(ctx) })
		if s.failed != nil {
			t.Fatal(s.failed)
		}
		create = s.kind.cloneSchema
	}
	name := fmt.Sprintf("pw_%d", s.count.Add(1))
	if err := create(ctx, s.admin.SQL(), name); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if err := s.kind.drop(ctx, s.admin.SQL(), name); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return s.kind.url(s.dir, name)
}

func (s *server) makeSchema(ctx context.Context) error {
	if err := s.kind.create(ctx, s.admin.SQL(), schemaDB); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	return migrate(ctx, s.kind.url(s.dir, schemaDB))
}

// launch starts the server and waits until it answers. What it leaves after an error goes with the process.
func (s *server) launch(ctx context.Context) error {
	owner, err := runAs(s.kind.account())
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp(place(), "pwdb"); err != nil {
		return err
	}
	if err := owner.own(s.dir); err != nil {
		return err
	}
	data, err := s.data(owner)
	if err != nil {
		os.RemoveAll(s.dir)
		return err
	}
	if err := s.run(owner, s.kind.serve(s.dir, data, durable() || s.kept != "")); err != nil {
		os.RemoveAll(s.dir)
		return err
	}
	return s.await(ctx)
}

// data is the data directory, which is made unless a kept one is there.
func (s *server) data(owner owner) (string, error) {
	if s.kept == "" {
		data := filepath.Join(s.dir, "data")
		return data, dataDirectory(s.kind, owner, data)
	}
	if _, err := os.Stat(s.kept); err == nil {
		return s.kept, nil
	}
	if err := owner.own(filepath.Dir(s.kept)); err != nil {
		return "", err
	}
	return s.kept, dataDirectory(s.kind, owner, s.kept)
}

func (s *server) run(owner owner, command []string) error {
	signal := s.kind.stopSignal()
	if s.kept != "" {
		signal = s.kind.closeSignal()
	}
	args := append([]string{"-c", watcher, "sh", s.dir, signal}, command...)
	s.watch = owner.command("/bin/sh", args...)
	s.watch.Dir = s.dir
	s.watch.SysProcAttr.Setsid = true // ^C at the terminal is for the tests; the watcher has to clean up after them
	in, err := s.watch.StdinPipe()
	if err != nil {
		return err
	}
	out, err := s.watch.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.watch.Start(); err != nil {
		return fmt.Errorf("start %s: %w", command[0], err)
	}
	s.alive, s.ended = in, make(chan struct{})
	go func() {
		io.Copy(io.Discard, io.LimitReader(out, 1))
		close(s.ended)
	}()
	return nil
}

// await polls until the server answers.
func (s *server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		admin, err := sqldb.Open(ctx, s.kind.url(s.dir, s.kind.adminDB()), sqldb.Options{})
		if err == nil {
			s.admin = admin
			return nil
		}
		select {
		case <-s.ended:
			err = errors.New("it ended")
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
			continue
		}
		log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		return fmt.Errorf("%T server does not start: %w; its log:\n%s", s.kind, err, log[max(0, len(log)-4000):])
	}
}

// stop ends the server and waits until nothing is left of it.
func (s *server) stop() {
	if s.admin != nil {
		s.admin.Close()
	}
	if s.alive == nil {
		return
	}
	s.alive.Close()
	<-s.ended
	s.watch.Wait()
}

// owner is the user who runs a server; the zero value is the one who runs the tests.
type owner struct{ cred *syscall.Credential }

func (o owner) own(path string) error {
	if o.cred == nil {
		return nil
	}
	return os.Chown(path, int(o.cred.Uid), int(o.cred.Gid))
}

func (o owner) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: o.cred}
	// Nothing of the caller's settings (PGDATA, MYSQL_HOME, locale) reaches a test's server.
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C.UTF-8", "TZ=UTC", "HOME=/nonexistent"}
	return cmd
}
