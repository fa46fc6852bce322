// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// cast is who may and who may not, each by his session.
type cast struct{ joe, ann, del, mia, root string }

// newCast makes the users: mia maintains alpha, ann sent its patches, del is the delegate of the patch that stands alone.
func (s *site) newCast() (cast, account.User) {
	s.t.Helper()
	var c cast
	s.seriesOfTwo()
	_, c.joe = s.user("joe", "joe@people.example", false)
	_, c.ann = s.user("ann", "ann@people.example", false)
	del, delToken := s.user("del", "del@people.example", false)
	mia, miaToken := s.user("mia", "mia@people.example", false)
	_, c.root = s.user("root", "root@people.example", true)
	c.del, c.mia = delToken, miaToken
	s.maintainer("alpha", "mia")
	s.exec("UPDATE patch SET delegate_id = ? WHERE id = ?", del.ID, s.id("patch", "alone@x"))
	if _, err := s.app.Check(s.t.Context(), true, func(string) {}); err != nil {
		s.t.Fatal(err)
	}
	return c, mia
}

const patchRow = "SELECT p.state_id, COALESCE(p.delegate_id, 0), CASE WHEN p.archived = TRUE THEN 'archived' ELSE 'open' END FROM patch p JOIN message m ON m.id = p.message_id WHERE m.msgid = ?"

func (s *site) isPatch(msgid, want string) {
	s.t.Helper()
	if got := s.rows(patchRow, "<"+msgid+">"); len(got) != 1 || got[0] != want {
		s.t.Errorf("patch %s is %v, want %s", msgid, got, want)
	}
}

// TestKnownFailureC1: who has no right to a patch can't change it by any form.
func TestKnownFailureC1(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, mia := s.newCast()
		alone := s.id("patch", "alone@x")
		del := s.rows("SELECT id FROM user_account WHERE username = 'del'")[0]
		bulk := fmt.Sprintf("form=patch-list-form&patch_id:%d=on&state=3&delegate=%d&archived=True", alone, mia.ID)
		single := fmt.Sprintf("state=3&delegate=%d&archived=true", mia.ID)

		s.redirects(s.visit("", "POST", "/project/alpha/patch/alone@x/", single), 302, "/user/login/?next="+url.QueryEscape("/project/alpha/patch/alone@x/"))
		s.redirects(s.visit("", "POST", "/project/alpha/list/?q=x", bulk), 302, "/user/login/?next="+url.QueryEscape("/project/alpha/list/?q=x"))
		s.expect(s.visit(c.joe, "POST", "/project/alpha/patch/alone@x/", single), 403, "Not allowed", "maintainers of ALPHA")
		a := s.visit(c.joe, "POST", "/project/alpha/list/?q=x", bulk)
		s.redirects(a, 303, "/project/alpha/list/?q=x")
		if a.flash() != "-No patches updated. You don't have permissions to edit patch 'Alone'" {
			t.Errorf("%q", a.flash())
		}
		s.expect(s.visit(c.joe, "GET", "/project/alpha/patch/alone@x/", ""), 200, "!name=\"delegate\"")
		s.isPatch("alone@x", "1 "+del+" open")
		if n := s.rows("SELECT COUNT(*) FROM event WHERE actor_id IS NOT NULL")[0]; n != "0" {
			t.Errorf("%s events", n)
		}
		// The others may; the delegate last, who then is it no more.
		for i, token := range []string{c.ann, c.mia, c.root, c.del} {
			s.expect(s.visit(token, "GET", "/project/alpha/patch/alone@x/", ""), 200, `name="delegate"`)
			s.redirects(s.visit(token, "POST", "/project/alpha/patch/alone@x/", fmt.Sprintf("state=%d", i+2)), 303, "/project/alpha/patch/alone@x/")
			s.isPatch("alone@x", fmt.Sprintf("%d %s open", i+2, del))
		}
		a = s.visit(c.del, "POST", "/project/alpha/list/", bulk)
		if a.flash() != "+1 patch updated (state: Accepted, delegate: mia, archived: yes)" {
			t.Errorf("%q", a.flash())
		}
		s.expect(s.visit(c.del, "POST", "/project/alpha/patch/alone@x/", "state=1"), 403)
		s.isPatch("alone@x", fmt.Sprintf("3 %d archived", mia.ID))
		s.sound()
	})
}

// TestVerb changes a patch through the single form, the bulk form, the API in its ways, and the core: rows, events, notices and counters are the same, but
// for the actor.
func TestVerb(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, mia := s.newCast()
		s.exec("UPDATE project SET send_notifications = TRUE WHERE linkname = 'alpha'")
		state, delegate, archived := int64(7), mia.ID, true
		api := func(method, path, body string) {
			kind := "Content-Type: application/x-www-form-urlencoded"
			if strings.HasPrefix(body, "{") {
				kind = "Content-Type: application/json"
			}
			s.expect(s.visit(c.mia, method, "/api/1.4/patches/"+path, body, kind), 200)
		}
		paths := map[string]func(msgid string){
			"single form": func(msgid string) {
				s.redirects(s.visit(c.mia, "POST", "/project/alpha/patch/"+msgid+"/", fmt.Sprintf("state=7&delegate=%d&archived=true", mia.ID)), 303, "/project/alpha/patch/"+msgid+"/")
			},
			"bulk form": func(msgid string) {
				s.redirects(s.visit(c.mia, "POST", "/project/alpha/list/", fmt.Sprintf("patch_id:%d=on&state=7&delegate=%d&archived=True", s.id("patch", msgid), mia.ID)), 303, "/project/alpha/list/")
			},
			"bulk form, all that match": func(msgid string) {
				s.redirects(s.visit(c.mia, "POST", "/project/alpha/list/?q=verb", fmt.Sprintf("match=1&seen=%d&state=7&delegate=%d&archived=True", int64(noon), mia.ID)), 303, "/project/alpha/list/?q=verb")
			},
			"bulk form, all that match, confirmed": func(msgid string) {
				page := s.visit(c.mia, "POST", "/project/alpha/list/?q=verb", fmt.Sprintf("action=ask&state=7&delegate=%d&archived=True", mia.ID)).location()
				s.redirects(s.visit(c.mia, "POST", page+"start/", ""), 303, "/project/alpha/list/?q=verb")
			},
			"bulk form, a series": func(msgid string) {
				series := s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", msgid))[0]
				s.redirects(s.visit(c.mia, "POST", "/project/alpha/list/", fmt.Sprintf("series_id:%s=on&state=7&delegate=%d&archived=True", series, mia.ID)), 303, "/project/alpha/list/")
			},
			"API, a series": func(msgid string) {
				series := s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", msgid))[0]
				s.expect(s.visit(c.mia, "PATCH", "/api/1.4/series/"+series+"/", fmt.Sprintf(`{"state":"changes-requested","delegate":%d,"archived":true}`, mia.ID), "Content-Type: application/json"), 200)
			},
			"API, JSON": func(msgid string) {
				api("PATCH", fmt.Sprintf("%d/", s.id("patch", msgid)), fmt.Sprintf(`{"state":"changes-requested","delegate":%d,"archived":true}`, mia.ID))
			},
			"API, form": func(msgid string) {
				api("PATCH", fmt.Sprintf("%d/", s.id("patch", msgid)), fmt.Sprintf("state=changes-requested&delegate=%d&archived=True", mia.ID))
			},
			"API, PUT": func(msgid string) {
				api("PUT", fmt.Sprintf("%d/", s.id("patch", msgid)), fmt.Sprintf(`{"state":"Changes Requested","delegate":"%d","archived":"yes"}`, mia.ID))
			},
			"API, bulk by ids": func(msgid string) {
				api("PATCH", "", fmt.Sprintf(`{"ids":[%d],"state":"changes-requested","delegate":%d,"archived":true}`, s.id("patch", msgid), mia.ID))
			},
			"API, bulk by a filter": func(msgid string) {
				api("PATCH", "?project=alpha&msgid="+msgid, fmt.Sprintf("state=changes-requested&delegate=%d&archived=1", mia.ID))
			},
			"core": func(msgid string) {
				_, err := patch.Update(t.Context(), db, account.CLI, noon, []int64{s.id("patch", msgid)}, patch.Change{State: &state, Delegate: &delegate, Archived: &archived})
				if err != nil {
					t.Error(err)
				}
			},
		}
		const counters = "SELECT state_id, delegate_id, CASE WHEN archived = TRUE THEN 'archived' ELSE 'open' END, patches FROM patch_count WHERE patches > 0 ORDER BY 1, 2, 3"
		n := 0
		for name, change := range paths {
			n++
			msgid := fmt.Sprintf("verb%d@x", n)
			before := s.rows(counters)
			s.patchMail("alpha", msgid, "[PATCH] Verb")
			id := s.id("patch", msgid)
			change(msgid)
			s.isPatch(msgid, fmt.Sprintf("7 %d archived", mia.ID))
			actor := fmt.Sprint(mia.ID)
			if name == "core" {
				actor = "0"
			}
			got := s.rows("SELECT e.kind, e.project_id, COALESCE(e.actor_id, 0), e.at, e.payload FROM event e JOIN event_subject s ON s.event_id = e.id WHERE s.kind = 'patch' AND s.subject_id = ? AND e.kind NOT IN ('patch-created', 'patch-completed') ORDER BY e.id", id)
			want := []string{
				fmt.Sprintf(`patch-state-changed 1 %s 1772366400000000 {"patch":%d,"previous_state":"new","current_state":"changes-requested"}`, actor, id),
				fmt.Sprintf(`patch-delegated 1 %s 1772366400000000 {"patch":%d,"current_delegate":%d}`, actor, id, mia.ID),
				fmt.Sprintf(`patch-archived-changed 1 %s 1772366400000000 {"patch":%d,"archived":true}`, actor, id),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: events: %s", name, diff)
			}
			more := fmt.Sprintf("7 %d archived %d", mia.ID, n)
			after := s.rows(counters)
			if diff := cmp.Diff(append(before[:len(before)-min(n-1, 1)], more), after); diff != "" {
				t.Errorf("%s: counters: %s", name, diff)
			}
			if got := s.rows("SELECT original_state_id, modified_at, first_at FROM state_notice WHERE patch_id = ?", id); len(got) != 1 || got[0] != "1 1772366400000000 1772366400000000" {
				t.Errorf("%s: notices: %v", name, got)
			}
			if got := s.rows("SELECT received, state_id FROM series WHERE id = (SELECT series_id FROM patch WHERE id = ?)", id); len(got) > 0 && got[0] != "1 7" {
				t.Errorf("%s: series: %v", name, got)
			}
		}
		s.sound()
	})
}

// TestKnownFailureG: after a bulk action one is where one was, and told what happened.
func TestKnownFailureG(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		p1, p2 := s.id("patch", "p1@x"), s.id("patch", "p2@x")
		s.exec("UPDATE user_account SET items_per_page = 1 WHERE username = 'mia'")
		where := "/project/alpha/list/?order=name&page=2&q=step&state=%2A"
		s.expect(s.visit(c.mia, "GET", where, ""), 200, `action="`+strings.ReplaceAll(where, "&", "&amp;")+`"`, fmt.Sprintf(`name="patch_id:%d"`, p2))
		a := s.visit(c.mia, "POST", where, fmt.Sprintf("patch_id:%d=on&patch_id:%d=on&state=3&delegate=*&archived=*", p1, p2))
		s.redirects(a, 303, where)
		if a.flash() != "+2 patches updated (state: Accepted)" {
			t.Errorf("%q", a.flash())
		}
		cookie := strings.Split(a.Header.Get("Set-Cookie"), ";")[0]
		next := s.visit(c.mia, "GET", where, "", "Cookie: "+cookie)
		s.expect(next, 200, "2 patches updated (state: Accepted)", `role="status"`)
		if !strings.Contains(next.Header.Get("Set-Cookie"), "pw_flash=;") {
			t.Errorf("the message would be shown again: %v", next.Header)
		}
		s.isPatch("p1@x", "3 0 open")
		s.isPatch("p2@x", "3 0 open")
		del := s.rows("SELECT id FROM user_account WHERE username = 'del'")[0]
		for form, want := range map[string]string{
			"state=3":                            "-No patches selected; nothing updated",
			"patch_id:x=on&state=3":              "-No patches selected; nothing updated",
			"patch_id:99999=on&state=3":          "-No patches updated. Patch 99999 is gone",
			"patch_id:%d=on&state=99":            "-there is no state 99",
			"patch_id:%d=on&state=x":             `-state "x" is no number`,
			"patch_id:%d=on&delegate=" + del:     "-the delegate must be a maintainer of the project",
			"patch_id:%d=on&archived=perhaps":    `-archived "perhaps": want true or false`,
			"patch_id:%d=on&state=3&archived=*":  "+No patches updated",
			"patch_id:%d=on&state=&archived=":    "+No patches updated",
			"patch_id:%d=on&patch_id:%[1]d=on":   "+No patches updated",
			"patch_id:%d=on&state=3&delegate=":   "+No patches updated",
			"patch_id:%d=on&archived=True":       "+1 patch updated (archived: yes)",
			"patch_id:%d=on&archived=true&a=%%0": "-the form can't be read",
		} {
			s.exec("UPDATE patch SET archived = FALSE WHERE id = ?", p1)
			if strings.Contains(form, "%d") {
				form = fmt.Sprintf(form, p1)
			}
			a := s.visit(c.mia, "POST", "/project/alpha/list/", form)
			if want == "-the form can't be read" {
				s.expect(a, 400, "form can&#39;t be read")
				continue
			}
			s.redirects(a, 303, "/project/alpha/list/")
			if a.flash() != want {
				t.Errorf("%s: %q, want %q", form, a.flash(), want)
			}
		}
		// Changes of one patch that can't be made.
		for form, status := range map[string]int{"state=99": 400, "state=x": 400, "delegate=" + del: 400, "archived=x": 400, "": 303} {
			a := s.visit(c.mia, "POST", "/project/alpha/patch/p2@x/", form+"&x=y")
			s.expect(a, status)
		}
		s.redirects(s.visit(c.mia, "POST", "/project/alpha/patch/alone@x/", "delegate="), 303, "/project/alpha/patch/alone@x/")
		s.isPatch("alone@x", "1 0 open")
		s.expect(s.visit(c.mia, "POST", "/project/alpha/patch/nosuch@x/", "state=1"), 404)
		s.expect(s.visit(c.mia, "POST", "/project/alpha/patch/c@x/", "state=1"), 404)
		s.expect(s.visit(c.mia, "POST", "/project/nosuch/list/", "state=1"), 404)
		s.expect(s.visit(c.mia, "POST", "/project/alpha/list/", strings.Repeat("x", 300<<10)), 413, "Too large")
		s.expect(s.visit(c.mia, "POST", "/project/alpha/patch/alone@x/", "state=3&x="+strings.Repeat("x", 300<<10)), 413, "Too large")
		s.isPatch("alone@x", "1 0 open")
	})
}

// TestKnownFailureC6: a form that another site sends, or that comes from a browser that does not say from where, changes nothing.
func TestKnownFailureC6(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite), func(c *config.Config) { c.HTTP.BaseURL = "https://patches.example" })
	c, _ := s.newCast()
	for _, header := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example", "Origin: null", "Origin: http://patches.example", "Origin: https://patches.example.evil.example"} {
		a := s.visit(c.mia, "POST", "/project/alpha/patch/alone@x/", "state=3", header)
		s.expect(a, 403, "Not allowed", "from another site")
		s.expect(s.visit(c.mia, "POST", "/project/alpha/list/", fmt.Sprintf("patch_id:%d=on&state=3", s.id("patch", "alone@x")), header), 403)
		s.expect(s.visit(c.mia, "GET", "/project/alpha/list/", "", header), 200)
	}
	s.expect(s.visit(c.mia, "POST", "/project/alpha/patch/alone@x/", "state=3", "Origin: https://evil.example", "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example"), 403)
	if got := s.rows(patchRow, "<alone@x>")[0]; !strings.HasPrefix(got, "1 ") {
		t.Errorf("changed: %s", got)
	}
	for i, header := range []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none", "Origin: " + s.url, "Origin: https://patches.example"} {
		s.expect(s.visit(c.mia, "POST", "/project/alpha/patch/alone@x/", fmt.Sprintf("state=%d", i+2), header), 303)
		if got := s.rows(patchRow, "<alone@x>")[0]; !strings.HasPrefix(got, fmt.Sprint(i+2)) {
			t.Errorf("%s: not changed: %s", header, got)
		}
	}
}

// TestKnownFailureC4: no page and no redirect takes an address from the Host header.
func TestKnownFailureC4(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	c, _ := s.newCast()
	for _, path := range []string{"/", "/project/alpha", "/project/alpha/list/", "/project/alpha/patch/p1@x/", "/project/alpha/cover/c@x/", "/patch/1/", "/nosuch/", "/user/", "/user/login/"} {
		for _, header := range []string{"Host: evil.example", "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example", "X-Original-URL: /evil.example", "X-Forwarded-Prefix: /evil.example"} {
			a := s.visit(c.mia, "GET", path, "", header)
			if strings.Contains(a.body+a.location(), "evil.example") {
				t.Errorf("%s with %s: names it", path, header)
			}
		}
	}
}

// TestSaveWhatWasChosen: the form of a patch changes what its user changed in it, not what somebody else changed since it was shown.
func TestSaveWhatWasChosen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, mia := s.newCast()
		del := s.rows("SELECT id FROM user_account WHERE username = 'del'")[0]
		was := fmt.Sprintf("archived=false&delegate=%s&state=1", del)
		// Her delegate maintains nothing, and is offered all the same: else the form would take the patch off him.
		s.expect(s.visit(c.mia, "GET", "/project/alpha/patch/alone@x/", ""), 200, `name="was" value="`+strings.ReplaceAll(was, "&", "&amp;")+`"`, `<option value="`+del+`" selected>del</option>`)
		s.redirects(s.visit(c.root, "POST", "/project/alpha/patch/alone@x/", fmt.Sprintf("state=3&delegate=%d&archived=true", mia.ID)), 303, "/project/alpha/patch/alone@x/")
		s.redirects(s.visit(c.mia, "POST", "/project/alpha/patch/alone@x/", "state=4&delegate="+del+"&archived=false&was="+url.QueryEscape(was)), 303, "/project/alpha/patch/alone@x/")
		s.isPatch("alone@x", fmt.Sprintf("4 %d archived", mia.ID))
		s.expect(s.visit(c.mia, "GET", "/user/changes/", ""), 200, "state: Rejected", "!delegate:", "!archived:")
		// What cannot be read says nothing, and to choose nobody is a choice.
		s.redirects(s.visit(c.mia, "POST", "/project/alpha/patch/alone@x/", "state=2&delegate=&archived=true&was=%25zz"), 303, "/project/alpha/patch/alone@x/")
		s.isPatch("alone@x", "2 0 archived")
		s.sound()
	})
}
