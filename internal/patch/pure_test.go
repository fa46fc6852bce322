// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDelegateFor(t *testing.T) {
	rules := []Rule{ // in the order of Rules: priority, then path
		{UserID: 1, Path: "drivers/net/*", Priority: 9},
		{UserID: 2, Path: "drivers/*", Priority: 5},
		{UserID: 3, Path: "*/manage.py"},
		{UserID: 4, Path: "[Mm]ake?ile"},
		{UserID: 2, Path: "lib/[!a]*"},
	}
	tests := []struct {
		files string
		want  int64
	}{
		{"", 0},
		{"drivers/net/a.c", 1},
		{"drivers/net/phy/deep/b.c", 1}, // * also matches / (known failure A12)
		{"drivers/usb/core/c.c", 2},
		{"drivers/net/a.c drivers/net/phy/b.c", 1},
		{"drivers/net/a.c drivers/usb/c.c", 0}, // two users
		{"drivers/usb/c.c lib/b.c", 2},         // two rules of one user
		{"drivers/net/a.c README", 0},          // a file without a rule
		{"README drivers/net/a.c", 0},
		{"a/b/c/manage.py", 3},
		{"manage.py", 0},
		{"Makefile", 4}, {"makefile", 4}, {"MAKEFILE", 0}, {"Makefile.in", 0},
		{"lib/a.c", 0}, {"lib/b", 2},
	}
	for _, test := range tests {
		if got := delegateFor(rules, strings.Fields(test.files)); got != test.want {
			t.Errorf("%s: user %d, want %d", test.files, got, test.want)
		}
	}
	if got := delegateFor(nil, []string{"a"}); got != 0 {
		t.Errorf("without rules: %d", got)
	}
}

func TestCounter(t *testing.T) {
	c := newCounter([]Tag{{ID: 1, Pattern: "^Acked-by:"}, {ID: 2, Pattern: "("}, {ID: 3, Pattern: "^Reviewed-by:"}, {ID: 4, Pattern: "Tested(?!-not)"}})
	tests := map[string]map[int64]int{
		"":                                  {},
		"Acked-by: Ann":                     {1: 1},
		"x\nacked-BY: Ann\nAcked-by: Ann\n": {1: 2}, // the same person twice
		"> Acked-by: Ann\n Acked-by: Ann":   {},
		"Acked-by: a\nReviewed-by: b\nTested-not Tested": {1: 1, 3: 1, 4: 1},
	}
	for text, want := range tests {
		got := map[int64]int{}
		c.count(text, func(tag int64, hits int) { got[tag] += hits })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// series has the numbers, patch n with id 100 + n.
func series(total int, numbers ...int) *Series {
	s := &Series{Total: total}
	for _, n := range numbers {
		s.attach(int64(100+n), n, "patch", 1)
	}
	return s
}

func TestSeriesCompletion(t *testing.T) {
	tests := []struct {
		total    int
		numbers  []int
		last     int // attached last
		complete bool
		by       []int64 // completed by the last
	}{
		{1, []int{1}, 1, true, []int64{101}},
		{3, []int{1}, 1, false, []int64{101}},
		{3, []int{3}, 3, false, nil},
		{3, []int{1, 3}, 3, false, nil},
		{3, []int{2, 3, 1}, 1, true, []int64{101, 102, 103}},
		{3, []int{1, 3, 2}, 2, true, []int64{102, 103}},
		{5, []int{4, 2, 1}, 1, false, []int64{101, 102}},
		{2, []int{1, 3}, 3, false, nil}, // counts numbers, not patches
		{2, []int{1, 2, 3}, 3, true, []int64{103}},
		{0, nil, 1, false, nil},
	}
	for _, test := range tests {
		s := series(test.total, test.numbers...)
		if got := s.complete(); got != test.complete {
			t.Errorf("%+v: complete %v", test, got)
		}
		if diff := cmp.Diff(test.by, s.completedBy(test.last)); diff != "" {
			t.Errorf("%+v: %s", test, diff)
		}
		numbers := s.Numbers()
		slices.Sort(numbers)
		slices.Sort(test.numbers)
		if s.Received != len(test.numbers) || !slices.Equal(numbers, test.numbers) {
			t.Errorf("%+v: %d received, numbers %v", test, s.Received, numbers)
		}
	}
}

func TestSeriesState(t *testing.T) {
	for _, test := range []struct {
		states []int64
		want   int64
	}{{nil, 0}, {[]int64{3}, 3}, {[]int64{3, 3}, 3}, {[]int64{3, 4}, 0}, {[]int64{3, 4, 4}, 0}} {
		s := &Series{Total: 9}
		for i, state := range test.states {
			s.attach(int64(i+1), i+1, "x", state)
		}
		if s.State != test.want {
			t.Errorf("%v: %d, want %d", test.states, s.State, test.want)
		}
	}
}

func TestSeriesName(t *testing.T) {
	patch := func(n int, name string) func(*Series) {
		return func(s *Series) { s.attach(int64(n), n, name, 1) }
	}
	cover := func(name string) func(*Series) { return func(s *Series) { s.setCover(9, name) } }
	named := func(name string) func(*Series) { return func(s *Series) { s.Name = name } }
	tests := []struct {
		name  string
		steps []func(*Series)
		want  string
	}{
		{"first patch", []func(*Series){patch(1, "[1/2] one")}, "[1/2] one"},
		{"second patch", []func(*Series){patch(2, "[2/2] two")}, ""},
		{"second, then first", []func(*Series){patch(2, "[2/2] two"), patch(1, "[1/2] one")}, "[1/2] one"},
		{"cover", []func(*Series){cover("[0/2] whole")}, "whole"},
		{"cover with two prefixes", []func(*Series){cover("[RFC][0/2] [x] whole")}, "whole"},
		{"cover with a bracket left open", []func(*Series){cover("[0/2 whole")}, "[0/2 whole"},
		{"patch, then cover", []func(*Series){patch(1, "[1/2] one"), cover("[0/2] whole")}, "whole"},
		{"cover, then patch", []func(*Series){cover("[0/2] whole"), patch(1, "[1/2] one")}, "whole"},
		{"named by a user", []func(*Series){patch(1, "[1/2] one"), named("mine"), cover("[0/2] whole")}, "mine"},
		{"second cover", []func(*Series){cover("[0/2] whole"), cover("[0/2] again")}, "whole"},
		{"long cover", []func(*Series){cover("[0/2] " + strings.Repeat("é", 300))}, strings.Repeat("é", 255)},
	}
	for _, test := range tests {
		s := &Series{Total: 2}
		for _, step := range test.steps {
			step(s)
		}
		if s.Name != test.want || !s.dirty {
			t.Errorf("%s: %q, want %q", test.name, s.Name, test.want)
		}
	}
}

func TestSlugify(t *testing.T) {
	for name, want := range map[string]string{"Under Review": "under-review", " A--b!c ": "a-b-c", "RFC 2": "rfc-2", "Überprüft": "berpr-ft", "日本": ""} {
		if got := Slugify(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
