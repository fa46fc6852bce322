// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
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
		{1, 100, patch.OrderDate, "", "/list/?after=50.5&page=2&q=x"},
		{2, 100, patch.OrderDate, "", "/list/?after=50.5&page=3&q=x"},
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

// Behind what was counted of a list pages have no numbers: links lead to places, and the title and what can be done with all say no number.
func TestBesideUncounted(t *testing.T) {
	rows := []*patch.Row{{ID: 7, Date: 70}, {ID: 5, Date: 50}}
	for _, test := range []struct {
		page           int
		previous, next string
	}{
		{1, "", "/list/?after=50.5&page=2"},
		{3, "/list/?page=2&upto=70.7", "/list/?after=50.5&page=4"},
		{4, "/list/?page=3&upto=70.7", "/list/?after=50.5&page=5"},
	} {
		l := listPage{address: address{path: "/list/", query: url.Values{}}, view: listLook{perPage: 2}, keyset: patch.OrderDate}
		l.page = patch.Page{Page: test.page, Pages: 2, Total: 1004, More: true, Rows: rows}
		if previous, next := l.beside(); previous != test.previous || next != test.next {
			t.Errorf("page %d: %q, %q", test.page, previous, next)
		}
		if p := l.pager(); !p.Open || l.total() != "at least 1,004 patches" {
			t.Errorf("%+v, %s", p, l.total())
		}
		if l.page.Last = true; l.pager().Open {
			t.Error("the last page is not")
		}
	}
	for _, test := range []struct {
		bar  bulkBar
		want string
	}{
		{bulkBar{rows: 100, matching: 100, many: "patches"}, "false"}, {bulkBar{rows: 100, matching: 1004, many: "patches"}, "true 1,004"}, {bulkBar{rows: 100, matching: 50001, many: "patches"}, "false"},
		{bulkBar{rows: 100, matching: 100, more: true, many: "patches"}, "true"}, {bulkBar{rows: 100, matching: 50000, more: true, many: "patches"}, "false"},
	} {
		got := fmt.Sprint(test.bar.offersAll())
		if test.bar.offersAll() {
			got += test.bar.offered()
		}
		if got != test.want {
			t.Errorf("%+v: %s, want %s", test.bar, got, test.want)
		}
	}
}
