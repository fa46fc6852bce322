// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// ServerOptions say who may send what. All sizes are in bytes; none has a default here.
type ServerOptions struct {
	Hostname           string // in the greeting
	LMTP               bool   // RFC 2033 instead of SMTP
	TLS                *tls.Config
	AllowedNetworks    []netip.Prefix // of peers; empty: all
	Recipients         []string       // patterns of fnmatch, compared without case; empty: all
	RefuseUnknownLists bool           // mails for no project are answered 550 and not stored
	MaxConnections     int
	MaxPerAddress      int // connections from one IPv4 address or IPv6 /64
	MaxRecipients      int // of one mail
	MailSize           int64
	MailMemory         int64 // of all mails that are being received or wait to be stored, but for those in Spool
	Spool              *Spool
	LineLength         int // of a line of a mail, without its end
	Timeout            time.Duration
	Grace              time.Duration // for mails under way when the server stops
}

// Server takes mail by SMTP or LMTP.
type Server struct {
	opt       ServerOptions
	collector *Collector
	log       *slog.Logger
	memory    memory
}

// NewServer makes a server that hands mails to the collector. A mail is answered 250 when it is committed: with its outcome, also if it is one
// that is of no use; 451 when it can't be stored now; 5xx when it breaks a limit or the protocol.
func NewServer(opt ServerOptions, c *Collector, log *slog.Logger) *Server {
	s := &Server{opt: opt, collector: c, log: log}
	s.memory.free.Store(opt.MailMemory + 1) // a byte more than fits must be read to see that it does not
	return s
}

// Serve answers those who come to l until ctx is done. Then it takes no more connections, ends those at rest with 421, lets mails under way come to
// their answer within the grace, and closes l. An error is one of l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	g := newGate(l, &s.opt, s.log)
	server := s.protocol(func(d Delivery) (Outcome, error) { return s.collector.Submit(work, d) })
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(g) }()
	select {
	case err := <-failed:
		g.cut()
		return fmt.Errorf("take connections at %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	g.drain()
	grace, done := context.WithTimeout(work, s.opt.Grace)
	defer done()
	if err := server.Shutdown(grace); errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("connections cut off in the middle of a mail; their senders will try again", "connections", g.cut())
	}
	return nil
}

func (s *Server) via() string {
	if s.opt.LMTP {
		return "lmtp"
	}
	return "smtp"
}

// protocol sets the library up. Its own limits on lines and time are off: see conn and unwire.
func (s *Server) protocol(submit func(Delivery) (Outcome, error)) *smtp.Server {
	p := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return s.newSession(c, submit) }))
	p.Domain = s.opt.Hostname
	p.LMTP = s.opt.LMTP
	p.TLSConfig = s.opt.TLS
	p.MaxRecipients = s.opt.MaxRecipients
	p.MaxMessageBytes = s.opt.MailSize
	p.MaxLineLength = 0
	p.EnableSMTPUTF8 = true
	p.ErrorLog = libraryLog{s.log}
	return p
}

// libraryLog hears of connections that broke.
type libraryLog struct{ log *slog.Logger }

// Printf implements smtp.Logger.
func (l libraryLog) Printf(format string, v ...any) { l.log.Warn(fmt.Sprintf(format, v...)) }

// Println implements smtp.Logger.
func (l libraryLog) Println(v ...any) { l.log.Warn(strings.TrimSuffix(fmt.Sprintln(v...), "\n")) }
