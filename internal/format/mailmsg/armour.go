// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import "bytes"

const (
	armourBegin = "-----BEGIN PGP SIGNED MESSAGE-----"
	armourMid   = "-----BEGIN PGP SIGNATURE-----"
	armourEnd   = "-----END PGP SIGNATURE-----"
)

// Unarmour takes the frame of OpenPGP's cleartext signatures (RFC 9580 §7) off a text: its first lines up to an empty one, the signature, and the "- " that
// was put before lines with a dash. What stands outside the frame stays. Frames that lack their signature, or whose marks do not stand at the beginning of a
// line, are left as they are. The signature is not checked. Without a frame text itself is returned.
func Unarmour(text []byte) []byte {
	if !bytes.Contains(text, []byte(armourBegin)) {
		return text
	}
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		before, signed, after, ok := cutArmour(text)
		if !ok {
			break
		}
		out = append(out, before...)
		for line := range bytes.Lines(signed) {
			out = append(out, bytes.TrimPrefix(line, []byte("- "))...)
		}
		text = after
	}
	return append(out, text...)
}

// cutArmour finds the first frame.
func cutArmour(text []byte) (before, signed, after []byte, ok bool) {
	begin, rest, ok := cutMark(text, armourBegin)
	if !ok {
		return nil, nil, nil, false
	}
	for { // "Hash: …"
		n := lineEnd(rest, 0)
		line := rest[:n]
		rest = rest[n:]
		if len(bytes.TrimSpace(line)) == 0 {
			break
		}
		if bytes.IndexByte(line, ':') < 0 {
			return nil, nil, nil, false
		}
	}
	size, after, ok := cutMark(rest, armourMid)
	if !ok {
		return nil, nil, nil, false
	}
	if _, behind, found := cutMark(after, armourEnd); found {
		after = behind
	} else {
		after = nil
	}
	return text[:begin], rest[:size], after, true
}

// cutMark finds a line that is the mark, give or take white space at its end: at is where it begins, rest what follows it.
func cutMark(text []byte, mark string) (at int, rest []byte, ok bool) {
	for pos := 0; ; {
		i := bytes.Index(text[pos:], []byte(mark))
		if i < 0 {
			return 0, nil, false
		}
		at, pos = pos+i, pos+i+len(mark)
		end := lineEnd(text, pos)
		if (at == 0 || text[at-1] == '\n') && len(bytes.TrimSpace(text[pos:end])) == 0 {
			return at, text[end:], true
		}
	}
}
