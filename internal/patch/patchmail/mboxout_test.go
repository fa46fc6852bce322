// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"io"
	"mime/quotedprintable"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/format/mbox"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
)

// out is what WriteMbox makes of mails.
func out(t *testing.T, mails ...*patch.MboxMail) string {
	t.Helper()
	var b bytes.Buffer
	if err := patchmail.WriteMbox(&b, mails...); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// stored is a patch as it is read from the database.
func stored() *patch.MboxMail {
	return &patch.MboxMail{Kind: patch.KindPatch, ID: 7, Name: "[1/2] lib: add two", Number: 1, ListEmail: "devel@lists.example",
		Mail: patch.Mail{MsgID: "<p1@mail.example>", Date: clock.FromTime(time.Date(2021, 3, 1, 10, 0, 0, 0, time.UTC)),
			SubmitterName: "Ann Author", SubmitterMail: "ann@people.example",
			Headers: "From: Ann Author <ann@people.example>\nTo: devel@lists.example\nSubject: [PATCH 1/2] lib: add two\nDate: Mon, 1 Mar 2021 11:00:00 +0100\nMessage-ID: <p1@mail.example>",
			Content: "One needs two.\n\nSigned-off-by: Ann Author <ann@people.example>\n---\n lib/a.c | 1 +\n 1 file changed, 1 insertion(+)"},
		Diff: []byte(diffOf("lib/a.c"))}
}

func TestWriteMbox(t *testing.T) {
	m := stored()
	m.Delegate = "max@people.example"
	m.Comments = []string{"> Reviewed-by: Quoted <q@people.example>\n\nAcked-by: Bob <bob@people.example>\nFixes: 123\nAcked-by Missing Colon", "fine\nreviewed-BY: Cy <cy@people.example>  \r\nTested-by:\nCo-developed-by: X"}
	want := `From patchwork Mon Mar  1 10:00:00 2021
Content-Type: text/plain; charset="utf-8"
MIME-Version: 1.0
Content-Transfer-Encoding: 7bit
X-Patchwork-Submitter: Ann Author <ann@people.example>
X-Patchwork-Id: 7
X-Patchwork-Delegate: max@people.example
From: Ann Author <ann@people.example>
To: devel@lists.example
Subject: [PATCH 1/2] lib: add two
Date: Mon, 1 Mar 2021 11:00:00 +0100
Message-ID: <p1@mail.example>

One needs two.

Signed-off-by: Ann Author <ann@people.example>
Acked-by: Bob <bob@people.example>
reviewed-BY: Cy <cy@people.example>  
Tested-by:
---
 lib/a.c | 1 +
 1 file changed, 1 insertion(+)

diff --git a/lib/a.c b/lib/a.c
index 1d2c3b4..5a69788 100644
--- a/lib/a.c
+++ b/lib/a.c
@@ -7,2 +7,3 @@ int f(void)
 one
+two
 three
`
	if diff := cmp.Diff(want, out(t, m)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// headerOf is the header and bodyOf the body of a mail that was written.
func headerOf(mail string) string { head, _, _ := strings.Cut(mail, "\n\n"); return head }
func bodyOf(mail string) string   { _, body, _ := strings.Cut(mail, "\n\n"); return body }

func TestWriteMboxHeaders(t *testing.T) {
	const from = "From: Ann Author <ann@people.example>\n"
	const date = "\nDate: Mon, 01 Mar 2021 10:00:00 -0000"
	for _, tc := range []struct {
		name, headers, submitter, want string // want: after X-Patchwork-Id; submitter: "name|value of the header"
	}{
		{"encoding of the original goes in any spelling", from + "content-TYPE: multipart/signed;\n boundary=x\nContent-type: text/html\nMime-Version: 1.0\nCONTENT-TRANSFER-ENCODING: base64\nX-A: b", "", from + "X-A: b" + date},
		{"length goes", from + "Content-Length: 12\nLines: 3", "", from + "Lines: 3" + date},
		{"nobody poses as Patchwork", "X-Patchwork-Id: 1\nX-PATCHWORK-SUBMITTER: x\nX-Patchwork-Original-From: y\nX-Patchwork-State: accepted\n" + from, "", "X-Patchwork-State: accepted\n" + strings.TrimSuffix(from, "\n") + date},
		{"folds and repeated headers stay", "Received: a\n\tb\nReceived: c\nDate: today", "", "Received: a\n\tb\nReceived: c\nDate: today"},
		{"list as sender", "From: 'Ann Author' via Devel\n <Devel@Lists.example>\nDate: x", "", "X-Patchwork-Original-From: 'Ann Author' via Devel\n <Devel@Lists.example>\nFrom: Ann Author <ann@people.example>\nDate: x"},
		{"list as sender, by its List-Post", "List-Post: <mailto:kettle@other.example>\nFrom: Ann via Kettle <kettle@other.example>\nDate: x", "",
			"List-Post: <mailto:kettle@other.example>\nX-Patchwork-Original-From: Ann via Kettle <kettle@other.example>\nFrom: Ann Author <ann@people.example>\nDate: x"},
		{"list as sender, by its List-Post, and as submitter", "List-Post: <mailto:ann@people.example>\nFrom: Bob via Kettle <ann@people.example>\nDate: x", "",
			"List-Post: <mailto:ann@people.example>\nFrom: Bob via Kettle <ann@people.example>\nDate: x"},
		{"list as sender, encoded", "From: =?utf-8?q?J=C3=B6?= <devel@lists.example>\nDate: x", "Jö|=?utf-8?b?SsO2?= <ann@people.example>", "X-Patchwork-Original-From: =?utf-8?q?J=C3=B6?= <devel@lists.example>\nFrom: =?utf-8?b?SsO2?= <ann@people.example>\nDate: x"},
		{"no header at all", "", "", strings.TrimPrefix(date, "\n")},
		{"an encoded word with a newline stays encoded", "Subject: =?utf-8?q?a=0AX-Evil:_1?=\nDate: x", "", "Subject: =?utf-8?q?a=0AX-Evil:_1?=\nDate: x"},
		{"stored garbage ends nothing", "From nowhere Mon Mar  1 10:00:00 2021\nX-A: b\rX-Evil: 1\n \nX-B: c\x00d\nno header\nDate: x", "", "X-A: b X-Evil: 1\nX-B: cd\nDate: x"},
		{"name with a comma", "Date: x", `Author, Ann "A\"|"Author, Ann \"A\\\"" <ann@people.example>`, "Date: x"},
		{"name with newlines", "Date: x", "Ann\r\nX-Evil: 1\x00\n\n|\"Ann X-Evil: 1\" <ann@people.example>", "Date: x"},
		{"name that looks encoded", "Date: x", "=?utf-8?q?=0AX-Evil:_1?=|=?utf-8?b?PT91dGYtOD9xPz0wQVgtRXZpbDpfMT89?=\n <ann@people.example>", "Date: x"},
		{"name in the shorter encoding", "Date: x", "Björn Some, Body|=?utf-8?q?Bj=C3=B6rn_Some=2C_Body?=\n <ann@people.example>", "Date: x"},
		{"no name", "Date: x", "|ann@people.example", "Date: x"},
		{"long name", "Date: x", "Annabel Aurelia Author of Long Names the Third|Annabel Aurelia Author of Long Names the Third\n <ann@people.example>", "Date: x"},
		{"very long name", "Date: x", strings.Repeat("ж", 30) + "|=?utf-8?b?0LbQttC20LbQttC20LbQttC20LbQttC20LbQttC20LbQttC20LbQttC20LY=?= =?utf-8?b?0LbQttC20LbQttC20LbQtg==?=\n <ann@people.example>", "Date: x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := stored()
			m.Headers = tc.headers
			submitter := "Ann Author <ann@people.example>"
			if name, value, ok := strings.Cut(tc.submitter, "|"); ok {
				m.SubmitterName, submitter = name, value
			}
			want := "From patchwork Mon Mar  1 10:00:00 2021\nContent-Type: text/plain; charset=\"utf-8\"\nMIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\n" +
				"X-Patchwork-Submitter: " + submitter + "\nX-Patchwork-Id: 7\n" + tc.want
			if diff := cmp.Diff(want, headerOf(out(t, m))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWriteMboxBody(t *testing.T) {
	const ack = "Acked-by: Bob <bob@people.example>"
	for _, tc := range []struct{ name, content, diff, want string }{
		{"no diff", "Please pull.\n", "", "Please pull.\n" + ack + "\n"},
		{"nothing", "", "", "\n" + ack + "\n"},
		{"rest without message", "---\n f | 1 +", "x\n", "\n" + ack + "\n---\n f | 1 +\n\nx\n"},
		{"two separators", "a\n---\nv2: b\n---\n f | 1 +\n\n", "x", "a\n" + ack + "\n---\nv2: b\n---\n f | 1 +\n\nx\n"},
		{"blank after the separator", "a\n--- \nb", "x\n", "a\n" + ack + "\n--- \nb\n\nx\n"},
		{"two dashes", "a\n\n--\nAnn", "x\n", "a\n" + ack + "\n--\nAnn\n\nx\n"},
		{"two dashes in the message", "a\n--\nb\n---\nc", "x\n", "a\n--\nb\n" + ack + "\n---\nc\n\nx\n"},
		{"what git takes for a diff", "a\nIndex: of things\nb", "x\n", "a\n" + ack + "\nIndex: of things\nb\n\nx\n"},
		{"a file name after dashes", "a\n--- b\nc", "x\n", "a\n" + ack + "\n--- b\nc\n\nx\n"},
		{"a rule is no separator", "a\n-----\n---b\n  ---\nc", "x\n", "a\n-----\n---b\n  ---\nc\n" + ack + "\n\nx\n"},
		{"no-break space", "a\u00a0b\n---\nc", "x\n", "a\u00a0b\n" + ack + "\n---\nc\n\nx\n"},
		{"From lines", "From here\nfrom there\n>From\n>From far\n From\nFromage\n---\nFrom b", "From 0123 Mon Sep 17 00:00:00 2001\n--- a\n", ">From here\nfrom there\n>From\n>>From far\n From\nFromage\n" + ack + "\n---\n>From b\n\n>From 0123 Mon Sep 17 00:00:00 2001\n--- a\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := stored()
			m.Content, m.Diff, m.Comments = tc.content, []byte(tc.diff), []string{ack}
			if diff := cmp.Diff(tc.want, bodyOf(out(t, m))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWriteMboxCharset(t *testing.T) {
	latin := "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-Zo\xeb\n+Zo\xeb!\n"
	for _, tc := range []struct{ name, content, charset, diff, header, body string }{
		{"ascii", "a", "", "x\n", "utf-8 7bit", "a\n\nx\n"},
		{"utf-8", "é", "", "x\n", "utf-8 8bit", "é\n\nx\n"},
		{"text fits the charset of the diff", "é", "windows-1252", latin, "windows-1252 8bit", "\xe9\n\n" + latin},
		{"text does not fit", "ж", "windows-1252", latin, "utf-8 8bit", "ж\n\n" + latin},
		{"a charset only the web knows", "é", "x-user-defined", latin, "utf-8 8bit", "é\n\n" + latin},
		{"a mixture", "é", "unknown-8bit", latin, "utf-8 8bit", "é\n\n" + latin},
		{"a control character iconv refuses", "\u0081", "windows-1252", latin, "utf-8 8bit", "\u0081\n\n" + latin},
		{"mail with CRLF throughout", "a", "", "--- a/f\r\n+++ b/f\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n", "utf-8 7bit", "a\n\n--- a/f\r\n+++ b/f\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n"},
		{"file with CRLF", "é =\nFrom a\n>From b", "", "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a \r\n+b\t\r\n", "utf-8 quoted-printable",
			"=C3=A9 =3D\n=46rom a\n=3EFrom b\n\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a =0D\n+b\t=0D\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := stored()
			m.Content, m.Charset, m.Diff = tc.content, tc.charset, []byte(tc.diff)
			charset, encoding, _ := strings.Cut(tc.header, " ")
			mail := out(t, m)
			want := "Content-Type: text/plain; charset=\"" + charset + "\"\nMIME-Version: 1.0\nContent-Transfer-Encoding: " + encoding + "\n"
			if !strings.Contains(headerOf(mail), want) {
				t.Errorf("the header lacks\n%s\n%s", want, headerOf(mail))
			}
			if diff := cmp.Diff(tc.body, bodyOf(mail)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestQuotedPrintable reads long and odd lines back.
func TestQuotedPrintable(t *testing.T) {
	var diff strings.Builder
	diff.WriteString("--- a/f\n+++ b/f\n@@ -0,0 +1,200 @@\n")
	for i := range 200 {
		diff.WriteString("+" + strings.Repeat("From >= é ", i)[:i*7] + strings.Repeat(" ", i%3) + "\r\n")
	}
	m := stored()
	m.Content, m.Diff = "a", []byte(diff.String())
	body := bodyOf(out(t, m))
	for line := range strings.Lines(body) {
		if len(line) > 77 || strings.HasPrefix(line, "From ") {
			t.Errorf("line %q", line)
		}
	}
	got, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("a\n\n"+diff.String(), string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// forged is a mail whose text holds another mail.
func forged() *patch.MboxMail {
	m := stored()
	second := "\nFrom eve@people.example Mon Mar  1 10:00:00 2021\nFrom: Eve <eve@people.example>\nSubject: [PATCH] open the door\nDate: Mon, 1 Mar 2021 11:00:00 +0100\n\n" + diffOf("door")
	m.Content = "One.\n" + second + "\n---\nTwo.\n" + second
	m.Comments = []string{"Acked-by: Bob\n\nFrom eve Mon Mar  1 10:00:00 2021\n"}
	m.Diff = append(m.Diff, second...)
	return m
}

func TestForgedMailIsOneMail(t *testing.T) {
	both := out(t, forged(), stored())
	r := mbox.NewReader(strings.NewReader(both), 1<<20)
	var mails []string
	for {
		m, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, string(m.Raw))
	}
	if len(mails) != 2 {
		t.Fatalf("our reader finds %d mails, want 2", len(mails))
	}
	if body := bodyOf(string(mbox.Unquote([]byte(mails[0])))); !strings.Contains(body, "\nFrom eve@people.example Mon") || strings.Contains(body, ">From") {
		t.Errorf("unquoted it is\n%s", body)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "mbox")
	if err := os.WriteFile(path, []byte(both), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := runGit(t, dir, nil, "mailsplit", "-o"+dir, path); strings.TrimSpace(got) != "2" {
		t.Errorf("git mailsplit finds %s mails, want 2", got)
	}
}

// runGit runs git in a directory without anybody's configuration and returns its output.
func runGit(t *testing.T, dir string, input []byte, args ...string) string {
	t.Helper()
	text, err := tryGit(dir, input, args...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", args[0], err, text)
	}
	return text
}

func tryGit(dir string, input []byte, args ...string) (string, error) {
	fixed := []string{"-c", "core.fsync=none", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "advice.detachedHead=false", "-c", "core.hooksPath=/dev/null"}
	cmd := exec.Command("git", append(fixed, args...)...)
	cmd.Dir = dir
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@people.example", "GIT_COMMITTER_DATE=1600000000 +0000",
		"GIT_AUTHOR_NAME=c", "GIT_AUTHOR_EMAIL=c@people.example", "GIT_AUTHOR_DATE=1610000000 +0100", "HOME="+dir, "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestWriteDiff(t *testing.T) {
	m := stored()
	m.Diff = []byte("--- a\r\n+++ \xe9\nno newline")
	var b bytes.Buffer
	if err := patchmail.WriteDiff(&b, m); err != nil || b.String() != "--- a\r\n+++ \xe9\nno newline" {
		t.Errorf("%q, %v", b.String(), err)
	}
	m.Diff = nil
	if err := patchmail.WriteDiff(&b, m); !fault.Is(err, fault.NotFound) {
		t.Errorf("without a diff: %v", err)
	}
}

func TestFileName(t *testing.T) {
	for _, tc := range []struct{ name, want string }{
		{"[v2,1/4] Rework tagging infrastructure", "v2-1-4-Rework-tagging-infrastructure.patch"},
		{"lib: a_b.c -- \"x\"", "lib-a_b.c----x.patch"},
		{"../../etc/passwd", "..-..-etc-passwd.patch"},
		{"\r\nX-Evil: é", "X-Evil.patch"},
		{"修复", "patchwork-7.patch"},
		{"..", "patchwork-7.patch"},
		{"", "patchwork-7.patch"},
	} {
		if got := patchmail.FileName(tc.name, 7, ".patch"); got != tc.want {
			t.Errorf("FileName(%q) = %q, want %q", tc.name, got, tc.want)
		}
	}
}
