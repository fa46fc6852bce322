// SPDX-License-Identifier: GPL-2.0-or-later

package syntax

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func never() bool { return false }

func TestLines(t *testing.T) {
	got := Lines("dir/a.c", []string{"#include <a.h>", "int f(void) { return 1; } /* so", "it is */", "char *s = \"größe\";", strings.Repeat("x", 3000), "return;"}, never)
	want := [][]Run{
		{{8, Preprocessor}, {9, Plain}, {14, Preprocessor}},
		{{3, Type}, {4, Plain}, {5, Name}, {6, Plain}, {10, Type}, {14, Plain}, {20, Keyword}, {21, Plain}, {22, Number}, {26, Plain}, {31, Comment}},
		{{8, Comment}},
		{{4, Type}, {10, Plain}, {19, String}, {20, Plain}},
		nil,
		{{6, Keyword}, {7, Plain}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if Lines("what.is-this", []string{"int"}, never) != nil || Known("what.is-this") || !Known("x/Makefile") {
		t.Error("a language that nobody knows is coloured")
	}
	stopped := Lines("a.c", []string{strings.Repeat("int ", 400), "int"}, func() bool { return true })
	if len(stopped) != 2 || stopped[1] != nil {
		t.Errorf("it did not stop: %v", stopped)
	}
}

// FuzzLines checks that runs are in order and within their lines, and that it ends.
func FuzzLines(f *testing.F) {
	f.Add("a.c", "int f(void)\n{ return \"x\"; }\n/* ")
	f.Add("a.py", "def f():\n  '''\n")
	f.Add("a.md", "# x\n```c\nint\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		begin := time.Now()
		lines := strings.Split(strings.ToValidUTF8(text, "?"), "\n")
		for i, runs := range Lines(name, lines, func() bool { return time.Since(begin) > 300*time.Millisecond }) {
			at := int32(0)
			for _, r := range runs {
				if r.End <= at || int(r.End) > len(lines[i]) {
					t.Fatalf("%q: %v", lines[i], runs)
				}
				at = r.End
			}
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Fatalf("%d bytes of %s took %v", len(text), name, took)
		}
	})
}

func BenchmarkLines(b *testing.B) {
	lines := strings.Split(strings.Repeat("static int f(struct x *x, int y)\n{\n\tif (y < 0) /* no */\n\t\treturn -EINVAL;\n\treturn g(x, \"a\", 1);\n}\n", 167), "\n")
	for b.Loop() {
		Lines("a.c", lines, never)
	}
}
