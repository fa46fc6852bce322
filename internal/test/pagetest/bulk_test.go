// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/test/browser"
)

// storyBulk changes a whole filter, more than a thousand patches, and takes it back.
func storyBulk(t *testing.T, b *browser.Browser) {
	s := erofsSite(t)
	p := tell(t, b, s)

	// Filters, order and page survive an action.
	const third = "/project/erofs/list/?order=name&page=2&q=fsck"
	p.open(third)
	p.is("heading", p.text("h1"), "131 patches")
	p.Click("tr:nth-child(2) [data-row]")
	p.Click("tr:nth-child(4) [data-row]", shift)
	p.load("a", "3 patches updated (state: Accepted)")
	p.is("place", p.where(), third)
	p.is("heading", p.text("h1"), "128 patches")
	p.load("z", "3 patches are as they were before (undo of “state: Accepted”)")
	p.is("place", p.where(), third)
	p.is("heading", p.text("h1"), "131 patches")

	// All that match, asked first.
	const utils = "/project/erofs/list/?q=erofs-utils"
	p.open(utils)
	p.is("heading", p.text("h1"), "2,208 patches")
	browser.Eval[any](p.Tab, `{ const s = document.querySelector(".bulk [name=state]"); s.value = [...s.options].find(o => o.text === "Not Applicable").value }`)
	p.clicks("button[value=ask]")
	p.is("question", p.text("h1"), "Change 2,208 patches?")
	p.clicks("main form button.primary")
	p.is("progress", p.text("h1"), "Changing 2,208 patches")
	p.is("done", p.text("dl.facts dd:nth-of-type(2)"), "0 of 2,208, 0 %") // nobody works yet
	s.work(t)
	page := p.awaits("2,208 patches updated (state: Not Applicable)")
	s.has(t, `SELECT s.slug, COUNT(*) FROM patch p JOIN state s ON s.id = p.state_id GROUP BY 1 ORDER BY 1`, "new 4195", "not-applicable 2208")
	s.has(t, `SELECT COUNT(*) FROM patch p JOIN state s ON s.id = p.state_id WHERE s.slug = 'not-applicable' AND p.name_key NOT LIKE '%erofs-utils%'`, "0")

	// Two that were changed since are left alone.
	p.open("/project/erofs/patch/20260714055544.742154-1-hsiangkao@linux.alibaba.com/")
	p.load("a", "Patch updated")
	p.open("/project/erofs/patch/20260704020347.3119610-1-hsiangkao@linux.alibaba.com/")
	p.load("r", "Patch updated")
	p.open(page)
	p.clicks("[data-undo]")
	back := p.awaits("Taken back")
	s.has(t, `SELECT s.slug, COUNT(*) FROM patch p JOIN state s ON s.id = p.state_id GROUP BY 1 ORDER BY 1`, "accepted 1", "new 6401", "rejected 1")
	p.is("the result", browser.Eval[string](p.Tab, `[...document.querySelectorAll("dt")].find(e => e.innerText === "Result").nextElementSibling.innerText`),
		"2,206 patches are as they were before. 2 patches were left alone, because somebody changed them since")

	// Ten minutes later it is too late.
	s.advance(11 * time.Minute)
	p.open(back)
	if n := p.Has("[data-undo]"); n != 0 {
		t.Errorf("after ten minutes %d buttons take it back", n)
	}
	p.open("/user/changes/")
	if n := p.Has("main form"); n != 0 {
		t.Errorf("after ten minutes %d of the recent changes can be taken back", n)
	}
	p.silent()
	s.sound(t)
}

// awaits looks at the page of a change until its heading says something, and gives its path.
func (p *story) awaits(heading string) string {
	p.t.Helper()
	path, _, _ := strings.Cut(p.where(), "?")
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		p.open(path + "?refresh=no")
		if p.text("h1") == heading {
			return path
		}
		if time.Now().After(end) {
			p.t.Fatalf("%s says %q, not %q", path, p.text("h1"), heading)
		}
	}
}
