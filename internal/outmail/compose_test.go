// SPDX-License-Identifier: GPL-2.0-or-later

package outmail

import (
	"bytes"
	"flag"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/format/mailmsg"
)

var update = flag.Bool("update", false, "write the golden files anew")

const noon = clock.Time(1772366400000000) // 2026-03-01T12:00:00Z

// golden compares with a file in testdata that people have read.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}

func digest() letter {
	return letter{
		Mail: Mail{To: mail.Address{Name: "Ann Author", Address: "ann@example.org"}, Subject: "[kettle] Patch notification: 1 patch updated",
			Text: "See " + Link("/project/kettle/patch/1@x/") + "\n", InReplyTo: "<cover@x>", References: []string{"<cover@x>", "<1@x>"}, Notice: true},
		from: mail.Address{Name: "Patchwork", Address: "patchwork@example.net"}, msgid: "<pw-1-00000000000000000000@example.net>", date: noon,
		base: "https://patchwork.example.net", unsubscribe: "/mail/unsubscribe/YW5u.0123/",
	}
}

func TestCompose(t *testing.T) {
	plain := digest()
	golden(t, "plain.eml", compose(plain))
	odd := digest()
	odd.Notice, odd.unsubscribe, odd.InReplyTo, odd.References = false, "", "", nil
	odd.To.Name = "Zoë \"the\r\nBcc: evil@example.com\" Łukasz, Jr."
	odd.Subject = "Vergleich größer\x00 als\r\nBcc: evil@example.com \u202ereversed =?utf-8?q?x?= " + strings.Repeat("日本語", 20)
	odd.Text = "Zoë,\n" + strings.Repeat("very long ", 120) + "\n.\n..dots\n"
	golden(t, "odd.eml", compose(odd))
}

// Whatever a name or a subject is made of, it stays one header that says the same when it is read, and no line is too long.
func TestHeadersSurviveReading(t *testing.T) {
	texts := []string{"", "Ann", "Ann B. Author", `Author, "Ann" \ (x)`, "Zoë Ünal", "=?utf-8?q?fake?=", "a =?b", strings.Repeat("x", 255), strings.Repeat("long name ", 25),
		strings.Repeat("é", 255), strings.Repeat("😀 ", 60), "tab\there", "line\nBcc: x@example.com", "line\r\n\r\nbody", "nul\x00", "日本語の名前", "trailing  ", "Ann <ann@evil.example>", "a@b", "'quoted'", "\u202eabc"}
	for _, text := range texts {
		l := digest()
		l.To.Name, l.Subject = text, text
		raw := compose(l)
		head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		for line := range strings.SplitSeq(string(head), "\r\n") {
			if len(line) > 78 && !strings.HasPrefix(line, "List-Unsubscribe:") && !strings.Contains(line, "xxxxx") || len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") {
				t.Errorf("%q: line %q", text, line)
			}
		}
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		want := Line(text)
		to, err := mail.ParseAddress(m.Header.Get("To"))
		if err != nil || to.Name != want || to.Address != "ann@example.org" {
			t.Errorf("%q: To %+v, %v; want %q", text, to, err, want)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil || subject != want {
			t.Errorf("Subject %q, %v; want %q", subject, err, want)
		}
		if len(m.Header) != 14 {
			t.Errorf("%.30q: %d headers", text, len(m.Header))
		}
		if got := mailmsg.Parse(raw).Header.Get("Subject"); got != want {
			t.Errorf("our own reader: %q, want %q", got, want)
		}
	}
}

func TestBodies(t *testing.T) {
	for text, want := range map[string]string{
		"plain\n":                       "7bit",
		"no line end":                   "7bit",
		strings.Repeat("x", 998) + "\n": "quoted-printable",
		strings.Repeat("x", 990) + "\n": "7bit",
		"größer\n":                      "quoted-printable",
	} {
		l := digest()
		l.Text = text
		raw := compose(l)
		m := mailmsg.Parse(raw)
		if got := m.Header.Get("Content-Transfer-Encoding"); got != want {
			t.Errorf("%.20q: %s, want %s", text, got, want)
		}
		got, _ := m.Parts[0].Text()
		if got = strings.ReplaceAll(got, "\r\n", "\n"); strings.TrimRight(got, "\n") != strings.TrimRight(text, "\n") {
			t.Errorf("%.20q is read as %.20q", text, got)
		}
	}
}

func TestReferencesOfStrangers(t *testing.T) {
	l := digest()
	l.InReplyTo = "<a@b>\r\nBcc: x@example.com"
	l.References = []string{"<ok@x>", "no brackets", "<two words@x>", "<a@b>\nX: y", "<é@x>", "<" + strings.Repeat("x", 1000) + "@x>"}
	head := string(compose(l))
	if strings.Contains(head, "In-Reply-To") || !strings.Contains(head, "References: <ok@x>\r\nAuto-Submitted") {
		t.Error(head)
	}
	for range 50 {
		l.References = append(l.References, "<later@x>")
	}
	if n := strings.Count(string(compose(l)), "<later@x>"); n != 19 {
		t.Errorf("%d references", n)
	}
}

func TestCheckAddress(t *testing.T) {
	for address, ok := range map[string]bool{"ann@example.org": true, "o'neil+x@sub.example": true, "ann@localhost": true, "zoë@example.org": true, "": false, "ann": false, "-oQ/tmp@x": false,
		"a b@x": false, "a@x\r\nRCPT TO:<b@x>": false, "<a@x>": false, "a@b@c": false, "a,b@x": false, "a@x>": false, strings.Repeat("a", 260) + "@x": false, "a\x00@x": false, "a\xff@x": false} {
		if err := CheckAddress(address); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
}
