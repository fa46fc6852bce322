// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"bytes"
	"strings"
)

// PatchName tells whether a file is a patch by its name, also a compressed one.
func PatchName(name string) bool {
	name = strings.ToLower(name)
	for _, end := range [...]string{".gz", ".xz", ".bz2", ".zst"} {
		name = strings.TrimSuffix(name, end)
	}
	for _, end := range [...]string{".patch", ".diff", ".patch.txt", ".diff.txt", ".mbox"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// appendPart appends a leaf, and behind it as leaves of their own the patches that stand uuencoded in its text, as mail programs older than MIME have sent files:
//
//	begin 644 fix.patch
//	…
//	end
//
// Other files are left where they are, and so is what is not whole.
func (w *walker) appendPart(p Part) {
	w.msg.Parts = append(w.msg.Parts, p)
	if p.Type != "text/plain" || !bytes.Contains(p.Body, []byte("\nend")) || !bytes.HasPrefix(p.Body, []byte("begin ")) && !bytes.Contains(p.Body, []byte("\nbegin ")) {
		return
	}
	at := len(w.msg.Parts) - 1
	var text []byte
	done := 0
	for pos := 0; pos < len(p.Body) && w.nodes < maxParts; {
		name, size := uuencodedPatch(p.Body[pos:])
		if size == 0 {
			pos = lineEnd(p.Body, pos)
			continue
		}
		file, _ := decodeUU(p.Body[pos : pos+size])
		text = append(text, p.Body[done:pos]...)
		pos += size
		done = pos
		w.nodes++
		w.msg.Parts = append(w.msg.Parts, Part{Type: "application/octet-stream", Disposition: "attachment", Filename: name, Body: file})
	}
	if done > 0 {
		w.msg.Parts[at].Body = append(text, p.Body[done:]...)
	}
}

// uuencodedPatch tells whether body begins with a whole uuencoded patch, and how long that is; 0: it does not.
func uuencodedPatch(body []byte) (name string, size int) {
	pos := lineEnd(body, 0)
	mode, name, ok := strings.Cut(strings.TrimPrefix(string(body[:min(pos, maxUUName)]), "begin "), " ")
	name = strings.TrimSpace(name)
	if !ok || !bytes.HasPrefix(body, []byte("begin ")) || len(mode) < 3 || len(mode) > 4 || strings.Trim(mode, "01234567") != "" || !PatchName(name) {
		return "", 0
	}
	for lines := 0; pos < len(body); lines++ {
		next := lineEnd(body, pos)
		line := bytes.TrimRight(body[pos:next], "\r\n")
		pos = next
		if string(line) == "end" && lines > 0 {
			return name, pos
		}
		if !isUULine(line) {
			break
		}
	}
	return "", 0
}

const maxUUName = 300 // bytes of a "begin" line that are looked at

// isUULine knows a line by its first letter, which says how long it is. Spaces at its end may have been lost, and some programs add a letter.
func isUULine(line []byte) bool {
	if len(line) == 0 {
		return true // nothing, without the "`" or the space that says so
	}
	for _, c := range line {
		if c < ' ' || c > '`' {
			return false
		}
	}
	whole := 1 + (int(line[0]-' ')&63+2)/3*4
	return len(line) <= whole+1
}
