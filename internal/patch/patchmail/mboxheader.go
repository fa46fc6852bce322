// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/patch"
)

// ownHeaders are those of the original that would contradict what an mbox says of itself, in lower case: how the body is encoded and how long it is,
// and what only Patchwork may say.
var ownHeaders = map[string]bool{
	"content-type": true, "content-transfer-encoding": true, "mime-version": true, "content-length": true,
	"x-patchwork-submitter": true, "x-patchwork-id": true, "x-patchwork-original-from": true,
}

// writeHeader writes what follows the headers on the encoding: Patchwork's own ones, then those of the original.
func writeHeader(b *bytes.Buffer, m *patch.MboxMail) {
	submitter := mailbox(m.SubmitterName, m.SubmitterMail)
	writeField(b, "X-Patchwork-Submitter", submitter)
	b.WriteString("X-Patchwork-Id: " + strconv.FormatInt(m.ID, 10) + "\n")
	if m.Delegate != "" {
		writeField(b, "X-Patchwork-Delegate", oneLine(m.Delegate))
	}
	original := originalHeader(m, submitter)
	if len(original) > 0 {
		b.WriteString(original.Text() + "\n")
	}
	if !original.Has("Date") {
		b.WriteString("Date: " + m.Date.Time().Format("Mon, 02 Jan 2006 15:04:05 -0000") + "\n")
	}
}

// originalHeader is the header of the mail as it came, without what would contradict the file, and with the submitter for the list where the list
// has put itself in the place of the sender. It is parsed again, so that nothing stored can end the header or pose as a field.
func originalHeader(m *patch.MboxMail, submitter string) mailmsg.Header {
	var out mailmsg.Header
	mail := mailmsg.Parse([]byte(m.Headers + "\n\n"))
	for _, f := range mail.Header {
		name := strings.ToLower(f.Name)
		if ownHeaders[name] {
			continue
		}
		if name == "from" && (isFrom(f.Value, m.ListEmail) || mail.IsList(f.Value, "") && !isFrom(f.Value, m.SubmitterMail)) {
			out = append(out, mailmsg.Field{Name: "X-Patchwork-Original-From", Value: f.Value}, mailmsg.Field{Name: f.Name, Value: folded(f.Name, submitter)})
			continue
		}
		out = append(out, f)
	}
	return out
}

// isFrom tells whether a From value has this address. A list that is known by List-Post only may itself be the submitter, where an older system stored the mail: then what it says
// of the author stays.
func isFrom(value, email string) bool {
	if email == "" {
		return false
	}
	from, err := mailmsg.ParseFrom(mailmsg.Decode(value))
	return err == nil && strings.EqualFold(from.Email, email)
}

func writeField(b *bytes.Buffer, name, value string) {
	b.WriteString(name + ": " + folded(name, value) + "\n")
}

// folded puts the address of a long mailbox on a line of its own.
func folded(name, value string) string {
	const width = 78 // RFC 5322 §2.1.1
	if i := strings.LastIndex(value, " <"); i > 0 && len(name)+len(": ")+len(value) > width {
		return value[:i] + "\n" + value[i:]
	}
	return value
}

// mailbox writes a person as headers have it: the bare address, or the name, quoted or encoded as it must be, and the address.
func mailbox(name, email string) string {
	name, email = oneLine(name), strings.Trim(oneLine(email), "<>")
	switch {
	case name == "":
		return email
	case !isASCII(name) || strings.Contains(name, "=?"): // what looks like an encoded word would be taken for one
		name = encodedWords(name)
	case strings.ContainsAny(name, `()<>[]:;@\,."`):
		name = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	return name + " <" + email + ">"
}

// oneLine makes each run of white space one space and drops what is not to be seen.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r != ' ' && !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, fold.Collapse(s))
}

// encodedWords encodes a display name by RFC 2047: in one word of the shorter encoding, or in several of base64 if it is long.
func encodedWords(name string) string {
	const room = 75 - len("=?utf-8?b?") - len("?=") // RFC 2047 §2
	if q := quotedWord(name); len(q) <= room && len(q) < base64.StdEncoding.EncodedLen(len(name)) {
		return "=?utf-8?q?" + q + "?="
	}
	var words []string
	for name != "" {
		n := min(len(name), room/4*3)
		for n < len(name) && !utf8.RuneStart(name[n]) {
			n--
		}
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(name[:n]))+"?=")
		name = name[n:]
	}
	return strings.Join(words, " ")
}

// quotedWord is the Q encoding with the few bytes that may stand for themselves in a name.
func quotedWord(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c == ' ':
			b.WriteByte('_')
		case '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || strings.IndexByte("!*+-/", c) >= 0:
			b.WriteByte(c)
		default:
			writeHex(&b, c)
		}
	}
	return b.String()
}

// writeHex writes a byte as quoted-printable and the Q encoding do.
func writeHex(b interface{ WriteByte(byte) error }, c byte) {
	const digits = "0123456789ABCDEF"
	b.WriteByte('=')
	b.WriteByte(digits[c>>4])
	b.WriteByte(digits[c&15])
}

func isASCII[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
