// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
)

// toUTF8 decodes bytes of a declared charset ("" when none was) and names the charset really used, in lower case: the declared one if
// the bytes fit it, else "utf-8", else "windows-1252". Bytes that are mostly UTF-8 with strays between are read as a mix, "unknown-8bit":
// the sequences as UTF-8, the strays as windows-1252. As on the web, iso-8859-1 means windows-1252.
func toUTF8(b []byte, declared string) (text, used string) {
	name, enc := lookupCharset(declared)
	if name == "us-ascii" && isASCII(b) {
		return View(b), name
	}
	lossy, lost := "", 0
	if enc != nil {
		text, bad := decodeWith(enc, b)
		if bad == 0 {
			return text, name
		}
		lossy, lost = text, bad
	}
	if utf8.Valid(b) {
		return View(b), "utf-8"
	}
	// A few bad characters in a long Chinese text: the declaration is right, the text is damaged.
	if lost > 0 && lost*20 < utf8.RuneCountInString(lossy) {
		return lossy, name
	}
	return decodeMixed(b)
}

// marked is the charset of a body of which none is declared: some shells write a diff that is redirected into a file in UTF-16, with its mark.
func marked(b []byte, declared string) string {
	if len(b)%2 == 0 && (bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff"))) {
		if _, enc := lookupCharset(declared); enc == nil {
			return "utf-16"
		}
	}
	return declared
}

// decodeWith decodes and counts the characters that did not fit.
func decodeWith(enc encoding.Encoding, b []byte) (string, int) {
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		return "", len(b)
	}
	text := string(out)
	return text, strings.Count(text, "\ufffd")
}

// decodeMixed reads a mix of UTF-8 and windows-1252 as such. Where most bytes above 127 are in no sequence of UTF-8, those that look like one do so by
// accident, and all is windows-1252.
func decodeMixed(b []byte) (text, used string) {
	sequences, strays := 0, 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			strays++
		case n > 1:
			sequences++
		}
		i += n
	}
	used = "windows-1252"
	mixed := sequences > 0 && strays <= sequences
	if mixed {
		used = "unknown-8bit"
	}
	var out strings.Builder
	out.Grow(len(b) + strays)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 || n > 1 && !mixed {
			r, n = windows1252(b[0]), 1
		}
		out.WriteRune(r)
		b = b[n:]
	}
	return out.String(), used
}

// windows1252 reads one byte; the five that the charset leaves undefined are control characters, as in iso-8859-1.
func windows1252(b byte) rune {
	if r := charmap.Windows1252.DecodeByte(b); r != utf8.RuneError {
		return r
	}
	return rune(b)
}

// lookupCharset finds a declared charset. The encoding is nil for UTF-8, US-ASCII and unknown names; for the latter the name is "" too.
func lookupCharset(declared string) (string, encoding.Encoding) {
	label := strings.ToLower(strings.Trim(declared, " \t\r\n\"'"))
	switch label {
	case "utf-8", "utf8":
		return "utf-8", nil
	case "us-ascii", "ascii", "ansi_x3.4-1968", "646":
		return "us-ascii", nil
	case "utf-16":
		return label, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case "", "unknown-8bit":
		return "", nil
	}
	if name, enc := indexed(label); enc != nil {
		return name, enc
	}
	if other := alias(label); other != label {
		return lookupCharset(other)
	}
	return "", nil
}

// indexed asks the web's index first, because mail follows it in practice (gb2312 means gbk), then IANA's, which knows the DOS code pages.
func indexed(label string) (string, encoding.Encoding) {
	if enc, err := htmlindex.Get(label); err == nil && enc != encoding.Replacement {
		name, _ := htmlindex.Name(enc)
		return name, enc
	}
	if enc, err := ianaindex.IANA.Encoding(label); err == nil && enc != nil {
		name, _ := ianaindex.MIME.Name(enc)
		return strings.ToLower(name), enc
	}
	return "", nil
}

// alias translates names that mail programs write but no index knows.
func alias(label string) string {
	label = strings.ReplaceAll(label, "_", "-")
	switch {
	case strings.HasPrefix(label, "latin-"):
		return "latin" + label[len("latin-"):]
	case label == "cp932":
		return "shift_jis"
	case label == "cp949":
		return "euc-kr"
	case label == "utf8mb4" || label == "utf-8-sig":
		return "utf-8"
	}
	return label
}
