// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"patchwork.example/pw/internal/test/browser"
	"patchwork.example/pw/internal/web"
)

// get gives a page without a browser.
func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%s: %d, %v", url, res.StatusCode, err)
	}
	return string(text)
}

// taps touches what leads to another page.
func (p *story) taps(selector string) {
	p.t.Helper()
	if got := p.TapAndLoad(selector); got != 200 {
		p.t.Fatalf("%s: %d", selector, got)
	}
	p.painted()
	if said := p.Overflow(); said != "" {
		p.t.Errorf("%s: %s", p.where(), said)
	}
}

// storyPhone filters, reads and decides on a phone, by touch.
func storyPhone(t *testing.T, b *browser.Browser, s *site) {
	p := tell(t, b, s)
	p.Look(browser.View{Width: 390, Height: 844})
	p.open("/project/erofs/list/")
	if narrow := browser.Eval[[]string](p.Tab, `[...document.querySelectorAll("td.name")].filter(e => e.getBoundingClientRect().width < 300).map(e => e.innerText)`); len(narrow) > 0 {
		t.Errorf("names have less than 300 pixels: %q", narrow[0])
	}
	if small := browser.Eval[[]string](p.Tab, `[...document.querySelectorAll("td.name a, td.who a, button, select, summary, nav a")].filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 20).map(e => e.innerText)`); len(small) > 0 {
		t.Errorf("too small to be touched: %q", small)
	}
	p.Tap("details.fold > summary")
	browser.Eval[any](p.Tab, `document.querySelector("[name=q]").focus()`)
	p.Press("xattr")
	p.taps("details.fold button")
	p.is("filtered", p.where(), "/project/erofs/list/?q=xattr")
	first := p.text("tr:nth-child(1) td.name")
	p.Tap("tr:nth-child(1) [data-row]")
	p.Tap("tr:nth-child(3) [data-row]")
	p.is("selected", p.text("[data-selected]"), "2 selected")
	browser.Eval[any](p.Tab, `{ const s = document.querySelector(".bulk [name=state]"); s.value = [...s.options].find(o => o.text === "Deferred").value }`)
	p.taps(".bulk button.primary")
	p.is("it says", p.text(".flash"), "2 patches updated (state: Deferred)")
	p.is("place", p.where(), "/project/erofs/list/?q=xattr")
	s.has(t, `SELECT COUNT(*) FROM patch p JOIN state s ON s.id = p.state_id WHERE s.slug = 'deferred' AND p.name_key LIKE '%xattr%'`, "2")
	p.taps("[data-undo]")
	p.is("it says", p.text(".flash"), "2 patches are as they were before (undo of “state: Deferred”)")
	p.is("first", p.text("tr:nth-child(1) td.name"), first)

	p.taps("tr:nth-child(1) td.name a")
	p.is("patch", p.text("h1"), first)
	p.taps(".views a[href*='view=split']")
	p.taps(".views a[href*='view=unified']")
	p.taps(".buttons a[href$='/T/']")
	p.open("/project/erofs/series/")
	p.taps("td.name a")
	p.open("/project/erofs/series/")
	p.taps(".queues a[href*='/queue/ready/']")
	p.silent()
}

// storyNoScript does the same with JavaScript switched off: whatever leads somewhere is a link or a button.
func storyNoScript(t *testing.T, b *browser.Browser, s *site) {
	p := tell(t, b, s)
	p.noScript = true
	p.Look(browser.View{Width: 1280, Height: 800, NoScript: true})
	choose := func(form, field, option string) {
		browser.Eval[any](p.Tab, `{ const s = document.querySelector("`+form+` [name=`+field+`]"); s.value = [...s.options].find(o => o.text === "`+option+`").value }`)
	}
	p.open("/project/erofs/series/")
	browser.Eval[any](p.Tab, `document.querySelector("[name=q]").focus()`)
	p.Press("iomap")
	p.PressAndLoad("\r")
	browser.Eval[any](p.Tab, `document.querySelector("tr:nth-child(1) [data-row]").focus()`)
	p.Press(" ")
	name := p.text("tr:nth-child(1) td.name")
	p.is("series", name, "[1/3] iomap: consolidate bio submission")
	choose(".bulk", "state", "Awaiting Upstream")
	p.clicks(".bulk button.primary")
	if !strings.Contains(p.text(".flash"), "3 patches updated") || !strings.Contains(p.where(), "q=iomap") {
		t.Errorf("at %s it says %q", p.where(), p.text(".flash"))
	}
	s.has(t, `SELECT COUNT(*) FROM patch p JOIN state s ON s.id = p.state_id WHERE s.slug = 'awaiting-upstream' AND p.series_id = 2807`, "3")
	p.clicks("[data-undo]")
	s.has(t, `SELECT COUNT(*) FROM patch p JOIN state s ON s.id = p.state_id WHERE s.slug = 'awaiting-upstream'`, "0")

	// All that match, by the button that asks, and a page that refreshes itself.
	p.open("/project/erofs/list/?q=staging")
	choose(".bulk", "archived", "Yes")
	p.clicks("button[value=ask]")
	p.is("question", p.text("h1"), "Change 167 patches?")
	p.clicks("main form button.primary")
	s.has(t, `SELECT COUNT(*) FROM patch WHERE archived AND name_key LIKE '%staging%'`, "167")

	// A patch: its state, a mark, a bundle, two columns.
	p.open(backedPath)
	choose(".edit", "state", "Under Review")
	p.clicks(".edit button.primary")
	if !strings.Contains(p.text(".flash"), "Patch updated") {
		t.Errorf("it says %q", p.text(".flash"))
	}
	p.clicks("article.mail button[name=addressed]")
	p.is("bar", p.text(".bar.todo span"), "Action required: not addressed yet")
	browser.Eval[any](p.Tab, `{ const f = document.querySelector("form[action$='/list/']"); f.closest("details").open = true; f.name.value = "without script" }`)
	browser.Eval[any](p.Tab, `document.querySelector("form[action$='/list/'] [name=name]").value = "without script"`)
	p.clicks("form[action$='/list/'] button[value=create]")
	s.has(t, `SELECT COUNT(*) FROM bundle b JOIN bundle_patch x ON x.bundle_id = b.id WHERE b.name = 'without script'`, "1")
	p.clicks(".views a[href*='view=split']")
	if p.Has("details:has(table.split)") != 5 {
		t.Errorf("%d files side by side, want 5", p.Has("details:has(table.split)"))
	}
	p.clicks(".views a[href*='view=unified']")
	if p.Has("[data-copy]:not([hidden]), [data-select-all]:not([hidden])") != 0 {
		t.Error("controls that need JavaScript are shown without it")
	}
	if said := p.Complaints(); said != nil {
		t.Errorf("console: %q", said)
	}
}

// storyLook looks at pages of the archive in each theme, at each width, and as people do who see little, use the keyboard alone, or print.
func storyLook(t *testing.T, b *browser.Browser, s *site) {
	pages := []string{"list/", fsconfigPath}
	s.exec(t, `UPDATE user_account SET items_per_page = 25`) // the focus goes through all of a page
	if soak() {
		pages = append(pages, "list/?order=name&state=*&q=erofs&page=4", "series/", "queue/stale/", "queue/author/", backedPath, backedPath+"?view=split", "20240830032840.3783206-1-hsiangkao@linux.alibaba.com/T/",
			"series/2817/", "series/2683/", "series/2683/range-diff/", "series/2824/range-diff/?from=2821", "", "/user/todo/erofs/", "/user/", "/user/bundles/", "/user/changes/")
	}
	for _, page := range pages {
		t.Run(page, func(t *testing.T) {
			tab := b.Tab(t)
			tab.SetCookie(s.url, web.SessionCookie, s.session)
			if !strings.HasPrefix(page, "/") {
				page = "/project/erofs/" + page
			}
			if got := tab.Open(s.url + page); got != 200 {
				t.Fatalf("%d", got)
			}
			lookAt(t, tab, 200, whole)
		})
	}
}
