// SPDX-License-Identifier: GPL-2.0-or-later

package irc

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ergochat/irc-go/ircevent"
	"github.com/ergochat/irc-go/ircmsg"

	"patchwork.example/pw/internal/base/egress"
)

const (
	connectTime = 15 * time.Second // to connect, log in and be welcome
	answerTime  = 20 * time.Second // for a server to take a line
	idleTime    = 3 * time.Minute  // after which a connection is closed
	burst       = 4                // lines that may be said at once
	perLine     = 2 * time.Second  // for each more
)

// Pool keeps the connections of a process, one per server and nick.
type Pool struct {
	guard egress.Guard
	tls   *tls.Config
	mu    sync.Mutex
	open  map[string]*conn
	turns map[string]chan struct{} // by connection; holds what says who may use it
}

// NewPool makes one that connects where guard allows. trust says which certificates are believed; nil: those the system does.
func NewPool(guard egress.Guard, trust *tls.Config) *Pool {
	return &Pool{guard: guard, tls: trust, open: map[string]*conn{}, turns: map[string]chan struct{}{}}
}

// conn is a connection to a server.
type conn struct {
	irc      *ircevent.Connection
	mu       sync.Mutex // of what follows; the callbacks run in the library's goroutines
	socket   net.Conn
	joined   map[string]bool
	refused  string      // what the server did not like since the last round trip
	pong     chan string // tokens that came back
	used     time.Time
	debt     time.Time // until which lines that were said already take their time
	finished chan struct{}
	once     sync.Once
}

// say joins the channel if need be, says a line, and returns when the server has taken it.
func (p *Pool) say(ctx context.Context, at place, password, text string) error {
	leave, err := p.enter(ctx, at.key(password))
	if err != nil {
		return err
	}
	defer leave()
	c, err := p.connection(at, password)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", at.address, err)
	}
	c.mu.Lock()
	c.used = time.Now()
	joined, now := c.joined[strings.ToLower(at.channel)], time.Now()
	c.debt = maxTime(c.debt, now).Add(perLine)
	wait := c.debt.Sub(now) - burst*perLine
	c.mu.Unlock()
	if wait > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
	if !joined {
		if err := c.roundTrip(ctx, func() error { return c.irc.Join(at.channel) }); err != nil {
			return fmt.Errorf("enter %s: %w", at.channel, err)
		}
		c.mu.Lock()
		c.joined[strings.ToLower(at.channel)] = true
		c.mu.Unlock()
	}
	if err := c.roundTrip(ctx, func() error { return c.irc.Privmsg(at.channel, text) }); err != nil {
		c.mu.Lock()
		delete(c.joined, strings.ToLower(at.channel)) // it may have been thrown out
		c.mu.Unlock()
		return fmt.Errorf("say it in %s: %w", at.channel, err)
	}
	return nil
}

// enter waits for the turn to use a connection: channels of one server share it.
func (p *Pool) enter(ctx context.Context, key string) (leave func(), err error) {
	p.mu.Lock()
	turn := p.turns[key]
	if turn == nil {
		turn = make(chan struct{}, 1)
		p.turns[key] = turn
	}
	p.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// connection gives the connection there is, or a new one, to who has its turn.
func (p *Pool) connection(at place, password string) (*conn, error) {
	p.mu.Lock()
	c := p.open[at.key(password)]
	p.mu.Unlock()
	if c != nil && c.irc.Connected() {
		return c, nil
	}
	if c != nil {
		c.close()
	}
	c, err := p.connect(at, password)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		delete(p.open, at.key(password))
		return nil, err
	}
	p.open[at.key(password)] = c
	return c, nil
}

// refusals are the answers to JOIN and PRIVMSG that say why not (RFC 2812, 5.2).
var refusals = []string{"401", "402", "403", "404", "405", "407", "411", "412", "435", "437", "442", "461", "471", "473", "474", "475", "476", "477", "489", "520"}

func (p *Pool) connect(at place, password string) (*conn, error) {
	c := &conn{joined: map[string]bool{}, pong: make(chan string, 16), used: time.Now(), finished: make(chan struct{})}
	dialer := p.guard.Dialer(connectTime)
	c.irc = &ircevent.Connection{
		Server: at.address, Nick: at.nick, User: at.nick, RealName: "Patchwork", UseTLS: at.tls, Timeout: connectTime, KeepAlive: time.Minute,
		QuitMessage: "bye", Version: "Patchwork", MaxLineLen: 512, AllowTruncation: true, Log: log.New(io.Discard, "", 0),
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			s, err := dialer.DialContext(ctx, network, address)
			c.socket = s
			return s, err
		},
	}
	if at.tls {
		c.irc.TLSConfig = &tls.Config{ServerName: at.host, MinVersion: tls.VersionTLS12}
		if p.tls != nil {
			c.irc.TLSConfig.RootCAs = p.tls.RootCAs
		}
	}
	if at.account != "" {
		c.irc.SASLLogin, c.irc.SASLPassword = at.account, password
	}
	for _, code := range refusals {
		c.irc.AddCallback(code, c.refuse)
	}
	c.irc.AddCallback("PONG", func(m ircmsg.Message) {
		if len(m.Params) > 0 {
			select {
			case c.pong <- m.Params[len(m.Params)-1]:
			default:
			}
		}
	})
	c.irc.AddCallback("KICK", c.kicked)
	c.irc.AddDisconnectCallback(func(ircmsg.Message) { c.once.Do(func() { close(c.finished) }) })
	if err := c.irc.Connect(); err != nil {
		if c.socket != nil {
			c.socket.Close()
		}
		return nil, err
	}
	return c, nil
}

func (c *conn) refuse(m ircmsg.Message) {
	text := m.Command
	if len(m.Params) > 1 {
		text += " " + strings.Join(m.Params[1:], " ")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused = clean(text)
}

// kicked forgets a channel that somebody was thrown out of: if it was somebody else, joining again does no harm.
func (c *conn) kicked(m ircmsg.Message) {
	if len(m.Params) > 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.joined, strings.ToLower(m.Params[0]))
	}
}

// roundTrip sends a command and a PING behind it. When the PONG is here the server has done the command, or has said why not.
func (c *conn) roundTrip(ctx context.Context, command func() error) error {
	c.mu.Lock()
	c.refused = ""
	c.mu.Unlock()
	token := "pw" + strconv.FormatInt(time.Now().UnixNano(), 36)
	if err := command(); err != nil {
		return err
	}
	if err := c.irc.Send("PING", token); err != nil {
		return err
	}
	timeout := time.NewTimer(answerTime)
	defer timeout.Stop()
	for {
		select {
		case got := <-c.pong:
			if got != token {
				continue
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.refused != "" {
				return fmt.Errorf("the server says %s", c.refused)
			}
			return nil
		case <-c.finished:
			return fmt.Errorf("the server has closed the connection")
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout.C:
			c.close()
			return fmt.Errorf("no answer within %d s", int(answerTime.Seconds()))
		}
	}
}

// close says good bye, waits a moment for the server to hang up, and hangs up.
func (c *conn) close() {
	if c.irc.Connected() {
		c.irc.Quit()
		select {
		case <-c.finished:
		case <-time.After(time.Second):
		}
	}
	if c.socket != nil {
		c.socket.Close()
	}
}

// CloseIdle closes the connections that have not been used for a while.
func (p *Pool) CloseIdle() { p.closeBefore(time.Now().Add(-idleTime)) }

// Close closes all connections.
func (p *Pool) Close() { p.closeBefore(time.Now().Add(time.Hour)) }

func (p *Pool) closeBefore(at time.Time) {
	p.mu.Lock()
	var old []*conn
	for key, c := range p.open {
		c.mu.Lock()
		if c.used.Before(at) {
			old = append(old, c)
			delete(p.open, key)
		}
		c.mu.Unlock()
	}
	p.mu.Unlock()
	for _, c := range old {
		c.close()
	}
}
