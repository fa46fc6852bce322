// SPDX-License-Identifier: GPL-2.0-or-later

package irc

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/egress"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestMain(m *testing.M) { dbtest.MainOfWaiting(m) }

var noon = clock.FromTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))

var kinds = []string{"patch-created", "patch-state-changed"}

func ptr[T any](v T) *T { return &v }

var local = egress.Guard{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

func newProject(t *testing.T, db *sqldb.DB, name string) project.Project {
	t.Helper()
	p, err := project.Create(t.Context(), db, account.CLI, noon, project.Change{Linkname: &name, Name: &name, ListID: ptr(name + ".example.org"), ListEmail: ptr(name + "@example.org")})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func inTx(t *testing.T, db *sqldb.DB, f func(ctx context.Context, tx *sqldb.Tx) error) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *sqldb.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// server is a real ngircd on a port of its own, with TLS on another one.
type server struct {
	port, tlsPort int
	trust         *tls.Config
	cmd           *exec.Cmd
	dir           string
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// newServer starts ngircd. Where it is not installed the test is skipped, or fails if CI=true.
func newServer(t *testing.T) *server {
	t.Helper()
	program, err := exec.LookPath("ngircd")
	if err != nil {
		program = "/usr/sbin/ngircd"
		if _, err := os.Stat(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal("ngircd is not installed")
			}
			t.Skip("ngircd is not installed")
		}
	}
	dir, err := os.MkdirTemp("", "pwirc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &server{port: freePort(t), tlsPort: freePort(t), dir: dir}
	certificate, trust := certify(t, dir)
	s.trust = trust
	config := fmt.Sprintf(`[Global]
Name = irc.example.net
Info = test
Listen = 127.0.0.1
Ports = %d
ServerUID = nobody
ServerGID = nogroup
[Limits]
MaxConnectionsIP = 50
PingTimeout = 60
[Options]
DNS = no
Ident = no
PAM = no
SyslogFacility = local1
[SSL]
CertFile = %s.pem
KeyFile = %s.key
Ports = %d
`, s.port, certificate, certificate, s.tlsPort)
	file := filepath.Join(dir, "ngircd.conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	os.Chmod(dir, 0o755)
	s.cmd = exec.Command(program, "-n", "-f", file)
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(s.cmd.Path, s.cmd.Args[1:]...)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err == nil {
			c.Close()
			return
		}
	}
	t.Fatal("ngircd does not start")
}

func (s *server) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

func (s *server) url(channel string) string {
	return fmt.Sprintf("irc://127.0.0.1:%d/%s", s.port, channel)
}

func (s *server) tlsURL(channel string) string {
	return fmt.Sprintf("ircs://127.0.0.1:%d/%s", s.tlsPort, channel)
}

// certify makes a certificate for 127.0.0.1 in dir, and what trusts it.
func certify(t *testing.T, dir string) (base string, trust *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "irc"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	base = filepath.Join(dir, "server")
	for name, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(base+name, pem.EncodeToMemory(block), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return base, &tls.Config{RootCAs: pool}
}

// watcher sits in a channel and hears what is said there.
type watcher struct {
	t     *testing.T
	c     net.Conn
	lines chan string
}

func (s *server) watch(t *testing.T, nick, channel string) *watcher {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	w := &watcher{t, c, make(chan string, 1000)}
	fmt.Fprintf(c, "NICK %s\r\nUSER %s 0 * :x\r\nJOIN %s\r\n", nick, nick, channel)
	go func() {
		for in := bufio.NewScanner(c); in.Scan(); {
			if text, ok := strings.CutPrefix(in.Text(), "PING "); ok {
				fmt.Fprintf(c, "PONG %s\r\n", text)
				continue
			}
			w.lines <- in.Text()
		}
	}()
	w.await(" 366 ") // the end of the names: it is in
	return w
}

// await waits for a line that holds a text.
func (w *watcher) await(text string) string {
	w.t.Helper()
	for timeout := time.After(60 * time.Second); ; {
		select {
		case l := <-w.lines:
			if strings.Contains(l, text) {
				return l
			}
		case <-timeout:
			w.t.Fatalf("nobody says %q", text)
		}
	}
}

// said is the next line that somebody says in the channel.
func (w *watcher) said() string {
	w.t.Helper()
	_, text, _ := strings.Cut(w.await(" PRIVMSG "), " PRIVMSG ")
	return text
}

func newWorker(t *testing.T, db *sqldb.DB, c clock.Clock, p *Pool) *Worker {
	t.Helper()
	t.Cleanup(p.Close)
	return NewWorker(db, c, slog.New(slog.DiscardHandler), p)
}

// work runs the jobs that are due, one after the other, and gives how often it ran one.
func work(t *testing.T, db *sqldb.DB, c clock.Clock, w *Worker) (n int) {
	t.Helper()
	for {
		var jobs []job.Job
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) (err error) {
			if _, err := job.Tidy(ctx, tx, c.Now()); err != nil {
				return err
			}
			jobs, _, err = job.Claim(ctx, tx, c.Now(), "me", 1, []job.Want{{Kind: JobKind, Lease: time.Minute, Most: 1}})
			return err
		})
		if len(jobs) == 0 {
			return n
		}
		n++
		err := w.Kind().Handle(t.Context(), jobs[0])
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			if err == nil {
				return job.Finish(ctx, tx, c.Now(), jobs[0])
			}
			_, err := job.Fail(ctx, tx, c.Now(), c.Now().Add(time.Hour), jobs[0], err)
			return err
		})
	}
}
