// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"net/url"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/patch"
)

func TestTimeOf(t *testing.T) {
	now := clock.FromTime(time.Date(2026, 3, 31, 12, 34, 56, 0, time.UTC))
	for in, want := range map[string]string{
		"2026-01-02": "2026-01-02T00:00:00Z 2026-01-02", " 36H ": "2026-03-30T00:34:00Z 36h", "2w": "2026-03-17T12:34:00Z 2w", "1d": "2026-03-30T12:34:00Z 1d", "3m": "2025-12-31T12:34:00Z 3m",
		"3mo": "2025-12-31T12:34:00Z 3mo", "1y": "2025-03-31T12:34:00Z 1y", "9999y": "1970-01-01T00:00:00Z 9999y",
		"": "", "w": "", "0d": "", "-1d": "", "10000d": "", "5": "", "5x": "", "1969-12-31": "", "9001-01-01": "", "2026-13-01": "", "1.5d": "", "5 d": "",
	} {
		at, text := timeOf(now, in)
		got := ""
		if at != nil {
			got = at.Time().UTC().Format(time.RFC3339) + " " + text
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"2w": "2 weeks ago", "1d": "1 day ago", "2026-01-02": "2026-01-02", "3mo": "3 months ago"} {
		if got := spanText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Far from the beginning the links to the pages beside lead to a place; elsewhere, and in orders without places, to a number.
func TestBeside(t *testing.T) {
	rows := []*patch.Row{{ID: 7, Date: 70}, {ID: 5, Date: 50}}
	for _, test := range []struct {
		page, perPage  int
		keyset         string
		previous, next string
	}{
		{1, 100, patch.OrderDate, "", ""},
		{9, 100, patch.OrderDate, "", ""},
		{10, 100, patch.OrderDate, "", "/list/?after=50.5&page=11&q=x"},
		{11, 100, patch.OrderDate, "/list/?page=10&q=x&upto=70.7", "/list/?after=50.5&page=12&q=x"},
		{11, 100, patch.OrderName, "", ""},
		{11, 100, "", "", ""},
	} {
		l := listPage{address: address{path: "/list/", query: url.Values{"q": {"x"}, "page": {"3"}, "after": {"9.9"}}}, view: listLook{perPage: test.perPage}, keyset: test.keyset}
		l.page.Page, l.page.Rows = test.page, rows
		if previous, next := l.beside(); previous != test.previous || next != test.next {
			t.Errorf("%+v: %q, %q", test, previous, next)
		}
	}
}
