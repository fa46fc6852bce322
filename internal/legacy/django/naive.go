// SPDX-License-Identifier: GPL-2.0-or-later

package django

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // the server may have no zones of its own

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
)

// naive is a date without a zone, as Patchwork stores them all (USE_TZ is off): that of a mail is in UTC, all others are what the clock on the wall
// showed in the site's TIME_ZONE.
type naive struct{ wall time.Time }

// dateLayouts are how SQLite holds dates; fractions of a second are read by each.
var dateLayouts = []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"}

// Scan implements sql.Scanner. Of an instant the driver has read only what its clock shows counts.
func (n *naive) Scan(v any) error {
	switch v := v.(type) {
	case time.Time:
		n.wall = time.Date(v.Year(), v.Month(), v.Day(), v.Hour(), v.Minute(), v.Second(), v.Nanosecond(), time.UTC)
		return nil
	case []byte:
		return n.parse(string(v))
	case string:
		return n.parse(v)
	}
	return fmt.Errorf("a date is %T", v)
}

func (n *naive) parse(s string) error {
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			n.wall = t
			return nil
		}
	}
	return fmt.Errorf("%q is no date", s)
}

// mail is the date of a mail.
func (n naive) mail() clock.Time { return clock.FromTime(n.wall) }

// in is the instant at which the clocks of a zone show it; where clocks are set back or forward, one of the two that may be meant.
func (n naive) in(zone *time.Location) clock.Time {
	w := n.wall
	return clock.FromTime(time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), w.Nanosecond(), zone))
}

// loadZone finds a zone by its name; empty is UTC.
func loadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fault.New(fault.Invalid, "--time-zone %q: want the TIME_ZONE of the old site's settings, such as UTC or Australia/Canberra", name)
	}
	return zone, nil
}
