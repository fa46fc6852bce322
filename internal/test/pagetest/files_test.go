// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"testing"

	"patchwork.example/pw/internal/test/browser"
	"patchwork.example/pw/internal/web"
)

// TestFilesAndPlaces looks at where things stand that no other test has: files that a reply carries, and the place of a patch in a bundle.
func TestFilesAndPlaces(t *testing.T) {
	b := browser.Start(t)
	s := newSite(t)
	const patchMail = "From: Ann <ann@example.org>\nSubject: [PATCH] Boil\nMessage-ID: <boil@example.org>\nList-Id: <" + demoList + ">\nDate: Mon, 2 Feb 2026 10:00:00 +0000\n\nText\n---\ndiff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+y\n"
	const reply = "From: Rita <rita@example.org>\nSubject: Re: [PATCH] Boil\nMessage-ID: <rita@example.org>\nIn-Reply-To: <boil@example.org>\nList-Id: <" + demoList + ">\nDate: Mon, 2 Feb 2026 11:00:00 +0000\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" +
		"--b\n\nSee the log.\n\n--b\nContent-Type: image/png; name=kettle.png\nContent-Disposition: attachment; filename=kettle.png\n\nno picture\n--b--\n"
	mails := mailSource{patchMail, reply}
	s.addProject(t, "kettle", "Kettle", demoList, &mails)
	s.addMaintainer(t, "kettle")
	s.exec(t, "INSERT INTO bundle (id, owner_id, project_id, name, name_key, public) VALUES (9, 1, 1, 'tea', 'tea', TRUE)")
	s.exec(t, "INSERT INTO bundle_patch (bundle_id, patch_id, position) SELECT 9, id, 1 FROM patch")
	tab := b.Tab(t)
	tab.SetCookie(s.url, web.SessionCookie, s.session)
	for _, view := range []browser.View{phone, desktop} {
		tab.Look(view)
		tab.Open(s.url + "/project/kettle/patch/boil@example.org/")
		// The name of a file begins where the text above it does, and does not touch the frame.
		is(t, browser.Eval[string](tab, `(() => { const text = document.querySelector(".mail:has(.files) pre.text"), r = document.createRange(); r.selectNodeContents(text);
			const file = document.querySelector(".files a").getBoundingClientRect(), end = document.querySelector(".files").getBoundingClientRect();
			return String(Math.abs(r.getBoundingClientRect().left - file.left) < 2 && end.bottom - file.bottom >= 3) })()`), "true")
		if said := tab.Overflow(); said != "" {
			t.Error(said)
		}
	}
	// On a phone the field of a place stands beside the name, not in a line of its own.
	tab.Look(phone)
	tab.Open(s.url + "/bundle/" + maintainer + "/tea/")
	is(t, browser.Eval[string](tab, `(() => { const [name, place] = ["td.name a", "td.place input"].map(e => document.querySelector(e).getBoundingClientRect());
		return String(place.left >= name.right && Math.abs(place.top - name.top) < 12 && place.height >= 24) })()`), "true")
	if said := tab.Overflow(); said != "" {
		t.Error(said)
	}
}
