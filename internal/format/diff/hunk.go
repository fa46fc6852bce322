// SPDX-License-Identifier: GPL-2.0-or-later

package diff

// hunk holds the line counts of a hunk header as they are written; nil where
// the header leaves one out, which stands for 1.
type hunk struct {
	oldCount, newCount []byte
}

// maxCount is where counts stop growing: more lines than any mail has.
const maxCount = 1 << 30

func (h hunk) oldLines() int { return count(h.oldCount) }
func (h hunk) newLines() int { return count(h.newCount) }

func count(digits []byte) int {
	if digits == nil {
		return 1
	}
	n := 0
	for _, d := range digits {
		n = min(n*10+int(d-'0'), maxCount)
	}
	return n
}

// parseHunk reads `@@ -a[,b] +c[,d] @@` at the start of line; anything may
// follow it.
func parseHunk(line []byte) (h hunk, ok bool) {
	rest, ok := after(line, "@@ -")
	if !ok {
		return h, false
	}
	if h.oldCount, rest, ok = span(rest); !ok {
		return h, false
	}
	if rest, ok = after(rest, " +"); !ok {
		return h, false
	}
	if h.newCount, rest, ok = span(rest); !ok {
		return h, false
	}
	_, ok = after(rest, " @@")
	return h, ok
}

// span reads `a[,b]` and returns b.
func span(s []byte) (n, rest []byte, ok bool) {
	first := digits(s)
	if first == 0 {
		return nil, s, false
	}
	rest = s[first:]
	if len(rest) == 0 || rest[0] != ',' {
		return nil, rest, true
	}
	second := digits(rest[1:])
	if second == 0 {
		return nil, rest, false
	}
	return rest[1 : 1+second], rest[1+second:], true
}

func digits(s []byte) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

func after(s []byte, prefix string) (rest []byte, ok bool) {
	if len(s) < len(prefix) || string(s[:len(prefix)]) != prefix {
		return s, false
	}
	return s[len(prefix):], true
}
