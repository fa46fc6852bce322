// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"patchwork.example/pw/internal/test/browser"
	"patchwork.example/pw/internal/web"
)

var (
	phone   = browser.View{Width: 390, Height: 844}
	desktop = browser.View{Width: 1280, Height: 800}
)

// failuresG are what the web pages of an earlier system were seen to lack, one by one, and what shows that ours do not.
var failuresG = []struct {
	item string
	run  func(t *testing.T, tab *browser.Tab, s *site)
}{
	{"390 px: names are readable", func(t *testing.T, tab *browser.Tab, s *site) {
		tab.Look(phone)
		tab.Open(s.url + "/project/kettle/list/?state=*")
		none(t, tab, "narrow name", `[...document.querySelectorAll("td.name a")].filter(e => e.getBoundingClientRect().width < 250)`)
		none(t, tab, "name in more lines than it needs", `[...document.querySelectorAll("td.name a")].filter(e => e.innerText.length < 60 && e.getBoundingClientRect().height > 60)`)
	}},
	{"390 px: nothing runs off the right edge", func(t *testing.T, tab *browser.Tab, s *site) {
		for _, path := range []string{"/project/kettle/list/", "/project/hostile/list/", "/project/hostile/series/", mailPath("patch", scriptID)} {
			tab.Look(phone)
			tab.Open(s.url + path)
			if said := tab.Overflow(); said != "" {
				t.Errorf("%s: %s", path, said)
			}
		}
	}},
	{"390 px: logging in does not collide with the path", func(t *testing.T, tab *browser.Tab, s *site) {
		for _, who := range []string{"", s.session} {
			tab.SetCookie(s.url, web.SessionCookie, who)
			tab.Look(phone)
			tab.Open(s.url + "/project/hostile/list/")
			none(t, tab, "link over another", `(all => all.filter((e, i) => all.some((f, k) => k > i && (a => b => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)(e.getBoundingClientRect())(f.getBoundingClientRect()))))([...document.querySelectorAll(".top a, .top button")])`)
		}
	}},
	{"dark theme", func(t *testing.T, tab *browser.Tab, s *site) {
		tab.Look(browser.View{Width: 1280, Height: 800, Dark: true})
		tab.Open(s.url + "/project/kettle/list/")
		is(t, browser.Eval[string](tab, `getComputedStyle(document.body).backgroundColor`), "rgb(22, 24, 27)")
		tab.Look(desktop)
		is(t, browser.Eval[string](tab, `getComputedStyle(document.body).backgroundColor`), "rgb(255, 255, 255)")
	}},
	{"print", func(t *testing.T, tab *browser.Tab, s *site) {
		tab.Look(browser.View{Width: 720, Height: 1000, Print: true, Dark: true})
		tab.Open(s.url + mailPath("patch", scriptID))
		is(t, browser.Eval[string](tab, `getComputedStyle(document.body).backgroundColor`), "rgb(255, 255, 255)")
		none(t, tab, "printed though it does nothing on paper", `[...document.querySelectorAll("button, input, select, .top nav a, .skip")].filter(e => e.checkVisibility() && !e.matches(".home, .project"))`)
		for _, path := range []string{"/project/kettle/list/?state=*", "/project/kettle/series/", "/user/tokens/"} {
			tab.Open(s.url + path)
			none(t, tab, "not printed though it says who", `[...document.querySelectorAll("td.who:not(.empty)")].filter(e => !e.checkVisibility())`)
			none(t, tab, "printed though it does nothing on paper", `[...document.querySelectorAll("button")].filter(e => e.checkVisibility())`)
		}
	}},
	{"reduced motion", func(t *testing.T, tab *browser.Tab, s *site) {
		tab.Look(browser.View{Width: 1280, Height: 800, Still: true})
		for _, path := range []string{"/project/kettle/list/", mailPath("patch", scriptID)} {
			tab.Open(s.url + path)
			for _, said := range tab.Moving() {
				t.Errorf("%s: %s moves", path, said)
			}
		}
	}},
	{"controls have names", func(t *testing.T, tab *browser.Tab, s *site) {
		for _, path := range s.pagesG() {
			tab.Open(s.url + path)
			none(t, tab, "control without a name", `[...document.querySelectorAll("input:not([type=hidden]), select, textarea")].filter(e => !(e.ariaLabel || [...e.labels ?? []].some(l => l.textContent.trim()) || e.getAttribute("aria-labelledby")))`)
			none(t, tab, "button or link without a name", `[...document.querySelectorAll("button, a[href], summary")].filter(e => !(e.ariaLabel || e.textContent.trim()))`)
		}
	}},
	{"skip link", func(t *testing.T, tab *browser.Tab, s *site) {
		for _, path := range s.pagesG() {
			tab.Open(s.url + path)
			tab.Press("\t")
			is(t, tab.Focused(), "a Skip to content")
			tab.Press("\r")
			is(t, browser.Eval[string](tab, `document.activeElement.id`), "main")
		}
	}},
	{"tables have captions", func(t *testing.T, tab *browser.Tab, s *site) {
		for _, path := range s.pagesG() {
			tab.Open(s.url + path)
			none(t, tab, "table without a caption", `[...document.querySelectorAll("table")].filter(e => !e.caption?.textContent.trim() && !e.ariaLabel && !e.closest(".file"))`)
		}
	}},
	{"buttons look like buttons", func(t *testing.T, tab *browser.Tab, s *site) {
		for _, path := range s.pagesG() {
			tab.Open(s.url + path)
			none(t, tab, "button that looks like text", `[...document.querySelectorAll("button, .button")].filter(e => { const c = getComputedStyle(e); return e.checkVisibility() && c.borderTopStyle === "none" && c.backgroundColor === "rgba(0, 0, 0, 0)" && c.color === getComputedStyle(e.parentElement).color })`)
			none(t, tab, "button without a pointer", `[...document.querySelectorAll("button")].filter(e => e.checkVisibility() && getComputedStyle(e).cursor !== "pointer")`)
		}
	}},
	{"+ and - not by colour alone", func(t *testing.T, tab *browser.Tab, s *site) {
		tab.Open(s.url + mailPath("patch", scriptID))
		none(t, tab, "added line without a plus", `[...document.querySelectorAll(".diff ins")].filter(e => !e.textContent.includes("+"))`)
		none(t, tab, "removed line without a minus", `[...document.querySelectorAll(".diff del")].filter(e => !e.textContent.includes("-"))`)
		is(t, browser.Eval[string](tab, `document.querySelector(".stat").innerText`), "+1 −1")
		tab.Open(s.url + mailPath("patch", scriptID) + "?view=split")
		none(t, tab, "side without a sign", `[...document.querySelectorAll(".split :is(td.a, td.d):not(:has(> a))")].filter(e => !/^[+-]/.test(e.textContent))`)
	}},
	{"the arrow points down for newest first", func(t *testing.T, tab *browser.Tab, s *site) {
		tab.Open(s.url + "/project/kettle/list/")
		const head = `(e => e.innerText.trim() + " " + e.closest("th").ariaSort)(document.querySelector("th[aria-sort=ascending] a, th[aria-sort=descending] a"))`
		is(t, browser.Eval[string](tab, head), "Date ▼ descending")
		dates := `[...document.querySelectorAll("tbody time")].map(e => e.dateTime).join()`
		if got, want := browser.Eval[string](tab, dates), browser.Eval[string](tab, strings.Replace(dates, ".join", ".sort().reverse().join", 1)); got != want {
			t.Errorf("the dates are %s", got)
		}
		tab.Open(s.url + "/project/kettle/list/?order=date")
		is(t, browser.Eval[string](tab, head), "Date ▲ ascending")
	}},
	{"a bulk action keeps filters and page", func(t *testing.T, tab *browser.Tab, s *site) {
		const list = "/project/hostile/list/?order=name&page=2&q=part"
		tab.Open(s.url + list)
		tab.Click("tbody tr:nth-child(2) [data-row]")
		browser.Eval[any](tab, `{ const s = document.querySelector(".bulk [name=archived]"); s.value = "false"; document.querySelector(".bulk [name=delegate]").value = "" }`)
		browser.Eval[any](tab, `document.querySelector(".bulk button.primary").focus()`)
		tab.PressAndLoad("\r")
		is(t, browser.Eval[string](tab, `location.pathname + location.search`), list)
	}},
	{"the default view is small", func(t *testing.T, _ *browser.Tab, _ *site) {
		s := newSite(t)
		s.hundred(t)
		whole, packed := s.size(t, "/project/hundred/list/", ""), s.size(t, "/project/hundred/list/", "gzip")
		t.Logf("100 patches are %d bytes, %d packed", whole, packed)
		if whole > 60_000 || packed > 7_000 {
			t.Errorf("100 patches are %d bytes, %d packed, want 60,000 and 7,000 at most", whole, packed)
		}
	}},
	{"side by side", func(t *testing.T, tab *browser.Tab, s *site) {
		tab.Open(s.url + mailPath("patch", scriptID) + "?view=split")
		is(t, browser.Eval[string](tab, `(e => { const [a, b] = [...e.cells].filter(c => !c.matches(".n")).map(c => c.getBoundingClientRect()); return String(a.top === b.top && a.right <= b.left + 1) })([...document.querySelectorAll(".split tr")].find(r => r.textContent.includes("boil")))`), "true")
	}},
	{"file tree", func(t *testing.T, tab *browser.Tab, s *site) {
		tab.Open(s.url + mailPath("patch", longDiffID))
		if n := tab.Has(".tree a"); n != 21 {
			t.Errorf("%d files in the tree, want 21", n)
		}
		tab.Click(".tree a[href='#f7']")
		is(t, browser.Eval[string](tab, `document.querySelector(":target summary bdi").innerText`), "f6.c")
	}},
	{"folding", func(t *testing.T, tab *browser.Tab, s *site) {
		tab.Open(s.url + mailPath("patch", scriptID))
		tab.Click("#f0 > summary")
		is(t, fmt.Sprint(browser.Eval[bool](tab, `document.querySelector("#f0 .diff").checkVisibility()`)), "false")
		tab.Click("#f0 > summary")
		is(t, fmt.Sprint(browser.Eval[bool](tab, `document.querySelector("#f0 .diff").checkVisibility()`)), "true")
	}},
	{"what changed between versions", func(t *testing.T, tab *browser.Tab, s *site) {
		tab.Open(s.url + s.newVersionPath(t))
		browser.Eval[any](tab, `document.querySelector("a[href*='/range-diff/']").focus()`)
		if got := tab.PressAndLoad("\r"); got != 200 || tab.Has(".pairs > li") == 0 {
			t.Errorf("%d, %d patches are compared", got, tab.Has(".pairs > li"))
		}
	}},
	{"comments are a thread", func(t *testing.T, tab *browser.Tab, s *site) {
		tab.Open(s.url + mailPath("patch", scriptID))
		if n := tab.Has("article.mail.d1, article.mail.d0"); n == 0 {
			t.Error("no comment has a depth")
		}
		is(t, browser.Eval[string](tab, `[...document.querySelectorAll(".order > *")].map(e => e.innerText).slice(0, 2).join()`), "As a thread,By date")
		tab.Open(s.url + "/project/hostile/" + scriptID + "/T/")
		if n := tab.Has("article.mail"); n != 3 {
			t.Errorf("%d mails in the thread, want 3", n)
		}
	}},
	{"page of a series", func(t *testing.T, tab *browser.Tab, s *site) {
		tab.Open(s.url + s.seriesPath(t))
		if n := tab.Has("td.name a"); n != 60 {
			t.Errorf("%d patches on the page of the series, want 60", n)
		}
		if tab.Has("#message") != 1 {
			t.Error("the page of the series does not show its cover letter")
		}
	}},
	{"the cover letter is found without opening a fold", func(t *testing.T, tab *browser.Tab, s *site) {
		tab.Open(s.url + mailPath("patch", lastID))
		if !browser.Eval[bool](tab, `[...document.querySelectorAll("a[href*='/cover/']")].some(e => e.checkVisibility({contentVisibilityAuto: true}))`) {
			t.Error("the page of a patch of sixty shows no link to its cover letter")
		}
	}},
}

// pagesG are pages of each kind.
func (s *site) pagesG() []string {
	return []string{"/", "/project/hostile/list/", "/project/hostile/series/", "/project/kettle/patch/20260204203000.5120-3-ann@example.org/", mailPath("cover", coverID), bundlePath, "/user/", "/user/login/", "/user/tokens/", "/user/changes/", "/api/docs", "/api/1.4/patches/3/"}
}

// TestKnownFailuresG has a test for each item of section G, the web pages, of a list of failures that were seen in an earlier system; E is TestKnownFailuresOfPages and
// TestKnownFailuresOfOperation, C, D and what of E concerns the API apitest.TestKnownFailures.
func TestKnownFailuresG(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	s := busySite(t)
	for _, f := range failuresG {
		t.Run(f.item, func(t *testing.T) {
			tab := b.Tab(t)
			tab.SetCookie(s.url, web.SessionCookie, s.session)
			f.run(t, tab, s)
		})
	}
}

// none wants that a list of elements is empty.
func none(t *testing.T, tab *browser.Tab, what, elements string) {
	t.Helper()
	for _, said := range browser.Eval[[]string](tab, `(`+elements+`).slice(0, 3).map(e => e.outerHTML.slice(0, 200))`) {
		t.Errorf("%s: %s: %s", browser.Eval[string](tab, `location.pathname`), what, said)
	}
}

func is(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// size is how many bytes a page has on the line.
func (s *site) size(t *testing.T, path, encoding string) int {
	t.Helper()
	at, err := url.Parse(s.url + path)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Transport{DisableCompression: true}).RoundTrip(&http.Request{Method: "GET", URL: at, Header: http.Header{"Accept-Encoding": {encoding}}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Encoding") != encoding {
		t.Fatalf("%s: %d %v %v", path, res.StatusCode, res.Header, err)
	}
	return len(page)
}
