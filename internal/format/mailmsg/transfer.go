// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// transferDecode undoes the Content-Transfer-Encoding. An unknown one leaves the body as it is, a broken body gives what can be saved.
func (m *Message) transferDecode(h Header, body []byte) []byte {
	switch transferEncoding(h) {
	case "base64":
		decoded, clean := decodeBase64(body)
		if !clean {
			m.defect("damaged base64")
		}
		return decoded
	case "quoted-printable":
		return decodeQuoted(body)
	case "x-uuencode", "uuencode", "x-uue", "uue":
		if decoded, ok := decodeUU(body); ok {
			return decoded
		}
		m.defect("uuencoded part without a begin line is left as it is")
	}
	return body
}

func transferEncoding(h Header) string {
	raw := strings.TrimLeft(h.Raw("Content-Transfer-Encoding"), " \t\n\"")
	if i := strings.IndexAny(raw, " \t\n;,(\""); i >= 0 {
		raw = raw[:i]
	}
	return strings.ToLower(raw)
}

// decodeBase64 decodes; clean is false when something had to be forgiven. Text that is no base64 at all, whatever the header says, is
// returned as it is.
func decodeBase64(body []byte) (decoded []byte, clean bool) {
	out := make([]byte, base64.StdEncoding.DecodedLen(len(body)))
	if n, err := base64.StdEncoding.Decode(out, body); err == nil {
		return out[:n], true
	}
	d := base64Decoder{out: out[:0]}
	read := d.run(body)
	if d.junk*8 > read {
		return body, false
	}
	return d.out, false
}

// base64Decoder is the forgiving reader: it steps over foreign bytes, needs no padding, and reads on after padding as long as whole
// lines look like base64 (joined blocks); a plain footer added by list software ends the data.
type base64Decoder struct {
	out  []byte
	acc  uint32
	bits int
	junk int
}

// run decodes body and returns how many of its bytes were data.
func (d *base64Decoder) run(body []byte) int {
	for i := 0; i < len(body); i++ {
		c := body[i]
		switch v := base64Value(c); {
		case v < 64:
			d.push(v)
		case c == '=' && endsLine(body, i):
			d.acc, d.bits = 0, 0
			after := skipPadding(body, i)
			if !looksBase64(body[after:]) {
				return i
			}
			i = after - 1
		case c != '\r' && c != '\n':
			d.junk++
		}
	}
	return len(body)
}

// endsLine tells padding, at body[i:], from a "=" amid other text.
func endsLine(body []byte, i int) bool {
	for i < len(body) && (body[i] == '=' || body[i] == ' ' || body[i] == '\r') {
		i++
	}
	return i == len(body) || body[i] == '\n'
}

func (d *base64Decoder) push(v byte) {
	d.acc = d.acc<<6 | uint32(v)
	if d.bits += 6; d.bits >= 8 {
		d.bits -= 8
		d.out = append(d.out, byte(d.acc>>d.bits))
	}
}

func base64Value(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c - 'A'
	case 'a' <= c && c <= 'z':
		return c - 'a' + 26
	case '0' <= c && c <= '9':
		return c - '0' + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return 64
}

// skipPadding is the offset after the padding and line ends at body[i:].
func skipPadding(body []byte, i int) int {
	for i < len(body) && strings.IndexByte("= \t\r\n", body[i]) >= 0 {
		i++
	}
	return i
}

// looksBase64 says whether the first line of body holds nothing but base64.
func looksBase64(body []byte) bool {
	line := bytes.TrimRight(body[:lineEnd(body, 0)], "\r\n \t=")
	for _, c := range line {
		if base64Value(c) == 64 {
			return false
		}
	}
	return len(line) > 1
}

// decodeQuoted undoes quoted-printable (RFC 2045 §6.7). A "=" that begins neither an escape nor a soft line break stays as it is.
func decodeQuoted(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for {
		i := bytes.IndexByte(body, '=')
		if i < 0 {
			return append(out, body...)
		}
		out = append(out, body[:i]...)
		body = body[i:]
		if c, ok := hexByte(body, 0); ok {
			out = append(out, c)
			body = body[3:]
		} else if n := softBreak(body); n > 0 {
			body = body[n:]
		} else {
			out = append(out, '=')
			body = body[1:]
		}
	}
}

// softBreak is the length of the soft line break at the start of body, 0 if there is none. White space after the "=" was added on the
// way; a "=" that ends the body is a cut-off break.
func softBreak(body []byte) int {
	i := 1
	for i < len(body) && (body[i] == ' ' || body[i] == '\t' || body[i] == '\r') {
		i++
	}
	switch {
	case i == len(body):
		return i
	case body[i] == '\n':
		return i + 1
	}
	return 0
}

// decodeUU undoes uuencoding from the first "begin" line on; false when there is no such line.
func decodeUU(body []byte) ([]byte, bool) {
	start := 0
	if !bytes.HasPrefix(body, []byte("begin ")) {
		start = bytes.Index(body, []byte("\nbegin ")) + 1
		if start == 0 {
			return nil, false
		}
	}
	out := make([]byte, 0, len(body)*3/4)
	for pos := lineEnd(body, start); pos < len(body); {
		next := lineEnd(body, pos)
		line := bytes.TrimRight(body[pos:next], "\r\n")
		if bytes.Equal(line, []byte("end")) {
			break
		}
		out = appendUULine(out, line)
		pos = next
	}
	return out, true
}

// appendUULine decodes one line: a length character and groups of four; missing characters count as zero.
func appendUULine(out, line []byte) []byte {
	if len(line) == 0 {
		return out
	}
	want := len(out) + int(line[0]-' ')&63
	line = line[1:]
	for i := 0; i < len(line) && len(out) < want; i += 4 {
		var v uint32
		for j := range 4 {
			v <<= 6
			if i+j < len(line) {
				v |= uint32(line[i+j]-' ') & 63
			}
		}
		out = append(out, byte(v>>16), byte(v>>8), byte(v))
	}
	return out[:min(len(out), want)]
}
