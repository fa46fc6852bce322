// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/browser"
	"patchwork.example/pw/internal/web"
)

// addChanges writes down a change that waits for an answer, one under way and one that is done, of which some was refused.
func (s *site) addChanges(t *testing.T) {
	t.Helper()
	for id, state := range map[int]string{1_000_001: "draft", 1_000_002: "waiting", 1_000_003: "done"} {
		done := map[string]int{"draft": 0, "waiting": 450, "done": 1234}[state]
		s.exec(t, fmt.Sprintf(`INSERT INTO change_set (id, project_id, actor_id, via, at, state, wanted, undoes_id, undone_by, total, done, changed, refused, overtaken, lost, back, reason, finished_at, expires_at)
			SELECT %d, p.id, u.id, 'web', 1772366400000000, '%s', '{"state":3,"delegate":' || u.id || ',"archived":true,"commit_ref":"%s"}', 0, 0, 1234, %d, %d / 2, %d / 3, 1, 2, '/project/hostile/list/', '',
			CASE '%s' WHEN 'done' THEN 99000000000000000 ELSE 0 END, 99000000000000000 FROM project p, user_account u WHERE p.linkname = 'hostile' AND u.username = '%s'`,
			id, state, strings.Repeat("abc", 60), done, done, done, state, maintainer))
	}
	s.exec(t, `INSERT INTO change_row (set_id, patch_id, field, old_value, new_value, later) SELECT 1000003, x.id, 'refused', '', '', FALSE
		FROM patch x JOIN project p ON p.id = x.project_id WHERE p.linkname = 'hostile' ORDER BY x.id LIMIT 20`)
}

// hundred makes a project of 102 patches, named by their numbers, the last of which are a series of two.
func (s *site) hundred(t *testing.T) {
	t.Helper()
	name, list, email := "hundred", "hundred.lists.example.org", "hundred@lists.example.org"
	if _, err := project.Create(t.Context(), s.DB, root, s.Clock.Now(), project.Change{Linkname: &name, Name: &name, ListID: &list, ListEmail: &email}); err != nil {
		t.Fatal(err)
	}
	var mails []ingress.Delivery
	for n := range 102 {
		subject, parent := fmt.Sprintf("[PATCH] part %03d", n+1), ""
		if n >= 100 {
			subject, parent = fmt.Sprintf("[PATCH %d/2] part %03d", n-99, n+1), "In-Reply-To: <101@h>\n"
		}
		mails = append(mails, ingress.Delivery{Via: "test", Raw: []byte(fmt.Sprintf("From: Ann <ann@example.org>\nDate: Mon, 5 Jan 2026 10:%02d:%02d +0000\nList-Id: <%s>\nMessage-ID: <%03d@h>\n%sSubject: %s\n\nText\n\n"+
			"--- a/f%d.c\n+++ b/f%d.c\n@@ -1 +1 @@\n-a\n+b\n", n/60, n%60, list, n+1, parent, subject, n, n))})
	}
	if _, err := s.Intake().Deliver(t.Context(), mails); err != nil {
		t.Fatal(err)
	}
	s.addMaintainer(t, name)
	s.exec(t, "UPDATE user_account SET items_per_page = 50")
}

// testKeys triages a hundred patches by keyboard alone.
func testKeys(t *testing.T, b *browser.Browser) {
	s := newSite(t)
	s.hundred(t)
	tab := b.Tab(t)
	tab.SetCookie(s.url, web.SessionCookie, s.session)
	const list = "/project/hundred/list/?order=name"
	at := func() string {
		return browser.Eval[string](tab, `document.querySelector("tr[aria-current=true] td.name")?.innerText ?? ""`)
	}
	open := func(path string) {
		t.Helper()
		tab.Open(s.url + path)
		browser.Eval[any](tab, `new Promise(f => requestAnimationFrame(() => requestAnimationFrame(() => f(null))))`) // Chromium drops keys before it has painted
	}
	is := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	said := func() string {
		return browser.Eval[string](tab, `document.querySelector(".flash")?.innerText ?? ""`)
	}
	told := func() string { return browser.Eval[string](tab, `document.querySelector("#told").textContent`) }
	where := func() string { return browser.Eval[string](tab, `location.pathname + location.search`) }
	load := func(keys, flash string) {
		t.Helper()
		if got := tab.PressAndLoad(keys); got != 200 {
			t.Fatalf("%s: %d", keys, got)
		}
		is(keys+" says", said(), flash)
	}
	count := func(state string, want int) {
		t.Helper()
		if n := s.number(t, "SELECT COUNT(*) FROM patch p JOIN state t ON t.id = p.state_id WHERE t.slug = '"+state+"'"); n != want {
			t.Errorf("%d patches are %s, want %d", n, state, want)
		}
	}

	// One by one: the row under the cursor is changed, and the cursor is on the next one then.
	open(list)
	tab.Press("jjj") // the series comes first
	is("cursor", at(), "part 001")
	is("focus", tab.Focused(), "a part 001")
	load("a", "1 patch updated (state: Accepted)")
	is("cursor afterwards", at(), "part 002")
	is("place", where(), list)
	load("z", "1 patch is as it was before (undo of “state: Accepted”)")
	is("cursor after the undo", at(), "part 002")
	count("accepted", 0)
	tab.Press("k")
	load("r", "1 patch updated (state: Rejected)")
	count("rejected", 1)

	// The form of the filter has its fields in another order than the address to which a change leads back.
	open("/project/hundred/list/?q=part&order=name")
	tab.Press("jjjjj")
	is("cursor in what was filtered", at(), "part 004")
	load("a", "1 patch updated (state: Accepted)")
	is("cursor afterwards", at(), "part 005")
	load("z", "1 patch is as it was before (undo of “state: Accepted”)")
	is("cursor after the undo", at(), "part 005")

	// Ranges: 30 from here on are accepted, 10 more are under review, all others of the page superseded.
	open(list)
	tab.Press("jx" + strings.Repeat("j", 29) + "X")
	is("selected", browser.Eval[string](tab, `document.querySelector("[data-selected]").textContent`), "30 selected")
	load("a", "30 patches updated (state: Accepted)")
	is("cursor behind what is gone", at(), "part 030")
	open(list)
	tab.Press("jx" + strings.Repeat("j", 9) + "X")
	load("u", "10 patches updated (state: Under Review)")
	open(list + "&state=*&q=part%2004") // words of two letters match beginnings: 040 to 049
	tab.Press("jx" + strings.Repeat("j", 8) + "kkjjX")
	is("selected", browser.Eval[string](tab, `document.querySelector("[data-selected]").textContent`), "9 selected")
	load("e", "9 patches updated (archived: yes)")
	count("accepted", 30)
	count("under-review", 10)

	// Those above the cursor go, those below it stay: it is on the first of these, which nobody has looked at yet.
	open(list)
	tab.Press("jjj")
	kept := at()
	tab.Press("jxjxjx")
	tab.Press("jjj")
	is("the cursor is below what is selected", at(), "part 038")
	load("r", "3 patches updated (state: Rejected)")
	is("cursor on the same row", at(), "part 038")
	load("z", "3 patches are as they were before (undo of “state: Rejected”)")
	open(list)
	tab.Press("jjj")
	is("undone", at(), kept)
	tab.Press("x")
	tab.Press("d")
	tab.Press(kb.ArrowDown + kb.ArrowDown) // nobody, the maintainer
	load("\r", "1 patch updated (delegate: maintainer-with-a-name-as-long-as-names-of-users-get)")
	if n := s.number(t, "SELECT COUNT(*) FROM patch WHERE delegate_id IS NOT NULL"); n != 1 {
		t.Errorf("%d patches are delegated, want 1", n)
	}
	load("z", "1 patch is as it was before (undo of “delegate: maintainer-with-a-name-as-long-as-names-of-users-get”)")

	// All that match: all of the page is ticked, then all is offered.
	open(list)
	tab.Click("[data-select-all]")
	is("offer", browser.Eval[string](tab, `document.querySelector("[data-match-all]").innerText`), fmt.Sprintf("Select all %d that match", 102-30-1-9))
	tab.Click("[data-match-all]")
	is("announced", browser.Eval[string](tab, `document.querySelector("[data-selected]").textContent`), "all 62 selected")
	load("s", "62 patches updated (state: Superseded)")
	count("superseded", 62)
	load("z", "62 patches are as they were before (undo of “state: Superseded”)")
	count("superseded", 0)

	// Fields take letters as letters; the help traps the focus, and switches the keys off and on.
	tab.Press("/")
	is("filter", tab.Focused(), "input q")
	browser.Eval[any](tab, `document.activeElement.value = ""`) // the protocol types the / in spite of preventDefault
	tab.Press("arus")
	tab.PressAndLoad("\r")
	is("filtered", where(), "/project/hundred/list/?q=arus&order=name")
	tab.Press("?")
	for range 12 {
		tab.Press("\t")
		if f := browser.Eval[bool](tab, `document.activeElement.closest("dialog") !== null || document.activeElement === document.body`); !f {
			t.Errorf("the focus left the dialog for %s", tab.Focused())
		}
	}
	if found := tab.Axe(); found != nil {
		t.Errorf("help: %v", found)
	}
	tab.Click("[data-keys-on]")
	tab.Press("\u001b")
	open(list)
	tab.Press("jj")
	is("cursor, switched off", at(), "")
	tab.Press("?")
	is("help, switched off", fmt.Sprint(tab.Has("dialog[open]")), "0")
	tab.Click("[data-keys-help]")
	tab.Click("[data-keys-on]")
	tab.Click("dialog button")

	// From the list to patches and through them; a change there; through the series; and back.
	tab.Press("jj")
	tab.PressAndLoad("o")
	first := where()
	tab.PressAndLoad("n")
	if where() == first {
		t.Error("n leads nowhere")
	}
	tab.PressAndLoad("p")
	is("n and p", where(), first)
	load("a", "Patch updated")
	load("z", "1 patch is as it was before (undo of “state: Accepted”)")
	open("/project/hundred/patch/101@h/")
	tab.PressAndLoad("]")
	is("]", where(), "/project/hundred/patch/102@h/")
	tab.Press("]")
	is("at the end", told(), "This is the last patch of the series")
	tab.PressAndLoad("[")
	is("[", where(), "/project/hundred/patch/101@h/")
	tab.Press("d")
	is("d", tab.Focused(), "select delegate")
	browser.Eval[any](tab, `document.activeElement.blur()`)
	tab.Press("g")
	tab.PressAndLoad("p")
	is("g p", where(), "/project/hundred/list/")
	tab.Press("a")
	is("without a row", told(), "Select a row first: j and k move, x selects")
	tab.Press("jb")
	is("b", tab.Focused(), "input name")
	browser.Eval[any](tab, `document.activeElement.value = ""`)
	tab.Press("kept")
	load("\r", "Bundle kept created with 1 patch")
	if complaints := tab.Complaints(); complaints != nil {
		t.Errorf("console: %q", complaints)
	}
}
