// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import (
	"crypto/sha1"
	"encoding/hex"
	"hash"
	"slices"
	"strings"

	"patchwork.example/pw/internal/format/fold"
)

// Hash returns the fingerprint of diff, 40 hex digits: SHA-1 over the file
// names without their first component, the line counts of the hunks, and the
// lines of the hunks. It equals the value of Patchwork 3.2, which post-receive
// hooks and clients compute on their own.
func Hash(diff string) string {
	if strings.IndexByte(diff, '\r') >= 0 {
		diff = strings.ReplaceAll(diff, "\r", "")
	}
	h := hasher{sum: sha1.New()}
	for line := range strings.SplitSeq(fold.Trim(diff), "\n") {
		h.line(line)
	}
	h.flush()
	return hex.EncodeToString(h.sum.Sum(nil))
}

// A hasher collects the lines in blocks, since SHA-1 is slow in small pieces.
type hasher struct {
	sum  hash.Hash
	n    int
	room [4096]byte
}

func (h *hasher) line(line string) {
	if line == "" {
		return
	}
	switch line[0] {
	case '@':
		h.hunk(line)
	case '-', '+':
		if name, ok := fileName(line); ok {
			h.file(line[0], name)
			return
		}
		h.add(line, "\n")
	case ' ':
		h.add(line, "\n")
	}
}

func (h *hasher) file(side byte, name string) {
	_, name, _ = strings.Cut(name, "/")
	if side == '-' {
		h.add("--- a/", name, "\n")
		return
	}
	h.add("+++ b/", name, "\n")
}

// maxHunkHead is how long a hunk header may be up to its second @@, in bytes; what follows is dropped.
const maxHunkHead = 64

func (h *hasher) hunk(line string) {
	c, ok := parseHunk([]byte(line[:min(len(line), maxHunkHead)]))
	if ok {
		h.add("@@ -", written(c.oldCount), " +", written(c.newCount), " @@\n")
	}
}

func written(count []byte) string {
	if count == nil {
		return "1"
	}
	return string(count)
}

func (h *hasher) add(pieces ...string) {
	for _, p := range pieces {
		for p != "" {
			n := copy(h.room[h.n:], p)
			h.n += n
			p = p[n:]
			if h.n == len(h.room) {
				h.flush()
			}
		}
	}
}

func (h *hasher) flush() {
	h.sum.Write(h.room[:h.n])
	h.n = 0
}

// fileName returns the name on a line that has the form of `--- name` or
// `+++ name`: all up to the first white space. A removed line that begins
// with "-- " has that form too; Patchwork 3.2 takes it for a name as well.
func fileName(line string) (name string, ok bool) {
	if !strings.HasPrefix(line, oldName) && !strings.HasPrefix(line, newName) {
		return "", false
	}
	name = line[len(oldName):]
	if end := strings.IndexFunc(name, fold.IsSpace); end >= 0 {
		name = name[:end]
	}
	return name, name != ""
}

// Files returns the names of the files in diff that have hunks, sorted, each
// once, without their first component (the a/ and b/ of git) and without
// /dev/null. Renames, mode changes and binary files have no such lines and give
// no names. Unlike in Patchwork 3.2 a name without "/" is kept whole there
// (Patchwork 3.2 makes it empty), one that git has quoted is unquoted, one with
// spaces goes up to the tab behind it, and lines within hunks are not names.
func Files(diff string) []string {
	var names []string
	old, new := 0, 0
	for line := range strings.SplitSeq(diff, "\n") {
		if (old > 0 || new > 0) && !strings.HasPrefix(line, gitHeader) {
			old, new = hunkLeft(line, old, new)
			continue
		}
		old, new = 0, 0
		if strings.HasPrefix(line, "@@ -") {
			if h, ok := parseHunk([]byte(line[:min(len(line), maxHunkHead)])); ok {
				old, new = h.oldLines(), h.newLines()
				continue
			}
		}
		name, ok := fileName(line)
		if !ok || strings.HasPrefix(name, "/dev/null") {
			continue
		}
		name = wholeName(name, line[len(oldName):])
		if _, rest, ok := strings.Cut(name, "/"); ok {
			name = rest
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// hunkLeft counts a line of a hunk.
func hunkLeft(line string, old, new int) (oldLeft, newLeft int) {
	switch {
	case strings.HasPrefix(line, "-"):
		return old - 1, new
	case strings.HasPrefix(line, "+"):
		return old, new - 1
	case strings.HasPrefix(line, `\`):
		return old, new
	}
	return old - 1, new - 1
}

// wholeName is the name at the start of rest, of which first is what precedes the first white space.
func wholeName(first, rest string) string {
	if rest[0] == '"' {
		return unquote(rest)
	}
	if before, _, ok := strings.Cut(rest, "\t"); ok {
		return before
	}
	return first
}

// unquote reads a name that git has put in quotes, in the way of C.
func unquote(s string) string {
	out := make([]byte, 0, len(s))
	for i := 1; i < len(s) && s[i] != '"'; i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			continue
		}
		i++
		c := s[i]
		if n, ok := octal(s[i:]); ok {
			c = n
			i += 2
		} else if at := strings.IndexByte("abtnvfr", c); at >= 0 {
			c = "\a\b\t\n\v\f\r"[at]
		}
		out = append(out, c)
	}
	return strings.ToValidUTF8(string(out), "\ufffd")
}

// octal reads three octal digits.
func octal(s string) (byte, bool) {
	if len(s) < 3 {
		return 0, false
	}
	n := 0
	for i := range 3 {
		if s[i] < '0' || s[i] > '7' {
			return 0, false
		}
		n = n*8 + int(s[i]-'0')
	}
	return byte(n), n < 256
}

// Degenerate reports whether hash says nothing about the content of its diff,
// so that no patch must be found by it: the value of every diff without hunks,
// and the one Patchwork 3.2 gave to every mail with only binary files.
func Degenerate(hash string) bool {
	switch strings.ToLower(hash) {
	case "da39a3ee5e6b4b0d3255bfef95601890afd80709", "28bbf89195af1c065a2ebbfbdfaf0ee9dfe8296e":
		return true
	}
	return false
}
