// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// site is a database that command lines of a test are run on.
type site struct {
	t   *testing.T
	url string
}

// newSite makes a SQLite database with the schema.
func newSite(t *testing.T) site {
	t.Helper()
	return site{t, dbtest.MigratedURL(t, sqldb.SQLite)}
}

func (s site) env() []string { return []string{"PW_DATABASE_URL=" + s.url} }

// pw runs a command line given as words; input is what is piped in.
func (s site) pw(input string, args ...string) outcome {
	s.t.Helper()
	return pw(input, s.env(), args...)
}

// does runs a command line that must succeed, and gives its output.
func (s site) does(args ...string) string {
	s.t.Helper()
	got := s.pw("", args...)
	if got.code != 0 || got.err != "" {
		s.t.Fatalf("pw %s: exit %d, %s", strings.Join(args, " "), got.code, got.err)
	}
	return got.out
}

// says runs a line of words without quotes and compares all that a user sees.
func (s site) says(line string, code int, out, err string) {
	s.t.Helper()
	s.t.Log("pw " + line)
	want(s.t, s.pw("", strings.Fields(line)...), outcome{code, out, err})
}

func (s site) db() *sqldb.DB {
	s.t.Helper()
	db, err := sqldb.Open(s.t.Context(), s.url, sqldb.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { db.Close() })
	return db
}

func (s site) exec(query string, args ...any) {
	s.t.Helper()
	err := s.db().Tx(s.t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(s.t.Context(), query, args...)
		return err
	})
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
}

// screen is a terminal at which a command runs.
type screen struct {
	t      *testing.T
	master *os.File
	mu     sync.Mutex
	shown  bytes.Buffer
	done   chan int
}

// atTerminal runs a command line on a pseudo terminal.
func (s site) atTerminal(args ...string) *screen {
	s.t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		s.t.Skipf("no pseudo terminal: %v", err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		s.t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		s.t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	sc := &screen{t: s.t, master: master, done: make(chan int, 1)}
	go io.Copy(sc, master)
	go func() {
		c := &cli{in: slave, out: slave, err: slave, environ: s.env()}
		sc.done <- c.run(args)
	}()
	s.t.Cleanup(func() { master.Close(); slave.Close() })
	return sc
}

// Write takes what the terminal shows.
func (sc *screen) Write(p []byte) (int, error) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	return sc.shown.Write(p)
}

func (sc *screen) text() string {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	return strings.ReplaceAll(sc.shown.String(), "\r\n", "\n")
}

// answer waits until the terminal shows what ends with question and types.
func (sc *screen) answer(question, typed string) {
	sc.t.Helper()
	sc.await(question)
	if _, err := sc.master.WriteString(typed); err != nil {
		sc.t.Fatal(err)
	}
}

func (sc *screen) await(end string) {
	sc.t.Helper()
	for deadline := time.Now().Add(time.Minute); !strings.HasSuffix(sc.text(), end); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			sc.t.Fatalf("the terminal does not show %q but\n%s", end, sc.text())
		}
	}
}

// ends waits for the command and compares its exit code and all that was shown.
func (sc *screen) ends(code int, text string) {
	sc.t.Helper()
	select {
	case got := <-sc.done:
		sc.await(text[max(0, len(text)-10):])
		if got != code || sc.text() != text {
			sc.t.Errorf("exit %d and\n%s\nwant %d and\n%s", got, sc.text(), code, text)
		}
	case <-time.After(time.Minute):
		sc.t.Fatalf("the command does not end; the terminal shows\n%s", sc.text())
	}
}
