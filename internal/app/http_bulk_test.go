// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// says wants a form to lead to a page with a message.
func (s *site) says(a answer, to, flash string) {
	s.t.Helper()
	s.redirects(a, 303, to)
	if a.flash() != flash {
		s.t.Errorf("it says %q, want %q", a.flash(), flash)
	}
}

// TestBulkMatching changes all that match, with a question before it and without, and takes that back.
func TestBulkMatching(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		s.exec("UPDATE user_account SET items_per_page = 1 WHERE username = 'mia'")
		where := "/project/alpha/list/?delegate=nobody&order=name&page=2"
		seen := fmt.Sprint(int64(noon))
		s.expect(s.visit(c.mia, "GET", where, ""), 200, "Update all 2 that match", `data-match-all="2"`, `name="seen" value="`+seen+`"`)
		s.expect(s.visit(c.mia, "GET", "/project/alpha/list/?q=alone", ""), 200, "!that match")
		s.expect(s.visit("", "GET", where, ""), 200, "!that match")

		// The question states what will be changed; a patch that comes meanwhile is not.
		a := s.visit(c.mia, "POST", where, "action=ask&state=3&delegate=*&archived=true&match=&seen="+seen)
		page := a.location()
		s.redirects(a, 303, page)
		s.patchMail("alpha", "late@x", "[PATCH] Late")
		s.expect(s.visit(c.mia, "GET", page, ""), 200, "<h1>Change 2 patches?</h1>", "state: Accepted, archived: yes", `action="`+page+`start/"`, `action="`+page+`cancel/"`)
		s.expect(s.visit(c.del, "GET", page, ""), 404)
		s.expect(s.visit(c.del, "POST", page+"start/", ""), 404)
		s.redirects(s.visit("", "GET", page, ""), 302, "/user/login/?next="+strings.ReplaceAll(page, "/", "%2F"))
		s.isPatch("p1@x", "1 0 open")
		a = s.visit(c.mia, "POST", page+"start/", "")
		s.says(a, where, "+2 patches updated (state: Accepted, archived: yes)")
		s.isPatch("p1@x", "3 0 archived")
		s.isPatch("p2@x", "3 0 archived")
		s.isPatch("late@x", "1 0 open")
		s.says(s.visit(c.mia, "POST", page+"start/", ""), page, "-this change was begun already")

		undo := a.undo()
		next := s.visit(c.mia, "GET", where, "", "Cookie: "+strings.Split(a.Header.Get("Set-Cookie"), ";")[0])
		s.expect(next, 200, `action="`+undo+`"`, `name="next" value="`+strings.ReplaceAll(where, "&", "&amp;")+`"`)
		s.expect(s.visit(c.del, "POST", undo, "next=/"), 404)
		s.redirects(s.visit("", "POST", undo, "next=/"), 302, "/user/login/?next="+strings.ReplaceAll(undo, "/", "%2F"))
		s.exec("UPDATE patch SET state_id = 5 WHERE id = ?", s.id("patch", "p2@x")) // so that it stays, archived
		a = s.visit(c.mia, "POST", undo, "next="+strings.NewReplacer("&", "%26").Replace(where))
		s.says(a, where, "-1 patch is as it was before (undo of “state: Accepted, archived: yes”). 1 patch was left alone, because somebody changed it since")
		s.isPatch("p1@x", "1 0 open")
		s.isPatch("p2@x", "5 0 archived")
		s.says(s.visit(c.mia, "POST", undo, "next=//evil.example/"), "/user/changes/", "-this change was taken back already")
		s.expect(s.visit(c.mia, "GET", "/user/changes/", ""), 200, "state: Accepted, archived: yes", "taken back", `action="`+a.undo()+`"`)
		s.expect(s.visit(c.del, "GET", "/user/changes/", ""), 200, "You changed nothing")

		// With a script one says so on the page: those are changed that were there then, and if they are more than was said, one is asked.
		s.exec("UPDATE patch SET state_id = 1, archived = FALSE WHERE id = ?", s.id("patch", "p2@x"))
		s.exec("UPDATE mail SET received_at = received_at + 1 WHERE msgid = '<late@x>'")
		a = s.visit(c.mia, "POST", where, "action=update&state=4&match=2&seen="+seen)
		s.says(a, where, "+2 patches updated (state: Rejected)")
		s.isPatch("late@x", "1 0 open")
		a = s.visit(c.mia, "POST", "/project/alpha/list/?state=*", "action=update&state=3&match=2&seen="+seen)
		s.expect(s.visit(c.mia, "GET", a.location(), ""), 200, "<h1>Change 3 patches?</h1>")
		s.says(s.visit(c.mia, "POST", a.location()+"cancel/", ""), "/project/alpha/list/?state=*", "+Nothing was changed")
		s.says(s.visit(c.mia, "POST", "/project/alpha/list/?q=nothing", "action=ask&state=3"), "/project/alpha/list/?q=nothing", "-No patches selected; nothing updated")
		s.says(s.visit(c.mia, "POST", "/project/alpha/list/?q=nothing", "action=fly&state=3"), "/project/alpha/list/?q=nothing", "-there is no such thing to do with patches")
	})
}

// TestBulkSeries changes whole series, and goes to the page that the form names.
func TestBulkSeries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		series := s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", "p1@x"))[0]
		a := s.visit(c.mia, "POST", "/project/alpha/list/", "next=/project/alpha/series/"+series+"/&series_id:"+series+"=on&state=3")
		s.says(a, "/project/alpha/series/"+series+"/", "+2 patches updated (state: Accepted)")
		s.isPatch("p1@x", "3 0 open")
		s.isPatch("p2@x", "3 0 open")
		a = s.visit(c.del, "POST", "/project/alpha/list/", "series_id:"+series+"=on&state=1")
		s.says(a, "/project/alpha/list/", "-No patches updated. You don't have permissions to edit patch '[1/2] First step', '[2/2] Second step'")
		if a.undo() != "" {
			t.Errorf("there is nothing to take back at %s", a.undo())
		}
		s.sound()
	})
}

// TestBulkMatchingSeries changes all series that match, in the list of series and in a queue, with the question before it and without.
func TestBulkMatchingSeries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		s.exec("UPDATE user_account SET items_per_page = 1 WHERE username = 'mia'")
		seen := fmt.Sprint(int64(noon))
		where := "/project/alpha/series/?order=name&page=2"
		s.expect(s.visit(c.mia, "GET", where, ""), 200, "Update all 2 series that match…", `data-match-all="2"`, "Select all 2 series that match", `name="seen" value="`+seen+`"`)
		s.expect(s.visit(c.mia, "GET", "/project/alpha/queue/review/", ""), 200, "!that match")
		page := s.visit(c.mia, "POST", where, "action=ask&state=3&seen="+seen).location()
		s.patchMail("alpha", "late@x", "[PATCH] Late")
		s.expect(s.visit(c.mia, "GET", page, ""), 200, "<h1>Change 3 patches?</h1>", "3 of 2 series.", "state: Accepted")
		s.isPatch("p1@x", "1 0 open")
		a := s.visit(c.mia, "POST", page+"start/", "")
		s.says(a, where, "+3 patches updated (state: Accepted)")
		del := s.rows("SELECT id FROM user_account WHERE username = 'del'")[0]
		for msgid, want := range map[string]string{"p1@x": "3 0 open", "p2@x": "3 0 open", "alone@x": "3 " + del + " open", "late@x": "1 0 open"} {
			s.isPatch(msgid, want)
		}
		s.says(s.visit(c.mia, "POST", a.undo(), "next="+strings.ReplaceAll(where, "&", "%26")), where, "+3 patches are as they were before (undo of “state: Accepted”)")

		// In a queue, with a filter; what came since was not on the page, and is left alone.
		s.exec("UPDATE mail SET received_at = received_at + 1 WHERE msgid = '<late@x>'")
		queue := "/project/alpha/queue/review/?q=a"
		a = s.visit(c.mia, "POST", queue, "action=update&archived=true&match=2&seen="+seen)
		s.says(a, queue, "+1 patch updated (archived: yes)")
		s.isPatch("alone@x", "1 "+del+" archived")
		s.isPatch("late@x", "1 0 open")
		s.isPatch("p1@x", "1 0 open")
		s.says(s.visit(c.mia, "POST", "/project/alpha/queue/ready/", "action=ask&state=3"), "/project/alpha/queue/ready/", "-No patches selected; nothing updated")
		s.says(s.visit(c.mia, "POST", "/project/alpha/queue/nosuch/", "action=ask&state=3"), "/project/alpha/queue/nosuch/", "-there is no such queue")
		// More match than was said: one is asked.
		page = s.visit(c.mia, "POST", "/project/alpha/series/", "action=update&state=3&match=1").location()
		s.expect(s.visit(c.mia, "GET", page, ""), 200, "<h1>Change 3 patches?</h1>", "3 of 2 series.")
		s.sound()
	})
}

// TestBulkBundles makes bundles of patches and series, with the words of Patchwork 3.2.
func TestBulkBundles(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		p1, alone := s.id("patch", "p1@x"), s.id("patch", "alone@x")
		series := s.rows("SELECT series_id FROM patch WHERE id = ?", p1)[0]
		where := "/project/alpha/list/?q=x"
		do := func(form, flash string) {
			t.Helper()
			s.says(s.visit(c.del, "POST", where, form), where, flash)
		}
		do(fmt.Sprintf("action=Create&patch_id:%d=on&name=", p1), "-No bundle name was specified")
		do("action=Create&name=mine", "-No patches selected; nothing updated")
		do(fmt.Sprintf("action=Create&patch_id:%d=on&name=a/b", p1), "-Bundle names can't contain slashes")
		do(fmt.Sprintf("action=Create&patch_id:%d=on&name=mine", p1), "+Bundle mine created with 1 patch")
		do(fmt.Sprintf("action=update&patch_id:%d=on&name=mine&state=*&delegate=*&archived=*", p1), "-A bundle called mine already exists")
		id := s.rows("SELECT id FROM bundle")[0]
		s.expect(s.visit(c.del, "GET", "/project/alpha/list/", ""), 200, `<option value="`+id+`">mine</option>`)
		s.expect(s.visit(c.mia, "GET", "/project/alpha/list/", ""), 200, "!>mine</option>")
		do(fmt.Sprintf("action=Add&patch_id:%d=on&bundle_id=", alone), "-No bundle was selected")
		do("action=Add&series_id:"+series+"=on&bundle_id="+id, "-1 patch added to bundle mine. Patch '[1/2] First step' already in bundle mine")
		do(fmt.Sprintf("action=add&patch_id:%d=on&bundle_id=%s", alone, id), "+1 patch added to bundle mine")
		in := func() []string {
			return s.rows("SELECT m.msgid, b.position FROM bundle_patch b JOIN patch p ON p.id = b.patch_id JOIN message m ON m.id = p.message_id ORDER BY b.position")
		}
		if diff := cmp.Diff([]string{"<p1@x> 1", "<p2@x> 2", "<alone@x> 3"}, in()); diff != "" {
			t.Error(diff)
		}
		do("action=remove&series_id:"+series+"=on&bundle_id="+id, "+2 patches removed from bundle mine")
		do(fmt.Sprintf("action=remove&patch_id:%d=on&bundle_id=%s", p1, id), "-No patches selected; nothing removed")
		do(fmt.Sprintf("action=remove&patch_id:%d=on&bundle_id=%s", alone, id), "-A bundle can't be empty; delete it instead")
		if diff := cmp.Diff([]string{"<alone@x> 3"}, in()); diff != "" {
			t.Error(diff)
		}
		s.says(s.visit(c.mia, "POST", where, fmt.Sprintf("action=add&patch_id:%d=on&bundle_id=%s", p1, id)), where, "-there is no bundle "+id)
		// A hidden patch stays when others are taken out on the page of the bundle.
		do("action=add&series_id:"+series+"=on&bundle_id="+id, "+2 patches added to bundle mine")
		s.exec("UPDATE message SET hidden = TRUE WHERE msgid = '<p2@x>'")
		s.says(s.visit(c.del, "POST", "/bundle/del/mine/", fmt.Sprintf("action=remove&patch_id:%d=on", p1)), "/bundle/del/mine/", "+1 patch removed from the bundle")
		if diff := cmp.Diff([]string{"<alone@x> 3", "<p2@x> 5"}, in()); diff != "" {
			t.Error(diff)
		}
	})
}

// morePatches adds n patches to alpha, by Ann, from id 2000.
func (s *site) morePatches(n int) {
	s.t.Helper()
	var messages, bodies, patches [][]any
	person := s.rows("SELECT id FROM person WHERE email_key = 'ann@people.example'")[0]
	for id := int64(2000); id < int64(2000+n); id++ {
		messages = append(messages, []any{id, 1, fmt.Sprintf("<many%d@x>", id), 0, "patch", person, int64(noon), "x", "", id, false})
		bodies = append(bodies, []any{id, "", ""})
		patches = append(patches, []any{id, id, 1, person, int64(noon), fmt.Sprintf("many %d", id), fmt.Sprintf("many %d", id), 1, false})
	}
	err := s.db.Tx(context.Background(), func(tx *sqldb.Tx) error {
		ctx := context.Background()
		if err := tx.Insert(ctx, "message", strings.Fields("id project_id msgid copy kind submitter_id date subject in_reply_to thread_id hidden"), messages); err != nil {
			return err
		}
		if err := tx.Insert(ctx, "message_body", strings.Fields("message_id headers content"), bodies); err != nil {
			return err
		}
		return tx.Insert(ctx, "patch", strings.Fields("id message_id project_id submitter_id date name name_key state_id archived"), patches)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.app.Check(s.t.Context(), true, func(string) {}); err != nil {
		s.t.Fatal(err)
	}
}

// TestBulkJob changes 1,100 patches: a job does it, a page shows how far it is, and takes it back.
func TestBulkJob(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		s.morePatches(1100)
		where := "/project/alpha/list/?q=many&state=*&page=3"
		a := s.visit(c.mia, "POST", where, fmt.Sprintf("action=update&state=7&match=1100&seen=%d", int64(noon)))
		page := a.location()
		s.redirects(a, 303, page)
		a = s.visit(c.mia, "GET", page, "")
		s.expect(a, 200, "<h1>Changing 1,100 patches</h1>", "0 of 1,100, 0 %", `<progress class="progress" max="1100" value="0"`, "Stop here")
		if a.Header.Get("Refresh") != "2" || s.visit(c.mia, "GET", page+"?refresh=no", "").Header.Get("Refresh") != "" {
			t.Error("the page does not refresh itself, or can't be kept from it")
		}
		s.expect(s.visit(c.mia, "GET", "/user/changes/", ""), 200, "under way, 0 %", `href="`+page+`"`)
		s.says(s.visit(c.mia, "POST", page+"cancel/", ""), where, "+Nothing was changed")

		page = s.visit(c.mia, "POST", where, fmt.Sprintf("action=update&state=7&match=1100&seen=%d", int64(noon))).location()
		stop := s.work()
		s.awaitPage(c.mia, page, "<h1>1,100 patches updated (state: Changes Requested)</h1>")
		a = s.visit(c.mia, "GET", page, "")
		s.expect(a, 200, "1,100 of 1,100, 100 %", ">Undo</button>", `href="`+strings.ReplaceAll(where, "&", "&amp;")+`"`)
		if a.Header.Get("Refresh") != "" {
			t.Error("a page that will not change refreshes itself")
		}
		s.exec("UPDATE patch SET state_id = 3 WHERE id = 2000")
		undo := fmt.Sprintf("/user/changes/%s/undo/", strings.Split(page, "/")[4])
		back := s.visit(c.mia, "POST", undo, "next="+page).location()
		s.awaitPage(c.mia, back, "<h1>Taken back</h1>")
		s.expect(s.visit(c.mia, "GET", back, ""), 200, "undo of “state: Changes Requested”", "1,099 patches are as they were before. 1 patch was left alone, because somebody changed it since")
		stop()
		if diff := cmp.Diff([]string{"1 1099", "3 1"}, s.rows("SELECT state_id, COUNT(*) FROM patch WHERE id >= 2000 GROUP BY state_id ORDER BY state_id")); diff != "" {
			t.Error(diff)
		}
		s.advance(11 * time.Minute)
		s.expect(s.visit(c.mia, "GET", back, ""), 200, "!>Undo</button>")
	})
}

// TestBulkJobGone: of the patches that a job was to change some are gone when it comes to them; the rest is changed, and the page names the first of those.
func TestBulkJobGone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		c, _ := s.newCast()
		s.morePatches(1030)
		page := s.visit(c.mia, "POST", "/project/alpha/list/?q=many&state=*", fmt.Sprintf("action=update&state=7&match=1030&seen=%d", int64(noon))).location()
		s.expect(s.visit(c.mia, "GET", page, ""), 200, "<h1>Changing 1,030 patches</h1>")
		s.exec("DELETE FROM patch WHERE id BETWEEN 2100 AND 2117")
		for id := 2700; id < 2703; id++ {
			s.hide(project.Project{ID: 1}, fmt.Sprintf("<many%d@x>", id), true)
		}
		stop := s.work()
		s.awaitPage(c.mia, page, "<h1>1,009 patches updated (state: Changes Requested)")
		stop()
		s.expect(s.visit(c.mia, "GET", page, ""), 200, "1,030 of 1,030, 100 %", "are gone, or can&#39;t be like that any more", `<h2>Gone, or can't be like that any more <span class="dim">21</span></h2>`, "<li>Patch 2701</li>", "<li>Patch 2100</li>", `<li class="dim">and 1 more</li>`, "!<li>Patch 2118</li>")
		if diff := cmp.Diff([]string{"1 3", "7 1009"}, s.rows("SELECT state_id, COUNT(*) FROM patch WHERE id >= 2000 GROUP BY state_id ORDER BY state_id")); diff != "" {
			t.Error(diff)
		}
	})
}

// awaitPage waits until a page has a text.
func (s *site) awaitPage(token, path, text string) {
	s.t.Helper()
	s.await(path+" has "+text, func() bool { return strings.Contains(s.visit(token, "GET", path, "").body, text) })
}

// TestFlashOfOthers: a cookie that somebody else has set makes no form that leads away.
func TestFlashOfOthers(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	s.seriesOfTwo()
	for _, path := range []string{"//evil.example/", "https://evil.example/", "/\\evil.example/", "javascript:alert(1)"} {
		cookie := "Cookie: pw_flash=" + base64.RawURLEncoding.EncodeToString([]byte("+Done\x00"+path))
		s.expect(s.visit("", "GET", "/project/alpha/list/", "", cookie), 200, "Done", "!evil", "!alert", "!data-undo")
	}
}
