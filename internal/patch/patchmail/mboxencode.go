// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"bytes"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
)

// encodeText writes text in the charset of the diff that follows it, so that one charset is true of the whole body, and names that charset. Where
// it can't, the text is in UTF-8 and so is the mail by its header: git takes the bytes of a diff as they are in any case.
func encodeText(text []byte, charset string) (encoded []byte, name string) {
	const utf8 = "utf-8"
	if charset == "" || !gitKnows(charset) || hasC1(text) {
		return text, utf8
	}
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return text, utf8
	}
	out, err := enc.NewEncoder().Bytes(text)
	if err != nil {
		return text, utf8
	}
	if back, err := enc.NewDecoder().Bytes(out); err != nil || !bytes.Equal(back, text) {
		return text, utf8
	}
	return out, charset
}

// gitKnows tells the charsets that iconv, by which git reads the text, knows under the name the web has for them.
func gitKnows(charset string) bool {
	if charset == "iso-8859-8-i" {
		return false
	}
	for _, prefix := range [...]string{"iso-8859-", "windows-125", "koi8-", "gbk", "gb18030", "big5", "euc-", "shift_jis"} {
		if strings.HasPrefix(charset, prefix) {
			return true
		}
	}
	return false
}

// hasC1 finds control characters from U+0080 to U+009F, which the web's windows charsets have and iconv's have not: git would give up.
func hasC1(text []byte) bool {
	for i := range len(text) - 1 {
		if text[i] == 0xc2 && text[i+1] < 0xa0 {
			return true
		}
	}
	return false
}

// ownsCR tells whether the CRs at line ends of a diff belong to the files it changes: then the diff's own lines, such as "@@ …", end without. In a mail
// that was sent with CRLF throughout all lines have them, and git am is right to strip them.
func ownsCR(diff []byte) bool {
	if !bytes.Contains(diff, []byte("\r\n")) {
		return false
	}
	for line := range bytes.Lines(diff) {
		if bytes.HasPrefix(line, []byte("@@ -")) {
			return !bytes.HasSuffix(line, []byte("\r\n"))
		}
	}
	return false
}

// quotedPrintable encodes a body by RFC 2045 §6.7, so that CRs before LF reach git. A line that begins with "From ", or so after some ">", is encoded
// at its first byte.
func quotedPrintable(body []byte) []byte {
	const width = 76
	var b bytes.Buffer
	b.Grow(len(body) + len(body)/8)
	column := 0
	for i, c := range body {
		if c == '\n' {
			b.WriteByte(c)
			column = 0
			continue
		}
		last := i+1 == len(body) || body[i+1] == '\n'
		plain := c > ' ' && c < 0x7f && c != '=' || (c == ' ' || c == '\t') && !last
		size := 1
		if !plain {
			size = 3
		}
		if room := width - column; size > room || size == room && !last { // the "=" of a soft break must fit
			b.WriteString("=\n")
			column = 0
		}
		if plain && column == 0 && (c == 'F' || c == '>') && isFromLine(body[i:]) {
			plain, size = false, 3
		}
		if plain {
			b.WriteByte(c)
		} else {
			writeHex(&b, c)
		}
		column += size
	}
	return b.Bytes()
}
