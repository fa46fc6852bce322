// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"strings"
	unicode16 "unicode/utf16"
)

// Object identifiers of CMS, encoded.
const (
	oidData       = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
	oidSigned     = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
	oidEnveloped  = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"
	oidCompressed = "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09"
)

// cms wraps a content as openssl cms -stream does: lengths are not known in advance, and the content comes in pieces.
func cms(oid, content string) string {
	const begin, end = "\x80", "\x00\x00"
	var pieces strings.Builder
	for content != "" {
		n := min(len(content), 100)
		pieces.WriteString("\x04" + string(rune(n)) + content[:n])
		content = content[n:]
	}
	inner := "\x30" + begin + oidData + "\xa0" + begin + "\x24" + begin + pieces.String() + end + end + end
	data := "\x30" + begin + "\x02\x01\x01" + "\x31\x00" + inner + end
	return wrapped("\x30" + begin + oid + "\xa0" + begin + data + end + end)
}

func wrapped(s string) string {
	var b strings.Builder
	code := base64.StdEncoding.EncodeToString([]byte(s))
	for code != "" {
		n := min(len(code), 64)
		b.WriteString(code[:n] + "\n")
		code = code[n:]
	}
	return b.String()
}

func deflated(s string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.String()
}

// utf16 encodes with the lower byte first.
func utf16(s string) []byte {
	var out []byte
	for _, u := range unicode16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}
