// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"patchwork.example/pw/internal/base/clock"
)

// spans are the units of "so long ago" in addresses: 36h, 10d, 2w, 3m, 1y.
var spans = map[string]struct {
	one, many          string
	years, months, day int
	hours              int
}{
	"h": {"hour", "hours", 0, 0, 0, 1}, "d": {"day", "days", 0, 0, 1, 0}, "w": {"week", "weeks", 0, 0, 7, 0}, "m": {"month", "months", 0, 1, 0, 0}, "mo": {"month", "months", 0, 1, 0, 0},
	"y": {"year", "years", 1, 0, 0, 0},
}

// maxSpan bounds the number before a unit.
const maxSpan = 9999

// span reads a number and its unit.
func span(s string) (n int, unit string, ok bool) {
	number := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.Atoi(number)
	_, known := spans[s[len(number):]]
	return n, s[len(number):], err == nil && known && n > 0 && n <= maxSpan
}

// timeOf reads a time as a filter has it: a day, which begins at midnight UTC, or how long it was ago, to the minute. It is nil, and its text empty, for anything else.
func timeOf(now clock.Time, s string) (*clock.Time, string) {
	s = strings.ToLower(strings.TrimSpace(s))
	t, err := time.Parse("2006-01-02", s)
	if n, unit, ok := span(s); ok {
		u := spans[unit]
		t, err = now.Time().UTC().Truncate(time.Minute).AddDate(-n*u.years, -n*u.months, -n*u.day).Add(-time.Duration(n*u.hours)*time.Hour), nil
		if t.Year() < 1970 {
			t = time.Unix(0, 0)
		}
	}
	if err != nil || t.Year() < 1970 || t.Year() > 9000 {
		return nil, ""
	}
	at := clock.FromTime(t)
	return &at, s
}

// spanText is a time of a filter in words: the day, or how long ago.
func spanText(s string) string {
	n, unit, ok := span(s)
	if !ok {
		return s
	}
	u := spans[unit]
	return fmt.Sprintf("%d %s ago", n, wordFor(n, u.one, u.many))
}
