// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"patchwork.example/pw/internal/test/browser"
)

// until waits for a condition, in JavaScript.
func until(t *testing.T, tab *browser.Tab, condition string) {
	t.Helper()
	if !browser.Eval[bool](tab, `(async () => { for (let i = 0; i < 150; i++) { if (`+condition+`) return true; await new Promise((r) => setTimeout(r, 100)); } return false; })()`) {
		t.Errorf("in 15 seconds it did not come to %s", condition)
	}
}

// testDiff reads a diff with mouse and keyboard.
func testDiff(t *testing.T, b *browser.Browser, s *site) {
	t.Run("copied as it was sent", func(t *testing.T) {
		tab := b.Tab(t)
		tab.Open(s.url + mailPath("patch", scriptID))
		got := browser.Eval[string](tab, `(() => { getSelection().selectAllChildren(document.querySelector("#f0 > div")); return getSelection().toString(); })()`)
		if strings.TrimSuffix(got, "\n")+"\n" != smallDiff {
			t.Errorf("copied is\n%s\nwant\n%s", got, smallDiff)
		}
	})
	t.Run("headers of a reply are loaded", func(t *testing.T) {
		tab := b.Tab(t)
		tab.Open(s.url + "/project/kettle/patch/20260202101500.4711-3-ann@example.org/")
		tab.Click("#comments ~ .mail > details:not(.quoted) > summary")
		until(t, tab, `document.querySelector("#comments ~ .mail > details[open] pre.headers")?.textContent.includes("Message-ID: ")`)
		if n := tab.Has("#comments ~ .mail > details[open] a[data-headers]"); n != 0 {
			t.Errorf("%d links are left", n)
		}
		tab.Look(browser.View{Width: 390, Height: 844, NoScript: true})
		tab.Open(s.url + "/project/kettle/patch/20260202101500.4711-3-ann@example.org/")
		if got := tab.Open(browser.Eval[string](tab, `document.querySelector("a[data-headers]").href`)); got != 200 || tab.Has("pre.headers") != 1 {
			t.Errorf("without a script: %d", got)
		}
	})
	t.Run("numbers lead to lines", func(t *testing.T) {
		tab := b.Tab(t)
		tab.Open(s.url + mailPath("patch", scriptID))
		tab.Click("#f0o2 > a")
		if got := browser.Eval[string](tab, `location.hash + " " + document.querySelector(":target").textContent.slice(0, 7)`); got != "#f0o2 2-\tboil" {
			t.Errorf("a click on the number leads to %q", got)
		}
		browser.Eval[any](tab, `document.querySelector("#f0h0 > a").focus()`)
		for _, want := range []string{"#f0n1", "#f0o2", "#f0n2"} {
			tab.Press(kb.ArrowDown)
			if got := browser.Eval[string](tab, `document.activeElement.hash`); got != want {
				t.Errorf("arrow down leads to %s, want %s", got, want)
			}
		}
	})
	t.Run("a folded file is loaded", func(t *testing.T) {
		tab := b.Tab(t)
		tab.Open(s.url + mailPath("patch", longDiffID))
		if n := tab.Has("#f0 .diff"); n != 0 {
			t.Fatalf("the file of 3,000 lines is there: %d", n)
		}
		tab.Click("#f0 > summary")
		until(t, tab, `document.querySelector("#f0n2999") !== null`)
		tab.Open(s.url + mailPath("patch", longDiffID) + "?x#f0n1500")
		until(t, tab, `document.querySelector("#f0n1500:target") !== null && Math.abs(document.querySelector("#f0n1500").getBoundingClientRect().top) < innerHeight`)
		tab.Look(browser.View{Width: 390, Height: 844, NoScript: true})
		tab.Open(s.url + mailPath("patch", longDiffID))
		browser.Eval[any](tab, `document.querySelector("#f0").open = true`)
		browser.Eval[any](tab, `document.querySelector("#f0 .more a").focus()`)
		if got := tab.PressAndLoad("\r"); got != 200 {
			t.Errorf("without script the link leads to %d", got)
		}
		if tab.Has("#f0n2999") != 1 {
			t.Error("without script the lines are not there")
		}
	})
}
