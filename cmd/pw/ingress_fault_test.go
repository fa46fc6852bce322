// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/peers"
)

// TestFaults does harm to a pw of its own and to what it needs.
func TestFaults(t *testing.T) {
	program := builtProgram(t)
	for name, test := range map[string]func(*testing.T, string){
		"KillInMidImport": testKillInMidImport, "KillInMidMigration": testKillInMidMigration, "ServerStopsInMidImport": testServerStopsInMidImport,
		"KillFollower": testKillFollower, "KillHTTP": testKillHTTP, "ServerStopsUnderHTTP": testServerStopsUnderHTTP,
		"KillWorkerInMidSend": testKillWorkerInMidSend, "StopWorkerInMidSend": testStopWorkerInMidSend, "FullDisk": testFullDisk, "FullSpool": testFullSpool,
		"FullDiskUnderHTTP": testFullDiskUnderHTTP, "FullSpoolUnderHTTP": testFullSpoolUnderHTTP,
		"KnownFailureB1": testKillWhileDelivering, "KnownFailureE7": testNodes, "KnownFailuresB2B3": testHangingReceiver,
		"KillInMidRetry": testKillInMidRetry, "KillInMidChange": testKillInMidChange, "KillInMidSweep": testKillInMidSweep, "KillInMidReparse": testKillInMidReparse,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, program)
		})
	}
}

// builtProgram is the path of pw, built once for all tests.
func builtProgram(t *testing.T) string {
	t.Helper()
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pw-built")
	if err != nil {
		return "", err
	}
	dbtest.AtEnd(func() { os.RemoveAll(dir) })
	program := filepath.Join(dir, "pw")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build pw: %w\n%s", err, out)
	}
	return program, nil
})

// process is a running `pw ingress --mbox`.
type process struct {
	*exec.Cmd
	err output
}

// output can be read while a process writes it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String is what was written so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs pw ingress on an archive in batches of eight mails.
func (in *inbox) start(program, archive string) *process {
	in.t.Helper()
	return in.run(program, "--mbox", "--list-id", inboxList, archive)
}

// run runs pw ingress with such arguments in batches of eight mails.
func (in *inbox) run(program string, args ...string) *process {
	in.t.Helper()
	p := in.command(program, append([]string{"ingress"}, args...)...)
	if err := p.Start(); err != nil {
		in.t.Fatal(err)
	}
	return p
}

// command is a pw of its own directory, with batches of eight mails.
func (in *inbox) command(program string, args ...string) *process {
	p := &process{Cmd: exec.Command(program, args...)}
	p.Env = append(in.env("PW_LIMITS_BATCH_MAILS=8"), "PATH="+os.Getenv("PATH"))
	p.Stderr = &p.err
	p.Dir = in.t.TempDir()
	return p
}

// code waits for the end and gives the exit code, -1 after a signal.
func (p *process) code(t *testing.T) int {
	t.Helper()
	var exit *exec.ExitError
	if err := p.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.ProcessState.ExitCode()
}

func (in *inbox) finish(program, archive string) {
	in.t.Helper()
	if p := in.start(program, archive); p.code(in.t) != 0 {
		in.t.Fatalf("the run to the end: %s", p.err.String())
	}
}

// equals compares with an undisturbed import and runs the consistency check.
func (in *inbox) equals(undisturbed map[string]int) {
	in.t.Helper()
	if got := in.rows(); !maps.Equal(got, undisturbed) {
		n := 0
		for _, side := range []struct {
			name string
			a, b map[string]int
		}{{"more", got, undisturbed}, {"missing", undisturbed, got}} {
			for _, row := range slices.Sorted(maps.Keys(side.a)) {
				if side.a[row] > side.b[row] {
					if n++; n < 8 {
						in.t.Errorf("%s: %.300s", side.name, row)
					}
				}
			}
		}
		in.t.Errorf("%d rows differ from those of an undisturbed import", n)
	}
	db := in.open()
	defer db.Close()
	err := db.Tx(context.Background(), func(tx *sqldb.Tx) error {
		found, err := patch.Check(context.Background(), tx, false, func(string) {})
		for _, f := range found {
			in.t.Errorf("check: %d %s", f.Rows, f.What)
		}
		return err
	})
	if err != nil {
		in.t.Error(err)
	}
}

// killMidway ends p with signal 9 when some of its work is done, as far as can be seen from outside: the query counts what is left to do. It tells whether
// there was some left.
func (in *inbox) killMidway(p *process, query string) bool {
	in.t.Helper()
	db := in.open()
	defer db.Close()
	left := func() (n int64) {
		if err := db.Get(in.t.Context(), &n, query); err != nil {
			in.t.Fatal(err)
		}
		return n
	}
	begun := left()
	if begun > 0 {
		stop := rand.Int64N(begun)
		for end := time.Now().Add(time.Minute); left() > stop && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
	}
	p.Process.Kill()
	p.code(in.t)
	n := left()
	return n > 0 && n < begun
}

func faultRounds() int {
	if os.Getenv("PW_SOAK") == "1" {
		return 20
	}
	return 3
}

// testKillInMidImport kills pw with signal 9 when it has done a part of the work, until a run comes to its end.
func testKillInMidImport(t *testing.T, program string) {
	archive := file(t, "threads.mbox", threads(80))
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			calm := newInbox(t, engine)
			calm.finish(program, archive)
			undisturbed := calm.rows()
			hit := 0
			for range faultRounds() {
				in := newInbox(t, engine)
				for range 3 {
					if in.killMidway(in.start(program, archive), "SELECT 480 - COUNT(*) FROM mail") {
						hit++
					}
				}
				in.finish(program, archive)
				in.equals(undisturbed)
			}
			if hit == 0 {
				t.Error("no kill hit the middle of an import")
			}
		})
	}
}

// ownPostgres is a server of this test, which it may stop.
type ownPostgres struct {
	t    *testing.T
	dir  string
	bin  string
	cred *syscall.Credential
	cmd  *exec.Cmd
}

func newPostgres(t *testing.T) *ownPostgres {
	t.Helper()
	if !slices.Contains(dbtest.Engines(t), sqldb.Postgres) {
		t.Skip("PostgreSQL is not among the engines")
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, filepath.Dir(path))
	}
	dir, err := os.MkdirTemp("", "pwown") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	s := &ownPostgres{t: t, dir: dir, bin: found[0]}
	t.Cleanup(func() { s.stop(); os.RemoveAll(dir) })
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skip(err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		s.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := s.command("initdb", "-D", dir+"/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	return s
}

func (s *ownPostgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir, cmd.Env = s.dir, []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred}
	return cmd
}

func (s *ownPostgres) url() string {
	return "postgres:///postgres?user=postgres&port=5432&host=" + s.dir
}

// start starts the server and waits until it answers.
func (s *ownPostgres) start() {
	s.t.Helper()
	s.cmd = s.command("postgres", "-D", s.dir+"/data", "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off")
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	peers.Eventually(s.t, "PostgreSQL answers", func() bool {
		db, err := sqldb.Open(context.Background(), s.url(), sqldb.Options{})
		if err == nil {
			db.Close()
		}
		return err == nil
	})
}

// stop stops it at once, as a crash would.
func (s *ownPostgres) stop() {
	if s.cmd != nil {
		s.cmd.Process.Signal(syscall.SIGQUIT)
		s.cmd.Wait()
		s.cmd = nil
	}
}

// testServerStopsInMidImport stops PostgreSQL under an import: pw says that it can be tried again, and then it can.
func testServerStopsInMidImport(t *testing.T, program string) {
	s := newPostgres(t)
	s.start()
	in := &inbox{t: t, url: s.url()}
	db := in.open()
	if err := schema.Sync(context.Background(), db); err != nil {
		t.Fatal(err)
	}
	db.Close()
	in.project("dev", inboxList)

	size := 60 * faultRounds() // threads of six mails
	archive := file(t, "threads.mbox", threads(size))
	for range faultRounds() {
		before := in.count("SELECT COUNT(*) FROM mail")
		p := in.start(program, archive)
		peers.Eventually(t, "some mails are stored", func() bool { return in.count("SELECT COUNT(*) FROM mail") > before+24 })
		p.Process.Signal(syscall.SIGSTOP) // so that it can't come to its end while the server stops
		s.stop()
		p.Process.Signal(syscall.SIGCONT)
		code := p.code(t)
		if got := p.err.String(); code != 75 || !strings.HasPrefix(got, "pw: ") || strings.Count(got, "\n") > 3 || !strings.Contains(got, "database") {
			t.Errorf("exit %d: %s", code, got)
		}
		if got := pw(mailOf("late", "[PATCH] late", aDiff), in.env(), "ingress", "--stdin", "-l", inboxList); got.code != 75 {
			t.Errorf("a single mail: %+v", got)
		}
		s.start()
	}
	if n := in.count("SELECT COUNT(*) FROM mail"); n == 0 || n >= int64(size*6) {
		t.Errorf("the server stopped with %d mails of %d stored", n, size*6)
	}
	in.finish(program, archive)
	calm := newInbox(t, sqldb.Postgres)
	calm.finish(program, archive)
	in.equals(calm.rows())
}

// testFullDisk lets the disk of a SQLite database run full: pw says that it can be tried again, what was there is there, and with room it goes on.
func testFullDisk(t *testing.T, program string) {
	dir := smallDisk(t)
	calm := newInbox(t, sqldb.SQLite)
	in := calm.copied(dir)
	archive := file(t, "threads.mbox", threads(200))
	var stored int64
	for range 2 { // the second run finds no room at all
		p := in.start(program, archive)
		if code := p.code(t); code != 75 || !strings.HasPrefix(p.err.String(), "pw: ") || !strings.Contains(p.err.String(), "full") {
			t.Errorf("exit %d: %s", code, p.err.String())
		}
		n := in.count("SELECT COUNT(*) FROM mail")
		if n < stored || n == 0 || n >= 1200 {
			t.Errorf("%d mails of 1200 are stored, %d before", n, stored)
		}
		stored = n
	}
	var taken []string // until nothing fits any more; what was said to be stored is stored
	for i := range 500 {
		mail := mailOf(fmt.Sprintf("late%d", i), "[PATCH] late", "\n"+strings.Repeat("Some text that fills the disk.\n", 1000)+aDiff)
		got := in.pw(mail, "--stdin", "-l", inboxList)
		if got.code == 75 && strings.Contains(got.err, "full") {
			break
		}
		if got.code != 0 || i == 499 {
			t.Fatalf("mail %d on a full disk: %+v", i, got)
		}
		taken = append(taken, mail)
	}
	growDisk(t, dir, "400m")
	in.finish(program, archive)
	calm.finish(program, archive)
	for _, mail := range taken {
		calm.pw(mail, "--stdin", "-l", inboxList)
	}
	in.equals(calm.rows())
}

// smallDisk mounts a disk of 3 MiB in memory.
func smallDisk(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("no file system of its own can be mounted: run as root (%v)", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func growDisk(t *testing.T, dir, size string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size="+size); err != nil {
		t.Fatal(err)
	}
}

// copied is an inbox whose SQLite database lies in dir and begins as that of in.
func (in *inbox) copied(dir string) *inbox {
	in.t.Helper()
	in.stopCounting()
	image, err := os.ReadFile(strings.TrimPrefix(in.url, "sqlite:"))
	if err != nil {
		in.t.Fatal(err)
	}
	name := filepath.Join(dir, "patchwork.db")
	if err := os.WriteFile(name, image, 0o600); err != nil {
		in.t.Fatal(err)
	}
	return &inbox{t: in.t, url: "sqlite:" + name}
}
