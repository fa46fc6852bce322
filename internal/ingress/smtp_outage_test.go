// SPDX-License-Identifier: GPL-2.0-or-later

package ingress_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/smtp"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/test/dbtest"
)

// pair writes a self-signed certificate for the name and its key, and returns their paths and a pool that trusts it.
func pair(t *testing.T, dir, name string) (cert, key string, trust *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trust = x509.NewCertPool()
	trust.AddCert(parsed)
	return cert, key, trust
}

func TestSTARTTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key, trust := pair(t, dir, "mx.example.org")
	secure, err := ingress.TLSFiles(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := serveSQLite(t, func(o *ingress.ServerOptions) { o.TLS = secure })
	send := func(id, name string, trust *x509.CertPool) *smtp.Client {
		t.Helper()
		c, err := smtp.Dial(s.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if err := c.StartTLS(&tls.Config{ServerName: name, RootCAs: trust}); err != nil {
			t.Fatal(err)
		}
		if ok, _ := c.Extension("STARTTLS"); ok {
			t.Error("STARTTLS is announced under TLS")
		}
		if err := c.Mail("ann@example.org"); err != nil {
			t.Fatal(err)
		}
		if err := c.Rcpt("widgets@lists.example.org"); err != nil {
			t.Fatal(err)
		}
		w, err := c.Data()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, letter(id, "secret"))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		s.one("<" + id + ">")
		return c
	}
	send("tls1@example.org", "mx.example.org", trust)

	_, _, renewed := pair(t, dir, "new.example.org")
	future := time.Now().Add(time.Minute) // whatever the file system's clock can tell apart
	os.Chtimes(cert, future, future)
	last := send("tls2@example.org", "new.example.org", renewed)

	// What is sent in clear after the command must not be taken as said under TLS (CVE-2011-0411).
	p := s.hello()
	p.send("STARTTLS\r\nMAIL FROM:<evil@example.org>\r\n")
	p.want("220 ")
	under := tls.Client(p.Conn, &tls.Config{ServerName: "new.example.org", RootCAs: renewed})
	if err := under.Handshake(); err == nil {
		q := &peer{t, under, bufio.NewReader(under)}
		q.say("RCPT TO:<widgets@lists.example.org>", "502 ")
	}

	s.stop()
	if line, err := last.Text.ReadLine(); line != "421 4.3.2 the service is stopping, try again later" {
		t.Errorf("goodbye under TLS: %q, %v", line, err)
	}
	if _, err := ingress.TLSFiles(cert, filepath.Join(dir, "none.pem")); err == nil {
		t.Error("a missing key is no error")
	}
}

// TestOutageIsTold feeds a server whose database goes away and comes back.
func TestOutageIsTold(t *testing.T) {
	real := dbtest.MigratedURL(t, sqldb.Postgres)
	way := newWay(t, real)
	db, err := sqldb.Open(t.Context(), way.url, sqldb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	addFeedProject(t, db)
	s := serve(t, db, nil)
	p := s.hello()
	p.deliver(letter("before@example.org", "x"), "250 ")
	way.cut()
	p.deliver(letter("while@example.org", "x"), "451 4.3.0 the mail can't be stored now, try again later")
	p.deliver(letter("while@example.org", "x"), "451 4.3.0 ")
	way.open(t)
	p.deliver(letter("while@example.org", "x"), "250 2.0.0 OK, ignored")
	p.deliver(letter("after@example.org", "x"), "250 ")
	if n := len(mailRows(t, db)); n != 3 {
		t.Errorf("%d mails are stored, want 3", n)
	}
}

func TestClosedDatabaseIsTold(t *testing.T) {
	for _, change := range []func(*ingress.ServerOptions){nil, lmtp} {
		s := serveSQLite(t, change)
		p := s.hello()
		s.db.Close()
		p.deliver(letter("x@example.org", "x"), "451 4.3.0 ")
	}
}

// way is a way to a PostgreSQL server that can be cut.
type way struct {
	url, socket, target string

	mu    sync.Mutex
	l     net.Listener
	conns []net.Conn
}

// newWay opens a way to the server whose socket the url names.
func newWay(t *testing.T, database string) *way {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	dir, err := os.MkdirTemp("", "pwway") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	w := &way{socket: filepath.Join(dir, ".s.PGSQL.5432"), target: filepath.Join(q.Get("host"), ".s.PGSQL."+q.Get("port"))}
	q.Set("host", dir)
	q.Set("port", "5432")
	u.RawQuery = q.Encode()
	w.url = u.String()
	w.open(t)
	t.Cleanup(func() {
		w.cut()
		os.RemoveAll(dir)
	})
	return w
}

func (w *way) open(t *testing.T) {
	t.Helper()
	l, err := net.Listen("unix", w.socket)
	if err != nil {
		t.Fatal(err)
	}
	w.l = l
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("unix", w.target)
			if err != nil {
				from.Close()
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, from, to)
			w.mu.Unlock()
			go io.Copy(to, from)
			go io.Copy(from, to)
		}
	}()
}

func (w *way) cut() {
	w.l.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
}

// TestEightConnections feeds SQLite through 8 connections at once: none may be told that the database is busy.
func TestEightConnections(t *testing.T) {
	s := serveSQLite(t, nil)
	mails := feed(400)
	next := make(chan string)
	var all sync.WaitGroup
	for range 8 {
		p := s.hello()
		all.Go(func() {
			for mail := range next {
				p.begin()
				p.send(dotted(mail))
				if got := p.answer(); got[:3] != "250" {
					t.Error(got)
				}
			}
		})
	}
	for _, mail := range mails {
		next <- mail
	}
	close(next)
	all.Wait()
	if n := len(mailRows(t, s.db)); n != len(mails) {
		t.Errorf("%d mails are stored, %d were sent", n, len(mails))
	}
}
