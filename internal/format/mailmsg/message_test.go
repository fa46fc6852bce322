// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// mail builds a raw mail from lines.
func mail(lines ...string) []byte {
	return []byte(strings.Join(lines, "\n"))
}

func TestParseHeader(t *testing.T) {
	tests := []struct {
		name    string
		raw     []byte
		want    Header
		body    string
		defects int
	}{
		{"plain", mail("From: a@b.example", "Subject: x", "", "hi"), Header{{"From", "a@b.example"}, {"Subject", "x"}}, "hi", 0},
		{"fold kept", mail("subject: one", "\ttwo", "To:x", "", ""), Header{{"subject", "one\n\ttwo"}, {"To", "x"}}, "", 0},
		{"value on second line", mail("Message-ID:", " <a@b>", "", ""), Header{{"Message-ID", "\n <a@b>"}}, "", 0},
		{"CRLF", []byte("From: a\r\nSubject: b\r\n c\r\n\r\nbody\r\n"), Header{{"From", "a"}, {"Subject", "b\n c"}}, "body\r\n", 0},
		{"double CR", []byte("From: a\r\r\nSubject: b\r\r\n\r\r\nbody"), Header{{"From", "a"}, {"Subject", "b"}}, "body", 0},
		{"stray CR in value", []byte("Subject: b\rX: y\nTo: c\n\n"), Header{{"Subject", "b X: y"}, {"To", "c"}}, "", 0},
		{"CR only", []byte("From: a\rSubject: b\r\rbody\r"), Header{{"From", "a"}, {"Subject", "b"}}, "body\n", 0},
		{"byte order mark", []byte("\xef\xbb\xbfFrom: a\n\nb"), Header{{"From", "a"}}, "b", 0},
		{"mbox line", mail("From joe Mon May  6 13:01:24 2019", "From: a", "", "b"), Header{{"From", "a"}}, "b", 0},
		{"quoted mbox line", mail(">From joe Mon May  6 13:01:24 2019", "From: a", "", "b"), Header{{"From", "a"}}, "b", 0},
		{"leading empty lines", mail("", "", "From: a", "", "b"), Header{{"From", "a"}}, "b", 0},
		{"bad line amid header", mail("From: a", "this is no field", "Subject: b", "", "c"), Header{{"From", "a"}, {"Subject", "b"}}, "c", 1},
		{"bad 8-bit name", mail("From: a", "Stra\xdfe: x", " fold", "Date: b", "", "c"), Header{{"From", "a"}, {"Date", "b"}}, "c", 1},
		{"continuation first", mail(" x", "From: a", "", "c"), Header{{"From", "a"}}, "c", 1},
		{"space before colon", mail("Subject : a", "From\t: b", "", ""), Header{{"Subject", "a"}, {"From", "b"}}, "", 0},
		{"no empty line", mail("From: a", "Subject: b", "Hello there,", "Note: all is well", "", "end"), Header{{"From", "a"}, {"Subject", "b"}},
			"Hello there,\nNote: all is well\n\nend", 1},
		{"header only", mail("From: a"), Header{{"From", "a"}}, "", 0},
		{"empty", nil, nil, "", 0},
		{"body only", mail("", "hello"), nil, "hello", 0},
		{"prose only", mail("hello world", "bye"), nil, "hello world\nbye", 1},
		{"NUL in value", mail("Subject: a\x00b", "", ""), Header{{"Subject", "a\x00b"}}, "", 0},
		{"empty value", mail("Subject:", "From: a", "", ""), Header{{"Subject", ""}, {"From", "a"}}, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := Parse(tt.raw)
			if diff := cmp.Diff(append(Header{}, tt.want...), append(Header{}, m.Header...)); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if len(m.Parts) != 1 || string(m.Parts[0].Body) != tt.body {
				t.Errorf("parts %q, want one with body %q", m.Parts, tt.body)
			}
			if len(m.Defects) != tt.defects {
				t.Errorf("defects %q, want %d", m.Defects, tt.defects)
			}
		})
	}
}

func TestHeaderLookup(t *testing.T) {
	h := Parse(mail("to: a", "Subject: =?utf-8?q?caf=C3=A9?=", "", "")).Header
	h = append(h, Field{"To", "=?utf-8?q?b?="}, Field{"X-Empty", ""})
	if !h.Has("TO") || !h.Has("x-empty") || h.Has("Cc") {
		t.Error("Has is wrong")
	}
	if got := h.Raw("subject"); got != "=?utf-8?q?caf=C3=A9?=" {
		t.Errorf("Raw = %q", got)
	}
	if got := h.Get("SUBJECT"); got != "café" {
		t.Errorf("Get = %q", got)
	}
	if diff := cmp.Diff([]string{"a", "b"}, h.All("To")); diff != "" {
		t.Errorf("All (-want +got):\n%s", diff)
	}
	if got := h.Get("Cc") + h.Raw("Cc"); got != "" {
		t.Errorf("absent field gives %q", got)
	}
	if h.Has("subject\u212a") || sameName("K", "\u212a") {
		t.Error("the Kelvin sign is not a k")
	}
}

func TestHeaderText(t *testing.T) {
	tests := []struct {
		name string
		h    Header
		want string
	}{
		{"as received", Header{{"message-ID", "<a@b>"}, {"Subject", "x\n\ty\n  z"}}, "message-ID: <a@b>\nSubject: x\n\ty\n  z"},
		{"UTF-8", Header{{"From", "Rafał"}}, "From: Rafał"},
		{"latin-1", Header{{"From", "M\xfcller \x93x\x94"}}, "From: Müller “x”"},
		{"NUL", Header{{"A", "b\x00c"}}, "A: bc"},
		{"injection", Header{{"A", "b\nX-Evil: c"}}, "A: b X-Evil: c"},
		{"injection by CR", Header{{"A", "b\r\nX-Evil: c\rd"}}, "A: b X-Evil: c d"},
		{"white line in fold", Header{{"A", "b\n \n\tc\n \t"}}, "A: b\n\tc"},
		{"encoded words stay", Header{{"A", "=?utf-8?q?=0AB:_c?="}}, "A: =?utf-8?q?=0AB:_c?="},
		{"empty", nil, ""},
	}
	for _, tt := range tests {
		if got := tt.h.Text(); got != tt.want {
			t.Errorf("%s: Text = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A mail made to be dear must stay cheap: these take seconds when a step is quadratic.
func TestHostileMailsAreCheap(t *testing.T) {
	const size = 1 << 20
	many := func(s string) string { return strings.Repeat(s, size/len(s)) }
	nested := "MIME-Version: 1.0\n"
	for i := range 500 {
		nested += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	for name, raw := range map[string]string{
		"open encoded words":  "Subject: " + many("=?utf-8?q?") + "\n\n",
		"bad header lines":    many("no field\n") + "Subject: x\n\n",
		"many headers":        many("A:\n") + "\n",
		"folds":               "Subject: x\n" + many(" y\n") + "\n",
		"brackets":            "From: " + many("<") + "\nReferences: " + many("<>") + "\nList-Id: " + many("<") + "\n\n",
		"addresses":           "From: l@x.example\nReply-To: " + many("\"a, ") + "\nCc: " + many("a@b,") + "\n\n",
		"parameters":          "Content-Type: text/plain" + many(";a*0=b") + "\n\n",
		"boundaries":          "Content-Type: multipart/mixed; boundary=x\n\n" + many("--x\n"),
		"almost boundaries":   "Content-Type: multipart/mixed; boundary=x\n\n--x\n\n" + many("--x--x"),
		"nested multiparts":   nested,
		"nested mails":        many("Content-Type: message/rfc822\n\n"),
		"base64 padding":      "Content-Transfer-Encoding: base64\n\n" + many("A="),
		"base64 padded lines": "Content-Transfer-Encoding: base64\n\n" + many("QQ==\n"),
		"soft breaks":         "Content-Transfer-Encoding: quoted-printable\n\n" + many("=  "),
		"comments":            "Date: " + many("(") + "\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			m := Parse([]byte(raw))
			use(m)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v, want milliseconds", took)
			}
			if len(m.Parts) > maxParts || len(m.Header) > maxFields || len(m.Defects) > maxDefects {
				t.Errorf("%d parts, %d fields, %d defects", len(m.Parts), len(m.Header), len(m.Defects))
			}
			if len(m.References()) > maxReferences {
				t.Errorf("%d references", len(m.References()))
			}
		})
	}
}

func TestLimitsKeepTheMail(t *testing.T) {
	long := strings.Repeat("x", maxValueBytes+10)
	m := Parse(mail("Subject: "+long, "From: a@b.example", "", "body"))
	if got := len(m.Header.Raw("Subject")); got != maxValueBytes {
		t.Errorf("Subject has %d bytes, want %d", got, maxValueBytes)
	}
	if m.Header.Get("From") != "a@b.example" || string(m.Parts[0].Body) != "body" || len(m.Defects) != 1 {
		t.Errorf("From %q, body %.20q, defects %q", m.Header.Get("From"), m.Parts[0].Body, m.Defects)
	}
	fields := bytes.Repeat([]byte("X-Filler: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n"), 100_000)
	m = Parse(append(append([]byte("From: a@b.example\n"), fields...), "\nbody"...))
	if len(m.Header) != maxFields || m.Header.Get("From") != "a@b.example" || string(m.Parts[0].Body) != "body" {
		t.Errorf("%d fields, body %.20q", len(m.Header), m.Parts[0].Body)
	}
}

func TestLongReferencesKeepTheNearest(t *testing.T) {
	m := Parse([]byte("References: " + strings.Repeat("<far@example.org>\n ", maxValueBytes/10) + "<near@example.org>\n\nx\n"))
	if refs := m.References(); len(refs) == 0 || refs[0] != "<near@example.org>" {
		t.Errorf("the nearest of %d references is %q", len(refs), refs[:min(len(refs), 1)])
	}
}
