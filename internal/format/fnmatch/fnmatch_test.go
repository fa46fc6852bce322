// SPDX-License-Identifier: GPL-2.0-or-later

package fnmatch

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// The expected values were computed with Python 3.11's fnmatch.fnmatchcase.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "a/b", true},
		{"drivers/*", "drivers/a.c", true},
		{"drivers/*", "drivers/net/a.c", true},
		{"drivers/*", "xdrivers/a.c", false},
		{"*/manage.py", "a/b/manage.py", true},
		{"*/manage.py", "manage.py", false},
		{"*.[ch]", "a/b.h", true},
		{"*.[ch]", "a/b.H", false},
		{"*.[!ch]", "a/b.h", false},
		{"*.[!ch]", "a/b.s", true},
		{"fs/*/super.?", "fs/erofs/super.c", true},
		{"fs/*/super.?", "fs/erofs/super.cc", false},
		{"a", "A", false},
		{"a[", "a[", true},
		{"a[b", "a[b", true},
		{"a[]b", "a[]b", true},
		{"a[]]b", "a]b", true},
		{"a[!]]b", "a]b", false},
		{"a[!]]b", "axb", true},
		{"[!]", "[!]", true},
		{"[a-]", "-", true},
		{"[-a]", "-", true},
		{"[!-a]", "-", false},
		{"[a-c-e]", "d", false},
		{"[a-c-e]", "-", true},
		{"[z-a]", "m", false},
		{"[!z-a]", "m", true},
		{"[^a]", "^", true},
		{"[^a]", "b", false},
		{`\*`, `\x`, true},
		{"[*]", "*", true},
		{"[*]", "x", false},
		{"?", "é", true},
		{"[à-ï]x", "éx", true},
		{"*é*", "caféteria", true},
		{"a*b*c", "a-b-c-b-c", true},
		{"a*b*c", "a-b-c-b", false},
		{"**a**", "a", true},
		{"*", "a\nb", true},
		{"a.c", "abc", false},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %v, want %v", c.pattern, c.name, got, c.want)
		}
	}
}

func TestMatchDoesNotBlowUp(t *testing.T) {
	begin := time.Now()
	if Match(strings.Repeat("*a", 200)+"b", strings.Repeat("a", 2000)) {
		t.Error("a name without b matches a pattern that ends in b")
	}
	if took := time.Since(begin); took > 20*time.Second { // else it would be years
		t.Errorf("200 stars over 2000 characters took %v", took)
	}
}

// slow matches by trying every length for each star, one character at a time,
// on sets that were expanded beforehand.
func slow(pattern []element, name []rune) bool {
	if len(pattern) == 0 {
		return len(name) == 0
	}
	if pattern[0].star {
		return slow(pattern[1:], name) || len(name) > 0 && slow(pattern, name[1:])
	}
	return len(name) > 0 && pattern[0].set(name[0]) && slow(pattern[1:], name[1:])
}

type element struct {
	star bool
	set  func(rune) bool
}

func elements(p []rune) []element {
	var es []element
	for i := 0; i < len(p); i++ {
		c := p[i]
		e := element{star: c == '*', set: func(r rune) bool { return r == c || c == '?' }}
		if c == '[' {
			j := i + 1
			if j < len(p) && p[j] == '!' {
				j++
			}
			for j++; j < len(p) && p[j] != ']'; {
				j++
			}
			if j < len(p) {
				e.set = members(p[i+1 : j])
				i = j
			}
		}
		es = append(es, e)
	}
	return es
}

func members(set []rune) func(rune) bool {
	negated := set[0] == '!'
	if negated {
		set = set[1:]
	}
	type span struct{ lo, hi rune }
	var spans []span
	for i := 0; i < len(set); {
		if i+2 < len(set) && set[i+1] == '-' {
			spans = append(spans, span{set[i], set[i+2]})
			i += 3
			continue
		}
		spans = append(spans, span{set[i], set[i]})
		i++
	}
	return func(r rune) bool {
		for _, s := range spans {
			if s.lo <= r && r <= s.hi {
				return !negated
			}
		}
		return negated
	}
}

func FuzzFnmatch(f *testing.F) {
	f.Add("a*[b-d]?", "axxc.")
	f.Add("[!]a-]*", "zé")
	f.Add("[]-a]", "^")
	f.Add("**[", "[[")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(name) {
			Match(pattern, name)
			return
		}
		if len(pattern) > 12 || len(name) > 16 {
			return
		}
		want := slow(elements([]rune(pattern)), []rune(name))
		if got := Match(pattern, name); got != want {
			t.Errorf("Match(%q, %q) = %v, the slow reference says %v", pattern, name, got, want)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for b.Loop() {
		Match("drivers/*/ethernet/*.[ch]", "drivers/net/ethernet/intel/ice/ice_main.c")
	}
}
