// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import (
	"strings"

	"patchwork.example/pw/internal/format/fold"
)

// Clean returns the comment of a mail without its signature or list footer:
// everything from the first line that is exactly "-- " or only underscores is
// dropped, then white space at the ends, then every NUL. Patchwork 3.2 does the
// same, and turns CRLF to LF only after it: a signature whose line ends with CR
// stays.
func Clean(text string) string {
	text = fold.Trim(text[:footer(text)])
	if strings.IndexByte(text, 0) < 0 {
		return text
	}
	return strings.ReplaceAll(text, "\x00", "")
}

// footer is the index of the line that begins the signature or footer.
func footer(text string) int {
	for start := 0; start < len(text); {
		end := len(text)
		if n := strings.IndexByte(text[start:], '\n'); n >= 0 {
			end = start + n
		}
		if line := text[start:end]; line == signature || line != "" && strings.Trim(line, "_") == "" {
			return start
		}
		start = end + 1
	}
	return len(text)
}
