// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/format/diff"
	"patchwork.example/pw/internal/format/mbox"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
)

// likeDiff finds lines that mean something in front of a diff, and frames.
var likeDiff = regexp.MustCompile(`(?m)^(--- |\+\+\+ |diff |Index: |\*\*\* |@@|-----BEGIN )`)

// FuzzMail reads mails as intake does and writes them as mbox: what is stored can be stored on every engine, and the patch that is read again from what was
// written is the same.
func FuzzMail(f *testing.F) {
	for _, cases := range [][]mailCase{mailCases, partCases} {
		for _, c := range cases {
			if raw := c.mail.raw(); len(raw) < 64<<10 {
				f.Add(raw)
			}
		}
	}
	fixed := clock.NewFake(now)
	f.Fuzz(func(t *testing.T, raw []byte) {
		begin := time.Now()
		d := patchmail.DraftOf(fixed, raw)
		if took := time.Since(begin); took > 20*time.Second {
			t.Fatalf("%d bytes took %v", len(raw), took)
		}
		for what, text := range map[string]string{"subject": d.Subject, "text": d.Content, "headers": d.Headers, "pull request": d.PullURL, "charset": d.Charset, "files": strings.Join(d.Files, "/")} {
			if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
				t.Fatalf("%s %q", what, text)
			}
		}
		if d.Charset == "" && !utf8.Valid(d.Diff) || bytes.IndexByte(d.Diff, 0) >= 0 || (d.Diff == nil) != (d.Hash == "") {
			t.Fatalf("diff %q, charset %q, hash %q", d.Diff, d.Charset, d.Hash)
		}
		if d.Diff == nil || bytes.IndexByte(d.Diff, '\r') >= 0 || !diff.Sound(d.Diff) || !bytes.HasPrefix(d.Diff, []byte("diff --git ")) || likeDiff.MatchString(d.Content) {
			return // also attachments that name no file
		}
		mail := patch.MboxMail{Kind: patch.KindPatch, ID: 1, Mail: patch.Mail{MsgID: "<x@y>", Date: d.Date, SubmitterMail: "x@y", Headers: "From: x@y\nSubject: x", Content: d.Content}, Diff: d.Diff, Charset: d.Charset}
		again := patchmail.DraftOf(fixed, mbox.Unquote([]byte(out(t, &mail))))
		if again.Hash != d.Hash {
			t.Fatalf("the patch\n%q with the text %q\nis read again as\n%q with the text %q", d.Diff, d.Content, again.Diff, again.Content)
		}
	})
}
