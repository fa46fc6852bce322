// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"os"
	"sync"
	"time"

	"patchwork.example/pw/internal/ingress"
)

// When the server stops, mails under way may take ingressGrace to come and be answered; storeGrace is for what is being stored then, of which nobody waits for the
// answer: only a database that hangs takes so long.
const (
	ingressGrace = 30 * time.Second
	storeGrace   = 10 * time.Second
)

// Ingress is the SMTP or LMTP server, listening, and what is followed beside it.
type Ingress struct {
	app      *App
	server   func(*ingress.Collector) *ingress.Server
	listener net.Listener
	sources  []ingress.Followed
}

// OpenIngress opens ingress.listen. From here on senders can connect; they are answered when Serve runs.
func (a *App) OpenIngress() (*Ingress, error) {
	opt, err := a.serverOptions()
	if err != nil {
		return nil, err
	}
	sources, err := a.Sources()
	if err != nil {
		return nil, err
	}
	l, err := ingress.Listen(a.Config.Ingress.Listen)
	if err != nil {
		return nil, err
	}
	server := func(c *ingress.Collector) *ingress.Server { return ingress.NewServer(opt, c, a.Log) }
	return &Ingress{app: a, server: server, listener: l, sources: sources}, nil
}

func (a *App) serverOptions() (ingress.ServerOptions, error) {
	in, limits := a.Config.Ingress, a.Config.Limits
	var secure *tls.Config
	if in.TLSCert != "" {
		var err error
		if secure, err = ingress.TLSFiles(in.TLSCert, in.TLSKey); err != nil {
			return ingress.ServerOptions{}, err
		}
	}
	hostname, _ := os.Hostname() // only for the greeting
	return ingress.ServerOptions{
		Hostname:           cmp.Or(hostname, "localhost"),
		LMTP:               ingress.IsSocket(in.Listen),
		TLS:                secure,
		AllowedNetworks:    in.AllowedNetworks,
		Recipients:         in.Recipients,
		RefuseUnknownLists: in.UnknownList == "reject",
		MaxConnections:     in.MaxConnections,
		MaxPerAddress:      in.MaxConnectionsPerAddress,
		MaxRecipients:      limits.Recipients,
		MailSize:           limits.MailSize,
		MailMemory:         limits.MailMemory,
		Spool:              a.Spool(),
		LineLength:         int(limits.LineLength),
		Timeout:            in.Timeout,
		Grace:              ingressGrace,
	}, nil
}

// Addr is where it listens, with the port that was found for port 0.
func (i *Ingress) Addr() net.Addr { return i.listener.Addr() }

// Serve takes mail, and fetches it from the sources, until ctx is done; then it answers the mails under way, stores what waits and closes the listener.
func (i *Ingress) Serve(ctx context.Context) error {
	following, stop := context.WithCancel(ctx)
	var followed sync.WaitGroup
	followed.Go(func() { i.app.Follow(following, i.sources) })
	defer followed.Wait()
	defer stop()
	c := ingress.StartCollector(i.app.Intake(), i.app.Config.Limits.BatchWait)
	defer c.Stop(storeGrace)
	i.app.Log.Info("taking mail", "listen", i.Addr().String(), "protocol", protocolName(i.app.Config.Ingress.Listen))
	err := i.server(c).Serve(ctx, i.listener)
	i.app.Log.Info("taking no more mail", "listen", i.Addr().String())
	return err
}

// mailByHTTP takes what is posted to /ingress/. All handlers of a process share one collector.
func (a *App) mailByHTTP() *ingress.HTTP {
	limits := a.Config.Limits
	a.collecting.Do(func() { a.collector = ingress.StartCollector(a.Intake(), limits.BatchWait) })
	opt := ingress.HTTPOptions{MailSize: limits.MailSize, MailMemory: limits.MailMemory, Spool: a.Spool(), MailgunKey: a.Config.Ingress.MailgunKey}
	return ingress.NewHTTP(opt, a.DB, a.Clock, a.collector, a.Log)
}

// Spool is where large mails wait; all of a process share it.
func (a *App) Spool() *ingress.Spool {
	a.spooling.Do(func() { a.spool = ingress.NewSpool(a.Config.Ingress.SpoolDir, a.Config.Limits.MailSpool) })
	return a.spool
}

func protocolName(listen string) string {
	if ingress.IsSocket(listen) {
		return "lmtp"
	}
	return "smtp"
}
