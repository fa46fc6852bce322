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

func (h *hasher) hunk(line string) {
	// Hunk headers are short up to their second @@; what follows is dropped.
	c, ok := parseHunk([]byte(line[:min(len(line), 64)]))
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
// /dev/null. A name without "/" is kept whole (Patchwork 3.2 makes it empty).
// Renames, mode changes and binary files have no such lines and give no names.
func Files(diff string) []string {
	var names []string
	for line := range strings.SplitSeq(diff, "\n") {
		name, ok := fileName(line)
		if !ok || strings.HasPrefix(name, "/dev/null") {
			continue
		}
		if _, rest, ok := strings.Cut(name, "/"); ok {
			name = rest
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
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
