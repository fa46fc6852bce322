// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"patchwork.example/pw/internal/base/fault"
)

// Ways to talk to an IMAP server.
const (
	IMAPTLS      = "tls"      // from the first byte
	IMAPStartTLS = "starttls" // required
	IMAPPlain    = "none"     // password and mails in clear
)

// IMAPOptions name a mailbox, and say how it is read.
type IMAPOptions struct {
	Name         string // the key of its position: an address without password
	Host, Port   string
	Security     string // IMAPTLS, IMAPStartTLS or IMAPPlain
	User         string
	Password     string
	PasswordFile string // in place of Password; read at each login
	Mailbox      string
	ListID       string // overrides the list headers; empty: none
	Seen         bool   // marks mails as seen when they are stored
	MoveTo       string // moves mails to this mailbox when they are stored; empty: they stay
	MailSize     int    // bytes; of a larger mail only the beginning is kept, as broken
	Every        time.Duration
}

// IMAP is a mailbox that is followed.
type IMAP struct{ opt IMAPOptions }

// OpenIMAP names a mailbox; the server is not contacted.
func OpenIMAP(opt IMAPOptions) *IMAP { return &IMAP{opt} }

// Name implements Followed.
func (m *IMAP) Name() string { return m.opt.Name }

// Kind implements Followed.
func (m *IMAP) Kind() string { return "imap" }

func (m *IMAP) every() time.Duration { return m.opt.Every }

const (
	imapStep  = 2 * time.Minute  // for the answer to one command
	imapFetch = 15 * time.Minute // for the mails of one batch
)

// round connects and takes in what is there and what comes, until the connection breaks or ctx ends. Meanwhile no other process reads the mailbox.
func (m *IMAP) round(ctx context.Context, in *Intake, log *slog.Logger) error {
	unlock, err := in.lockSource(ctx, m, 0)
	if err != nil {
		return err
	}
	defer unlock()
	box, err := m.connect(ctx)
	if err != nil {
		return err
	}
	defer box.client.Close()
	defer context.AfterFunc(ctx, func() { box.client.Close() })()
	if err := box.enter(); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := box.takeNew(ctx, in, log); err != nil {
			return err
		}
		if err := in.readToEnd(ctx, m); err != nil {
			return err
		}
		if err := box.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// imapBox is a mailbox over one connection.
type imapBox struct {
	*IMAP
	client   *imapclient.Client
	news     chan bool // the server told of a change
	validity uint32
	idle     bool
}

// connect opens the connection, encrypted as it must be.
func (m *IMAP) connect(ctx context.Context) (*imapBox, error) {
	box := &imapBox{IMAP: m, news: make(chan bool, 1)}
	options := &imapclient.Options{TLSConfig: &tls.Config{ServerName: m.opt.Host, MinVersion: tls.VersionTLS12},
		UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil {
				select {
				case box.news <- true:
				default:
				}
			}
		}}}
	dialing, cancel := context.WithTimeout(ctx, imapStep)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(dialing, "tcp", net.JoinHostPort(m.opt.Host, m.opt.Port))
	if err != nil {
		return nil, m.failed("connect", err)
	}
	conn.SetDeadline(time.Now().Add(imapStep)) // until it is encrypted
	switch m.opt.Security {
	case IMAPPlain:
		box.client = imapclient.New(conn, options)
	case IMAPStartTLS:
		if box.client, err = imapclient.NewStartTLS(conn, options); err != nil {
			conn.Close()
			return nil, m.failed("STARTTLS", err)
		}
	default:
		secure := tls.Client(conn, options.TLSConfig)
		if err := secure.HandshakeContext(dialing); err != nil {
			conn.Close()
			return nil, m.failed("TLS", err)
		}
		box.client = imapclient.New(secure, options)
	}
	conn.SetDeadline(time.Time{})
	return box, nil
}

func (m *IMAP) failed(what string, err error) error {
	return fault.Wrap(fault.Unavailable, err, "imap: %s", what)
}

// within gives up the connection if f takes longer: the library waits for ever.
func (b *imapBox) within(limit time.Duration, what string, f func() error) error {
	t := time.AfterFunc(limit, func() { b.client.Close() })
	err := f()
	if late := !t.Stop(); late && err != nil {
		return b.failed(what, fmt.Errorf("no answer within %s", limit))
	}
	if err != nil {
		return b.failed(what, err)
	}
	return nil
}

// enter logs in and opens the mailbox; it is opened for reading only if nothing is to be changed in it.
func (b *imapBox) enter() error {
	password := b.opt.Password
	if b.opt.PasswordFile != "" {
		text, err := os.ReadFile(b.opt.PasswordFile)
		if err != nil {
			return b.failed("read the password", err)
		}
		password, _, _ = strings.Cut(string(text), "\n")
	}
	err := b.within(imapStep, "log in as "+b.opt.User, func() error { return b.client.Login(b.opt.User, password).Wait() })
	if err != nil {
		return err
	}
	return b.within(imapStep, "open "+b.opt.Mailbox, func() error {
		b.idle = b.client.Caps().Has(imap.CapIdle)
		data, err := b.client.Select(b.opt.Mailbox, &imap.SelectOptions{ReadOnly: !b.opt.Seen && b.opt.MoveTo == ""}).Wait()
		if err == nil {
			b.validity = data.UIDValidity
		}
		return err
	})
}

// wait returns when the server tells of mail, or when it is time to look anyway, which also shows whether the connection still lives.
func (b *imapBox) wait(ctx context.Context) error {
	if !b.idle {
		b.rest(ctx)
		if ctx.Err() != nil {
			return nil
		}
		return b.within(imapStep, "look for mail", func() error { return b.client.Noop().Wait() })
	}
	var idle *imapclient.IdleCommand
	err := b.within(imapStep, "IDLE", func() (err error) {
		idle, err = b.client.Idle()
		return err
	})
	if err != nil {
		return err
	}
	b.rest(ctx)
	return b.within(imapStep, "end IDLE", func() error { return errors.Join(idle.Close(), idle.Wait()) })
}

// rest waits for news, the next look, the end of the connection or of ctx.
func (b *imapBox) rest(ctx context.Context) {
	t := time.NewTimer(b.opt.Every)
	defer t.Stop()
	select {
	case <-t.C:
	case <-b.news:
	case <-b.client.Closed():
	case <-ctx.Done():
	}
}
