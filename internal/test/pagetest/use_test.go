// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/test/browser"
	"patchwork.example/pw/internal/web"
)

const checkedRows = `[...document.querySelectorAll("[data-row]")].map(b => b.checked ? "x" : ".").join("").slice(0, 8)`

// testUse does with keyboard and mouse what a maintainer does.
func testUse(t *testing.T, b *browser.Browser, s *site) {
	t.Run("keyboard reaches all", func(t *testing.T) {
		tab := b.Tab(t)
		tab.SetCookie(s.url, web.SessionCookie, s.session)
		tab.Open(s.url + "/project/hostile/list/")
		var order []string
		for range 36 {
			tab.Press("\t")
			order = append(order, tab.Focused())
			if !browser.Eval[bool](tab, `(r => r.bottom > 0 && r.top < innerHeight && r.width > 0)(document.activeElement.getBoundingClientRect())`) {
				t.Errorf("%s has the focus but is not in view", tab.Focused())
			}
		}
		want := []string{"a Skip to content", "a Patchwork", "a Hostile & <b>Sons</b>", "a Patches", "a Series", "a Queues", "a Bundles", "a About", "a To do", "a " + maintainer, "button Log out",
			"select state", "select archive", "input q", "input submitter", "input delegate",
			"select order", "summary More filters", "button Filter",
			"a 1 <b>query</b> with-a-name-without-any-place-to-br", "a 2 <b>query</b> with-a-name-without-any-place-to-br", "a Manage", "summary Save this list", "input Select all on this page", "a Patch", "a A R T", "a S W F", "a Date ▼", "a Submitter", "a Delegate", "a State"}
		if diff := cmp.Diff(want, order[:len(want)]); diff != "" {
			t.Errorf("tab order (-want +got):\n%s", diff)
		}
		if row := order[len(want)]; !strings.HasPrefix(row, "input Select ") {
			t.Errorf("after the head comes %q, want the box of a row", row)
		}
		if row := order[len(want)+1]; !strings.HasPrefix(row, "a ") {
			t.Errorf("after the box comes %q, want the patch", row)
		}
	})
	t.Run("skip link", func(t *testing.T) {
		tab := b.Tab(t)
		tab.Open(s.url + "/project/hostile/list/")
		tab.Press("\t")
		tab.Press("\r")
		if got := browser.Eval[string](tab, `location.hash + document.activeElement.id`); got != "#mainmain" {
			t.Errorf("after the skip link: %s, want #mainmain", got)
		}
		tab.Press("\t")
		if got := tab.Focused(); got != "select state" {
			t.Errorf("after the skip link the next is %s, want the filter", got)
		}
	})
	t.Run("select rows", func(t *testing.T) {
		tab := b.Tab(t)
		tab.SetCookie(s.url, web.SessionCookie, s.session)
		tab.Open(s.url + "/project/hostile/list/")
		selected := func(want, count string) {
			t.Helper()
			if got := browser.Eval[string](tab, checkedRows); got != want {
				t.Errorf("selected %s, want %s", got, want)
			}
			if got := browser.Eval[string](tab, `document.querySelector("[data-selected]").textContent`); got != count {
				t.Errorf("it says %q, want %q", got, count)
			}
		}
		selected("........", "0 selected")
		tab.Click("tr:nth-child(2) [data-row]")
		tab.Click("tr:nth-child(5) [data-row]", shift)
		selected(".xxxx...", "4 selected")
		tab.Click("tr:nth-child(3) [data-row]")
		tab.Click("tr:nth-child(4) [data-row]", shift)
		selected(".x..x...", "2 selected")
		tab.Click("[data-select-all]")
		selected("xxxxxxxx", "30 selected")
		tab.Click("[data-select-all]")
		selected("........", "0 selected")
	})
	t.Run("filter has a short address", func(t *testing.T) {
		tab := b.Tab(t)
		tab.Open(s.url + "/project/hostile/list/")
		browser.Eval[any](tab, `document.querySelector("[name=q]").focus()`)
		tab.Press("slash")
		tab.PressAndLoad("\r")
		if got := browser.Eval[string](tab, `location.search`); got != "?q=slash" {
			t.Errorf("the filter leads to %s", got)
		}
		if n := tab.Has("[data-row], td.name"); n != 1 {
			t.Errorf("%d patches have the word, want 1", n)
		}
	})
	t.Run("links of odd Message-IDs", func(t *testing.T) {
		tab := b.Tab(t)
		for _, words := range []string{"slash", "script"} {
			tab.Open(s.url + "/project/hostile/list/?q=" + words)
			browser.Eval[any](tab, `document.querySelector("td.name a").focus()`)
			if got := tab.PressAndLoad("\r"); got != 200 {
				t.Errorf("the patch with %q leads to %d at %s", words, got, browser.Eval[string](tab, `location.href`))
			}
		}
	})
	t.Run("hostile text stays text", func(t *testing.T) {
		tab := b.Tab(t)
		tab.Open(s.url + mailPath("patch", bidiID))
		if n := tab.Has("pre.diff .ctl"); n != 4 {
			t.Errorf("%d of 4 characters that turn text are shown in the diff", n)
		}
		tab.Open(s.url + mailPath("patch", scriptID))
		if n := tab.Has("main script, main img, pre h1"); n != 0 {
			t.Errorf("%d elements came from mails", n)
		}
	})
	t.Run("filter is folded on phones only", func(t *testing.T) {
		tab := b.Tab(t)
		tab.Open(s.url + "/project/hostile/list/")
		const shown = `document.querySelector("[name=q]").checkVisibility({contentVisibilityAuto: true}) && document.querySelector("[name=q]").getBoundingClientRect().height > 0`
		if !browser.Eval[bool](tab, shown) {
			t.Error("the filter is hidden on a desktop")
		}
		tab.Look(browser.View{Width: 390, Height: 844})
		if browser.Eval[bool](tab, shown) {
			t.Error("the filter is not folded on a phone")
		}
		tab.Click(".fold > summary")
		if !browser.Eval[bool](tab, shown) {
			t.Error("the filter can't be unfolded on a phone")
		}
	})
	t.Run("print", func(t *testing.T) {
		tab := b.Tab(t)
		tab.SetCookie(s.url, web.SessionCookie, s.session)
		tab.Look(browser.View{Width: 760, Height: 1000, Print: true, Dark: true})
		tab.Open(s.url + "/project/kettle/patch/20260204203000.5120-3-ann@example.org/")
		for _, said := range browser.Eval[[]string](tab, `[...document.querySelectorAll("button, select, .button")].filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 200))`) {
			t.Errorf("this control is printed: %s", said)
		}
		if ink := browser.Eval[string](tab, `getComputedStyle(document.body).color + getComputedStyle(document.body).backgroundColor`); ink != "rgb(28, 29, 31)rgb(255, 255, 255)" {
			t.Errorf("in the dark theme it prints %s", ink)
		}
	})
}

// testWithoutScript logs in, filters, changes patches and logs out with JavaScript switched off, by keyboard.
func testWithoutScript(t *testing.T, b *browser.Browser, s *site) {
	tab := b.Tab(t)
	tab.Look(browser.View{Width: 390, Height: 844, NoScript: true})
	focus := func(selector string) { browser.Eval[any](tab, `document.querySelector('`+selector+`').focus()`) }
	value := func(selector, v string) {
		browser.Eval[any](tab, `document.querySelector('`+selector+`').value = '`+v+`'`)
	}

	tab.Open(s.url + "/user/login/?next=/project/kettle/list/")
	focus("[name=username]")
	tab.Press(maintainer)
	focus("[name=password]")
	tab.Press(password)
	if got := tab.PressAndLoad("\r"); got != 200 {
		t.Fatalf("log in: %d", got)
	}
	if got := browser.Eval[string](tab, `location.pathname`); got != "/project/kettle/list/" {
		t.Fatalf("logging in leads to %s", got)
	}
	if tab.Has("[data-select-all]:not([hidden]), [data-copy]:not([hidden])") != 0 {
		t.Error("controls that need JavaScript are shown without it")
	}

	focus(".fold > summary")
	tab.Press("\r")
	focus("[name=q]")
	tab.Press("seconds")
	tab.PressAndLoad("\r")
	before := tab.Has("[data-row]")
	if before < 2 {
		t.Fatalf("%d patches have the word", before)
	}
	for _, row := range []string{"tr:nth-child(1) [data-row]", "tr:nth-child(2) [data-row]"} {
		focus(row)
		tab.Press(" ")
	}
	accepted := `(SELECT id FROM state WHERE name = 'Accepted')`
	state := browser.Eval[string](tab, `[...document.querySelectorAll(".bulk [name=state] option")].find(o => o.text == "Accepted").value`)
	value(".bulk [name=state]", state)
	focus(".bulk button")
	if got := tab.PressAndLoad("\r"); got != 200 {
		t.Fatalf("change: %d", got)
	}
	if got := browser.Eval[string](tab, `document.querySelector(".flash").innerText`); got != "2 patches updated (state: Accepted)" {
		t.Errorf("it says %q", got)
	}
	if got := tab.Has("[data-row]"); got != before-2 || !strings.Contains(browser.Eval[string](tab, `location.search`), "q=seconds") {
		t.Errorf("%d patches of %d are left, at %s: the filter must stay", got, before, browser.Eval[string](tab, `location.href`))
	}
	if n := s.number(t, `SELECT count(*) FROM patch WHERE state_id = `+accepted); n != 2 {
		t.Errorf("%d patches are accepted, want 2", n)
	}

	tab.Open(s.url + "/project/kettle/patch/20260204203000.5120-2-ann@example.org/")
	value(".edit [name=archived]", "true")
	focus(".edit button")
	tab.PressAndLoad("\r")
	if got := browser.Eval[string](tab, `document.querySelector(".flash").innerText`); got != "Patch updated" {
		t.Errorf("it says %q", got)
	}
	focus(".who button")
	tab.PressAndLoad("\r")
	if tab.Has(".who button") != 0 {
		t.Error("logged out, there is still a button to log out")
	}
	if said := tab.Complaints(); said != nil {
		t.Errorf("console: %q", said)
	}
}

// testBundleWithoutScript gives the third patch of a bundle the first place, removes the second, and renames the bundle, by keyboard alone.
func testBundleWithoutScript(t *testing.T, b *browser.Browser, s *site) {
	tab := b.Tab(t)
	tab.SetCookie(s.url, web.SessionCookie, s.session)
	tab.Look(browser.View{Width: 1280, Height: 800, NoScript: true})
	do := func(focus, key, said string) {
		t.Helper()
		browser.Eval[any](tab, `document.querySelector('`+focus+`').focus()`)
		if got := tab.PressAndLoad(key); got != 200 {
			t.Fatalf("%s: %d", focus, got)
		}
		if got := browser.Eval[string](tab, `document.querySelector(".flash").innerText`); got != said {
			t.Errorf("it says %q, want %q", got, said)
		}
	}
	names := func(places ...int) (out []string) {
		for _, n := range places {
			out = append(out, browser.Eval[string](tab, fmt.Sprintf(`document.querySelector("tbody tr:nth-child(%d) td.name").innerText`, n)))
		}
		return out
	}
	tab.Open(s.url + bundlePath)
	before := names(1, 2, 3, 4)
	browser.Eval[any](tab, `document.querySelector("tbody tr:nth-child(3) .place input").value = "1"`)
	do("tbody tr:nth-child(3) .place input", "\r", "Order changed")
	if diff := cmp.Diff([]string{before[2], before[0], before[1], before[3]}, names(1, 2, 3, 4)); diff != "" {
		t.Error(diff)
	}
	browser.Eval[any](tab, `document.querySelector("tbody tr:nth-child(2) [data-row]").click()`)
	do("button[value=remove]", "\r", "1 patch removed from the bundle")
	if diff := cmp.Diff([]string{before[2], before[1], before[3]}, names(1, 2, 3)); diff != "" {
		t.Error(diff)
	}
	browser.Eval[any](tab, `document.querySelector("[name=name]").value = "new name"`)
	do("[name=name]", "\r", "Bundle saved")
	if got := browser.Eval[string](tab, `location.pathname`); got != "/bundle/"+maintainer+"/new%20name/" {
		t.Errorf("renamed, it is at %s", got)
	}
	browser.Eval[any](tab, `document.querySelector("main > details").open = true`)
	do("button[value=delete]", "\r", "Bundle new name deleted")
	if said := tab.Complaints(); said != nil {
		t.Errorf("console: %q", said)
	}
}

// TestPictures takes the pictures of the README and keeps them if it is told where: PW_PICTURES=docs/pictures. See scripts/pictures.sh.
func TestPictures(t *testing.T) {
	s := newSite(t)
	s.addProject(t, "kettle", "Kettle", demoList, demoMails(t))
	s.addMaintainer(t, "kettle")
	s.exec(t, `UPDATE user_account SET username = 'ann', username_key = 'ann'`)
	s.exec(t, `UPDATE patch SET state_id = (SELECT id FROM state WHERE name = 'Under Review'), delegate_id = (SELECT id FROM user_account) WHERE name LIKE '[v2%'`)
	s.exec(t, `UPDATE patch SET state_id = (SELECT id FROM state WHERE name = 'Superseded') WHERE name LIKE '[_/3]%'`)
	s.exec(t, `INSERT INTO patch_check (id, patch_id, user_id, date, context, state)
		SELECT p.id, p.id, u.id, p.date, 'ci', 1 + (p.name LIKE '%README%') FROM patch p, user_account u WHERE p.name LIKE '[v2%'`)
	if _, err := s.Check(t.Context(), true, func(string) {}); err != nil { // what was written past the verbs is rolled up
		t.Fatal(err)
	}
	tab := browser.Start(t).Tab(t)
	tab.SetCookie(s.url, web.SessionCookie, s.session)
	for _, p := range []struct {
		name, path, top string // top: what the picture begins with
		height          int
	}{
		{"patch-list", "/project/kettle/list/?state=*", "body", 600},
		{"series-list", "/project/kettle/series/?who=*", "body", 440},
		{"replies", "/project/kettle/patch/20260202101500.4711-3-ann@example.org/", "#diff", 560},
		{"range-diff", s.newVersionPath(t) + "range-diff/", "body", 720},
	} {
		tab.Look(browser.View{Width: 1280, Height: p.height})
		if got := tab.Open(s.url + p.path); got != 200 {
			t.Fatalf("%s: %d", p.path, got)
		}
		browser.Eval[any](tab, `new Promise(r => { let n = 0; const wait = setInterval(() => { if (!document.querySelector("a.hue") || ++n > 200) { clearInterval(wait); r(null) } }, 50) })`) // the colours of a diff come after it
		browser.Eval[any](tab, `document.querySelector("`+p.top+`").scrollIntoView()`)
		picture := tab.Picture()
		if at, err := png.DecodeConfig(bytes.NewReader(picture)); err != nil || at.Width != 1280 || at.Height != int(p.height) {
			t.Errorf("%s is %d×%d: %v", p.name, at.Width, at.Height, err)
		}
		if dir := os.Getenv("PW_PICTURES"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, p.name+".png"), picture, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// testAPIDocs tries requests from the documentation of the API.
func testAPIDocs(t *testing.T, b *browser.Browser, s *site) {
	tab := b.Tab(t)
	tab.SetCookie(s.url, web.SessionCookie, s.session)
	tab.Open(s.url + "/api/docs?version=1.4#listProjectWebhooks")
	const form = "#listProjectWebhooks form"
	said := func(id, part string) {
		t.Helper()
		if !browser.Eval[bool](tab, `new Promise(r => { const out = document.querySelector("#`+id+` output"), see = () => out.textContent.includes("`+part+`"); let n = 0;
			const wait = setInterval(() => { if (see() || ++n > 200) { clearInterval(wait); r(see()) } }, 50) })`) {
			t.Errorf("%s: no %q in %s", id, part, browser.Eval[string](tab, `document.querySelector("#`+id+` output").textContent`))
		}
	}
	if !browser.Eval[bool](tab, `document.querySelector("#listProjectWebhooks").open && !document.querySelector("#createProjectWebhook").open`) {
		t.Error("the operation that the address names is not open")
	}
	browser.Eval[any](tab, `{ const f = document.querySelector("`+form+`"); f.project.value = "hostile"; f.per_page.value = "1"; f.requestSubmit() }`)
	said("listProjectWebhooks", "GET /api/1.4/projects/hostile/webhooks/?per_page=1: 200 in ")
	said("listProjectWebhooks", `\"api_url\"`)
	browser.Eval[any](tab, `{ const f = document.querySelector("#updateProjectWebhook form"); f.project.value = "hostile"; f.id.value = "2"; f.body.value = '{"active": false}'; f.requestSubmit() }`)
	said("updateProjectWebhook", "PATCH /api/1.4/projects/hostile/webhooks/2/: 200")
	said("updateProjectWebhook", `\"active\": false`)
	browser.Eval[any](tab, `{ document.getElementById("api-token").value = "wrong"; const f = document.querySelector("#updateProjectWebhook form"); f.body.value = '{"active": true}'; f.requestSubmit() }`)
	said("updateProjectWebhook", "webhooks/2/: 403")
	said("updateProjectWebhook", "Invalid token.")
	if said := tab.Complaints(); len(said) != 1 || !strings.Contains(said[0], "403") {
		t.Errorf("console: %q", said)
	}
}
