// SPDX-License-Identifier: GPL-2.0-or-later

package fold

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestKey(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "",
		"joe@example.org":               "joe@example.org",
		" Joe.Doe@Example.ORG\t":        "joe.doe@example.org",
		"Rafał MIŁECKI":                 "rafał miłecki",
		"STRASSE":                       "strasse",
		"Straße":                        "strasse",
		"Jose\u0301":                    "jos\u00e9",
		"JOS\u00c9":                     "jos\u00e9",
		"ΣΊΣΥΦΟΣ":                       "σίσυφοσ",
		"\u0390":                        "\u0390",
		"a\xffB\u00c9":                  "a\ufffdb\u00e9",
		"\u13a7":                        "\u13a7",
		"\uab77":                        "\u13a7",
		"\u3000\x1fПетр\u00a0":          "петр",
		"\u212aelvin":                   "kelvin",
		"o'brien+tag_%@x-y.example.org": "o'brien+tag_%@x-y.example.org",
	} {
		got := Key(in)
		if got != want {
			t.Errorf("Key(%q) = %q, want %q", in, got, want)
		}
		if again := Key(got); again != got {
			t.Errorf("Key(%q) = %q: folding twice changes it", got, again)
		}
	}
}

func TestKeyDoesNotAllocateWhenFolded(t *testing.T) {
	s := "already.lower@example.org"
	if n := testing.AllocsPerRun(100, func() { Key(s) }); n != 0 {
		t.Errorf("Key(%q) makes %v allocations, want none", s, n)
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"", 5, ""},
		{"abc", 5, "abc"},
		{"abc", 3, "abc"},
		{"abc", 2, "ab"},
		{"abc", 0, ""},
		{"häßlich", 3, "häß"},
		{"h\u00e4\u00df", 4, "h\u00e4\u00df"},
		{"日本語", 2, "日本"},
		{"a\xff\xfebc", 3, "a\ufffdb"},
		{"\xff", 1, "\ufffd"},
	} {
		if got := Cut(c.in, c.n); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

func TestCollapse(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		"  ":                      "",
		"a b":                     "a b",
		" a b":                    "a b",
		"a b ":                    "a b",
		"a\r\n\t b":               "a b",
		"a\u00a0b\u2003\u2003c":   "a b c",
		"\x1ca\x85b\u0085":        "a\x85b",
		"no\u200bbreak is a rune": "no\u200bbreak is a rune",
	} {
		if got := Collapse(in); got != want {
			t.Errorf("Collapse(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, s := range []string{"Joe", "Straße", "e\u0301\u0345", "\u1fb3\u0301", "\xff", "İ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k := Key(s)
		if !utf8.ValidString(k) && utf8.ValidString(s) {
			t.Errorf("Key(%q) = %q is not UTF-8", s, k)
		}
		if again := Key(k); again != k {
			t.Errorf("Key(%q) = %q, but folded again %q", s, k, again)
		}
	})
}

// FuzzCut checks the width, and Trim and Collapse.
func FuzzCut(f *testing.F) {
	f.Add(" a\u00a0\x1c b\xff", 2)
	f.Add("\xff\xfeé", 1)
	f.Fuzz(func(t *testing.T, s string, n int) {
		if cut := Cut(s, n); !utf8.ValidString(cut) || utf8.RuneCountInString(cut) > max(n, 0) || utf8.ValidString(s) && !strings.HasPrefix(s, cut) {
			t.Errorf("Cut(%q, %d) = %q", s, n, cut)
		}
		c := Collapse(s)
		if Collapse(c) != c || Trim(c) != c || strings.Contains(c, "  ") || strings.Join(strings.FieldsFunc(Trim(s), IsSpace), " ") != c {
			t.Errorf("Collapse(%q) = %q", s, c)
		}
	})
}
