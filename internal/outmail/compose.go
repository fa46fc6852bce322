// SPDX-License-Identifier: GPL-2.0-or-later

package outmail

import (
	"bytes"
	"fmt"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"patchwork.example/pw/internal/base/clock"
)

// letter is all that a mail is composed of.
type letter struct {
	Mail
	from        mail.Address
	msgid       string
	date        clock.Time
	base        string // of links
	unsubscribe string // path; empty: none
}

const (
	lineLength = 76
	// plainLine is the longest line that goes as it is; RFC 5322, 2.1.1 allows 998.
	plainLine = 998
)

// compose writes the mail with CRLF line ends. The same letter always gives the same bytes.
func compose(l letter) []byte {
	var b bytes.Buffer
	header := func(name string, words ...string) {
		if len(words) > 0 {
			writeHeader(&b, name, words)
		}
	}
	header("From", addressWords(l.from)...)
	header("To", addressWords(l.To)...)
	header("Subject", textWords(l.Subject)...)
	header("Date", l.date.Time().Format(time.RFC1123Z))
	header("Message-ID", l.msgid)
	header("In-Reply-To", idWords([]string{l.InReplyTo})...)
	header("References", idWords(l.References)...)
	header("Auto-Submitted", "auto-generated")
	if l.Notice {
		header("Precedence", "bulk")
	}
	if l.unsubscribe != "" {
		header("List-Unsubscribe", "<"+l.base+l.unsubscribe+">")
		header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	writeBody(&b, l.Shown(l.base))
	return b.Bytes()
}

func writeBody(b *bytes.Buffer, text string) {
	text = strings.TrimRight(text, "\n") + "\n"
	crlf := strings.ReplaceAll(text, "\n", "\r\n")
	if isPlain(text) {
		b.WriteString("Content-Transfer-Encoding: 7bit\r\n\r\n" + crlf)
		return
	}
	b.WriteString("Content-Transfer-Encoding: quoted-printable\r\n\r\n")
	w := quotedprintable.NewWriter(b)
	w.Write([]byte(crlf)) // a bytes.Buffer takes everything
	w.Close()
}

func isPlain(text string) bool {
	for line := range strings.Lines(text) {
		if len(line) > plainLine || !isASCII(line) {
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// writeHeader writes one field, broken between its words so that lines are short where they can be.
func writeHeader(b *bytes.Buffer, name string, words []string) {
	b.WriteString(name + ":")
	column := len(name) + 1
	for _, w := range words {
		if column+1+len(w) > lineLength && column > len(name)+1 {
			b.WriteString("\r\n")
			column = 0
		}
		b.WriteString(" " + w)
		column += 1 + len(w)
	}
	b.WriteString("\r\n")
}

// textWords are the words of an unstructured header: as they are if nothing in them could be taken for an encoded word, else encoded (RFC 2047).
func textWords(s string) []string {
	s = Line(s)
	words := strings.Split(s, " ")
	for _, w := range words {
		if !isASCII(w) || strings.Contains(w, "=?") || len(w) > lineLength {
			return encodedWords(s)
		}
	}
	return words
}

// encodedWords is RFC 2047's Q encoding in words that fit behind any of our names of headers, none of which ends within a character. Only letters, digits and what is
// allowed even within the name of an address stand for themselves.
func encodedWords(s string) []string {
	const begin, end, most = "=?utf-8?q?", "?=", 66 - len("=?utf-8?q??=")
	var out []string
	var word strings.Builder
	flush := func() {
		out = append(out, begin+word.String()+end)
		word.Reset()
	}
	for _, r := range s {
		e := encodeRune(r)
		if word.Len()+len(e) > most {
			flush()
		}
		word.WriteString(e)
	}
	flush()
	return out
}

func encodeRune(r rune) string {
	switch {
	case r == ' ':
		return "_"
	case '0' <= r && r <= '9', 'A' <= r && r <= 'Z', 'a' <= r && r <= 'z', r == '-', r == '/', r == '!', r == '*', r == '+':
		return string(r)
	}
	var b strings.Builder
	for _, c := range []byte(string(r)) {
		fmt.Fprintf(&b, "=%02X", c)
	}
	return b.String()
}

// addressWords are the words of a mailbox: the name bare, quoted or encoded as it must be, and the address in brackets.
func addressWords(a mail.Address) []string {
	name, address := Line(a.Name), "<"+a.Address+">"
	switch {
	case name == "":
		return []string{a.Address}
	case !isASCII(name) || len(name) > 60 || strings.Contains(name, "=?"):
		return append(encodedWords(name), address)
	case strings.ContainsFunc(name, func(r rune) bool { return strings.ContainsRune(`()<>[]:;@\,."`, r) }):
		return []string{`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`, address}
	}
	return []string{name, address}
}

// idWords leaves out what is no Message-ID on one line: some come from mails of strangers. Of many the first and the last are kept.
func idWords(ids []string) []string {
	const most = 20
	var out []string
	for _, id := range ids {
		if len(id) > 2 && len(id) < 900 && id[0] == '<' && id[len(id)-1] == '>' && isASCII(id) && !strings.ContainsAny(id[1:len(id)-1], "<> \t\r\n\x00") {
			out = append(out, id)
		}
	}
	if len(out) > most {
		out = append(out[:1], out[len(out)-most+1:]...)
	}
	return out
}
