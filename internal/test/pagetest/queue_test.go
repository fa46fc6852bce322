// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/test/browser"
)

// storyQueues looks what there is to do, and narrows it.
func storyQueues(t *testing.T, b *browser.Browser, s *site) {
	s.exec(t, `UPDATE person SET user_id = 1 WHERE email = 'gscrivan@redhat.com'`)
	p := tell(t, b, s)
	p.open("/project/erofs/series/")
	want := []string{"All open 2,029", "Needs first review 687", "In review 619", "Reviewed and green 589", "Waiting for author 134", "Waiting for checks 0", "Stale 999+", "Delegated to me 0", "Mine 2", "All my projects"}
	if diff := cmp.Diff(want, p.texts(".queues a")); diff != "" {
		t.Error(diff)
	}
	for queue, first := range map[string]string{
		"review":    "[RFC] fs: allow opening overlayfs/erofs layers through O_ALT",
		"discussed": "erofs: fd-based source and backing file introspection",
		"ready":     "erofs: use more informative s_id for file-backed mounts",
		"author":    "[1/2,v4] fsck.erofs: add multi-threaded decompression",
		"mine":      "[v3] erofs: accept source file descriptor via fsconfig",
	} {
		p.open("/project/erofs/queue/" + queue + "/")
		p.is(queue, p.text("td.name"), first)
	}
	p.open("/project/erofs/queue/checks/")
	p.is("checks", p.text("main p:not(.about)"), "This queue is empty.")

	// Counts of two digits stand apart.
	p.open("/project/erofs/series/?q=opt-in+lease")
	p.is("counts", p.text("td.tags"), "2411-")
	const apart = `[...document.querySelectorAll("td.tags span + span")].map(e => { const edge = e => { const r = document.createRange(); r.selectNodeContents(e.lastChild); return r.getBoundingClientRect() }; return edge(e).left - edge(e.previousElementSibling).right })`
	if gap := browser.Eval[float64](p.Tab, `Math.min(...`+apart+`)`); gap < 3 {
		t.Errorf("%.1f pixels between counts of tags, want 3", gap)
	}

	// 2,029 series can be sorted by tags. What can't be sorted is listed all the same, and the page says why it is in another order.
	p.open("/project/erofs/series/?order=-tags")
	p.is("most tags", p.text("td.name"), "fscache, erofs: fscache-based on-demand read semantics v11")
	p.is("note", p.text(".flash[role=status]"), "")
	s.exec(t, `UPDATE triage_count SET series = series + 3000 WHERE lane = 1`) // as in a project that has so many more
	p.open("/project/erofs/series/?order=-tags")
	p.is("note", p.text(".flash[role=status]"), "These are too many series to be sorted by tags; at most 5000 can be: ask for fewer, or for the order of dates.")
	s.exec(t, `UPDATE triage_count SET series = series - 3000 WHERE lane = 1`)

	// Narrowed by a form, without fields that say nothing; each filter has a minus that takes it away.
	p.open("/project/erofs/queue/author/")
	browser.Eval[any](p.Tab, `document.querySelector("[name=q]").focus()`)
	p.Press("fsck")
	p.PressAndLoad("\r")
	p.is("filtered", p.where(), "/project/erofs/queue/author/?q=fsck")
	names := p.texts("td.name")
	for _, name := range names {
		if !strings.Contains(name, "fsck") {
			t.Errorf("%q has no fsck", name)
		}
	}
	if len(names) < 2 {
		t.Errorf("%q", names)
	}
	p.clicks(".chips a")
	p.is("the minus", p.where(), "/project/erofs/queue/author/")

	// Who is named in a filter is completed; nothing is asked for less than three letters.
	for _, page := range []string{"list/", "queue/review/"} {
		p.open("/project/erofs/" + page)
		for field, typed := range map[string][3]string{"submitter": {"gscr", "Giuseppe Scrivano", "Giuseppe Scrivano, gscrivan@redhat.com"}, "delegate": {"MIA", "mia", ""}} {
			browser.Eval[any](p.Tab, `document.querySelector("[name=`+field+`]").focus()`)
			p.Press(typed[0])
			offered := browser.Eval[string](p.Tab, `new Promise((done) => { const look = () => { const o = document.querySelector("[name=`+field+`] + datalist option"); if (o) done(o.value + "|" + o.label); else setTimeout(look, 20) }; look() })`)
			p.is(page+" "+field, offered, typed[1]+"|"+typed[2])
			browser.Eval[any](p.Tab, `document.activeElement.value = ""`)
			p.Press(typed[0][:2])
			if n := browser.Eval[int](p.Tab, `new Promise((done) => setTimeout(() => done(document.querySelectorAll("[name=`+field+`] + datalist option").length), 400))`); n != 0 {
				t.Errorf("%s: two letters are offered %d", field, n)
			}
			browser.Eval[any](p.Tab, `document.activeElement.value = ""`)
		}
	}

	// The same queue over all her projects, of which she has one.
	p.open("/project/erofs/queue/ready/")
	p.clicks(".queues a[href='/user/queue/ready/']")
	p.is("over all projects", p.where()+" "+p.text("h1"), "/user/queue/ready/ Reviewed and green, all my projects 589 series")
	p.is("the first", p.text("td.name"), "erofs: use more informative s_id for file-backed mounts")

	// What is delegated to her is in her queue and in her list of things to do, and the number says so.
	p.open("/project/erofs/series/?q=xarray")
	p.is("found", p.text("td.name"), "erofs: modernize device IDR to XArray")
	p.clicks("td.name a")
	browser.Eval[any](p.Tab, `{ const d = document.querySelector("form[action$='/list/']").closest("details"); d.open = true; const s = d.querySelector("[name=delegate]"); s.value = [...s.options].find(o => o.text === "mia").value }`)
	p.clicks("form[action$='/list/'] button[value=update]")
	p.is("delegated", p.text(".flash"), "1 patch updated (delegate: mia)")
	p.open("/project/erofs/queue/delegated/")
	p.is("queue", strings.Join(p.texts("td.name"), "|"), "erofs: modernize device IDR to XArray")
	p.open("/user/todo/")
	p.is("with one project it is its list", p.where(), "/project/erofs/list/?delegate=1")
	p.is("to do", strings.Join(p.texts("td.name"), "|"), "erofs: modernize device IDR to XArray")
	p.silent()
}
