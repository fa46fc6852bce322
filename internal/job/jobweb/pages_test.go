// SPDX-License-Identifier: GPL-2.0-or-later

package jobweb

import (
	"testing"
	"time"

	"patchwork.example/pw/internal/job"
)

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "0 s", 4500 * time.Millisecond: "4s", 10*time.Minute + 9*time.Second: "10m", 90 * time.Minute: "1h", 50 * time.Hour: "2 days"} {
		if got := ago(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestAttempts(t *testing.T) {
	for want, j := range map[string]job.Job{"2 of 10": {Attempts: 2, MaxAttempts: 10}, "999999 of 999999": {Attempts: 999999, MaxAttempts: 999999}, "7": {Attempts: 7, MaxAttempts: 1000000, TriedFor: 1}} {
		if got := attempts(j, " of "); got != want {
			t.Errorf("%+v: %s, want %s", j, got, want)
		}
	}
}

func TestAddress(t *testing.T) {
	for want, q := range map[string]job.Query{
		"/admin/jobs/": {},
		"/admin/jobs/?before=7&kind=a+b&state=dead&target=x%26y": {Before: 7, Kind: "a b", State: "dead", Target: "x&y"},
	} {
		if got := address(q); got != want {
			t.Errorf("%+v: %s, want %s", q, got, want)
		}
	}
}

func TestIndented(t *testing.T) {
	for in, want := range map[string]string{`{"a":[1]}`: "{\n  \"a\": [\n    1\n  ]\n}", "no json": "no json"} {
		if got := indented(in); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}
