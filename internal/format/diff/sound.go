// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import "bytes"

// Sound tells whether a diff has hunks, each with as many lines as its header says, each line with one of the marks of a hunk or empty. A diff that a mail
// program has wrapped is not.
func Sound(diff []byte) bool {
	old, new, hunks := 0, 0, 0
	for line := range bytes.Lines(diff) {
		if old <= 0 && new <= 0 {
			if h, ok := parseHunk(line); ok {
				old, new = h.oldLines(), h.newLines()
				hunks++
			}
			continue
		}
		switch line[0] {
		case '-':
			old--
		case '+':
			new--
		case ' ', '\n', '\r':
			old--
			new--
		case '\\':
		default:
			return false
		}
		if old < 0 || new < 0 {
			return false
		}
	}
	return hunks > 0 && old == 0 && new == 0
}
