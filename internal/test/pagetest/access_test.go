// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"testing"

	"patchwork.example/pw/internal/test/browser"
)

// unmarked lists what is current and says so by colour, or by a shadow, alone: in forced colours neither is shown.
const unmarked = `[...document.querySelectorAll("main [aria-current], .top [aria-current]")].filter(e => {
	const s = getComputedStyle(e);
	return e.checkVisibility() && parseInt(s.fontWeight) < 600 && !["Top", "Bottom", "Left"].some(side => parseFloat(s["border" + side + "Width"]) > 0 && s["border" + side + "Style"] !== "none") && !s.textDecorationLine.includes("underline") && s.outlineStyle === "none";
}).map(e => e.textContent.trim())`

// inkless lists texts that have the colour of what they stand on.
const inkless = `[...document.querySelectorAll("main *")].filter(e => {
	const s = getComputedStyle(e);
	return e.checkVisibility() && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && s.color === s.backgroundColor;
}).slice(0, 3).map(e => e.tagName + "." + e.className)`

// lookOtherwise looks at the page that is open as people do who see little, use the keyboard alone, or print it; in brief it does not follow the focus.
func lookOtherwise(t *testing.T, tab *browser.Tab, brief bool) {
	t.Helper()
	wide := browser.View{Width: 1280, Height: 800}
	zoomed := browser.View{Width: 320, Height: 256, Zoomed: true} // a window of 1280 by 1024 at 400 %
	for _, v := range []browser.View{wide, zoomed} {
		tab.Look(v)
		if said := tab.Overflow(); said != "" {
			t.Errorf("%v: %s", v, said)
		}
		if !brief {
			for _, said := range tab.Unfocused() {
				t.Errorf("%v, %d high: %s", v, v.Height, said)
			}
		}
	}
	forced := browser.View{Width: 1280, Height: 800, Forced: true}
	tab.Look(forced)
	for _, said := range browser.Eval[[]string](tab, unmarked) {
		t.Errorf("%v: %q is current, which can't be seen", forced, said)
	}
	for _, said := range browser.Eval[[]string](tab, inkless) {
		t.Errorf("%v: the text of %s can't be seen", forced, said)
	}
	still := browser.View{Width: 1280, Height: 800, Still: true}
	tab.Look(still)
	for _, said := range tab.Moving() {
		t.Errorf("%v: %s moves", still, said)
	}
	paper := browser.View{Width: 720, Height: 1000, Print: true, Dark: true}
	tab.Look(paper)
	if said := tab.Overflow(); said != "" {
		t.Errorf("%v: %s", paper, said)
	}
	if ink := browser.Eval[string](tab, `getComputedStyle(document.body).color + getComputedStyle(document.body).backgroundColor`); ink != "rgb(28, 29, 31)rgb(255, 255, 255)" {
		t.Errorf("%v: it prints %s", paper, ink)
	}
	if n := browser.Eval[int](tab, `[...document.querySelectorAll(".top button, .pager, .bulk, .skip, .bottom, .copy, .mark, .mail button")].filter(e => e.checkVisibility()).length`); n != 0 {
		t.Errorf("%v: %d parts are printed that do nothing on paper", paper, n)
	}
}
