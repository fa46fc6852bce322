// SPDX-License-Identifier: GPL-2.0-or-later

package apitest

import (
	"fmt"
	"strings"

	"patchwork.example/pw/internal/test/apiseed"
)

// bundle makes a bundle and gives its id.
func (k *kit) bundle(who, name string, public bool, patches ...int) int64 {
	k.t.Helper()
	id, ok := k.postBundle(who, name, public, patches...).At("id").(int64)
	if !ok {
		k.t.Fatalf("no bundle %s was made", name)
	}
	return id
}

func (k *kit) postBundle(who, name string, public bool, patches ...int) apiseed.Answer {
	k.t.Helper()
	ids := []string{}
	for _, n := range patches {
		ids = append(ids, fmt.Sprint(k.Patches[n]))
	}
	return k.Do(who, "POST", "/api/bundles/", fmt.Sprintf(`{"name":%q,"public":%v,"patches":[%s]}`, name, public, strings.Join(ids, ",")))
}

func bundleAt(id int64) string { return fmt.Sprintf("/api/bundles/%d/", id) }

var bundleChecks = []conformance{
	{47, "others see public bundles only, the owner all of his", true, func(k *kit) {
		public, private := k.bundle("joe", "open", true, 1), k.bundle("joe", "secret", false, 1)
		for _, who := range []string{"", "dev", "maint"} {
			k.lists(who, "/api/bundles/", public)
		}
		k.lists("joe", "/api/bundles/", public, private)
	}},
	{48, "filters of bundles", true, func(k *kit) {
		a, b := k.bundle("joe", "of alpha", true, 1), k.bundle("dev", "of beta", true, 4)
		k.lists("", "/api/bundles/?project=beta", b)
		k.lists("", "/api/bundles/?project=nosuch")
		k.lists("", "/api/bundles/?owner=joe", a)
		k.lists("", fmt.Sprintf("/api/bundles/?owner=%d", k.Users["dev"]), b)
		k.lists("", "/api/bundles/?owner=nobody")
	}},
	{49, "1.0 has no web_url", true, func(k *kit) {
		id := k.bundle("joe", "open", true, 1)
		k.has(k.Get("", older("1.0", bundleAt(id))), "id url name mbox !web_url")
		k.has(k.Get("", bundleAt(id)), "web_url")
	}},
	{50, "anybody reads a public bundle, nobody another's private one", true, func(k *kit) {
		public, private := k.bundle("joe", "open", true, 2, 1), k.bundle("joe", "secret", false, 1)
		k.is(k.Get("", bundleAt(public)), 200, "name", "open", "owner.username", "joe", "public", true)
		k.each("- dev maint", "GET", bundleAt(private), "", 404)
		k.is(k.Get("joe", bundleAt(private)), 200, "name", "secret")
	}},
	{51, "POST needs a user", false, func(k *kit) {
		k.is(k.postBundle("", "x", true, 1), 403, "detail", "Authentication credentials were not provided.")
	}},
	{52, "POST makes one, and says where it is", true, func(k *kit) {
		a := k.is(k.postBundle("joe", "pub b", true, 1, 2), 201, "name", "pub b", "public", true, "owner.username", "joe", "project.link_name", "alpha", "patches.0.id", k.Patches[1], "patches.1.id", k.Patches[2],
			"web_url", k.URL+"/bundle/joe/pub%20b/", "mbox", k.URL+"/bundle/joe/pub%20b/mbox/")
		if got := a.Header.Get("Location"); got != a.At("url") {
			k.t.Errorf("Location %s, url %v", got, a.At("url"))
		}
	}},
	{53, "a bundle needs patches, of one project", false, func(k *kit) {
		k.is(k.postBundle("joe", "x", true), 400, "patches.0", "Bundles cannot be empty")
		k.is(k.postBundle("joe", "x", true, 1, 4), 400, "patches.0", "Bundle patches must belong to the same project")
		k.is(k.Do("joe", "POST", "/api/bundles/", `{"name":"x","patches":[9999999]}`), 400, "patches.0", `Invalid pk "9999999" - object does not exist.`)
		k.is(k.Do("joe", "POST", "/api/bundles/", `{"public":true}`), 400, "name.0", "This field is required.", "patches.0", "This field is required.")
	}},
	{54, "who may not change a bundle: 404 if he may not see it, else 403", true, func(k *kit) {
		public, private := k.bundle("joe", "open", true, 1), k.bundle("joe", "secret", false, 1)
		k.each("- dev maint", "PATCH", bundleAt(private), `{"name":"stolen"}`, 404)
		k.each("- dev maint", "PATCH", bundleAt(public), `{"name":"stolen"}`, 403)
	}},
	{55, "PATCH replaces patches, and keeps them if there are none in it", true, func(k *kit) {
		at := bundleAt(k.bundle("joe", "old", false, 1))
		k.is(k.Do("joe", "PATCH", at, fmt.Sprintf(`{"name":"new","patches":[%d,%d]}`, k.Patches[1], k.Patches[3])), 200, "name", "new", "patches.1.id", k.Patches[3], "patches.2", apiseed.Missing)
		k.is(k.Do("joe", "PATCH", at, `{"name":"newer"}`), 200, "name", "newer", "patches.1.id", k.Patches[3])
		k.is(k.Do("joe", "PATCH", at, `{"public":true}`), 200, "public", true, "name", "newer", "patches.1.id", k.Patches[3])
	}},
	{56, "the owner deletes his", true, func(k *kit) {
		id := k.bundle("joe", "secret", false, 1)
		k.each("- dev", "DELETE", bundleAt(id), "", 404)
		if a := k.is(k.Do("joe", "DELETE", bundleAt(id), ""), 204); a.Body != "" {
			k.t.Error(a.Body)
		}
		k.is(k.Get("joe", bundleAt(id)), 404)
	}},
	{57, "1.1 has no writes of bundles", true, func(k *kit) {
		at := older("1.1", bundleAt(k.bundle("joe", "open", true, 1)))
		k.each("- joe", "POST", "/api/1.1/bundles/", `{"name":"x"}`, 405)
		for _, method := range []string{"PATCH", "PUT", "DELETE"} {
			k.each("- joe", method, at, `{"name":"x"}`, 405)
		}
		k.each("- joe", "PATCH", "/api/1.1/bundles/9999999/", `{}`, 405)
	}},
	{58, "a form with repeated patches makes one (git-pw)", true, func(k *kit) {
		k.is(k.Do("joe", "POST", "/api/1.2/bundles/", fmt.Sprintf("name=mine&patches=%d&patches=%d", k.Patches[1], k.Patches[2])), 201, "name", "mine", "public", false, "patches.1.id", k.Patches[2])
	}},
	{59, "a name twice, or with a slash, is 400 (beat: 500)", true, func(k *kit) {
		k.bundle("joe", "once", true, 1)
		k.is(k.postBundle("joe", "once", true, 2), 400)
		k.is(k.postBundle("dev", "once", true, 2), 201)
		k.is(k.postBundle("joe", "a/b", true, 2), 400)
		k.is(k.Get("", "/api/bundles/"), 200, "1.name", "once", "2", apiseed.Missing)
	}},
}

func (k *kit) checksOf(n int) string { return k.patch(n) + "checks/" }

// check posts one and gives its id.
func (k *kit) check(who string, n int, body string) int64 {
	k.t.Helper()
	id, _ := k.is(k.Do(who, "POST", k.checksOf(n), body), 201).At("id").(int64)
	return id
}

var checkChecks = []conformance{
	{60, "the list has the checks of this patch", true, func(k *kit) {
		one := k.check("maint", 1, `{"state":"success"}`)
		k.check("maint", 2, `{"state":"fail"}`)
		k.lists("", k.checksOf(1), one)
	}},
	{61, "filter by user", true, func(k *kit) {
		a, b := k.check("maint", 1, `{"state":"success"}`), k.check("both", 1, `{"state":"fail"}`)
		k.lists("", k.checksOf(1)+"?user=maint", a)
		k.lists("", fmt.Sprintf("%s?user=%d", k.checksOf(1), k.Users["both"]), b)
		k.lists("", k.checksOf(1)+"?user=nobody")
	}},
	{62, "checks of a patch that is not there are 404", false, func(k *kit) { k.is(k.Get("", "/api/patches/9999999/checks/"), 404) }},
	{63, "who may edit the patch may post", true, func(k *kit) {
		k.each("- joe rev", "POST", k.checksOf(1), `{"state":"success"}`, 403)
		k.is(k.Do("", "POST", k.checksOf(1), `{"state":"success"}`), 403, "detail", "You do not have permission to perform this action.")
		for _, who := range []string{"maint", "dev", "deleg", "root"} {
			k.check(who, 1, `{"state":"success"}`)
		}
	}},
	{64, "a wrong state is 400 and nothing is stored", false, func(k *kit) {
		k.is(k.Do("maint", "POST", k.checksOf(2), `{"state":"foo"}`), 400, "state.0", `"foo" is not a valid choice.`)
		k.is(k.Do("maint", "POST", k.checksOf(2), `{"context":"ci"}`), 400, "state.0", "A check must have a state.")
		k.lists("", k.checksOf(2))
	}},
	{65, "POST to a patch that is not there is 404", false, func(k *kit) {
		k.each("- joe maint", "POST", "/api/patches/9999999/checks/", `{"state":"success"}`, 404)
	}},
	{66, "a check is never changed below 1.4, and never deleted (issue: 1.4 may PATCH)", true, func(k *kit) {
		at := fmt.Sprintf("%s%d/", k.checksOf(1), k.check("maint", 1, `{"state":"success"}`))
		for _, version := range []string{"1.0", "1.1", "1.2", "1.3"} {
			k.each("- maint root", "PATCH", older(version, at), `{"state":"fail"}`, 405)
			k.each("- maint root", "DELETE", older(version, at), "", 405)
		}
		k.each("- maint root", "DELETE", at, "", 405)
		k.is(k.Get("", at), 200, "state", "success")
	}},
	{67, "a multipart form is a check, pending too", true, func(k *kit) {
		body := "--cut\r\nContent-Disposition: form-data; name=\"state\"\r\n\r\npending\r\n--cut\r\nContent-Disposition: form-data; name=\"context\"\r\n\r\nci\r\n--cut--\r\n"
		k.is(k.Do("maint", "POST", k.checksOf(1), body, "Content-Type: multipart/form-data; boundary=cut"), 201, "state", "pending", "context", "ci", "user.username", "maint")
		k.is(k.Do("maint", "POST", k.checksOf(1), `{"state":3}`), 201, "state", "fail")
	}},
	{68, "context is default, or a slug", true, func(k *kit) {
		a := k.is(k.Do("maint", "POST", k.checksOf(1), `{"state":"success","target_url":null,"description":""}`), 201, "context", "default", "target_url", nil, "description", "")
		if got := a.Header.Get("Location"); got != a.At("url") {
			k.t.Errorf("Location %s, url %v", got, a.At("url"))
		}
		k.is(k.Do("maint", "POST", k.checksOf(1), `{"state":"success","context":"a b","target_url":"no address"}`), 400, "target_url.0", "Enter a valid URL.",
			"context.0", `Enter a valid "slug" consisting of letters, numbers, underscores or hyphens.`)
		k.is(k.Do("maint", "POST", k.checksOf(1), `{"state":"success","context":""}`), 400, "context.0", "This field may not be blank.")
	}},
	{69, "two of one context are two, and the newest counts", true, func(k *kit) {
		a, b := k.check("maint", 1, `{"state":"fail","context":"ci"}`), k.check("maint", 1, `{"state":"success","context":"ci"}`)
		k.lists("", k.checksOf(1), a, b)
		k.is(k.Get("", k.patch(1)), 200, "check", "success")
		k.check("maint", 1, `{"state":"warning","context":"other"}`)
		k.is(k.Get("", k.patch(1)), 200, "check", "warning")
		k.is(k.Get("", k.patch(2)), 200, "check", "pending")
	}},
}

func (k *kit) comment(n int) string { return fmt.Sprintf("%scomments/%d/", k.patch(1), k.Comments[n]) }

func (k *kit) reply() string { return fmt.Sprintf("%scomments/%d/", k.cover(1), k.Replies[1]) }

var commentChecks = []conformance{
	{70, "comments by version", false, func(k *kit) {
		for _, list := range []string{k.patch(1) + "comments/", k.cover(1) + "comments/"} {
			k.is(k.Get("", list), 200, "0.submitter.email", "rev@people.example", "0.addressed", nil)
			k.has(k.Get("", list), "id url web_url msgid list_archive_url date subject submitter content headers addressed")
			k.has(k.Get("", older("1.2", list)), "web_url list_archive_url !addressed !url")
			k.has(k.Get("", older("1.1", list)), "web_url !list_archive_url !addressed !url")
			k.is(k.Get("", older("1.0", list)), 404)
		}
		k.lists("", k.patch(1)+"comments/", k.Comments[1], k.Comments[2])
	}},
	{71, "comments of what is not there are 404", false, func(k *kit) {
		for _, path := range []string{"/api/patches/9999999/comments/", "/api/covers/9999999/comments/", "/api/patches/9999999/comments/1/", "/api/covers/9999999/comments/1/"} {
			k.is(k.Get("", path), 404)
		}
		k.is(k.Get("", fmt.Sprintf("%scomments/%d/", k.patch(2), k.Comments[1])), 404)
	}},
	{72, "one comment exists from 1.3 on", false, func(k *kit) {
		for _, at := range []string{k.comment(1), k.reply()} {
			k.is(k.Get("", at), 200, "submitter.name", "Rev Example")
			k.is(k.Get("", older("1.3", at)), 200)
			for _, version := range []string{"1.0", "1.1", "1.2"} {
				k.is(k.Get("", older(version, at)), 404)
			}
		}
	}},
	{73, "maintainer, submitter, delegate and author mark a comment", true, func(k *kit) {
		for at, users := range map[string]string{k.comment(1): "maint dev deleg rev root", k.reply(): "maint dev rev root"} {
			for who := range strings.FieldsSeq(users) {
				k.is(k.Do(who, "PATCH", at, `{"addressed":true}`), 200, "addressed", true)
				k.is(k.Do(who, "PATCH", at, `{"addressed":null}`), 200, "addressed", nil)
				k.is(k.Do(who, "PATCH", at, "addressed=false"), 200, "addressed", false)
			}
			k.is(k.Do("maint", "PUT", at, `{"addressed":true}`), 200, "addressed", true) // beat: 500
		}
	}},
	{74, "nobody else does", false, func(k *kit) {
		k.each("- joe", "PATCH", k.comment(1), `{"addressed":true}`, 403)
		k.each("rev", "PATCH", k.comment(2), `{"addressed":true}`, 403)
		k.each("- joe deleg", "PATCH", k.reply(), `{"addressed":true}`, 403)
	}},
	{75, "a wrong value is 400", false, func(k *kit) {
		k.is(k.Do("maint", "PATCH", k.comment(1), `{"addressed":"not-valid"}`), 400, "addressed.0", "Must be a valid boolean.")
		k.is(k.Do("maint", "PATCH", k.reply(), `{"addressed":"not-valid"}`), 400, "addressed.0", "Must be a valid boolean.")
	}},
	{76, "comments are not made nor deleted", false, func(k *kit) {
		k.each("- maint root", "POST", k.patch(1)+"comments/", `{"content":"x"}`, 405)
		k.each("- maint root", "POST", k.cover(1)+"comments/", `{"content":"x"}`, 405)
		k.each("- maint root", "DELETE", k.comment(1), "", 405)
		k.each("- maint root", "DELETE", k.reply(), "", 405)
	}},
}
