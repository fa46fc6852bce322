// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// BehindProxies makes requests that come through one of the trusted proxies look as if they came from their visitor: RemoteAddr is the last address in
// X-Forwarded-For that is no such proxy, and X-Forwarded-Proto says whether he used https. Anybody else's headers of that kind are dropped.
func BehindProxies(trusted []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isTrusted(trusted, hostOf(r.RemoteAddr)) {
			if visitor := lastForeign(trusted, r.Header.Values("X-Forwarded-For")); visitor != "" {
				r.RemoteAddr = net.JoinHostPort(visitor, "0")
			}
		} else {
			r.Header.Del("X-Forwarded-Proto")
		}
		r.Header.Del("X-Forwarded-For")
		next.ServeHTTP(w, r)
	})
}

// lastForeign reads the addresses from the last one, which the nearest proxy wrote, backwards; what is not an address ends it.
func lastForeign(trusted []netip.Prefix, values []string) string {
	for _, value := range slices.Backward(values) {
		for _, part := range slices.Backward(strings.Split(value, ",")) {
			host := strings.TrimSpace(part)
			if _, err := netip.ParseAddr(host); err != nil {
				return ""
			}
			if !isTrusted(trusted, host) {
				return host
			}
		}
	}
	return ""
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

func isTrusted(trusted []netip.Prefix, host string) bool {
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}
