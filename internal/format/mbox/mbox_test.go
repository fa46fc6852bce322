// SPDX-License-Identifier: GPL-2.0-or-later

package mbox

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const sep = "From joe@x.example Mon May  6 13:01:24 2019\n"

func readAll(t *testing.T, r io.Reader, maxSize int) []Mail {
	t.Helper()
	var mails []Mail
	for mr := NewReader(r, maxSize); ; {
		m, err := mr.Next()
		if err == io.EOF {
			if _, again := mr.Next(); again != io.EOF {
				t.Fatalf("after EOF: %v", again)
			}
			return mails
		}
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, m)
	}
}

func TestReader(t *testing.T) {
	tests := []struct {
		name, in string
		want     []Mail
	}{
		{"empty", "", nil},
		{"only empty lines", "\n\r\n\n", nil},
		{"two mails", sep + "A: b\n\nc\n\n" + sep + "D: e\n\nf\n\n", []Mail{{Raw: []byte("A: b\n\nc\n")}, {Raw: []byte("D: e\n\nf\n"), Offset: 53}}},
		{"no line end at all", sep + "A: b\n\nc\n\n" + sep + "D: e", []Mail{{Raw: []byte("A: b\n\nc\n")}, {Raw: []byte("D: e"), Offset: 53}}},
		{"CRLF", "From a b May 10:10 2019\r\nA: b\r\n\r\nc\r\n\r\nFrom a b May 10:10 2019\r\nD: e\r\n",
			[]Mail{{Raw: []byte("A: b\r\n\r\nc\r\n")}, {Raw: []byte("D: e\r\n"), Offset: 38}}},
		{"empty lines first", "\n\r\n" + sep + "A: b\n", []Mail{{Raw: []byte("A: b\n"), Offset: 3}}},
		{"first line without date", "From joe\nA: b\n\nc\n", []Mail{{Raw: []byte("A: b\n\nc\n")}}},
		{"one mail", "From: a\n\nb\n\n" + sep + "c\n\n", []Mail{{Raw: []byte("From: a\n\nb\n\n" + sep + "c\n\n")}}},
		{"one mail with a quote", "Subject : a\n\n>b\n\n" + sep + "c\n", []Mail{{Raw: []byte("Subject : a\n\n>b\n\n" + sep + "c\n")}}},
		{"rubbish first", "What I kept\n\n" + sep + "A: b\n\nc\n\n" + sep + "D: e\n", []Mail{{Raw: []byte("What I kept\n")}, {Raw: []byte("A: b\n\nc\n"), Offset: 13}, {Raw: []byte("D: e\n"), Offset: 66}}},
		{"byte order mark", "\ufeff" + sep + "A: b\n\nc\n\n" + sep + "D: e\n", []Mail{{Raw: []byte("\ufeff" + sep + "A: b\n\nc\n")}, {Raw: []byte("D: e\n"), Offset: 56}}},
		{"nothing but prose", "What I kept\n\nFor ever\n", []Mail{{Raw: []byte("What I kept\n\nFor ever\n")}}},
		{"prose", sep + "A: b\n\nFrom here on 2019 is better.\n\nFrom now 10:10 on\n", []Mail{{Raw: []byte("A: b\n\nFrom here on 2019 is better.\n\nFrom now 10:10 on\n")}}},
		{"separator amid a paragraph", sep + "A: b\n\ntext\n" + sep + "text\n", []Mail{{Raw: []byte("A: b\n\ntext\n" + sep + "text\n")}}},
		{"quoted", sep + "A: b\n\n>" + sep, []Mail{{Raw: []byte("A: b\n\n>" + sep)}}},
		{"more empty lines", sep + "A: b\n\n\n\n" + sep + "C: d\n", []Mail{{Raw: []byte("A: b\n\n\n")}, {Raw: []byte("C: d\n"), Offset: 52}}},
		{"mail of nothing", sep + "\n" + sep, []Mail{{Raw: []byte{}}, {Raw: []byte{}, Offset: 45}}},
		{"only a separator", strings.TrimSuffix(sep, "\n"), []Mail{{Raw: []byte{}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in)), iotest.DataErrReader(strings.NewReader(tt.in))} {
				if diff := cmp.Diff(tt.want, readAll(t, r, 1000)); diff != "" {
					t.Errorf("mails (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestReaderLimit(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	in := sep + "12345\n\n" + sep + "1234567\n\n" + sep + long + "\nmore\n\n" + sep + "last\n\n"
	want := []Mail{
		{Raw: []byte("12345\n")},
		{Raw: []byte("123456"), Offset: 51, Truncated: true},
		{Raw: []byte("xxxxxx"), Offset: 104, Truncated: true},
		{Raw: []byte("last\n"), Offset: 104 + 44 + 200_007},
	}
	if diff := cmp.Diff(want, readAll(t, strings.NewReader(in), 6)); diff != "" {
		t.Errorf("mails (-want +got):\n%s", diff)
	}
	whole := readAll(t, strings.NewReader(in), 1<<20)
	if len(whole) != 4 || string(whole[2].Raw) != long+"\nmore\n" || whole[2].Truncated {
		t.Errorf("a long line is not kept whole: %d mails", len(whole))
	}
}

func TestReaderError(t *testing.T) {
	broken := errors.New("disk on fire")
	in := io.MultiReader(strings.NewReader(sep+"A: b\n\n"+sep+"C: d\n"), iotest.ErrReader(broken))
	r := NewReader(in, 1000)
	if m, err := r.Next(); err != nil || string(m.Raw) != "A: b\n" {
		t.Fatalf("first mail %q, %v", m.Raw, err)
	}
	for range 2 {
		if m, err := r.Next(); !errors.Is(err, broken) || !strings.Contains(err.Error(), "at byte 99") || m.Raw != nil {
			t.Errorf("cut-off mail %q, %v", m.Raw, err)
		}
	}
}

func TestIsSeparator(t *testing.T) {
	for line, want := range map[string]bool{
		"From mboxrd@z Thu Jan  1 00:00:00 1970\n":                               true,
		"From joe@x.example Mon May  6 13:01:24 2019\r\n":                        true,
		"From joe at x.example  Mon May  6 13:01:24 2019":                        true,
		"From - Mon May 06 13:01:24 2019":                                        true,
		"From MAILER-DAEMON Mon May  6 13:01 1991 remote from host":              true,
		"From joe@x.example Wed 09 Oct 2019 03:26:06 PM CEST":                    true,
		"From joe@x.example Mon, 6 May 2019 13:01:24 +0200":                      true,
		"From 631ebfada7b6733ed31d70692f08a4e0bd3dc0b8 Mon Sep 17 00:00:00 2001": true,
		"From joe@x.example 2019-05-06 13:01:24":                                 true,
		"From \"joe doe\"@x.example Mon May  6 13:01:24 2019":                    true,
		"From here on":                       false,
		"From May 2019 on we meet at noon":   false,
		"From 10:30 to 11:30 in 2019":        false,
		"From the manual of May 1234 10:30":  false,
		"From: Joe Mon May  6 13:01:24 2019": false,
		">From joe Mon May  6 13:01:24 2019": false,
		"from joe Mon May  6 13:01:24 2019":  false,
		"From joe":                           false,
		"From ":                              false,
		"From " + strings.Repeat("x", 1000) + " Mon May 6 13:01 2019": false,
	} {
		if got := isSeparator([]byte(line)); got != want {
			t.Errorf("isSeparator(%.60q) = %v, want %v", line, got, want)
		}
	}
}

func TestUnquote(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "",
		"no quotes\n":                  "no quotes\n",
		">From a\nb\n>>From c\n>From":  "From a\nb\n>From c\n>From",
		" >From a\n>> From b\n>From c": " >From a\n>> From b\nFrom c",
		">From a\r\n\r\n":              "From a\r\n\r\n",
	} {
		if got := string(Unquote([]byte(in))); got != want {
			t.Errorf("Unquote(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(sep+"A: b\n\nc\n\n"+sep+"D: e\n\nf\n\n"), 10)
	f.Add([]byte("\r\n\nFrom x\r\n\r\n"+sep), 3)
	f.Add([]byte("From: a\n\n"), 100)
	f.Fuzz(func(t *testing.T, in []byte, maxSize int) {
		maxSize = max(0, min(maxSize, 1<<16))
		kept, last := 0, int64(-1)
		for i, m := range readAll(t, bytes.NewReader(in), maxSize) {
			kept += len(m.Raw)
			if len(m.Raw) > maxSize || m.Truncated && len(m.Raw) != maxSize {
				t.Fatalf("mail %d has %d bytes of at most %d, truncated %v", i, len(m.Raw), maxSize, m.Truncated)
			}
			if m.Offset <= last || m.Offset > int64(len(in)) {
				t.Fatalf("mail %d is at %d after %d", i, m.Offset, last)
			}
			last = m.Offset
			if !bytes.Contains(in, []byte(mboxrdMark)) && !bytes.Contains(in[m.Offset:], m.Raw) {
				t.Fatalf("mail %d is not in the input", i)
			}
			Unquote(m.Raw)
		}
		if kept > len(in) {
			t.Fatalf("%d bytes out of %d", kept, len(in))
		}
	})
}

func TestReaderUnquotesMboxrd(t *testing.T) {
	const rd = "From mboxrd@z Thu Jan  1 00:00:00 1970\n"
	in := rd + "A: b\n>From the header\n\n>From x\n>>From y\n> From z\na >From b\n\n" + sep + "A: b\n\n>From x\n\n" + rd + "A: b\r\n\r\n>>>From x\r\n\r\n" + rd + ">From header only\n"
	var got []string
	for _, m := range readAll(t, strings.NewReader(in), 1<<20) {
		got = append(got, string(m.Raw))
	}
	want := []string{"A: b\n>From the header\n\nFrom x\n>From y\n> From z\na >From b\n", "A: b\n\n>From x\n", "A: b\r\n\r\n>>From x\r\n", ">From header only\n"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func BenchmarkReader(b *testing.B) {
	one := sep + "A: b\n\n" + strings.Repeat("a line of text of some length in a mail\n", 250) + "\n"
	archive := strings.Repeat(one, 100)
	b.SetBytes(int64(len(archive)))
	for b.Loop() {
		r := NewReader(strings.NewReader(archive), 1<<20)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
}

// FuzzRoundTrip writes two mails as public-inbox does; they must come back as they were.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("From here\n>From there\n\nFrom a Mon Jan  1 00:00:00 2001\n"), []byte("x"))
	f.Add([]byte("\r\nFrom x\r\n"), []byte(""))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		var archive bytes.Buffer
		var want [][]byte
		for _, body := range [][]byte{one, two} {
			mail := append([]byte("A: b\n\n"), body...)
			if mail[len(mail)-1] != '\n' {
				mail = append(mail, '\n')
			}
			want = append(want, mail)
			archive.WriteString("From mboxrd@z Thu Jan  1 00:00:00 1970\n")
			for line := range bytes.Lines(mail) {
				if bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
					archive.WriteByte('>')
				}
				archive.Write(line)
			}
			archive.WriteByte('\n')
		}
		got := readAll(t, &archive, 1<<20)
		if len(got) != 2 || !bytes.Equal(got[0].Raw, want[0]) || !bytes.Equal(got[1].Raw, want[1]) {
			t.Fatalf("got %d mails, want %q", len(got), want)
		}
	})
}
