// SPDX-License-Identifier: GPL-2.0-or-later

package egress_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/egress"
	"patchwork.example/pw/internal/base/fault"
)

func TestCheck(t *testing.T) {
	for list, want := range map[string]bool{
		"8.8.8.8 1.1.1.1 172.32.0.1 100.128.0.1 192.169.0.1 2606:4700::1111 2a01:4f8::1 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1": true,
		"127.0.0.1 127.9.9.9 10.1.2.3 172.16.0.1 172.31.255.255 192.168.0.1 169.254.169.254 100.64.0.1 100.127.255.255 0.0.0.0 0.1.2.3":  false,
		"224.0.0.1 239.1.1.1 255.255.255.255 240.0.0.1 192.0.0.8 192.0.2.1 198.18.0.1 198.19.9.9 198.51.100.7 203.0.113.9":               false,
		":: ::1 fe80::1 fe80::1%eth0 fc00::1 fd12::1 ff02::1 ff05::2 2001:db8::1 2001:0:1::1 fec0::1 100::1 5f00::1 64:ff9b:1::1":        false,
		"::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 2002:7f00:1::1 2002:a00:1:: 2002:c0a8:101::1":       false,
	} {
		for a := range strings.FieldsSeq(list) {
			err := egress.Guard{}.Check(netip.MustParseAddr(a))
			if (err == nil) != want || err != nil && !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v, want allowed %v", a, err, want)
			}
		}
	}
	g := egress.Guard{Allowed: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}}
	for a, want := range map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "fd00::9": true, "10.2.0.1": false, "127.0.0.1": false, "fc00::1": false} {
		if err := g.Check(netip.MustParseAddr(a)); (err == nil) != want {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// TestDialer: the name of this machine is refused when it is connected to, whatever it is called, and nothing arrives.
func TestDialer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "::ffff:127.0.0.1", "0.0.0.0"} {
		c, err := egress.Guard{}.Dialer(time.Second).DialContext(context.Background(), "tcp", net.JoinHostPort(host, port))
		if !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v, %v", host, c, err)
		}
	}
	open := egress.Guard{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	c, err := open.Dialer(time.Second).DialContext(context.Background(), "tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
