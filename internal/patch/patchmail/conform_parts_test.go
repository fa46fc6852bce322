// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

const (
	formatPatchHead = "From 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567 Mon Sep 17 00:00:00 2001\nFrom: Ann Author <ann@people.example>\nDate: Mon, 1 Mar 2021 10:00:00 +0000\nSubject: [PATCH] lib: go on\n\n"
	formatPatchFile = formatPatchHead + "Because.\n\nSigned-off-by: Ann Author <ann@people.example>\n---\n f | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n" + tiny + signature
	formatPatchText = "Because.\n\nSigned-off-by: Ann Author <ann@people.example>\n---\n f | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)"
	combinedDiff    = "diff --cc f\nindex 1a,2b..3c\n--- a/f\n+++ b/f\n@@@ -1,2 -1,2 +1,2 @@@ fn\n  a\n- b\n -c\n++d\n"
	contextDiff     = "*** f.orig\tMon Mar  1 10:00:00 2021\n--- f\tMon Mar  1 10:05:00 2021\n***************\n*** 1,3 ****\n  a\n! b\n  c\n--- 1,3 ----\n  a\n! d\n  c\n"
	svnDiff         = "Index: lib/a.c\n===================================================================\n--- lib/a.c\t(revision 4)\n+++ lib/a.c\t(working copy)\n@@ -1 +1 @@\n-a\n+b\n"
	svnProperties   = "\nProperty changes on: lib/a.c\n___________________________________________________________________\nAdded: svn:executable\n   + *\n\nAcked-by: Bob <bob@people.example>\n"
)

// clearSigned frames a text as gpg --clearsign does.
func clearSigned(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "-") {
			line = "- " + line
		}
		b.WriteString(line)
	}
	return "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + b.String() + "-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----\n"
}

func zstandard(text string) string {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(z.EncodeAll([]byte(text), nil))
}

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// tiny, compressed by the programs of these names, and as uuencode writes it.
const (
	tinyUU = `begin 644 x.patch
E+2TM(&$O9@HK*RL@8B]F"D!` + "`" + `("TQ("LQ($!` + "`" + `(&9N"BUA"BMB"@` + "`" + `` + "`" + `
` + "`" + `
end
`
	tinyXZ  = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAkLS0tIGEvZgorKysgYi9mCkBAIC0xICsxIEBAIGZuCi1hCitiCgAAAACLoT8WRv7g/wABPSXSKWoBH7bzfQEAAAAABFla"
	tinyBZ2 = "QlpoOTFBWSZTWWs1IuIAAAldAAAQQAqgAEAAMQEgACInqbRN6kIBppoMNk1BKjBOF1A6uKtprYR8XckU4UJBrNSLiA=="
)

// file is an attachment with its headers.
func file(kind, name, content string) string {
	return "Content-Type: " + kind + "; name=\"" + name + "\"\nContent-Disposition: attachment; filename=\"" + name + "\"\n\n" + content
}

func encoded(kind, name, base64 string) string {
	return "Content-Type: " + kind + "; name=\"" + name + "\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment\n\n" + base64
}

// attachedTo is a mail with a text and attachments; a text of "" is no part at all.
func attachedTo(text string, files ...string) letter {
	if text != "" {
		files = append([]string{"Content-Type: text/plain; charset=utf-8\n\n" + text}, files...)
	}
	return letter{subject: "[PATCH] lib: go on", header: mixed, body: multipart(files...)}
}

func inline(header, body string) letter {
	return letter{subject: "[PATCH] lib: go on", header: header, body: body}
}

func nested(depth int, inner string) string {
	for range depth {
		inner = "Content-Type: message/rfc822\n\nFrom: x@people.example\nSubject: fwd\nMIME-Version: 1.0\n" + inner
	}
	return inner
}

// partCases are the ways of §3 and §13.3 in which the older systems lose a patch or spoil it.
var partCases = []mailCase{
	{name: "octet-stream", mail: attachedTo("Words.", file("application/octet-stream", "0001-x.patch", tiny)), diff: tiny, length: len(tiny), hash: tinyHash, text: "Words."},
	{name: "octet-stream in base64 with CRLF", mail: attachedTo("Words.", encoded("application/octet-stream", "X.DIFF", base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(tiny, "\n", "\r\n"))))), hash: tinyHash, text: "Words."},
	{name: "octet-stream that is no diff", mail: attachedTo("Words.\n---\n"+tiny, file("application/octet-stream", "x.patch", "\x00\x01\x02")), diff: tiny, length: len(tiny), text: "Words.\n---"},
	{name: "octet-stream in UTF-16", mail: attachedTo("Words.", encoded("application/octet-stream", "x.patch", base64.StdEncoding.EncodeToString(utf16("\ufeff"+tiny)))), diff: tiny, length: len(tiny), hash: tinyHash},
	{name: "text/x-c", mail: attachedTo("Words.", file("text/x-c", "x.diff", tiny)), diff: tiny, length: len(tiny), text: "Words."},
	{name: "application/x-patch", mail: attachedTo("Words.", file("application/x-patch", "x", tiny)), diff: tiny, length: len(tiny), text: "Words."},
	{name: "text/x-patch with a mark of UTF-8", mail: attachedTo("Words.", file("text/x-patch; charset=utf-8", "x", "\ufeff"+tiny)), diff: tiny, length: len(tiny)},
	{name: "gzip", mail: attachedTo("Words.", encoded("application/gzip", "x.patch.gz", gzipped(tiny))), diff: tiny, length: len(tiny), hash: tinyHash, text: "Words."},
	{name: "xz", mail: attachedTo("Words.", encoded("application/x-xz", "x.patch.xz", tinyXZ)), diff: tiny, length: len(tiny), hash: tinyHash, text: "Words."},
	{name: "bzip2", mail: attachedTo("Words.", encoded("application/octet-stream", "x.diff.bz2", tinyBZ2)), diff: tiny, length: len(tiny), hash: tinyHash, text: "Words."},
	{name: "zstd", mail: attachedTo("Words.", encoded("application/zstd", "x.patch.zst", zstandard(tiny))), diff: tiny, length: len(tiny), hash: tinyHash, text: "Words."},
	{name: "uuencoded in the text", mail: inline("", "Words.\n\n"+tinyUU+"\n-- \nAnn\n"), diff: tiny, length: len(tiny), hash: tinyHash, text: "Words."},
	{name: "octet-stream without a name", mail: attachedTo("Words.", encoded("application/octet-stream", "", base64.StdEncoding.EncodeToString([]byte(tiny)))), diff: tiny, length: len(tiny), text: "Words."},
	{name: "octet-stream called .txt", mail: attachedTo("Words.", encoded("application/octet-stream", "v3-0001-go-on.txt", base64.StdEncoding.EncodeToString([]byte(svnDiff)))), diff: svnDiff, length: len(svnDiff), text: "Words."},
	{name: "source text with a diff in its comment", mail: attachedTo("Words.\n---\n"+tiny, file("text/x-csrc", "a.c", "/*\n"+textNew+"*/\n")), diff: tiny, length: len(tiny), text: "Words.\n---"},
	{name: "text/x-c that begins like a diff", mail: attachedTo("Words.\n---\n"+tiny, file("text/x-c", "a.c", "--- a/f\n+++ b/f\n@@ -1,9 +1 @@\n-a\n")), diff: tiny, length: len(tiny), text: "Words.\n---"},
	{name: "git format-patch under another name", mail: attachedTo("Please see below.", file("text/plain", "0001-go-on.patch.v2", formatPatchFile)), diff: tiny, length: len(tiny), text: "Please see below.\n\n" + formatPatchText},
	{name: "git format-patch without a name", mail: attachedTo("Please see below.", encoded("application/octet-stream", "", base64.StdEncoding.EncodeToString([]byte(formatPatchFile)))), diff: tiny, length: len(tiny), text: "Please see below.\n\n" + formatPatchText},
	{name: "a bomb of gzip", mail: attachedTo("Words.\n---\n"+tiny, encoded("application/gzip", "x.patch.gz", gzipped(strings.Repeat("\x00", 65<<20)))), diff: tiny, length: len(tiny)},
	{name: "a picture called patch", mail: attachedTo("Words.\n---\n"+tiny, encoded("image/png", "x.patch", "iVBORw0KGgo=")), diff: tiny, length: len(tiny), text: "Words.\n---"},
	{name: "two attachments", mail: attachedTo("Words.", file("text/x-patch", "1.patch", tiny), file("text/x-diff", "2.patch", textNew)), diff: tiny + textNew, length: len(tiny + textNew)},
	{name: "a copy attached", mail: attachedTo("Words.\n---\n"+tiny, file("text/x-patch", "1.patch", tiny)), diff: tiny, length: len(tiny), text: "Words.\n---"},
	{name: "wrapped, and a copy attached", mail: attachedTo("Words.\n---\n--- a/f\n+++ b/f\n@@ -1 +1 @@ fn\n-a\nlot\n+b\n", file("application/octet-stream", "1.patch", tiny)), diff: tiny, length: len(tiny)},
	{name: "git format-patch attached", mail: attachedTo("", file("text/x-patch", "0001.patch", formatPatchFile)), diff: tiny, length: len(tiny), hash: tinyHash, text: formatPatchText, email: "ann@people.example"},
	{name: "git format-patch attached, with words", mail: attachedTo("Please see below.", file("text/plain", "0001.patch", formatPatchFile)), diff: tiny, length: len(tiny), text: "Please see below.\n\n" + formatPatchText},
	{name: "git format-patch attached, repeated", mail: attachedTo("Because.\n\nSigned-off-by: Ann Author <ann@people.example>", file("application/mbox", "0001.mbox", formatPatchFile)), diff: tiny, length: len(tiny), text: "Because.\n\nSigned-off-by: Ann Author <ann@people.example>"},
	{name: "git format-patch attached by another", mail: letter{subject: "[PATCH] lib: go on", from: "Max <max@people.example>", header: mixed, body: multipart(file("text/x-diff", "0001.patch", ">"+formatPatchFile))},
		diff: tiny, length: len(tiny), text: "From: Ann Author <ann@people.example>\n\n" + formatPatchText, email: "max@people.example"},
	{name: "git format-patch of two", mail: attachedTo("Both.", file("text/x-patch", "all.patch", formatPatchFile+"\n"+strings.ReplaceAll(formatPatchFile, tiny, textNew))), diff: tiny + textNew, length: len(tiny + textNew)},
	{name: "PGP clear-signed", mail: inline("", clearSigned("Words\n---\n"+tiny)+"\n_______________________________________________\ndevel mailing list\n"), diff: tiny, length: len(tiny), hash: tinyHash, text: "Words\n---", notThere: []string{"PGP", "Hash:"}},
	{name: "PGP clear-signed, CRLF", mail: inline("", strings.ReplaceAll(clearSigned("Words\n---\n"+tiny), "\n", "\r\n")), hash: tinyHash, text: "Words\n---", notThere: []string{"PGP"}},
	{name: "PGP cut short", mail: inline("", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nWords\n"+tiny), diff: tiny, length: len(tiny)},
	{name: "S/MIME, opaque", mail: inline("MIME-Version: 1.0\nContent-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n", cms(oidSigned, "Content-Type: text/plain; charset=utf-8\r\n\r\nGröße\r\n---\r\n"+strings.ReplaceAll(tiny, "\n", "\r\n"))), hash: tinyHash, text: "Größe\n---"},
	{name: "S/MIME, compressed", mail: inline("MIME-Version: 1.0\nContent-Type: application/x-pkcs7-mime; smime-type=compressed-data\nContent-Transfer-Encoding: base64\n", cms(oidCompressed, deflated("Content-Type: text/plain\n\nWords\n---\n"+tiny))), diff: tiny, length: len(tiny)},
	{name: "S/MIME, encrypted", mail: inline("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\nContent-Transfer-Encoding: base64\n", cms(oidEnveloped, tiny)), outcome: "ignored", series: []string{}, events: "-"},
	{name: "multipart/signed S/MIME", mail: inline("MIME-Version: 1.0\nContent-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=\"=_b\"\n",
		multipart("Content-Type: text/plain\n\nWords\n---\n"+tiny, encoded("application/pkcs7-signature", "smime.p7s", "MIIB"))), diff: tiny, length: len(tiny), text: "Words\n---"},
	{name: "html only", mail: inline("Content-Type: text/html; charset=utf-8\n", "<html><head><title>t</title><style>x{}</style></head><body><p>Because\n it&nbsp;is &lt;so&gt;.</p><pre>\n"+tiny+"</pre></body></html>"), diff: tiny, length: len(tiny), hash: tinyHash, text: "Because it is <so>."},
	{name: "html only, spoilt", mail: inline("Content-Type: text/html\n", "<div>--- a/f +++ b/f</div><div>@@ -1 +1 @@</div><div>-a</div>"), outcome: "ignored", series: []string{}, events: "-"},
	{name: "combined diff", mail: inline("", "Merge.\n---\n\n"+combinedDiff+signature), diff: combinedDiff, length: len(combinedDiff), text: "Merge.\n---"},
	{name: "context diff", mail: inline("", "Old style.\n\n"+contextDiff+signature), diff: contextDiff, length: len(contextDiff), text: "Old style."},
	{name: "svn with properties", mail: inline("", "Words\n"+svnDiff+svnProperties), diff: svnDiff, length: len(svnDiff), text: "Words\n" + strings.TrimRight(svnProperties, "\n")},
	{name: "hg", mail: inline("", "# HG changeset patch\n# User Ann <ann@people.example>\n# Node ID 12\nGo on.\n\ndiff -r 1a -r 2b f\n--- a/f\tMon Mar 01\n+++ b/f\tMon Mar 01\n@@ -1,1 +1,1 @@\n-a\n+b\n"), inDiff: []string{"diff -r 1a", "+b"}, text: "# HG changeset patch\n# User Ann <ann@people.example>\n# Node ID 12\nGo on."},
	{name: "hg, an empty file", mail: inline("", "Go on.\n\ndiff --git a/e b/e\nnew file mode 100644\n"), diff: "diff --git a/e b/e\nnew file mode 100644\n", hash: emptyHash, text: "Go on."},
	{name: "submodule", mail: inline("", "Go on.\n---\ndiff --git a/sub b/sub\nindex 1a..2b 160000\n--- a/sub\n+++ b/sub\n@@ -1 +1 @@\n-Subproject commit 1a\n+Subproject commit 2b\n"+signature), inDiff: []string{"160000", "Subproject commit 1a", "Subproject commit 2b"}, text: "Go on.\n---"},
	{name: "quoted names", mail: inline("", "Go on.\n---\ndiff --git \"a/d/\\303\\251\" \"b/d/\\303\\251\"\nindex 1..2 100644\n--- \"a/d/\\303\\251\"\n+++ \"b/d/\\303\\251\"\n@@ -1 +1 @@\n-a\n+b\n"), inDiff: []string{"diff --git \"a", "+b"}, text: "Go on.\n---"},
	{name: "an indented first line", mail: inline("", "\n  Indented.\n---\n"+tiny), text: "  Indented.\n---"},
	{name: "a line of underscores", mail: inline("", "Head\n____\n\nWords.\n\nAcked-by: Bob <bob@people.example>\n---\n"+tiny), text: "Head\n____\n\nWords.\n\nAcked-by: Bob <bob@people.example>\n---"},
	{name: "mails within mails", mail: inline(mixed, multipart("Content-Type: text/plain\n\nSee below.", nested(40, "\nWords\n---\n"+tiny))), diff: tiny, length: len(tiny)},
	{name: "mails within mails without end", mail: inline(mixed, multipart("Content-Type: text/plain\n\nWords\n---\n"+tiny, nested(5000, "\nx"))), diff: tiny, length: len(tiny)},
}

func TestPartConformance(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for i, c := range partCases {
			t.Run(c.name, func(t *testing.T) {
				s := newSite(t, db, "part-"+strconv.Itoa(i))
				c.mail.id = "part-" + strconv.Itoa(i)
				s.mailCase(c)
			})
		}
		check(t, db)
	})
}

// TestHTMLReply: a reply in nothing but HTML is a comment that can be read, and its trailers count.
func TestHTMLReply(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "html")
		s.send("patch comment", letter{id: "p", subject: "[PATCH] x", body: patchText("x")},
			letter{id: "r", subject: "Re: [PATCH] x", refs: "p", header: "Content-Type: text/html; charset=iso-8859-1\n",
				body: "<html><body>Sch\xf6n!<br>\n<br>Reviewed-by: Bob &lt;bob@people.example&gt;<blockquote>Words<br>more</blockquote></body></html>"})
		if got, want := s.one("r").content, "Schön!\n\nReviewed-by: Bob <bob@people.example>\n> Words\n> more"; got != want {
			t.Errorf("text %q, want %q", got, want)
		}
		if got := s.one("p").Tags["Reviewed-by"]; got != 1 {
			t.Errorf("%d reviews", got)
		}
		check(t, db)
	})
}

// TestIgnoreHeader: any value of the header that an old manual tells of, even none, asks to ignore the mail.
func TestIgnoreHeader(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "ignore")
		s.send("ignored ignored ignored patch",
			letter{id: "p0", subject: "[PATCH] x", header: "X-Patchwork-Ignore: false\n", body: patchText("x")},
			letter{id: "p1", subject: "[PATCH] x", header: "x-patchwork-ignore:\n", body: patchText("x")},
			letter{id: "p2", subject: "Re: x", refs: "p3", header: "X-Patchwork-Ignore: x\n", body: "Words\n"},
			letter{id: "p3", subject: "[PATCH] x", header: "X-Patchwork-Ignored: x\n", body: patchText("x")})
		if got := s.text("SELECT reason FROM mail WHERE msgid = ?", msgid("p1")); got != "its X-Patchwork-Ignore header says so" {
			t.Errorf("reason %q", got)
		}
	})
}

// TestSeriesOf370: a series of 370 patches that comes in with the last patch first is one series, complete once.
func TestSeriesOf370(t *testing.T) {
	raws := [][]byte{letter{id: "c", subject: "[PATCH 000/370] big", body: "Words\n"}.raw()}
	for i := 370; i >= 1; i-- {
		raws = append(raws, letter{id: fmt.Sprint("p", i), subject: fmt.Sprintf("[PATCH %03d/370] big: step", i), refs: "c", minutes: i, body: patchText("x")}.raw())
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "big")
		sum, err := s.importMbox(writeMbox(raws))
		if err != nil || sum.Outcomes["cover"] != 1 || sum.Outcomes["patch"] != 370 {
			t.Fatalf("%+v, %v", sum, err)
		}
		for query, want := range map[string]string{
			"SELECT COUNT(*) FROM series":                                       "1",
			"SELECT received FROM series":                                       "370",
			"SELECT COUNT(*) FROM event WHERE kind = 'series-completed'":        "1",
			"SELECT COUNT(*) FROM event WHERE kind = 'patch-completed'":         "370",
			"SELECT COUNT(*) FROM patch WHERE number BETWEEN 1 AND 370":         "370",
			"SELECT COUNT(DISTINCT number) FROM patch WHERE number IS NOT NULL": "370",
		} {
			if got := s.text(query); got != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
		check(t, db)
	})
}
