// SPDX-License-Identifier: GPL-2.0-or-later

// Package diff takes apart the text of a patch mail: what the author wrote,
// what is to be applied, the fingerprint by which commits find their patch,
// and the files touched. The stored forms equal those of Patchwork 3.2 for
// every mail without binary files, since databases, hooks and clients hold
// them. It owns no table, decodes no charset and does not apply diffs.
//
// Example:
//
//	comment, patch := diff.Split([]byte("Why.\n---\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n"))
//	diff.Clean(string(comment)) // "Why.\n---"
//	diff.Hash(string(patch))    // "55a796d31a5a90af598862300e5a616da8ac982f"
//	diff.Files(string(patch))   // ["f"]
package diff
