// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// gate is a listener that lets in who may come and keeps count of them.
type gate struct {
	net.Listener
	opt *ServerOptions
	log *slog.Logger

	mu       sync.Mutex
	conns    map[*conn]bool
	from     map[netip.Prefix]int
	draining bool
}

func newGate(l net.Listener, opt *ServerOptions, log *slog.Logger) *gate {
	return &gate{Listener: l, opt: opt, log: log, conns: map[*conn]bool{}, from: map[netip.Prefix]int{}}
}

// Accept implements net.Listener; it answers those who may not come and returns those who may.
func (g *gate) Accept() (net.Conn, error) {
	for {
		raw, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c, refusal := g.admit(raw)
		if c != nil {
			return c, nil
		}
		g.log.Warn("connection refused", "peer", raw.RemoteAddr().String(), "answer", refusal)
		raw.SetWriteDeadline(time.Now().Add(time.Second)) // a fresh socket has room for a line
		raw.Write([]byte(refusal + "\r\n"))
		raw.Close()
	}
}

func (g *gate) admit(raw net.Conn) (c *conn, refusal string) {
	peer := network(raw.RemoteAddr())
	if peer.IsValid() && !g.allowed(peer.Addr()) {
		return nil, "554 5.7.1 " + peer.Addr().String() + " may not send mail here"
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.draining:
		return nil, "421 4.3.2 the service is stopping, try again later"
	case len(g.conns) >= g.opt.MaxConnections:
		return nil, "421 4.3.2 too many connections, try again later"
	case peer.IsValid() && g.from[peer] >= g.opt.MaxPerAddress:
		return nil, "421 4.7.0 too many connections from your address, try again later"
	}
	c = &conn{Conn: raw, gate: g, peer: peer, since: time.Now()}
	g.conns[c] = true
	g.from[peer]++
	return c, ""
}

func (g *gate) allowed(peer netip.Addr) bool {
	for _, p := range g.opt.AllowedNetworks {
		if p.Contains(peer) {
			return true
		}
	}
	return len(g.opt.AllowedNetworks) == 0
}

// network is what the limit per address counts by: an IPv4 address or the /64 an IPv6 host has for itself. A unix socket has none.
func network(a net.Addr) netip.Prefix {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is4() {
		return netip.PrefixFrom(ip, 32)
	}
	return netip.PrefixFrom(ip, 64)
}

func (g *gate) leave(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.conns[c] {
		return
	}
	delete(g.conns, c)
	if g.from[c.peer]--; g.from[c.peer] == 0 {
		delete(g.from, c.peer)
	}
}

// drain says goodbye to all who are not in the middle of a mail, and to the others after it.
func (g *gate) drain() {
	g.mu.Lock()
	g.draining = true
	conns := g.all()
	g.mu.Unlock()
	for _, c := range conns {
		c.hangUp("421 4.3.2 the service is stopping, try again later", true)
	}
}

// cut ends all connections at once and tells how many there were.
func (g *gate) cut() int {
	g.mu.Lock()
	conns := g.all()
	g.mu.Unlock()
	for _, c := range conns {
		c.Conn.Close()
	}
	return len(conns)
}

func (g *gate) all() []*conn {
	out := make([]*conn, 0, len(g.conns))
	for c := range g.conns {
		out = append(out, c)
	}
	return out
}
