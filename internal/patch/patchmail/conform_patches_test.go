// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

const (
	addLine = "diff --git a/notes.txt b/notes.txt\nindex 3d75d48..a57f4dd 100644\n--- a/notes.txt\n+++ b/notes.txt\n@@ -1,1 +1,2 @@\n note\n+another note\n"
	utf8Add = "diff --git a/notes.txt b/notes.txt\nindex 5f34fc9..3c2f1d1 100644\n--- a/notes.txt\n+++ b/notes.txt\n@@ -1,2 +1,3 @@\n note\n+zażółć gęślą jaźń\n …\n"
	comment = "A test of a patch.\n\nIn two paragraphs."
)

// TestPatchConformance sends one diff in all the ways it can stand in a mail; diff and text must come out exactly.
func TestPatchConformance(t *testing.T) {
	attached := func(kind, diff string) letter {
		return letter{header: mixed, body: multipart("Content-Type: text/plain; charset=utf-8\n\n"+comment,
			"Content-Type: text/"+kind+"; charset=utf-8; name=a.patch\nContent-Disposition: attachment; filename=a.patch\nContent-Transfer-Encoding: 8bit\n\n"+diff)}
	}
	inline := "Content-Type: text/plain; charset=utf-8\n"
	cases := []struct {
		name       string
		mail       letter
		diff, text string
	}{
		{"Inline", letter{header: inline, body: comment + "\n" + addLine}, addLine, comment},
		{"Attachment", attached("x-patch", addLine), addLine, comment},
		{"AttachmentXDiff", attached("x-diff", addLine), addLine, comment},
		{"UTF8Inline", letter{header: inline, body: comment + "\n" + utf8Add}, utf8Add, comment},
		{"UTF8Attachment", attached("x-patch", utf8Add), utf8Add, comment},
		{"NoCharsetInline", letter{body: comment + "\n" + utf8Add}, utf8Add, comment},
		{"SignatureComment", letter{header: inline, body: comment + "\n\n-- \nAnn\n" + addLine}, addLine, comment},
		{"UpdateSigComment", letter{header: inline, body: comment + "\n---\nUpdate: mentioned.\n-- \nAnn\n" + addLine}, addLine, comment + "\n---\nUpdate: mentioned."},
		{"ListFooter", letter{header: inline, body: comment + "\n" + addLine + "\n_______________________________________________\nlist mailing list\n"}, addLine, comment},
		{"DiffWordInComment", letter{header: inline, body: comment + "\n\ndifficult words\nDifferent ones\n" + addLine}, addLine, comment + "\n\ndifficult words\nDifferent ones"},
		{"UpdateComment", letter{header: inline, body: comment + "\n---\nUpdate: mentioned.\n" + addLine}, addLine, comment + "\n---\nUpdate: mentioned."},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				s := newSite(t, db, "patch-"+strings.ToLower(c.name))
				c.mail.id, c.mail.subject = c.name, "[PATCH] notes"
				s.mailCase(mailCase{mail: c.mail, diff: c.diff, length: len(c.diff), text: c.text})
			})
		}
		check(t, db)
	})
}

// TestFuzzConformance sends mails with one broken thing each. Django and its rewrite refuse most of them; ours keeps every one, and a
// patch that can be read is a patch.
func TestFuzzConformance(t *testing.T) {
	cases := []struct {
		name, want, raw string
	}{
		{"codec-null", "patch", "From: =?utf-8\x00?q?Ann?= <a@people.example>\nSubject: [PATCH net v2 1/2] x\nMessage-ID: <1@x>\n\n" + tiny},
		{"base64err", "patch", "From: =?utf-8?b?QW5u=A?= <a@people.example>\nSubject: =?utf-8?b?W1BBVENIXSB4?=\nMessage-ID: <2@x>\n\n" + tiny},
		{"charset", "patch", "From: =?ascii\xff\xfe%?q?Ann?= <a@people.example>\nSubject: [PATCH] x\nContent-Type: text/plain; charset=\"a\xff,\x01;\"\nMessage-ID: <3@x>\n\n" + tiny},
		{"date", "patch", "From: a@people.example\nSubject: [PATCH] x\nDate: Mon, 99 Foo 20211 25:61:61 +9999\nMessage-ID: <4@x>\n\n" + tiny},
		{"date-oserror", "patch", "From: a@people.example\nSubject: [PATCH] x\nDate: Thu, 1 Jan 0001 00:00:00 +2400\nMessage-ID: <5@x>\n\n" + tiny},
		{"date-too-long", "patch", "From: a@people.example\nSubject: [PATCH] x\nDate: Mon, 1 Mar 202100000000000000000000 10:00:00\nMessage-ID: <6@x>\n\n" + tiny},
		{"dateheader", "patch", "From: a@people.example\nSubject: [PATCH] x\nDate: =?x\x00?b?!!?=\nMessage-ID: <7@x>\n\n" + tiny},
		{"year-out-of-range", "patch", "From: a@people.example\nSubject: [PATCH] x\nDate: Mon, 1 Mar 99999 10:00:00 +0000\nMessage-ID: <8@x>\n\n" + tiny},
		{"email-len", "patch", "From: Ann <" + strings.Repeat("a", 400) + "@people.example>\nSubject: [PATCH] x\nMessage-ID: <9@x>\n\n" + tiny},
		{"name-len", "patch", "From: " + strings.Repeat("Ann ", 400) + "<a@people.example>\nSubject: [PATCH] x\nMessage-ID: <10@x>\n\n" + tiny},
		{"msgid-len", "patch", "From: a@people.example\nSubject: [PATCH] x\nMessage-ID: <" + strings.Repeat("1", 900) + "@x>\n\n" + tiny},
		{"msgid-len2", "patch", "From: a@people.example\nSubject: [PATCH] x\nMessage-ID: " + strings.Repeat("2", 900) + "\n\n" + tiny},
		{"msgidheader", "patch", "From: a@people.example\nSubject: [PATCH] x\nMessage-ID: =?x\x00?q?=?= \xff\xfe\n\n" + tiny},
		{"refshdr", "pending", "From: a@people.example\nSubject: Re: x\nMessage-ID: <11@x>\nReferences: =?x?b?%%%?= <\x00gone@x\n >\n\nWords\n"},
		{"unknown-encoding", "patch", "From: a@people.example\nSubject: =?no-such?q?=5BPATCH=5D_x?=\nMessage-ID: <12@x>\n\n" + tiny},
		{"value2", "patch", "From: a@people.example\nSubject: [PATCH] x\nContent-Type: text/plain; charset*=%%'x; name*0*=utf-8''%F\nMessage-ID: <13@x>\n\n" + tiny},
		{"x-face", "patch", "From: a@people.example\nSubject: [PATCH] x\nX-Face: \x01\x02\xff\"'`${|\n \\\n\t\x00\nMessage-ID: <14@x>\n\n" + tiny},
		{"no From at all", "broken", "Subject: [PATCH] x\nMessage-ID: <15@x>\n\n" + tiny},
		{"no address in From", "broken", "From: somebody\nSubject: [PATCH] x\nMessage-ID: <16@x>\n\n" + tiny},
		{"no header", "broken", tiny},
		{"only a header", "ignored", "From: a@people.example\nSubject: [PATCH] x\nMessage-ID: <17@x>"},
		{"nothing", "broken", "\n"},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "fuzz")
		for _, c := range cases {
			o := s.deliver([]byte(c.raw))[0]
			if kind(o) != c.want || (o.Kind == "broken") != (o.Reason != "") && c.want != "ignored" && c.want != "pending" {
				t.Errorf("%s: became %q (%s), want %q", c.name, kind(o), o.Reason, c.want)
			}
		}
		if got := s.text("SELECT COUNT(*) FROM mail JOIN mail_raw ON mail_raw.mail_id = mail.id"); got != "22" {
			t.Errorf("%s of 22 mails are kept raw", got)
		}
		check(t, db)
	})
}
