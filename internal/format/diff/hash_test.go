// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const longHash = "64545d058918831d0b39c4b8431e22d45f9ee319"

func lines(s string) string { return strings.ReplaceAll(s, "|", "\n") }

// The values were computed by Patchwork 3.2's own hasher.
func TestHash(t *testing.T) {
	const empty = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
	const simple = "55a796d31a5a90af598862300e5a616da8ac982f"
	for in, want := range map[string]string{
		"":   empty,
		"\n": empty,
		"diff --git a/f b/g|similarity index 100%|rename from f|rename to g|":                                           empty,
		"diff --git a/f b/f|old mode 100644|new mode 100755|":                                                           empty,
		"diff --git a/f b/f|new file mode 100644|index 000000000000..e69de29bb2d1|":                                     empty,
		"diff --git f f|index 1..2|GIT binary patch|literal 3|KcmZQzU}<||literal 0|HcmV?d00001||-- |2.30":               "28bbf89195af1c065a2ebbfbdfaf0ee9dfe8296e",
		"--- a/f|+++ b/f|@@ -1 +1 @@ fn|-a|+b":                                                                          simple,
		"|--- a/f|+++ b/f|@@ -7 +9 @@|-a|+b||":                                                                          simple,
		"diff --git x/f y/f|--- x/f\t2001-01-01|+++ y/f\t2002|@@ -1,1 +1,1 @@ other|-a|+b|\\ No newline at end of file": simple,
		"--- a/f\r|+++ b/f\r|@@ -1 +1 @@\r|-a\r|+b\r|":                                                                  simple,
		"--- /dev/null|+++ b/x/y|@@ -0,0 +1 @@|+z|\\ No newline at end of file":                                         "a73b8dd7c93dd9f4362d7d03756cf5149ed85257",
		"--- f|+++ f|@@ -1,3 +1,3 @@|-a|+b| c|| d":                                                                      "84283982c4a68c966aa1a61e45040b3a11a03c8c",
	} {
		if got := Hash(lines(in)); got != want {
			t.Errorf("Hash(%q) = %s, want %s", in, got, want)
		}
	}
}

// Two diffs of one change keep one hash; any other line changes it.
func TestHashTellsLinesApart(t *testing.T) {
	base := Hash(lines("--- a/f|+++ b/f|@@ -1,2 +1,2 @@|-- -x|+y| z"))
	for _, other := range []string{
		"--- a/g|+++ b/g|@@ -1,2 +1,2 @@|-- -x|+y| z",
		"--- a/f|+++ b/f|@@ -1,2 +1,3 @@|-- -x|+y| z",
		"--- a/f|+++ b/f|@@ -1,2 +1,2 @@|-- -x |+y| z",
		"--- a/f|+++ b/f|@@ -1,2 +1,2 @@|-- -x|+y|  z",
	} {
		if Hash(lines(other)) == base {
			t.Errorf("%q has the hash of another diff", other)
		}
	}
	if Hash(lines("--- a/f|+++ b/f|@@ -5,2 +6,2 @@ context|-- -x||+y| z||")) != base {
		t.Error("line numbers, function context or empty lines change the hash")
	}
	// A removed line "-- old/x" has the form of a file name and is hashed as one.
	if Hash(lines("@@ -1 +0,0 @@|--- old/x now")) != Hash(lines("@@ -1 +0,0 @@|--- new/x then")) {
		t.Error("a removed line in the form of a file name is hashed as it stands")
	}
}

func TestHashOfLongLines(t *testing.T) {
	// SHA-1 of "+" + 10000 a + LF, computed with Python's hashlib.
	if got := Hash("+" + strings.Repeat("a", 10_000)); got != longHash {
		t.Errorf("the hash is %s, want %s", got, longHash)
	}
}

func TestFiles(t *testing.T) {
	for in, want := range map[string][]string{
		"":                                  nil,
		"--- a/f|+++ b/f|@@ -1 +1 @@|-a|+b": {"f"},
		"--- a/z/y|+++ b/z/y|--- /dev/null|+++ b/n|":                                    {"n", "z/y"},
		"--- a/d|+++ /dev/null\t1970":                                                   {"d"},
		"--- f.orig|+++ f":                                                              {"f", "f.orig"},
		"--- linux/kernel/f 2001|+++ linux-new/kernel/f 20":                             {"kernel/f"},
		"--- a/f\r|+++ b/f\r":                                                           {"f"},
		"---  a/f|+++|--- |---|+++x/y":                                                  nil,
		"diff --git a/f b/g|rename from f|rename to g":                                  nil,
		"Binary files a/x and b/x differ":                                               nil,
		"--- \"a/d/\\303\\251\\t\\\"x\"|+++ \"b/d/\\303\\251\\t\\\"x\"":                 {"d/é\t\"x"},
		"--- a/my file\t|+++ b/my file\t2021":                                           {"my file"},
		"--- a/f|+++ b/f|@@ -1,2 +1 @@|--- x/comment|-a|+c|--- a/g|+++ b/g":             {"f", "g"},
		"--- a/f|+++ b/f|@@ -1,9 +1,9 @@| cut short|diff --git a/g b/g|--- a/g|+++ b/g": {"f", "g"},
	} {
		if diff := cmp.Diff(want, Files(lines(in))); diff != "" {
			t.Errorf("Files(%q) (-want +got):\n%s", in, diff)
		}
	}
}

func TestDegenerate(t *testing.T) {
	for hash, want := range map[string]bool{
		"da39a3ee5e6b4b0d3255bfef95601890afd80709": true,
		"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709": true,
		"28bbf89195af1c065a2ebbfbdfaf0ee9dfe8296e": true,
		"55a796d31a5a90af598862300e5a616da8ac982f": false,
		"": false,
	} {
		if got := Degenerate(hash); got != want {
			t.Errorf("Degenerate(%q) = %v", hash, got)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "",
		"  |a|  ":                          "a",
		"|  a|b":                           "  a|b",
		"a|-- |sig":                        "a",
		"a|--|b":                           "a|--|b",
		"a|---|b":                          "a|---|b",
		"a|-- x|b":                         "a|-- x|b",
		"a|--  |b":                         "a|--  |b",
		"a|_|b":                            "a|_|b",
		"a|_|list@x":                       "a",
		"a|_|https://list":                 "a",
		"a|_|list@x|Acked-by: b@x":         "a|_|list@x|Acked-by: b@x",
		"a|_____________________|list|foo": "a",
		"a|_____________________||From: b@x|" + strings.Repeat("b|", 999): "a",
		"a|_____________________|" + strings.Repeat("b|", 999) + "b":      "a|_____________________|" + strings.Repeat("b|", 999) + "b",
		"a|___ x|b":           "a|___ x|b",
		"a|x___|b":            "a|x___|b",
		"a\r|-- \r|b|___\r|c": "a",
		"a|\x00 |":            "a",
		"-- |a":               "",
		"a|-- ":               "a",
		"a|___":               "a",
		"a\x00b|\x00":         "ab",
		"\u00a0\u2003a\u3000": "\u00a0\u2003a",
	} {
		if got := Clean(lines(in)); got != lines(want) {
			t.Errorf("Clean(%q) = %q, want %q", in, got, lines(want))
		}
	}
}
