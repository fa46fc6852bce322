// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/recent"
)

// mostClients is how many clients a process counts the requests of: about 10 MB. The one that has asked nothing for the longest is forgotten first.
const mostClients = 65536

// bucket is what a client has left. One that was never seen is full.
type bucket struct {
	spent float64 // requests, at the time at
	at    clock.Time
}

// limiter lets each client ask so many times a minute: all at once, or one after the other.
type limiter struct {
	perMinute float64
	clients   *recent.Memory[string, bucket]
}

func newLimiter(perMinute int) *limiter {
	return &limiter{perMinute: float64(perMinute), clients: recent.New[string, bucket](mostClients)}
}

// take counts a request of a client. A request that is refused counts nothing.
func (l *limiter) take(client string, now clock.Time) (left int, full, wait time.Duration, ok bool) {
	b := l.clients.Change(client, func(b bucket) bucket {
		spent := max(0, b.spent-max(0, now.Sub(b.at).Minutes())*l.perMinute)
		if ok = spent+1 <= l.perMinute; ok {
			spent++
		}
		return bucket{spent, now}
	})
	until := func(spent float64) time.Duration {
		return time.Duration(math.Ceil(max(0, spent) / l.perMinute * float64(time.Minute)))
	}
	return int(l.perMinute - b.spent), until(b.spent), until(b.spent + 1 - l.perMinute), ok
}

// limit counts the request for who asks, or for the network he asks from, and says in headers how many he has left. One too many is 429.
func (c *Call) limit() error {
	l := c.shell.limiter
	if l == nil {
		return nil
	}
	client := networkOf(c.R.RemoteAddr)
	if c.User.ID != 0 {
		client = "user " + strconv.FormatInt(c.User.ID, 10)
	}
	left, full, wait, ok := l.take(client, c.Now)
	seconds := func(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }
	h := c.W.Header()
	h.Set("RateLimit-Limit", strconv.Itoa(int(l.perMinute)))
	h.Set("RateLimit-Remaining", strconv.Itoa(left))
	h.Set("RateLimit-Reset", seconds(full))
	if ok {
		return nil
	}
	h.Set("Retry-After", seconds(wait))
	return &said{http.StatusTooManyRequests, fmt.Sprintf("Too many requests: %.0f a minute are allowed. Try again in %s seconds.", l.perMinute, seconds(wait))}
}

// networkOf is the IPv4 address of a visitor, or the /64 network of his IPv6 address, which is what one customer gets.
func networkOf(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	a := at.Addr().Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64)
		return p.String()
	}
	return a.String()
}
