// SPDX-License-Identifier: GPL-2.0-or-later

package egress

import (
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"patchwork.example/pw/internal/base/fault"
)

// Guard refuses addresses of private networks, but for those in Allowed.
type Guard struct{ Allowed []netip.Prefix }

// special are networks that are no part of the public internet and that netip has no name for (IANA special-purpose address registries).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // shared by carriers, RFC 6598
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"),          // IPv4-compatible
	netip.MustParsePrefix("64:ff9b:1::/48"), // NAT64 of a local network
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/32"), // Teredo, which holds an IPv4 address scrambled
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("5f00::/16"),
	netip.MustParsePrefix("fec0::/10"), // site-local, of old
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
)

// Check is fault.Denied for an address that must not be connected to.
func (g Guard) Check(a netip.Addr) error {
	a = a.WithZone("").Unmap()
	if slices.ContainsFunc(g.Allowed, func(p netip.Prefix) bool { return p.Contains(a) }) || public(a) {
		return nil
	}
	return fault.New(fault.Denied, "%s is an address of a private network; an administrator can allow it in webhook.allowed-networks", a)
}

func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return false
	}
	b := a.As16()
	switch {
	case nat64.Contains(a):
		return public(netip.AddrFrom4([4]byte(b[12:])))
	case sixToFour.Contains(a):
		return public(netip.AddrFrom4([4]byte(b[2:6])))
	}
	return true
}

// Dialer connects within timeout, and only to addresses that Check allows.
func (g Guard) Dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second, Control: func(network, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fault.Wrap(fault.Denied, err, "%s %s is no address of the internet", network, address)
		}
		return g.Check(at.Addr())
	}}
}
