// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg_test

import (
	"bytes"
	"strings"
	"testing"

	"patchwork.example/pw/internal/format/mailmsg"
)

// uuHello is "hello, world\n" as uuencode writes it.
const uuHello = "begin 644 hello.patch\n-:&5L;&\\L('=O<FQD\"@``\n`\nend\n"

func TestUuencodedPatches(t *testing.T) {
	head := "Subject: x\n\n"
	for _, tc := range []struct{ name, body, text, files string }{
		{"one", "Hi,\n\n" + uuHello + "\nAnn\n", "Hi,\n\n\nAnn\n", "hello.patch=hello, world\n"},
		{"all of the mail", uuHello, "", "hello.patch=hello, world\n"},
		{"two", uuHello + "and\n" + strings.Replace(uuHello, "hello.patch", "b c.diff.gz", 1) + "x", "and\nx", "hello.patch=hello, world\nb c.diff.gz=hello, world\n"},
		{"CR", strings.ReplaceAll("Hi\n"+uuHello, "\n", "\r\n"), "Hi\r\n", "hello.patch=hello, world\n"},
		{"lost spaces", "begin 644 hello.patch\n-:&5L;&\\L('=O<FQD\"@\n\nend\n", "", "hello.patch=hello, world\n"},
		{"another file", strings.Replace(uuHello, ".patch", ".txt", 1), "-", ""},
		{"no end", "Hi\n" + strings.TrimSuffix(uuHello, "end\n") + "\nthe end\n", "-", ""},
		{"prose", "begin 644 hello.patch\nand go on till you come to the\nend\n", "-", ""},
		{"nothing between", "begin 644 hello.patch\nend\n", "-", ""},
		{"no mode", "begin with a.patch\n-:&5L;&\\L('=O<FQD\"@``\n`\nend\n", "-", ""},
		{"quoted", "> " + strings.ReplaceAll(uuHello, "\n", "\n> "), "-", ""},
	} {
		m := mailmsg.Parse([]byte(head + tc.body))
		text, _ := m.Parts[0].Text()
		want := tc.text
		if want == "-" {
			want = tc.body
		}
		files := ""
		for _, p := range m.Parts[1:] {
			files += p.Filename + "=" + string(p.Body)
		}
		if text != want || files != tc.files {
			t.Errorf("%s: text %q, want %q; files %q, want %q", tc.name, text, want, files, tc.files)
		}
	}
}

// TestManyUuencoded: a mail of nothing but beginnings takes time in proportion to its size, and of many files only so many are parts.
func TestManyUuencoded(t *testing.T) {
	mailmsg.Parse(append([]byte("A: b\n\n"), append(bytes.Repeat([]byte("begin 644 a.patch\n"), 1<<20), "\nend\n"...)...))
	m := mailmsg.Parse(append([]byte("A: b\n\n"), bytes.Repeat([]byte(uuHello), 5000)...))
	if n := len(m.Parts); n < 900 || n > 1001 {
		t.Errorf("%d parts", n)
	}
	if text, _ := m.Parts[0].Text(); strings.Count(text, "begin 644") != 5000-len(m.Parts)+1 {
		t.Errorf("%d files are left in the text, and %d are parts", strings.Count(text, "begin 644"), len(m.Parts)-1)
	}
}

func FuzzUuencoded(f *testing.F) {
	f.Add([]byte("Hi\n" + uuHello + uuHello + "x"))
	f.Add([]byte("begin 644 a.diff\n\n \nend"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m := mailmsg.Parse(append([]byte("Content-Type: text/plain\n\n"), body...))
		size := 0
		for _, p := range m.Parts {
			size += len(p.Body)
		}
		if size > len(body)*2 {
			t.Fatalf("%d bytes became %d", len(body), size)
		}
	})
}
