// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// patient is how long a parse of 256 KiB may take on a loaded machine under the fuzzer; one that takes quadratic time takes minutes.
const patient = 8 * time.Second

// blown repeats an input up to 256 KiB: what takes more than linear time shows.
func blown(in []byte) []byte {
	if len(in) == 0 {
		return nil
	}
	return bytes.Repeat(in, 1+(256<<10)/len(in))
}

// FuzzParseTime checks that the time of a parse does not explode with the size of the mail, whatever is repeated in it.
func FuzzParseTime(f *testing.F) {
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\n\n"), []byte("--b\n"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\n\n--b\n"), []byte("Content-Type: multipart/mixed; boundary=b\n\n--b\n"))
	f.Add([]byte("Content-Type: message/rfc822\n\n"), []byte("Content-Type: message/rfc822\n\n"))
	f.Add([]byte("From: "), []byte("<a@b, \"(<"))
	f.Add([]byte("Subject: "), []byte("=?utf-8?q?=20"))
	f.Add([]byte("References: "), []byte("<a@b> "))
	f.Add([]byte("Content-Type: a/b"), []byte("; a*0*=b; =\""))
	f.Add([]byte("Content-Transfer-Encoding: base64\n\n"), []byte("YQ==\n="))
	f.Add([]byte("Date: "), []byte("(1 "))
	f.Fuzz(func(t *testing.T, head, more []byte) {
		raw := append(bytes.Clone(head[:min(len(head), 4096)]), blown(more[:min(len(more), 4096)])...)
		begin := time.Now()
		m := Parse(raw)
		for i := range m.Parts {
			m.Parts[i].Text()
		}
		m.ID()
		m.References()
		ListIDs(m.Header)
		m.Header.Text()
		m.Date(begin)
		if _, err := m.Author("l@x.example"); err == nil {
			m.Header.Addresses("To")
			m.Header.Addresses("Cc")
		}
		if took := time.Since(begin); took > patient {
			t.Fatalf("%d bytes took %v", len(raw), took)
		}
	})
}

// FuzzHeader checks that a header that was stored once is stored the same again.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{"A: b\n c\n", "A : b\r\nno field\nB:\n", "A: \xff\x00\r\rb\n\t\n c\n", ":\nA: b", "Subject: =?x?q?=0A?=\n", "From x\n>From y\nA: b\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, block []byte) {
		first := Parse(append([]byte("X-First: 1\n"), block...)).Header
		text := first.Text()
		if len(text) > maxHeaderBytes/2 || len(first) >= maxFields {
			return
		}
		if again := Parse([]byte(text + "\n\n")).Header.Text(); again != text {
			t.Fatalf("stored %q, then %q", text, again)
		}
		for _, field := range first {
			if got := first.Get(field.Name); Decode(got) != got && !strings.Contains(got, "=?") {
				t.Fatalf("%q decodes to %q, and that to %q", field.Value, got, Decode(got))
			}
		}
	})
}

// FuzzMIME checks what comes out of one multipart with parts of any kind.
func FuzzMIME(f *testing.F) {
	f.Add("b", "text/plain; charset=utf-8", "base64", []byte("YQ==\n--b\n\nx\n--b--\n"))
	f.Add("=_ b", "message/rfc822", "quoted-printable", []byte("A: b=0A\n\n=\n"))
	f.Add("\"b\"", "application/pkcs7-mime", "8bit", []byte("\x30\x80\x06"))
	f.Add("b", "text/plain; format=flowed; name*0*=utf-8''%41; name*1=b", "x-uuencode", []byte("begin 6 x\n#86)C\n`\nend\n"))
	f.Add("b", "multipart/digest; boundary=c", "", []byte("--c\n\nA: b\n\nc\n--c\n"))
	f.Fuzz(func(t *testing.T, boundary, kind, encoding string, body []byte) {
		raw := "Content-Type: multipart/mixed; boundary=" + boundary + "\n\n--" + strings.Trim(boundary, `"`) + "\nContent-Type: " + kind +
			"\nContent-Transfer-Encoding: " + encoding + "\n\n" + string(body)
		m := Parse([]byte(raw))
		if len(m.Parts) == 0 || len(m.Parts) > maxParts {
			t.Fatalf("%d parts", len(m.Parts))
		}
		for i := range m.Parts {
			p := &m.Parts[i]
			text, _ := p.Text()
			if !utf8.ValidString(text) || strings.Contains(text, "\x00") || !utf8.ValidString(p.Filename) || strings.ContainsAny(p.Filename, "\r\n\x00") {
				t.Fatalf("part %+v has the text %q", p, text)
			}
			if p.Type != strings.ToLower(p.Type) || strings.HasPrefix(p.Type, "multipart/") && len(m.Defects) == 0 {
				t.Fatalf("type %q", p.Type)
			}
		}
	})
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"Mon, 6 May 2019 13:01:24 +0200 (CEST)", "6-May-19 1:02 PM EST", "2019-05-06T13:01:24.5Z", "Mon May  6 13:01:24 2019", "31 Feb 99 24:59:61 -2400", "1 1 1 1", "Thu, 1 Jan 0001"} {
		f.Add(s)
	}
	now := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := ParseDate(s); ok && (d.Location() != time.UTC || d.Year() < -1 || d.Year() > 10_000 || d.Nanosecond() != 0) {
			t.Fatalf("ParseDate(%q) = %v", s, d)
		}
		m := Message{Header: Header{{"Date", s}, {"Received", "x; " + s}}}
		d, _ := m.Date(now)
		if d.Before(earliest) || d.After(now.Add(24*time.Hour)) {
			t.Fatalf("Date of %q is %v", s, d)
		}
		// What we write we read.
		if again, ok := ParseDate(d.Format(time.RFC1123Z)); !ok || !again.Equal(d) {
			t.Fatalf("%v is read as %v", d, again)
		}
	})
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"Joe <a@b>", `"Doe, Joe" <a@b>, c@d`, "a at b.example (Joe)", "=?utf-8?q?=3Ca=40b=3E?= <c@d>", "<a@[::1]>", "\"a b\"@c", "x via Y <a=b.c@d>", "mailto:a@b, <", "(a,b) c@d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		list := splitAddresses(raw)
		if len(list) > strings.Count(raw, ",")+1 {
			t.Fatalf("%q holds %d addresses", raw, len(list))
		}
		m := Message{Header: Header{{"From", raw}}}
		if a, err := m.Author("l@x"); err == nil {
			list = append(list, a)
		}
		for _, a := range list {
			if !usable(a.Email) || strings.ContainsAny(a.Name+a.Email, "\r\n\x00") || !utf8.ValidString(a.Name+a.Email) {
				t.Fatalf("%q gives %q", raw, a)
			}
			if again, err := ParseFrom("<" + a.Email + ">"); err != nil || again.Email != a.Email {
				t.Fatalf("%q gives %q, and that %q, %v", raw, a.Email, again, err)
			}
		}
	})
}

// FuzzFlowed checks that undoing format=flowed moves and removes white space only.
func FuzzFlowed(f *testing.F) {
	f.Add("a \n b\n-- \nc", true)
	f.Add("  a\n > b\n From \n", false)
	words := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, s)
	}
	f.Fuzz(func(t *testing.T, text string, delSp bool) {
		if got := Unflow(text, delSp); words(got) != words(text) {
			t.Fatalf("Unflow(%q) = %q", text, got)
		}
		if got, _ := Unstuff(text); words(got) != words(text) || strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Fatalf("Unstuff(%q) = %q", text, got)
		}
	})
}
