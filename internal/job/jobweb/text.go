// SPDX-License-Identifier: GPL-2.0-or-later

package jobweb

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/job"
)

// stamp is a time as the pages show it, in UTC; that of 1970 is none.
func stamp(t clock.Time) string {
	if t == 0 {
		return "never"
	}
	return t.Time().Format("2006-01-02 15:04:05")
}

// ago is a span in the largest unit that fits.
func ago(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < time.Minute:
		return d.Truncate(time.Second).String()
	case d < time.Hour:
		return strings.TrimSuffix(d.Truncate(time.Minute).String(), "0s")
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Truncate(time.Hour).String(), "0m0s")
	}
	return strings.TrimSuffix((d/24).Truncate(time.Hour).String(), "h0m0s") + " days"
}

// title begins with a capital letter.
func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// stateClass marks what needs attention.
func stateClass(state string) string {
	switch state {
	case job.Dead:
		return "s3"
	case job.Running, job.Done:
		return "s1"
	}
	return ""
}

// attempts is how often a job was tried, and of how many times if that is what ends it.
func attempts(j job.Job, of string) string {
	if j.TriedFor > 0 {
		return strconv.Itoa(j.Attempts)
	}
	return strconv.Itoa(j.Attempts) + of + strconv.Itoa(j.MaxAttempts)
}

// triedFor says behind the number of attempts for how long it is tried, if that is what ends it.
func triedFor(j job.Job) string {
	if j.TriedFor == 0 {
		return ""
	}
	return ", tried for " + j.TriedFor.String()
}

func retryable(state string) bool {
	return slices.Contains([]string{job.Dead, job.Cancelled, job.Waiting}, state)
}

func cancellable(state string) bool {
	return slices.Contains([]string{job.Waiting, job.Blocked, job.Queued}, state)
}

// firstLine is as much of an error as fits a list.
func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return fold.Cut(line, 200)
}

// indented is JSON as people read it.
func indented(payload string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(payload), "", "  ") != nil {
		return payload
	}
	return b.String()
}
