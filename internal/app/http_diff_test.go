// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// addedLines is a diff that adds n lines to a file.
func addedLines(name string, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "diff --git a/%s b/%[1]s\n--- a/%[1]s\n+++ b/%[1]s\n@@ -1,1 +1,%d @@\n int first;\n", name, n+1)
	for i := range n {
		fmt.Fprintf(&b, "+\tstep(%d);\n", i)
	}
	return b.String()
}

func (s *site) diffMail(msgid, diff string) {
	s.mail("alpha", "From: Ann <ann@people.example>\nSubject: [PATCH] "+msgid+"\nMessage-ID: <"+msgid+">", "Why this is needed.\n---\n"+diff)
}

func TestDiffPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		s.diffMail("big@x", addedLines("lib/big.c", 2000)+addedLines("lib/small.c", 2)+"diff --git a/doc/old b/doc/new\nsimilarity index 100%\nrename from doc/old\nrename to doc/new\n")
		page := "/project/alpha/patch/big@x/"
		a := s.get(page)
		s.expect(a, 200, "3 files, +2002 −0", `href="#f1"`, "renamed from doc/old", `<ins class="a" id="f1n3"><a href="#f1n3" tabindex="-1"><u></u><u>3</u></a>+`, "+\tstep(1);",
			`href="/project/alpha/patch/big@x/diff/?file=0#f0"`, "Show 2004 lines", "!step(1999)", "/static/diff.")
		if len(a.body) > 20_000 {
			t.Errorf("a page with a folded file has %d bytes", len(a.body))
		}
		s.expect(s.get(page+"diff/?file=0"), 200, "1 file of 3", `id="f0n2001"`, "step(1999)", "!f1n", "!Why this")
		s.expect(s.get(page+"diff/"), 200, `id="f0n2001"`, `id="f1n3"`, "!Why this")
		for _, file := range []string{"3", "-1", "x", "99999999999999999999"} {
			s.expect(s.get(page+"diff/?file="+file), 404)
		}
		s.expect(s.get("/project/alpha/cover/c@x/diff/"), 404)
		s.redirects(s.get("/project/alpha/cover/p1@x/diff/?file=0"), 302, "/project/alpha/patch/p1@x/diff/?file=0")
	})
}

// TestDiffViews: a diff is shown side by side to who wants it, words that changed are marked, and white space can be left out.
func TestDiffViews(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		s.diffMail("views@x", "--- a/f.c\n+++ b/f.c\n@@ -1,5 +1,6 @@\n int f(void)\n-\tboil(k, 90);\n+\tboil(k, 95);\n-if (x)\n-  y();\n+\tif (x)\n+\t\ty();\n+\tz();\t\n }\n")
		page := "/project/alpha/patch/views@x/"
		s.expect(s.get(page), 200, `-	boil(k, <b class="x">90</b>);`, `+	boil(k, <b class="x">95</b>);`, "-  y();", `z();<b class="ws">	</b>`, "!<table class=\"split\"", `href="`+page+`?view=split#diff"`)
		s.expect(s.get(page+"?ws=ignore"), 200, "!-  y();", `<span class="c" id="f0n4"><a href="#f0n4" tabindex="-1"><u>4</u><u>4</u></a> 		y();`, `+	z();`, `href="`+page+`?view=split&amp;ws=ignore#diff"`)
		a := s.get(page + "?view=split")
		s.expect(a, 200, `<td id="f0o2" class="d"><a href="#f0o2" tabindex="-1">2</a></td><td class="d"><del>-	boil(k, <b class="x">90</b>);</del></td><td id="f0n2" class="a"><a href="#f0n2" tabindex="-1">2</a></td><td class="a"><ins>+`,
			`<td class="e"></td><td class="e"></td><td id="f0n5" class="a">`, `href="`+page+`?view=unified#diff"`)
		if n := strings.Count(a.body, `id="f0n1"`); n != 1 {
			t.Errorf("the id of a line that both sides have is there %d times", n)
		}
		cookie := a.Header.Get("Set-Cookie")
		if !strings.HasPrefix(cookie, "pw_diff=split; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax") {
			t.Errorf("cookie %q", cookie)
		}
		s.expect(s.visit("", "GET", page, "", "Cookie: pw_diff=split"), 200, `<table class="split">`)
		s.expect(s.visit("", "GET", page+"?view=unified", "", "Cookie: pw_diff=split"), 200, `!<table class="split">`)
		s.expect(s.visit("", "GET", page, "", "Cookie: pw_diff=<script>"), 200, `!<table class="split">`, "!<script>\"")
	})
}

// TestDiffColours: a page comes plain and says where its colours are; once they were asked for it has them.
func TestDiffColours(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		s.diffMail("hue@x", "--- a/f.c\n+++ b/f.c\n@@ -1,2 +1,2 @@\n int f(void)\n-return \"<b>\";\n+return 1; /* \"é\" */\n--- a/f.odd-name\n+++ b/f.odd-name\n@@ -1 +1 @@\n-int\n+return\n")
		page := "/project/alpha/patch/hue@x/"
		s.expect(s.get(page), 200, `data-colours="`+page+`diff/?colours=1"`, "!<i class")
		colours := []string{`<i class="y">int</i> <i class="f">f</i>(<i class="y">void</i>)`, `<i class="k">return</i>`, `<i class="n">1</i>`, `<i class="o">`, "+return\n", "!data-colours"}
		s.expect(s.get(page+"diff/?colours=1"), 200, colours...)
		s.expect(s.get(page), 200, colours...)
		s.expect(s.get(page+"?view=split"), 200, colours[0])
	})
}

// TestRemarks: what replies say of lines stands below them, on the page of the patch and on that of the diff, and what they say of the message below that.
func TestRemarks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		s.diffMail("said@x", addedLines("a.c", 3))
		reply := func(id, parent, body string) {
			s.mail("alpha", "From: <bo@people.example>\nSubject: Re: [PATCH] said@x\nMessage-ID: <"+id+">\nIn-Reply-To: <"+parent+">", body)
		}
		reply("say1@x", "said@x", "> Why this is needed.\nBecause I <b>say</b> so.\n\n> +\tstep(0);\n> +\tstep(1);\nFirst "+strings.Repeat("and more\n", 20)+"\n> +\tstep(2);\n")
		reply("say2@x", "say1@x", "> > +\tstep(1);\n> First and more\nSecond.\n")
		first, second := s.rows("SELECT c.id FROM patch_comment c JOIN message m ON m.id = c.message_id WHERE m.msgid = '<say1@x>'")[0], s.rows("SELECT c.id FROM patch_comment c JOIN message m ON m.id = c.message_id WHERE m.msgid = '<say2@x>'")[0]
		for _, page := range []string{"/project/alpha/patch/said@x/", "/project/alpha/patch/said@x/diff/"} {
			a := s.get(page)
			s.expect(a, 200, "2 remarks", "8 more lines")
			want := regexp.MustCompile(`(?s)\+\tstep\(1\);\n</ins></code></pre><article class="remark">.{0,300}#` + first + `">whole mail</a>.{0,60}First and more.*<article class="remark">.{0,300}#` + second + `">whole mail</a>.{0,60}Second\..{0,100}<ins class="a" id="f0n4"`)
			if !want.MatchString(a.body) {
				t.Errorf("%s has no remarks below the line:\n%s", page, a.body)
			}
		}
		s.expect(s.get("/project/alpha/patch/said@x/"), 200, `<div class="onmessage"><article class="remark">`, "Because I &lt;b&gt;say&lt;/b&gt; so.")
	})
}

// TestDiffEnds: a page has bounds, whatever a mail has.
func TestDiffEnds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		var many strings.Builder
		for i := range 3000 {
			many.WriteString(strings.ReplaceAll("diff --git a/N b/N\nold mode 100644\nnew mode 100755\n", "N", fmt.Sprint("f", i)))
		}
		s.diffMail("files@x", many.String())
		s.expect(s.get("/project/alpha/patch/files@x/"), 200, "3000 files", "longer than is shown here", `id="f999"`, "!id=\"f1000\"")
		s.expect(s.get("/project/alpha/patch/files@x/diff/?file=2999"), 200, `id="f2999"`, "mode 100644 → 100755")
		s.diffMail("lines@x", addedLines("big.c", 60_000))
		s.expect(s.get("/project/alpha/patch/lines@x/diff/"), 200, "longer than is shown here", "Show 49999 lines")
		a := s.get("/project/alpha/patch/lines@x/diff/?file=0")
		s.expect(a, 200, "There is more of this file", "step(24000)", "!step(25000)")
		s.diffMail("wide@x", "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+"+strings.Repeat("é", 300_000)+"\n")
		if a := s.get("/project/alpha/patch/wide@x/"); len(a.body) > 40_000 || !strings.Contains(a.body, "591808 bytes more") {
			t.Errorf("a line of 600,000 bytes makes a page of %d", len(a.body))
		}
	})
}
