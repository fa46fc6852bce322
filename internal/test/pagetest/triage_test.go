// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"patchwork.example/pw/internal/test/browser"
)

// statesOf lists how many patches of some series are in which state, and whose they are.
const statesOf = `SELECT s.slug, COUNT(*), COUNT(p.delegate_id) FROM patch p JOIN state s ON s.id = p.state_id WHERE p.series_id IN (%) GROUP BY s.slug ORDER BY s.slug`

func in(query, series string) string { return strings.Replace(query, "%", series, 1) }

// storyTriage decides the twenty newest series, 47 patches, by keyboard alone.
func storyTriage(t *testing.T, b *browser.Browser) {
	s := erofsSite(t)
	p := tell(t, b, s)
	const list = "/project/erofs/series/"
	selected := func() string { return p.text("[data-selected]") }

	// The newest three one by one: what is decided leaves the list, and the cursor is on the row that moved up.
	p.open(list)
	p.is("heading", p.text("h1"), "Series 2,029 series")
	p.Press("j")
	p.is("cursor", p.cursor(), "[RFC] fs: allow opening overlayfs/erofs layers through O_ALT")
	p.load("r", "1 patch updated (state: Rejected)")
	p.is("cursor", p.cursor(), "erofs: modernize device IDR to XArray")
	p.load("a", "1 patch updated (state: Accepted)")
	p.is("cursor", p.cursor(), "[v3] erofs: accept source file descriptor via fsconfig")
	p.load("s", "1 patch updated (state: Superseded)")
	p.load("z", "1 patch is as it was before (undo of “state: Superseded”)")
	p.is("heading", p.text("h1"), "Series 2,027 series")
	s.has(t, in(statesOf, "2831, 2832, 2833"), "accepted 1 0", "new 1 0", "rejected 1 0")

	// A range: the next six are under review. They stay, as nothing is decided.
	p.open(list)
	p.Press("jx")
	p.Press("jjjjjX")
	p.is("selected", selected(), "6 selected")
	p.load("u", "6 patches updated (state: Under Review)")
	p.is("heading", p.text("h1"), "Series 2,027 series")
	s.has(t, in(statesOf, "2826, 2827, 2828, 2829, 2830, 2831"), "under-review 6 0")

	// Two that stand apart, of one patch and of 21, are superseded.
	p.open(list)
	p.Press(strings.Repeat("j", 9))
	p.is("cursor", p.cursor(), "[v2] erofs: relax sanity check for tail pclusters due to ztailpacking")
	p.Press("xkjjj")
	p.is("cursor", p.cursor(), "netfs: Keep track of folios in a segmented bio_vec[] chain v5")
	p.Press("x")
	p.is("selected", selected(), "2 selected")
	p.load("s", "22 patches updated (state: Superseded)")
	s.has(t, in(statesOf, "2817, 2820"), "superseded 22 0")

	// Three are delegated, and four kept in a bundle.
	p.open(list)
	p.Press("jjjjjjj")
	p.is("cursor", p.cursor(), "erofs-utils: lib: fix ztailpacking fallback across lclusters")
	p.Press("xjjX")
	p.Press("d")
	p.is("d", p.Focused(), "select delegate")
	p.Press(kb.ArrowDown + kb.ArrowDown) // nobody, mia
	p.Press("\t\t")
	p.load("\r", "4 patches updated (delegate: mia)")
	s.has(t, in(statesOf, "2819, 2821, 2822"), "new 4 4")
	p.open(list)
	p.Press(strings.Repeat("j", 10))
	p.is("cursor", p.cursor(), "netfs: Keep track of folios in a segmented bio_vec[] chain v5")
	p.Press("xjjjX")
	p.Press("b")
	p.is("b", p.Focused(), "input name")
	browser.Eval[any](p.Tab, `document.activeElement.value = ""`) // the protocol types the b in spite of preventDefault
	p.Press("for later")
	p.load("\r", "Bundle for later created with 9 patches")
	s.has(t, `SELECT b.name, COUNT(*), MIN(p.series_id), MAX(p.series_id) FROM bundle b JOIN bundle_patch x ON x.bundle_id = b.id JOIN patch p ON p.id = x.patch_id GROUP BY b.name`, "for later 9 2812 2816")

	// Five more are accepted, each with all of its patches.
	p.open(list)
	p.Press(strings.Repeat("j", 14))
	p.is("cursor", p.cursor(), "erofs-utils: mkfs: set the default inode fingerprint name")
	p.Press("xjjjjX")
	p.load("a", "14 patches updated (state: Accepted)")
	s.has(t, in(statesOf, "2807, 2808, 2809, 2810, 2811"), "accepted 14 0")

	p.goes("gp", "/project/erofs/list/")
	p.goes("gs", "/project/erofs/series/")
	p.goes("gt", "/project/erofs/list/?delegate=1") // her list of things to do, which has one project
	p.is("to do", strings.Join(p.texts("td.name"), "|"), "erofs-utils: lib: fix ztailpacking fallback across lclusters|[2/2] erofs: add ioctl to retrieve the backing source file descriptor|[1/2] erofs: accept source file descriptor via fsconfig|erofs: get rid of erofs_is_ishare_inode() helper")
	p.goes("gm", "/project/erofs/queue/mine/")
	p.open(list)
	p.Press("/")
	p.is("/", p.Focused(), "input q")
	browser.Eval[any](p.Tab, `document.activeElement.blur()`)
	p.Press("?")
	p.is("?", p.text("dialog[open] h2"), "Keyboard")

	// What was done: nothing else, each with its event, by her.
	s.has(t, `SELECT kind, actor_id, COUNT(*) FROM event WHERE actor_id IS NOT NULL GROUP BY kind, actor_id`, "patch-delegated 1 4", "patch-state-changed 1 46")
	s.has(t, `SELECT s.slug, c.delegate_id, c.patches FROM patch_count c JOIN state s ON s.id = c.state_id WHERE c.patches > 0 ORDER BY 1, 2`,
		"accepted 0 15", "new 0 6355", "new 1 4", "rejected 0 1", "superseded 0 22", "under-review 0 6")
	p.silent()
	s.sound(t)
}
