// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import "testing"

// The expected values are what git 2.39.5 printed.
func TestPatchID(t *testing.T) {
	const text = "diff --git a/f b/f\nindex 1234567..89abcde 100644\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@ fn\n-a\n+b\n c\n"
	const other = "diff --git a/g b/g\nnew file mode 100644\nindex 0000000..89abcde\n--- /dev/null\n+++ b/g\n@@ -0,0 +1 @@\n+z\n\\ No newline at end of file\n"
	const binary = "diff --git a/p.bin b/p.bin\nindex 1234567..89abcde 100644\nBinary files a/p.bin and b/p.bin differ\n"
	const rename = "diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n"
	for name, c := range map[string]struct{ diff, want string }{
		"one file":           {text, "94579709fc8e22ae4355b9a6296f53f92e8de7dd"},
		"white space":        {"diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -7,2 +9,2 @@\n- a \n+\tb\r\n c\n", "94579709fc8e22ae4355b9a6296f53f92e8de7dd"},
		"a new file":         {other, "ef684dc7e02d16fd3e18c42c00ffd6b74a2854cf"},
		"two files":          {text + other, "83c0e4d0dcbc38ab826d7dd3296e2ab179b53bad"},
		"the other way":      {other + text, "83c0e4d0dcbc38ab826d7dd3296e2ab179b53bad"},
		"a signature":        {text + "-- \n2.39.5\n" + other, "94579709fc8e22ae4355b9a6296f53f92e8de7dd"},
		"a binary file":      {binary + text, "eeaf17ff13e70cc394dfc37bc35b6d2d3495060e"},
		"a pure rename":      {rename, "18df27b32c0996f34aa52b1464f3d86cd15e063a"},
		"text before":        {"Words\n---\n f | 2 +-\n\n" + text, "94579709fc8e22ae4355b9a6296f53f92e8de7dd"},
		"no git":             {"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n", ""},
		"nothing":            {"", ""},
		"ends within a hunk": {text[:len(text)-5], "271720037c6e7f138dc946a77b91887b09637921"},
	} {
		if got := PatchID([]byte(c.diff)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
