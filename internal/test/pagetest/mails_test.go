// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"encoding/base64"
	"fmt"
	"mime"
	"strings"
)

// The mails here are what a list gets from people who are careless, unlucky or hostile.

const hostileList = "hostile.lists.example.org"

// Message-IDs of mails that tests open.
const (
	scriptID   = "script-1@example.org"
	slashID    = "a/b%c?d#e@example.org"
	longDiffID = "long-diff@example.org"
	binaryID   = "binary@example.org"
	wideID     = "wide@example.org"
	bidiID     = "bidi@example.org"
	crlfID     = "crlf@example.org"
	emptyID    = "no-subject@example.org"
	coverID    = "big-0@example.org"
	lastID     = "big-60@example.org"
)

const smallDiff = `diff --git a/kettle.c b/kettle.c
index 1111111..2222222 100644
--- a/kettle.c
+++ b/kettle.c
@@ -1,3 +1,3 @@ int main(void)
 {
-	boil(<b>cold</b>);
+	boil("<script>alert(1)</script>");
 }
`

// letter is a mail to the list; its header fields may be hostile.
type letter struct {
	id, from, subject, parent, body string
}

func (l letter) String() string {
	var b strings.Builder
	if l.from == "" {
		l.from = "Ann Ek <ann@example.org>"
	}
	fmt.Fprintf(&b, "From: %s\nTo: <hostile@lists.example.org>\nSubject: %s\nDate: Tue, 3 Feb 2026 10:00:00 +0100\nMessage-ID: <%s>\nList-Id: <%s>\n",
		l.from, l.subject, l.id, hostileList)
	if l.parent != "" {
		fmt.Fprintf(&b, "In-Reply-To: <%s>\nReferences: <%[1]s>\n", l.parent)
	}
	b.WriteString("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + l.body)
	return b.String()
}

func encoded(s string) string { return mime.BEncoding.Encode("utf-8", s) }

func hostileMails() []string {
	text := "Why this is needed.\n\nSigned-off-by: Ann Ek <ann@example.org>\n---\n"
	long := strings.Repeat("unbroken", 40)[:255]
	rtl := "=?utf-8?B?" + base64.StdEncoding.EncodeToString([]byte("\u202eגרוא לארשי\u202c evil")) + "?= <rtl@example.org>"
	letters := []letter{
		{id: scriptID, subject: `[PATCH] <script>alert("subject")</script> & "quotes" 'and' <b>tags</b>`, from: `"<img src=x onerror=alert(1)>" <x@example.org>`,
			body: "<script>alert('body')</script> https://example.org/?a=1&b=\"<x>\n" + text + smallDiff},
		{id: "script-2@example.org", parent: scriptID, subject: "Re: [PATCH] <script>", body: "> <script>alert(1)</script>\n> quoted\n\n</pre><h1>no</h1>\n\nReviewed-by: Bo <bo@example.net>\nTested-by: Bo <bo@example.net>\n"},
		{id: "script-3@example.org", parent: scriptID, subject: "Re: [PATCH] <script>", from: rtl, body: strings.Repeat("x", 3000) + "\n" + strings.Repeat("> ", 300) + "deep\n"},
		{id: slashID, subject: "[PATCH] a Message-ID with a slash", body: text + smallDiff},
		{id: "long@example.org", subject: "[PATCH] " + long, from: strings.Repeat("N", 240) + " <n@example.org>", body: text + smallDiff},
		{id: emptyID, subject: "", body: text + smallDiff},
		{id: "emoji@example.org", subject: encoded("[PATCH] 🫖☕️ tea 👩‍👩‍👧‍👦 z̷̧͝a̴l̵g̶o̸"), from: encoded("茶の人 🍵") + " <tea@example.org>", body: text + smallDiff},
		{id: bidiID, subject: encoded("[PATCH] \u202egnp.exe\u2066 العربية שלום"), from: rtl, body: text + strings.ReplaceAll(smallDiff, "cold", "if (\u202e\u2066admin\u2069\u2066)")},
		{id: longDiffID, subject: "[PATCH] three thousand lines", body: text + longDiff(3000)},
		{id: binaryID, subject: "[PATCH] a picture", body: text + "diff --git a/tea.png b/tea.png\nnew file mode 100644\nindex 0000000..3333333\nGIT binary patch\nliteral 6\nNcmZQzWMXDvWn<^yWM}~d1pojH0001\n\nliteral 0\nHcmV?d00001\n\n"},
		{id: wideID, subject: "[PATCH] very long lines", body: strings.Repeat("word ", 1000) + "\n" + strings.Repeat("W", 5000) + "\n" + text +
			"diff --git a/" + strings.Repeat("deep/", 50) + "f b/" + strings.Repeat("deep/", 50) + "f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-" + strings.Repeat("m", 4000) + "\n+" + strings.Repeat("w ", 2000) + "\n"},
		{id: coverID, subject: "[PATCH 00/60] " + encoded("A big series, größer als alle"), body: "Sixty patches.\n\n" + strings.Repeat(" a/file.c | 3 ++-\n", 60)},
	}
	for i := 1; i <= 60; i++ {
		letters = append(letters, letter{id: fmt.Sprintf("big-%d@example.org", i), parent: coverID, from: "Bo <bo@example.net>",
			subject: fmt.Sprintf("[PATCH %02d/60] part %d of something that takes a while to explain in a subject", i, i), body: text + smallDiff})
	}
	letters = append(letters, letter{id: "big-re@example.org", parent: coverID, subject: "Re: [PATCH 00/60] A big series", body: "Acked-by: Ann Ek <ann@example.org>\n"})
	var mails []string
	for _, l := range letters {
		mails = append(mails, l.String())
	}
	crlf := letter{id: crlfID, subject: "[PATCH] carriage returns", body: text + strings.ReplaceAll(smallDiff, "cold", "\r")}
	return append(mails, strings.ReplaceAll(crlf.String(), "\n", "\r\n"))
}

// longDiff adds n lines to one file, and takes one from each of twenty others.
func longDiff(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "diff --git a/big.c b/big.c\n--- a/big.c\n+++ b/big.c\n@@ -1,1 +1,%d @@\n int first;\n", n+1)
	for i := range n {
		fmt.Fprintf(&b, "+\tstep(%d); /* and a word about it */\n", i)
	}
	for i := range 20 {
		fmt.Fprintf(&b, "diff --git a/f%d.c b/f%[1]d.c\n--- a/f%[1]d.c\n+++ b/f%[1]d.c\n@@ -1 +0,0 @@\n-gone\n", i)
	}
	return b.String()
}
