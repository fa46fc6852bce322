// SPDX-License-Identifier: GPL-2.0-or-later

package egress_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
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

// TestRebinding: a name that led to a public address when somebody looked and leads to this machine when it is connected to is refused.
func TestRebinding(t *testing.T) {
	inside, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	go func() {
		for c, err := inside.Accept(); err == nil; c, err = inside.Accept() {
			t.Error("somebody got inside")
			c.Close()
		}
	}()
	answers := make(chan [4]byte, 10)
	dialer := egress.Guard{}.Dialer(5 * time.Second)
	dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go answerName(theirs, answers)
		return ours, nil
	}}
	answers <- [4]byte{93, 184, 216, 34}
	found, err := dialer.Resolver.LookupNetIP(t.Context(), "ip4", "rebind.example")
	if err != nil || len(found) != 1 || (egress.Guard{}).Check(found[0]) != nil {
		t.Fatal(found, err)
	}
	_, port, _ := net.SplitHostPort(inside.Addr().String())
	for _, private := range [][4]byte{{127, 0, 0, 1}, {0, 0, 0, 0}, {169, 254, 169, 254}} {
		answers <- private
		c, err := dialer.DialContext(t.Context(), "tcp4", net.JoinHostPort("rebind.example", port))
		if !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), netip.AddrFrom4(private).String()) {
			t.Errorf("%v: %v, %v", private, c, err)
		}
	}
}

// answerName is a name server for one question over a stream (RFC 1035, 4.2.2): the name has the next of the addresses.
func answerName(c net.Conn, answers <-chan [4]byte) {
	defer c.Close()
	length := make([]byte, 2)
	if _, err := io.ReadFull(c, length); err != nil {
		return
	}
	query := make([]byte, binary.BigEndian.Uint16(length))
	if _, err := io.ReadFull(c, query); err != nil {
		return
	}
	end := 12 + bytes.IndexByte(query[12:], 0) + 5 // header, name, type and class
	a := <-answers
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}, query[12:end]...)
	reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
	reply = append(reply, a[:]...)
	c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
}
