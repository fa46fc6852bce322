// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/test/browser"
)

const (
	fsconfigPath = "/project/erofs/patch/20260708093446.3370200-2-gscrivan@redhat.com/"         // one file, one reply with three remarks
	backedPath   = "/project/erofs/patch/20240830032840.3783206-1-hsiangkao@linux.alibaba.com/" // five files, a discussion of ten mails
	lsmSeries    = "SELECT series_id FROM patch p JOIN message m ON m.id = p.message_id WHERE m.msgid = '%s'"
	lsmThird     = "<20260327220446.353103-5-paul@paul-moore.com>" // patch 1 of 2 of the third version
	lsmFourth    = "<20260403030848.731867-7-paul@paul-moore.com>" // patch 2 of 3 of the fourth
)

// under is the text of the remarks below a line of the diff.
func (p *story) under(line string) string {
	p.t.Helper()
	return browser.Eval[string](p.Tab, fmt.Sprintf(`(() => { let e = document.getElementById(%q).closest("pre"), out = ""; while ((e = e.nextElementSibling) && e.matches("article.remark")) out += e.innerText + "\n"; return out; })()`, line))
}

// storyReading reads patches: message, diff, what was said of it where.
func storyReading(t *testing.T, b *browser.Browser, s *site) {
	p := tell(t, b, s)
	p.open(backedPath)
	p.is("trailers", p.text("#message .trailers"), "Closes: https://github.com/containers/composefs/issues/144\nSigned-off-by: Gao Xiang <hsiangkao@linux.alibaba.com>")
	p.is("diff", p.text("#diff"), "Diff 5 files, +100 −44")
	if diff := cmp.Diff([]string{"Kconfig", "data.c", "inode.c", "internal.h", "super.c"}, p.texts(".tree a")); diff != "" {
		t.Error(diff)
	}
	p.Click(".tree a[href='#f4']")
	if !browser.Eval[bool](p.Tab, `(r => r.top >= 0 && r.top < innerHeight)(document.querySelector("#f4").getBoundingClientRect())`) {
		t.Error("the tree does not lead to the file")
	}
	p.Click("#f4 > summary")
	if browser.Eval[bool](p.Tab, `document.querySelector("#f4").open`) {
		t.Error("a click on its head does not fold a file")
	}
	p.open(backedPath + "?x#f3n133")
	p.is("the line of the address", browser.Eval[string](p.Tab, `document.querySelector(":target").textContent`), "133+\tstruct file *fdev;\n")
	if said := p.under("f0n80"); !strings.Contains(said, "Geert Uytterhoeven") || !strings.Contains(said, "default to y") {
		t.Errorf("below line 80 of Kconfig stands %q", said)
	}

	// Two columns, remembered, and without differences of white space.
	p.clicks(".views a[href*='view=split']")
	if p.Has("details:has(table.split)") != 5 {
		t.Errorf("%d files side by side, want 5", p.Has("details:has(table.split)"))
	}
	p.open(fsconfigPath)
	if p.Has("details:has(table.split)") != 1 {
		t.Error("that one wants two columns is forgotten on the next patch")
	}
	p.clicks(".views a[href*='view=unified']")
	p.clicks(".views a[href*='ws=ignore']")
	p.is("without white space", p.text(".views [aria-current]:last-of-type"), "Ignore white space")

	// What was said of a line stands below it; what must be done is marked, and marked as done.
	p.open(fsconfigPath)
	for line, words := range map[string]string{"f0n531": "erofs_fc_get_tree(), see below", "f0n534": "multi-shot source_fd"} {
		if said := p.under(line); !strings.Contains(said, words) || strings.Count(said, "whole mail") != 1 {
			t.Errorf("below %s stands %q, want %q", line, said, words)
		}
	}
	p.clicks("article.mail button[name=addressed]")
	p.is("bar", p.text(".bar.todo span"), "Action required: not addressed yet")
	addressed := `SELECT c.addressed FROM patch_comment c JOIN message m ON m.id = c.message_id WHERE m.msgid = '<ak5GfvVfWLJU1EwK@debian>'`
	s.has(t, addressed, "0")
	p.clicks(".bar.todo button[value=true]")
	p.is("bar", p.text(".bar.done span"), "Addressed")
	s.has(t, addressed, "1")

	// Copy buttons give what is pasted into a shell.
	browser.Eval[any](p.Tab, `{ window.taken = []; navigator.clipboard.writeText = async (s) => { taken.push(s) }; document.querySelector("details.copy").open = true }`)
	n := p.Has("[data-copy]")
	for i := range n {
		browser.Eval[any](p.Tab, fmt.Sprintf(`document.querySelectorAll("[data-copy]")[%d].click()`, i))
	}
	taken := browser.Eval[[]string](p.Tab, `taken`)
	id := s.rows(t, `SELECT p.id FROM patch p JOIN message m ON m.id = p.message_id WHERE m.msgid = '<20260708093446.3370200-2-gscrivan@redhat.com>'`)[0]
	for _, want := range []string{"<20260708093446.3370200-2-gscrivan@redhat.com>", id, "b4 am 20260708093446.3370200-2-gscrivan@redhat.com", "git-pw patch apply " + id, "curl -sSf " + s.url + fsconfigPath + "mbox/ | git am"} {
		if !slices.ContainsFunc(taken, func(s string) bool { return s == want }) {
			t.Errorf("%q is not what a button copies: %q", want, taken)
		}
	}
	p.silent()
}

// storyVersions compares two versions of a series, asked by who knew the older one.
func storyVersions(t *testing.T, b *browser.Browser, s *site) {
	p := tell(t, b, s)
	third, fourth := s.rows(t, fmt.Sprintf(lsmSeries, lsmThird))[0], s.rows(t, fmt.Sprintf(lsmSeries, lsmFourth))[0]
	page := "/project/erofs/series/" + fourth + "/"
	p.open(page)
	const since = "p.bar a[href*='/range-diff/?from=']"
	if p.Has(since) != 0 {
		t.Error("a series that nobody knew an older version of says what changed since")
	}
	p.open("/project/erofs/series/" + third + "/")
	s.advance(24 * 60 * 60 * 1e9)
	p.open("/project/erofs/patch/20260403030848.731867-7-paul@paul-moore.com/")
	p.is("since", p.text(since), "What changed since you looked at v3")
	p.clicks(since)
	p.is("heading", p.text("h1"), "Fix incorrect overlayfs mmap() and mprotect() LSM access controls v3 to v4")
	p.is("sum", p.text("main h1 + p"), "2 changed, 1 new")
	if diff := cmp.Diff([]string{"– → 1", "1 → 2", "2 → 3"}, p.texts(".places")); diff != "" {
		t.Error(diff)
	}
	if n := p.Has(".rdiff"); n != 2 {
		t.Errorf("%d differences are shown, want 2", n)
	}
	text := get(t, s.url+"/series/"+fourth+"/range-diff/?from="+third)
	var heads []string
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); strings.Contains(line, ":  ") && !strings.HasPrefix(line, "    ") && len(f) > 4 {
			heads = append(heads, f[0]+" "+f[2]+" "+f[3]+" "+strings.Join(f[5:], " "))
		}
	}
	want := []string{"-: > 1: fs: prepare for adding LSM blob to backing_file", "1: ! 2: lsm: add backing_file LSM hooks", "2: ! 3: selinux: fix overlayfs mmap() and mprotect() access checks"}
	if diff := cmp.Diff(want, heads); diff != "" {
		t.Error(diff)
	}

	// Any two series of the project can be compared, and the form says which are.
	first, second := s.rows(t, fmt.Sprintf(lsmSeries, "<20260708093446.3370200-2-gscrivan@redhat.com>"))[0], s.rows(t, fmt.Sprintf(lsmSeries, "<20260711071137.4130824-1-gscrivan@redhat.com>"))[0]
	p.open("/project/erofs/series/" + second + "/range-diff/?from=" + first)
	p.is("sum", p.text("main h1 + p"), "1 changed, 1 dropped")
	p.is("from", browser.Eval[string](p.Tab, `document.querySelector("[name=from]").value`), first)
	p.clicks("form.fields button")
	p.is("sum, asked again", p.text("main h1 + p"), "1 changed, 1 dropped")
	p.silent()
}
