// SPDX-License-Identifier: GPL-2.0-or-later

package rangediff_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/format/rangediff"
)

func text(t testing.TB, old, new []rangediff.Patch) string {
	t.Helper()
	pairs, err := rangediff.Compare(old, new, rangediff.CreationFactor)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := rangediff.WriteText(&b, old, new, pairs); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// tail makes small patches large enough to be alike.
var tail = "diff --git a/z b/z\nnew file mode 100644\n--- /dev/null\n+++ b/z\n@@ -0,0 +1,30 @@\n" + strings.Repeat("+z\n", 30)

const author = "A U Thor <author@people.example>"

// TestForms compares diffs of other programs than git, and heads of files that git has. What git prints for its own was seen with git 2.39.
func TestForms(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"equal", "diff --git a/f b/f\nindex 1..2 100644\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n", "diff --git a/f b/f\nindex 3..4 100644\n--- a/f\n+++ b/f\n@@ -9 +9 @@\n-a\n+b\n",
			"1:  aaaaaaa = 1:  bbbbbbb it\n"},
		{"a mode", "diff --git a/f b/f\nold mode 100644\nnew mode 100755\n", "diff --git a/f b/f\nold mode 100644\nnew mode 100755\nindex 1..2\n--- a/f\n+++ b/f\n@@ -1 +1 @@ int f(void)\n-a\n+b\n",
			"1:  aaaaaaa ! 1:  bbbbbbb it\n    @@ Commit message\n         it\n     \n      ## f (mode change 100644 => 100755) ##\n    +@@ f: int f(void)\n    +-a\n    ++b\n     \n      ## z (new) ##\n     @@\n"},
		{"svn", "Index: dir/f\n====\n--- dir/f\t(revision 1)\n+++ dir/f\t(working copy)\n@@ -1,2 +1,2 @@\n-a\n+b\n c\n", "Index: dir/f\n====\n--- dir/f\t(revision 3)\n+++ dir/f\t(working copy)\n@@ -1,2 +1,2 @@\n-a\n+B\n c\n",
			"1:  aaaaaaa ! 1:  bbbbbbb it\n    @@ Commit message\n      ## dir/f ##\n     @@\n     -a\n    -+b\n    ++B\n      c\n     \n      ## z (new) ##\n"},
		{"diff -u, an empty context line without its space, a wrong count", "--- linux.orig/f.c\n+++ linux/f.c\n@@ -1,9 +1,9 @@ x()\n-a\n+b\n\n c\n-- \n2.39\n", "--- linux.orig/f.c\n+++ linux/f.c\n@@ -1,9 +1,9 @@ x()\n-a\n+b\n \n-c\n+d\n",
			"1:  aaaaaaa ! 1:  bbbbbbb it\n    @@ f.c: x()\n     -a\n     +b\n      \n    - c\n    --- \n    +-c\n    ++d\n     \n      ## z (new) ##\n     @@\n"},
		{"binary, new and gone files", "diff --git a/x b/x\ndeleted file mode 100644\nindex 1..0\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\ndiff --git a/b b/b\nGIT binary patch\nliteral 1\nIcmZPo000310RR91\n\n",
			"diff --git a/x b/x\ndeleted file mode 100644\nindex 1..0\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\ndiff --git a/b b/b\nBinary files a/b and b/b differ\ndiff --git a/n b/n\nnew file mode 100644\nindex 0..1\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+n\n\\ No newline at end of file\n",
			"1:  aaaaaaa ! 1:  bbbbbbb it\n    @@ x (deleted)\n      ## b ##\n      Binary files b and b differ\n     \n    + ## n (new) ##\n    +@@\n    ++n\n    + \\ No newline at end of file\n    +\n      ## z (new) ##\n     @@\n     +z\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			old := []rangediff.Patch{{Name: "aaaaaaa", Author: author, Message: "it", Diff: []byte(tc.old + tail)}}
			new := []rangediff.Patch{{Name: "bbbbbbb", Author: author, Message: "it", Diff: []byte(tc.new + tail)}}
			if diff := cmp.Diff(tc.want, text(t, old, new)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEmpty(t *testing.T) {
	one := []rangediff.Patch{{Name: "aaaaaaa", Author: author, Message: "a pull request"}}
	if got := text(t, nil, nil); got != "" {
		t.Errorf("nothing: %q", got)
	}
	if got, want := text(t, nil, one), "-:  ------- > 1:  aaaaaaa a pull request\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := text(t, one, one), "1:  aaaaaaa = 1:  aaaaaaa a pull request\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// many is a series of patches that are alike but for a few lines.
func many(n, lines, salt int) []rangediff.Patch {
	var out []rangediff.Patch
	for i := range n {
		var b strings.Builder
		fmt.Fprintf(&b, "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,1 +1,%d @@\n", lines+1)
		for k := range lines {
			fmt.Fprintf(&b, "+line %d of %d\n", k, (i*k+salt)%7)
		}
		b.WriteString(" x\n")
		out = append(out, rangediff.Patch{Name: "ccccccc", Author: author, Message: fmt.Sprintf("patch %d", i), Diff: []byte(b.String())})
	}
	return out
}

// TestBounded: series too long, too large and too much alike are refused; whatever is not is compared in seconds.
func TestBounded(t *testing.T) {
	huge := []rangediff.Patch{{Diff: make([]byte, rangediff.MaxBytes+1)}}
	for name, pair := range map[string][2][]rangediff.Patch{
		"many":  {nil, many(rangediff.MaxPatches+1, 1, 0)},
		"large": {huge, nil},
		"alike": {many(400, 150, 0), many(400, 150, 3)},
	} {
		begun := time.Now()
		if _, err := rangediff.Compare(pair[0], pair[1], rangediff.CreationFactor); !errors.Is(err, rangediff.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: refused after %s", name, time.Since(begun))
	}
	begun := time.Now()
	if _, err := rangediff.Compare(many(200, 60, 0), many(200, 60, 3), rangediff.CreationFactor); err != nil {
		t.Error(err)
	}
	t.Logf("200 patches, all changed: %s", time.Since(begun))
	if d := time.Since(begun); d > time.Minute {
		t.Errorf("200 patches took %s", d)
	}
	begun = time.Now()
	if _, err := rangediff.Compare(many(1, 100_000, 0), many(1, 100_000, 3), rangediff.CreationFactor); err != nil {
		t.Error(err)
	}
	t.Logf("one patch of 100,000 lines: %s", time.Since(begun))
}

func FuzzCompare(f *testing.F) {
	f.Add("diff --git a/f b/f\nrename from f\nrename to g\n--- a/f\n+++ b/g\n@@ -1,2 +1 @@ x\n-a\n b\n", "--- f\n+++ g\n@@ -1 +1 @@\n+\n", "a\n\n\tb")
	f.Add("@@ -1,99999999999999999999 +1 @@\n", "diff --git \n+++ \n--- \n@@ -", " ## x ##\n@@ y")
	f.Add("diff --git \"a/\\303\\244\" \"b/\\303\\244\"\nBinary files x\n\\ No\n", "Index: \n@@\n", "")
	f.Fuzz(func(t *testing.T, a, b, message string) {
		old := []rangediff.Patch{{Name: "1", Author: author, Message: message, Diff: []byte(a)}, {Name: "2", Message: "x", Diff: []byte(b)}}
		new := []rangediff.Patch{{Name: "3", Author: author, Message: message, Diff: []byte(b)}, {Name: "4", Message: message, Diff: []byte(a + b)}}
		pairs, err := rangediff.Compare(old, new, rangediff.CreationFactor)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int]int{}
		for _, p := range pairs {
			if (p.Old < 0) != (p.Status == rangediff.Added) || (p.New < 0) != (p.Status == rangediff.Dropped) {
				t.Errorf("pair %+v", p)
			}
			seen[p.Old]++
			seen[10+p.New]++
		}
		if seen[0] != 1 || seen[1] != 1 || seen[10] != 1 || seen[11] != 1 {
			t.Errorf("each patch must be there once: %v", seen)
		}
	})
}
