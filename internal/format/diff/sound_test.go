// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import "testing"

func TestSound(t *testing.T) {
	const head = "diff --git a/f b/f\n--- a/f\n+++ b/f\n"
	for _, tc := range []struct {
		diff string
		want bool
	}{
		{head + "@@ -1,2 +1,2 @@ f\n a\n-b\n+c\n", true},
		{head + "@@ -1,2 +1,2 @@ f\n\n-b\n+c\n\\ No newline at end of file\n@@ -9 +9,0 @@\n-x\n" + head + "@@ -1 +1 @@\n-a\n+b\n", true},
		{head + "@@ -1,3 +1,3 @@\n \n-b\n+c\n\n", true},
		{head + "@@ -1,2 +1,2 @@ f\n*wrapped,\n a\n-b\n+c\n", false},
		{head + "@@ -1,2 +1,2 @@ f\n\ta\n-b\n+c\n", false},
		{head + "@@ -1,2 +1,2 @@ f\n a\n-b\n", false},
		{head + "@@ -1 +1,2 @@ f\n-a\n-b\n+c\n+d\n", false},
		{head, false},
		{"", false},
	} {
		if got := Sound([]byte(tc.diff)); got != tc.want {
			t.Errorf("Sound(%q) = %v", tc.diff, got)
		}
	}
}
