// SPDX-License-Identifier: GPL-2.0-or-later

package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/egress"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/format/fold"
)

const (
	connectTime = 5 * time.Second
	totalTime   = 10 * time.Second
	keptBody    = 64 << 10 // bytes of an answer
	keptHeader  = 16 << 10 // characters of the header of an answer

	longestRetry = time.Hour // that Retry-After is heeded for
)

// Sender posts to receivers. It connects only where its Guard allows, and follows no redirect.
type Sender struct {
	client *http.Client
	agent  string
}

// NewSender makes one. proxy is the address of an HTTP proxy, nil for none; it is asked for everything then, decides itself where it connects to, and
// may have any address. The proxies in the environment are not used.
func NewSender(guard egress.Guard, proxy *url.URL, agent string) *Sender {
	dialer := guard.Dialer(connectTime)
	t := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    connectTime,
		MaxResponseHeaderBytes: 256 << 10,
		DisableKeepAlives:      true, // an address is looked up and checked for each message
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
	if proxy != nil {
		dialer.Control = nil
		t.Proxy = http.ProxyURL(proxy)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Sender{agent: agent, client: &http.Client{Transport: t, Timeout: totalTime, CheckRedirect: stay}}
}

// message is what is sent.
type message struct {
	url, secret string
	delivery    int64
	kind        string
	body        []byte
}

// id is the same for all attempts at a delivery, so that a receiver knows what he has seen.
func (m message) id() string { return "pw-" + strconv.FormatInt(m.delivery, 10) }

// Attempt is one try to deliver, with all that was sent and answered.
type Attempt struct {
	Number   int
	At       clock.Time
	Took     time.Duration
	Request  string // header, a field per line; the body is the delivery's
	Status   int    // 0: there was no answer
	Response string // header, a field per line
	Body     []byte // the first 64 KiB
	Cut      bool   // Body is not all of it
	Error    string // why it counts as failed; empty: it was delivered
	retry    time.Duration
}

// Delivered tells whether the receiver has taken it: only a status from 200 to 299 says so.
func (a Attempt) Delivered() bool { return a.Error == "" }

func (s *Sender) send(ctx context.Context, now clock.Time, m message) Attempt {
	a := Attempt{At: now}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, bytes.NewReader(m.body))
	if err != nil {
		a.Error = fold.Cut(err.Error(), maxReason)
		return a
	}
	s.sign(r.Header, now, m)
	a.Request = fields(r.Header)
	began := time.Now()
	a.answer(s.client.Do(r))
	a.Took = time.Since(began)
	return a
}

func (s *Sender) sign(h http.Header, now clock.Time, m message) {
	unix := now.Time().Unix()
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", s.agent)
	h.Set("X-Patchwork-Event", m.kind)
	h.Set("X-Patchwork-Delivery", strconv.FormatInt(m.delivery, 10))
	h.Set("Webhook-Id", m.id())
	h.Set("Webhook-Timestamp", strconv.FormatInt(unix, 10))
	if m.secret != "" {
		h.Set("X-Patchwork-Signature", signPatchwork(m.secret, m.body))
		h.Set("Webhook-Signature", signStandard(m.secret, m.id(), unix, m.body))
	}
}

// answer notes what came back.
func (a *Attempt) answer(res *http.Response, err error) {
	if err != nil {
		a.Error = fold.Cut(reason(err), maxReason)
		return
	}
	defer res.Body.Close()
	a.Status, a.Response = res.StatusCode, fold.Cut(fields(res.Header), keptHeader)
	body, err := io.ReadAll(io.LimitReader(res.Body, keptBody+1))
	a.Cut = len(body) > keptBody || err != nil
	a.Body = body[:min(len(body), keptBody)]
	switch {
	case a.Status >= 200 && a.Status < 300:
	case a.Status >= 300 && a.Status < 400:
		a.Error = fold.Cut(fmt.Sprintf("answered %d: redirects are not followed; the new address is %q", a.Status, res.Header.Get("Location")), maxReason)
	default:
		a.Error = fmt.Sprintf("answered %d %s", a.Status, http.StatusText(a.Status))
		if a.Status == 429 || a.Status == 503 {
			a.retry = retryAfter(res.Header.Get("Retry-After"), a.At)
		}
	}
}

// retryAfter is the pause that a receiver asks for, in seconds or as an HTTP date (RFC 9110, 10.2.3), an hour at most; 0 for none, one that is over, and what
// can't be read.
func retryAfter(value string, now clock.Time) time.Duration {
	if n, err := strconv.Atoi(value); err == nil {
		return time.Duration(max(0, min(n, int(longestRetry.Seconds())))) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, min(date.Sub(now.Time()), longestRetry))
}

// reason says what was wrong without the address, which stands beside it.
func reason(err error) string {
	var refused *url.Error
	if !errors.As(err, &refused) {
		return err.Error()
	}
	if refused.Timeout() {
		return fmt.Sprintf("no answer within %d s, %d s of them to connect", int(totalTime.Seconds()), int(connectTime.Seconds()))
	}
	if text := fault.UserText(refused.Err); text != "" {
		return text
	}
	return refused.Err.Error()
}

// fields writes a header, a field per line, sorted.
func fields(h http.Header) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			b.WriteString(name + ": " + strings.ToValidUTF8(strings.ReplaceAll(value, "\x00", "\uFFFD"), "\uFFFD") + "\n")
		}
	}
	return b.String()
}
