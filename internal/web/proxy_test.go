// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestBehindProxies(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, tc := range []struct {
		name, from, forwarded, proto string
		wantFrom, wantProto          string
	}{
		{"direct", "192.0.2.7:1234", "", "", "192.0.2.7:1234", ""},
		{"a stranger's headers do not count", "192.0.2.7:1234", "203.0.113.1", "https", "192.0.2.7:1234", ""},
		{"one proxy", "127.0.0.1:1234", "203.0.113.1", "https", "203.0.113.1:0", "https"},
		{"two proxies", "127.0.0.1:1234", "203.0.113.1, 10.1.1.1", "https", "203.0.113.1:0", "https"},
		{"what the visitor wrote himself stands before", "127.0.0.1:1234", "198.51.100.1, 203.0.113.1", "http", "203.0.113.1:0", "http"},
		{"no address", "127.0.0.1:1234", "203.0.113.1, unknown", "https", "127.0.0.1:1234", "https"},
		{"IPv6", "[::1]:1234", "2001:db8::1", "https", "[2001:db8::1]:0", "https"},
		{"no header", "10.0.0.1:9", "", "https", "10.0.0.1:9", "https"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tc.from
			if tc.forwarded != "" {
				r.Header.Set("X-Forwarded-For", tc.forwarded)
			}
			if tc.proto != "" {
				r.Header.Set("X-Forwarded-Proto", tc.proto)
			}
			BehindProxies(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.RemoteAddr != tc.wantFrom || r.Header.Get("X-Forwarded-Proto") != tc.wantProto {
					t.Errorf("from %q by %q, want %q by %q", r.RemoteAddr, r.Header.Get("X-Forwarded-Proto"), tc.wantFrom, tc.wantProto)
				}
			})).ServeHTTP(httptest.NewRecorder(), r)
		})
	}
}
