// SPDX-License-Identifier: GPL-2.0-or-later

package benchsite

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// Site is a filled database and the server on it.
type Site struct {
	Engine, URL string
	DB          *sqldb.DB
	Queries     atomic.Int64 // of DB
	Patches     int64        // about as many as were asked for
	Token       string       // of the maintainer, to write
	Address     string       // http://127.0.0.1:4711

	program string
	server  *exec.Cmd
}

// Open gives a site of $SIZE patches, which it fills unless it was kept.
func Open(b *testing.B, program, engine string) *Site {
	b.Helper()
	n := Size(b)
	s := &Site{Engine: engine, program: program}
	s.URL = dbtest.Kept(b, engine, fmt.Sprintf("patches-%d", n), func(url string) { fill(b, program, url, n) })
	db, err := sqldb.Open(b.Context(), s.URL, sqldb.Options{Statement: func(string) { s.Queries.Add(1) }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	s.DB = db
	now := clock.System{}.Now()
	name := fmt.Sprint("bench ", time.Now().UnixNano())
	if s.Token, _, err = account.CreateToken(b.Context(), db, account.CLI, now, account.NewToken{Username: Maintainer, Name: name, Scope: account.ScopeWrite}); err != nil {
		b.Fatal(err)
	}
	s.Get(b, &s.Patches, "SELECT COUNT(*) FROM patch")
	fmt.Printf("\n%s: %d patches, %.0f MB\n", engine, s.Patches, float64(Bytes(b, s.DB))/1e6)
	return s
}

// Get reads one value from the database.
func (s *Site) Get(b *testing.B, dest any, query string, args ...any) {
	b.Helper()
	if err := s.DB.Get(b.Context(), dest, query, args...); err != nil {
		b.Fatalf("%s: %v", query, err)
	}
}

// Start runs the real server, with its worker, until the benchmark ends. $PROFILE, if set, is where its CPU profile goes, with the engine at the end.
func (s *Site) Start(b *testing.B) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	listen := l.Addr().String()
	l.Close()
	s.Address, s.server = "http://"+listen, Command(s.program, s.URL, "http", "--http-listen", listen)
	s.server.Env = append(s.server.Env, "PW_LOG_LEVEL=error")
	if profile := os.Getenv("PROFILE"); profile != "" {
		s.server.Env = append(s.server.Env, "PW_CPUPROFILE="+profile+"."+s.Engine)
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
		resp, err := http.Get(s.Address + "/healthz")
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

// Memory is the most that the server has held, in MiB; 0 where there is no /proc.
func (s *Site) Memory() int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.server.Process.Pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n / 1024
		}
	}
	return 0
}
