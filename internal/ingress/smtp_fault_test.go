// SPDX-License-Identifier: GPL-2.0-or-later

package ingress_test

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

var messageID = regexp.MustCompile(`(?m)^Message-ID: (<.*>)$`)

// TestKillDuringFeed kills a real `pw ingress` in the middle of a feed: what was answered with 250 must be there, and sending all again must
// neither fail nor double anything.
func TestKillDuringFeed(t *testing.T) {
	t.Parallel()
	rounds := 3
	if os.Getenv("PW_SOAK") == "1" {
		rounds = 20
	}
	program := filepath.Join(t.TempDir(), "pw")
	if out, err := exec.Command("go", "build", "-o", program, "patchwork.example/pw/cmd/pw").CombinedOutput(); err != nil {
		t.Fatalf("build pw: %v\n%s", err, out)
	}
	mails := feed(2000)
	patches := 0
	for _, m := range mails {
		if strings.Contains(m, "\ndiff --git ") {
			patches++
		}
	}
	for round := range rounds {
		url := dbtest.MigratedURL(t, sqldb.SQLite)
		db := openURL(t, url)
		addFeedProject(t, db)
		db.Close()

		at := 50 + rand.IntN(len(mails)-200)
		p := startPW(t, program, url)
		taken := p.feed(mails, at)
		db = openURL(t, url)
		have := mailRows(t, db)
		lost := 0
		for _, id := range taken {
			if have[id] != 1 {
				lost++
			}
		}
		t.Logf("round %d: killed at %d, %d answered with 250, %d stored", round, at, len(taken), len(have))
		if lost > 0 || len(taken) < at {
			t.Errorf("round %d: %d of %d mails answered with 250 are lost or doubled", round, lost, len(taken))
		}
		db.Close()

		p = startPW(t, program, url)
		if taken = p.feed(mails, len(mails)); len(taken) != len(mails) {
			t.Errorf("round %d: sent again, %d of %d mails were taken", round, len(taken), len(mails))
		}
		p.terminate()
		db = openURL(t, url)
		for what, want := range map[string]int{"SELECT COUNT(*) FROM mail": len(mails), "SELECT COUNT(DISTINCT msgid) FROM mail": len(mails),
			"SELECT COUNT(*) FROM message": len(mails), "SELECT COUNT(*) FROM patch": patches} {
			var n int
			if err := db.Get(t.Context(), &n, what); err != nil || n != want {
				t.Errorf("round %d: %s is %d, %v; want %d", round, what, n, err, want)
			}
		}
		db.Close()
	}
}

func openURL(t *testing.T, url string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(context.Background(), url, sqldb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// pwProcess is a running `pw ingress`.
type pwProcess struct {
	*exec.Cmd
	t    *testing.T
	addr string
}

func startPW(t *testing.T, program, url string) *pwProcess {
	t.Helper()
	p := &pwProcess{exec.Command(program, "ingress"), t, ""}
	p.Env = []string{"PW_DATABASE_URL=" + url, "PW_INGRESS_LISTEN=127.0.0.1:0"}
	p.Dir = t.TempDir()
	log, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill() })
	lines := bufio.NewReader(log)
	for p.addr == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("pw ingress ended before it took mail: %s", line)
		}
		if _, rest, ok := strings.Cut(line, `msg="taking mail" listen=`); ok {
			p.addr, _, _ = strings.Cut(rest, " ")
		}
	}
	go io.Copy(io.Discard, lines)
	return p
}

// feed sends the mails through 8 connections and returns the Message-IDs that were answered with 250. When that many were, it kills the process.
func (p *pwProcess) feed(mails []string, killAt int) []string {
	p.t.Helper()
	var mu sync.Mutex
	var taken []string
	next := make(chan string, len(mails))
	for _, m := range mails {
		next <- m
	}
	close(next)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			c, err := net.Dial("tcp", p.addr)
			if err != nil {
				return
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(2 * time.Minute))
			in := bufio.NewReader(c)
			if !talk(c, in, "", "220 ") || !talk(c, in, "HELO feed.example\r\n", "250 ") {
				return
			}
			for m := range next {
				if !talk(c, in, "MAIL FROM:<ann@example.org>\r\n", "250 ") || !talk(c, in, "RCPT TO:<widgets@lists.example.org>\r\n", "250 ") ||
					!talk(c, in, "DATA\r\n", "354 ") || !talk(c, in, dotted(m), "250 ") {
					return
				}
				mu.Lock()
				taken = append(taken, messageID.FindStringSubmatch(m)[1])
				if len(taken) == killAt && killAt < len(mails) {
					p.Process.Kill()
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if killAt < len(mails) {
		p.Wait()
	}
	return taken
}

// talk sends and tells whether the reply begins like that.
func talk(c net.Conn, in *bufio.Reader, text, want string) bool {
	if _, err := io.WriteString(c, text); err != nil {
		return false
	}
	line, err := in.ReadString('\n')
	return err == nil && strings.HasPrefix(line, want)
}

// terminate asks the process to end, which it must do well and soon.
func (p *pwProcess) terminate() {
	p.t.Helper()
	p.Process.Signal(os.Interrupt)
	late := time.AfterFunc(time.Minute, func() { p.Process.Kill() })
	defer late.Stop()
	if err := p.Wait(); err != nil {
		p.t.Errorf("pw ingress after SIGINT: %v", err)
	}
}
