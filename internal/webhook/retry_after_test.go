// SPDX-License-Identifier: GPL-2.0-or-later

package webhook

import (
	"net/http"
	"testing"
	"time"
)

// TestRetryAfter: noon is 12:00:00 on Sunday, 1 March 2026, GMT.
func TestRetryAfter(t *testing.T) {
	s := NewSender(local, nil, "x")
	for _, test := range []struct {
		status int
		value  string
		want   time.Duration
	}{
		{503, "120", 2 * time.Minute},
		{429, "120", 2 * time.Minute},
		{503, "3601", time.Hour},
		{503, "0", 0},
		{503, "-5", 0},
		{503, "", 0},
		{503, "soon", 0},
		{503, "1.5", 0},
		{503, "Sun, 01 Mar 2026 12:02:00 GMT", 2 * time.Minute},
		{429, "Sun, 01 Mar 2026 12:02:00 GMT", 2 * time.Minute},
		{503, "Sunday, 01-Mar-26 12:02:00 GMT", 2 * time.Minute}, // RFC 850
		{503, "Sun Mar  1 12:02:00 2026", 2 * time.Minute},       // asctime
		{503, "Sun, 01 Mar 2026 13:00:00 GMT", time.Hour},
		{503, "Sun, 01 Mar 2026 13:00:01 GMT", time.Hour},
		{503, "Fri, 31 Dec 9999 23:59:59 GMT", time.Hour},
		{503, "Sun, 01 Mar 2026 12:00:00 GMT", 0},
		{503, "Sun, 01 Mar 2026 11:59:59 GMT", 0},
		{503, "Mon, 01 Jan 0001 00:00:00 GMT", 0},
		{503, "Sun, 01 Mar 2026 12:02:00 +0100", 0}, // no HTTP date
		{500, "120", 0},
		{500, "Sun, 01 Mar 2026 12:02:00 GMT", 0},
		{301, "Sun, 01 Mar 2026 12:02:00 GMT", 0},
		{200, "Sun, 01 Mar 2026 12:02:00 GMT", 0},
	} {
		r := newReceiver(t, func(w http.ResponseWriter, _ int) {
			w.Header().Set("Retry-After", test.value)
			w.WriteHeader(test.status)
		})
		a := s.send(t.Context(), noon, message{url: r.URL})
		if a.Status != test.status || a.retry != test.want {
			t.Errorf("%d, Retry-After %q: %s, want %s (answered %d)", test.status, test.value, a.retry, test.want, a.Status)
		}
		if a.Number = 1; test.want >= time.Minute && pause(a) != test.want || test.want == 0 && pause(a) > 15*time.Second {
			t.Errorf("%d, Retry-After %q: the pause is %s", test.status, test.value, pause(a))
		}
	}
}
