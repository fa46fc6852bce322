// SPDX-License-Identifier: GPL-2.0-or-later

package mailsink

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Mail is one mail that came.
type Mail struct {
	From, To string // of the envelope
	Raw      string
	Secure   bool // it came over TLS
	User     string
}

// Sink is a mail server.
type Sink struct {
	Port   int
	Trust  *tls.Config // for clients: knows the server's certificate; nil without TLS
	refuse func(stage, address string) error
	mu     sync.Mutex
	mails  []Mail
	dialed int
	user   string
	secret string
}

// Options say how the server differs from a plain one.
type Options struct {
	TLS      bool   // it has a certificate and offers STARTTLS
	Implicit bool   // TLS from the first byte
	User     string // who may send, with Password; empty: anybody
	Password string
	UTF8     bool // SMTPUTF8
}

// Start starts a server that ends with the test.
func Start(t testing.TB, opt Options) *Sink {
	t.Helper()
	s := &Sink{user: opt.User, secret: opt.Password}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{sink: s, conn: c}, s.ask("connect", "")
	}))
	server.Domain, server.AllowInsecureAuth, server.EnableSMTPUTF8 = "sink.example", true, opt.UTF8
	server.ErrorLog = log.New(io.Discard, "", 0)
	if opt.TLS || opt.Implicit {
		server.TLSConfig, s.Trust = certificate(t)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Port = l.Addr().(*net.TCPAddr).Port
	if opt.Implicit {
		l = tls.NewListener(l, server.TLSConfig)
	}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return s
}

// Refuse has f asked at each stage: connect, mail, rcpt, data (before the mail is read) and end (after it). It may take its time.
func (s *Sink) Refuse(f func(stage, address string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = f
}

// Answer is an answer of SMTP to refuse with.
func Answer(code int, enhanced [3]int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode(enhanced), Message: text}
}

// ErrHangup, given by what Refuse was told, closes the connection without a word: before the mail is read, in its middle.
var ErrHangup = errors.New("hang up")

// Mails are those that came so far.
func (s *Sink) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Connections counts those that were made.
func (s *Sink) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialed
}

func (s *Sink) ask(stage, address string) error {
	s.mu.Lock()
	f := s.refuse
	if stage == "connect" {
		s.dialed++
	}
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(stage, address)
}

func (c *session) hangup(err error) error {
	if errors.Is(err, ErrHangup) {
		c.conn.Conn().Close()
	}
	return err
}

type session struct {
	sink     *Sink
	conn     *smtp.Conn
	user     string
	from, to string
}

// AuthMechanisms implements smtp.AuthSession.
func (c *session) AuthMechanisms() []string {
	if c.sink.user == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (c *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != c.sink.user || password != c.sink.secret {
			return Answer(535, [3]int{5, 7, 8}, "wrong password")
		}
		c.user = user
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	if c.sink.user != "" && c.user == "" {
		return Answer(530, [3]int{5, 7, 0}, "log in first")
	}
	c.from = from
	return c.sink.ask("mail", from)
}

// Rcpt implements smtp.Session.
func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.to = to
	return c.sink.ask("rcpt", to)
}

// Data implements smtp.Session.
func (c *session) Data(r io.Reader) error {
	if err := c.sink.ask("data", c.to); err != nil {
		io.ReadFull(r, make([]byte, 10))
		return c.hangup(err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, secure := c.conn.TLSConnectionState()
	c.sink.mu.Lock()
	c.sink.mails = append(c.sink.mails, Mail{From: c.from, To: c.to, Raw: string(raw), Secure: secure, User: c.user})
	c.sink.mu.Unlock()
	return c.hangup(c.sink.ask("end", c.to))
}

// Reset implements smtp.Session.
func (c *session) Reset() { c.from, c.to = "", "" }

// Logout implements smtp.Session.
func (c *session) Logout() error { return nil }

func certificate(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}
