// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// use asks a message for everything it can tell.
func use(m *Message) []string {
	texts := append([]string{m.ID(), m.InReplyTo()}, m.References()...)
	texts = append(texts, ListIDs(m.Header)...)
	m.Date(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	author, _ := m.Author("l@x.example")
	texts = append(texts, author.Name, author.Email, m.Header.Text())
	for i := range m.Parts {
		text, charset := m.Parts[i].Text()
		texts = append(texts, text, charset, m.Parts[i].Filename)
	}
	for _, f := range m.Header {
		texts = append(texts, m.Header.Get(f.Name))
		if len(texts) > 200 {
			break
		}
	}
	return texts
}

func FuzzParse(f *testing.F) {
	f.Add(gitMail(3))
	f.Add(mail("From: l@x.example", "Reply-To: \"a, b\" <c@d>", "Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Transfer-Encoding: base64", "", "YQ=", "--b",
		"Content-Type: message/rfc822", "", "Subject: =?gb2312?b?uN/P6A?=", "", "=3D", "--b--"))
	f.Add([]byte("From x\r\nSubject : \x00\xff\r bad\r\nno field\r\nDate: 6-May-19 1:2 PM\r\nContent-Type: a/b; n*0*=x'y'%zz; n*1=\"\r\n\r\n"))
	f.Add([]byte("Content-Transfer-Encoding: uue\n\nbegin 1 x\n%:&5\n`\nend"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := Parse(raw)
		for _, s := range use(m) {
			if !utf8.ValidString(s) || strings.Contains(s, "\x00") {
				t.Fatalf("not clean: %q", s)
			}
		}
		if len(m.Parts) == 0 || len(m.Parts) > maxParts || len(m.Defects) > maxDefects {
			t.Fatalf("%d parts, %d defects", len(m.Parts), len(m.Defects))
		}
		checkHeaderText(t, m.Header)
	})
}

// checkHeaderText reads the stored header again: it must have the same fields and no others.
func checkHeaderText(t *testing.T, h Header) {
	text := h.Text()
	if strings.Contains(text, "\r") {
		t.Fatalf("CR in %q", text)
	}
	again := Parse([]byte("X-First: 1\n" + text + "\n\n")).Header[1:]
	if len(text) > maxHeaderBytes/2 || len(again) >= maxFields-1 {
		return
	}
	if len(again) != len(h) {
		t.Fatalf("%d fields became %d in %q", len(h), len(again), text)
	}
	for i := range h {
		if again[i].Name != h[i].Name {
			t.Fatalf("field %q became %q", h[i].Name, again[i].Name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"a  b", "=?utf-8?q?a_=C3=A9?= =?utf-8?b?w6Q?=", "=?gbk?b?uN/P6A==?=\n\tx", "=??q?=?=", "\xff\x00 ", "=?utf-7?q?a?=", "=?utf-16?b?AGE=?="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Decode(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\r\n\t") || strings.Contains(got, "  ") || strings.TrimSpace(got) != got {
			t.Fatalf("Decode(%q) = %q", s, got)
		}
		if a, err := ParseFrom(got); err == nil && (!usable(a.Email) || strings.TrimSpace(a.Name) != a.Name) {
			t.Fatalf("ParseFrom(%q) = %q", got, a)
		}
		ParseDate(got)
	})
}

// gitMail is a patch as git send-email writes it, of about n*100 bytes of diff, with the trace headers of a list.
func gitMail(n int) []byte {
	var b strings.Builder
	for i := range 8 {
		fmt.Fprintf(&b, "Received: from mx%d.example.org (mx%d.example.org [192.0.2.%d])\n\tby mail.example.net (Postfix) with ESMTPS id 4F2D3A148%d\n"+
			"\tfor <devel@lists.example.org>; Mon,  6 May 2019 13:01:2%d +0200 (CEST)\n", i, i, i, i, i)
	}
	b.WriteString("From: =?utf-8?q?Rafa=C5=82_Example?= <rafal@example.com>\nTo: devel@lists.example.org\nCc: \"Doe, Joe\" <joe@example.com>,\n Ann <ann@example.com>\n" +
		"Subject: [PATCH v3 2/7] sched: keep the queue short when it is long\nDate: Mon,  6 May 2019 13:01:20 +0200\n" +
		"Message-Id: <20190506110120.1234-3-rafal@example.com>\nX-Mailer: git-send-email 2.21.0\nIn-Reply-To: <20190506110120.1234-1-rafal@example.com>\n" +
		"References: <20190506110120.1234-1-rafal@example.com>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n" +
		"List-Id: Development <devel.lists.example.org>\n\nWhy this is good.\n\nSigned-off-by: Rafał Example <rafal@example.com>\n---\n a.c | 2 +-\n" +
		"\ndiff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@\n")
	for i := range n {
		fmt.Fprintf(&b, " \tif (queue->length > limit) /* line %d of the diff */\n-\t\treturn old_value;\n+\t\treturn new_value;\n", i)
	}
	b.WriteString("-- \n2.21.0\n")
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	raw := gitMail(80)
	now := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		m := Parse(raw)
		m.ID()
		m.Header.Get("Subject")
		m.References()
		m.Date(now)
		ListIDs(m.Header)
		if _, err := m.Author("devel@lists.example.org"); err != nil {
			b.Fatal(err)
		}
		m.Parts[0].Text()
	}
}
