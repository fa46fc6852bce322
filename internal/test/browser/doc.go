// SPDX-License-Identifier: GPL-2.0-or-later

// Package browser lets tests look at pages with Debian's Chromium, the one without windows if it is there: one browser for a test and all its subtests, tabs that don't share
// cookies, every width and theme, what the console says, and what axe-core finds.
//
// It owns no table. Where Chromium or axe-core is missing (scripts/deps.sh installs both) a test is skipped, or fails if CI=true. The
// browser ends with the test that started it.
//
//	b := browser.Start(t)
//	tab := b.Tab(t)
//	tab.Look(browser.View{Width: 390, Height: 844, Dark: true})
//	tab.Open(site.URL + "/")
//	if found := tab.Axe(); found != nil {
//		t.Error(found)
//	}
package browser
