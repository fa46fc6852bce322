// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"hash"
)

// PatchID returns what `git patch-id --stable` (git 2.39) prints for diff, 40 hex digits: a sum of one SHA-1 per file over the lines without their
// white space, the line numbers of hunks left out. It stays the same when a patch is rebased or its files stand in another order. A diff
// without a `diff` line has none, "".
func PatchID(diff []byte) string {
	p := patchIDer{one: sha1.New()}
	for len(diff) > 0 {
		line := diff
		if n := bytes.IndexByte(diff, '\n'); n >= 0 {
			line = diff[:n+1]
		}
		diff = diff[len(line):]
		if !p.line(line) {
			break
		}
	}
	if !p.any {
		return ""
	}
	p.flush()
	return hex.EncodeToString(p.sum[:])
}

// patchIDer reads a diff line by line. before and after count the lines of the hunk that are still to come on either side; -1 stands for the header
// of a file.
type patchIDer struct {
	sum           [sha1.Size]byte
	one           hash.Hash
	any, binary   bool
	before, after int
	pre, post     []byte // object names of the index line
	room          []byte
}

// line takes one line in; false: the diff ends before it.
func (p *patchIDer) line(line []byte) bool {
	isDiff := bytes.HasPrefix(line, []byte("diff "))
	switch {
	case bytes.HasPrefix(line, []byte("\\ ")) && len(line) > 12, !p.any && !isDiff:
		return true
	case !p.any:
		p.before, p.after = -1, -1
	case p.binary:
		if isDiff { // git leaves this line out of the sum
			p.binary, p.before, p.after = false, -1, -1
		}
		return true
	case p.before == -1:
		if skip, ok := p.header(line); skip || !ok {
			return ok
		}
	case p.before == 0 && p.after == 0:
		if bytes.HasPrefix(line, []byte("@@ -")) {
			h, _ := parseHunk(line)
			p.before, p.after = h.oldLines(), h.newLines()
			return true
		}
		if !isDiff {
			return false
		}
		p.flush()
		p.before, p.after = -1, -1
	}
	p.add(line)
	return true
}

// header takes a line between `diff` and the first hunk of a file. skip: it is no part of the sum.
func (p *patchIDer) header(line []byte) (skip, ok bool) {
	switch {
	case bytes.HasPrefix(line, []byte("GIT binary patch")), bytes.HasPrefix(line, []byte("Binary files")):
		p.binary, p.before = true, 0
		p.one.Write(p.pre)
		p.one.Write(p.post)
		p.flush()
		return true, true
	case bytes.HasPrefix(line, []byte("index ")):
		pre, rest, _ := bytes.Cut(line[len("index "):], []byte(".."))
		post, _, _ := bytes.Cut(bytes.TrimRight(rest, "\r\n"), []byte(" "))
		p.pre, p.post = pre, post
		return true, true
	case bytes.HasPrefix(line, []byte("--- ")):
		p.before, p.after = 1, 1
		return false, true
	}
	c := line[0] | 0x20
	return false, 'a' <= c && c <= 'z'
}

func (p *patchIDer) add(line []byte) {
	p.any = true
	switch line[0] {
	case '-':
		p.before--
	case '+':
		p.after--
	case ' ':
		p.before--
		p.after--
	}
	p.room = p.room[:0]
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			p.room = append(p.room, c)
		}
	}
	p.one.Write(p.room)
}

// flush adds the digest of a file to the sum, the first byte being the lowest.
func (p *patchIDer) flush() {
	carry := 0
	for i, b := range p.one.Sum(nil) {
		carry += int(p.sum[i]) + int(b)
		p.sum[i] = byte(carry)
		carry >>= 8
	}
	p.one.Reset()
}
