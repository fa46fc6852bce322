// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import (
	"strings"
	"testing"
)

func marked(s string, changed []Range) string {
	var b strings.Builder
	at := 0
	for _, r := range changed {
		b.WriteString(s[at:r.Begin] + "[" + s[r.Begin:r.End] + "]")
		at = r.End
	}
	return b.String() + s[at:]
}

func TestWords(t *testing.T) {
	long := strings.Repeat("a b ", 200)
	for _, c := range []struct{ before, after, was, is string }{
		{"\tboil(k, 90);", "\tboil(k, 95);", "\tboil(k, [90]);", "\tboil(k, [95]);"},
		{"one two", "one big two", "one two", "one [big ]two"},
		{"a_word = the_other", "a_word_more = the_other", "[a_word] = the_other", "[a_word_more] = the_other"},
		{"f(a, b, c)", "f(x, b, y)", "f([a], b, [c])", "f([x], b, [y])"},
		{"größe = alt;", "größe = neu;", "größe = [alt];", "größe = [neu];"},
		{"nothing", "alike here", "nothing", "alike here"},
		{"same", "same", "same", "same"},
		{"", "x", "", "x"},
		{long + "c " + long + "d " + long, long + "e " + long + "f " + long, long + "[c " + long + "d] " + long, long + "[e " + long + "f] " + long},
	} {
		was, is := Words(c.before, c.after)
		if got := marked(c.before, was); got != c.was {
			t.Errorf("%q was %q, want %q", c.before, got, c.was)
		}
		if got := marked(c.after, is); got != c.is {
			t.Errorf("%q is %q, want %q", c.after, got, c.is)
		}
	}
}

// FuzzWords checks that what is left when the different words are taken out is the same, and that ranges are in order.
func FuzzWords(f *testing.F) {
	f.Add("\tboil(k, 90);", "\tboil(k, 95);")
	f.Add("größe\xff", "gr\xf6ße")
	f.Fuzz(func(t *testing.T, before, after string) {
		was, is := Words(before, after)
		left := func(s string, changed []Range) string {
			var b strings.Builder
			at := 0
			for _, r := range changed {
				if r.Begin < at || r.End <= r.Begin || r.End > len(s) {
					t.Fatalf("%q: %v", s, changed)
				}
				b.WriteString(s[at:r.Begin])
				at = r.End
			}
			return b.String() + s[at:]
		}
		if a, b := left(before, was), left(after, is); (was != nil || is != nil) && a != b {
			t.Fatalf("%q and %q have %q and %q in common", before, after, a, b)
		}
	})
}
