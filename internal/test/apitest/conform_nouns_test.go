// SPDX-License-Identifier: GPL-2.0-or-later

package apitest

import (
	"fmt"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/apiseed"
)

func (k *kit) series(n int) string { return fmt.Sprintf("/api/series/%d/", k.Series[n]) }

// depend sends a series of one to alpha that needs the series of two, and gives its id.
func (k *kit) depend() int64 {
	k.t.Helper()
	apiseed.Deliver(k.t, k.db, apiseed.Mail{Project: "alpha", From: "Ann Author <ann@people.example>", ID: "needs@mail.example", Subject: "[PATCH] spout: needs the kettle",
		Body: "Text.\n\nDepends-on: <" + apiseed.Patch1 + ">\n---\n\n" + strings.ReplaceAll(apiseed.Diff, "kettle", "cup")})
	id := k.is(k.Get("", "/api/patches/?msgid=needs@mail.example"), 200).At("0.series.0.id")
	series, ok := id.(int64)
	if !ok {
		k.t.Fatalf("the patch has no series: %v", id)
	}
	return series
}

var nounChecks = []conformance{
	{77, "covers of 1.0 lack what came later", false, func(k *kit) {
		k.has(k.Get("", "/api/1.0/covers/"), "id url msgid date name !mbox !web_url !comments !list_archive_url")
		k.has(k.Get("", older("1.0", k.cover(1))), "headers content !mbox !web_url !comments")
		k.has(k.Get("", k.cover(1)), "id url web_url project msgid list_archive_url date name submitter mbox series comments headers content")
	}},
	{78, "filters of covers", false, func(k *kit) {
		k.lists("", "/api/covers/?project=alpha", k.Covers[1], k.Covers[2])
		k.lists("", "/api/covers/?project=beta")
		k.lists("", "/api/covers/?submitter=dev@people.example", k.Covers[1], k.Covers[2])
		k.lists("", fmt.Sprintf("/api/covers/?submitter=%d", k.Persons["ann"]))
		k.lists("", "/api/covers/?msgid="+apiseed.Cover1, k.Covers[1])
		k.lists("", "/api/1.0/covers/?msgid="+apiseed.Cover1, k.Covers[1])
		k.lists("", fmt.Sprintf("/api/covers/?series=%d", k.Series[5]), k.Covers[2]) // beat: 500
	}},
	{79, "covers are not written", false, func(k *kit) {
		k.each("- maint root", "POST", "/api/covers/", `{}`, 405)
		for _, method := range []string{"PATCH", "PUT", "DELETE"} {
			k.each("- maint root", method, k.cover(1), `{}`, 405)
		}
	}},
	{80, "dependencies and dependents, if the project shows them, from 1.4 on", true, func(k *kit) {
		id := k.depend()
		mine, theirs := fmt.Sprintf("/api/series/%d/", id), k.series(1)
		k.is(k.Get("", mine), 200, "dependencies.0", k.URL+theirs, "dependencies.1", apiseed.Missing, "dependents", "[]")
		k.is(k.Get("", theirs), 200, "dependents.0", k.URL+mine, "dependencies", "[]")
		k.has(k.Get("", older("1.3", mine)), "id !dependencies !dependents")
		off := false
		if _, err := project.Update(k.t.Context(), k.db, account.CLI, apiseed.Now, "alpha", project.Change{ShowDependencies: &off}); err != nil {
			k.t.Fatal(err)
		}
		k.has(k.Get("", mine), "id !dependencies !dependents")
	}},
	{81, "what a series of 1.0 embeds", false, func(k *kit) {
		a := k.is(k.Get("", older("1.0", k.series(1))), 200, "cover_letter.id", k.Covers[1], "cover_letter.web_url", apiseed.Missing, "cover_letter.mbox", apiseed.Missing,
			"patches.0.web_url", apiseed.Missing, "patches.0.mbox", k.URL+"/project/alpha/patch/"+apiseed.Patch1+"/mbox/")
		k.is(a, 200, "patches.0.url", k.URL+older("1.0", k.patch(1)), "received_all", true, "total", 2, "received_total", 2, "version", 1)
	}},
	{82, "a list of series takes the same number of queries whatever its size", true, func(k *kit) {
		for i := range 3 {
			k.more(fmt.Sprintf("few%d", i), 2)
		}
		few := k.count("", "/api/series/?q=few")
		for i := range 12 {
			k.more(fmt.Sprintf("few%d", 3+i), 2)
		}
		if many := k.count("", "/api/series/?q=few"); many != few || many > 10 {
			k.t.Errorf("%d queries for 15 series, %d for 3; want at most 10", many, few)
		}
	}},
	{83, "series are not written below 1.4 (issue: 1.4 has PATCH)", false, func(k *kit) {
		k.each("- maint root", "POST", "/api/series/", `{}`, 405)
		for _, version := range []string{"1.0", "1.1", "1.2", "1.3"} {
			for _, method := range []string{"PATCH", "PUT", "DELETE"} {
				k.each("- maint root", method, older(version, k.series(1)), `{}`, 405)
			}
		}
		k.each("- maint root", "DELETE", k.series(1), "", 405)
	}},
	{84, "a project without dependencies hides only its own (beat)", true, func(k *kit) {
		id := k.depend()
		a := k.is(k.Get("", "/api/series/?order=-id"), 200)
		seen := 0
		for i := range a.Len() {
			at := func(key string) any { return a.At(fmt.Sprintf("%d.%s", i, key)) }
			if alpha := at("project.link_name") == "alpha"; alpha == (at("dependencies") == apiseed.Missing) || alpha == (at("dependents") == apiseed.Missing) {
				k.t.Errorf("%v of %v: %v, %v", at("name"), at("project.link_name"), at("dependencies"), at("dependents"))
			}
			if at("id") == id && a.At(fmt.Sprintf("%d.dependencies.0", i)) == k.URL+k.series(1) {
				seen++
			}
		}
		if seen != 1 || a.Len() != 5 {
			k.t.Errorf("%d of %d series show the dependency", seen, a.Len())
		}
	}},
	{85, "a project by id and by link name, also one of digits", true, func(k *kit) {
		k.is(k.Get("", fmt.Sprintf("/api/projects/%d/", k.Projects["alpha"])), 200, "link_name", "alpha")
		k.is(k.Get("", "/api/projects/alpha/"), 200, "id", k.Projects["alpha"])
		k.is(k.Get("", "/api/projects/ALPHA/"), 404)
		name, list, email := "12345678", "digits.lists.example", "digits@lists.example"
		p, err := project.Create(k.t.Context(), k.db, account.CLI, apiseed.Now, project.Change{Linkname: &name, Name: &name, ListID: &list, ListEmail: &email})
		if err != nil {
			k.t.Fatal(err)
		}
		k.is(k.Get("", "/api/projects/12345678/"), 200, "id", p.ID)
	}},
	{86, "projects by version", false, func(k *kit) {
		k.has(k.Get("", "/api/projects/alpha/"), "id url name link_name list_id list_email web_url scm_url webscm_url maintainers subject_match list_archive_url list_archive_url_format commit_url_format show_dependencies")
		k.has(k.Get("", "/api/1.3/projects/alpha/"), "subject_match list_archive_url !show_dependencies")
		k.has(k.Get("", "/api/1.1/projects/alpha/"), "subject_match !list_archive_url !list_archive_url_format !commit_url_format")
		k.has(k.Get("", "/api/1.0/projects/alpha/"), "maintainers !subject_match")
	}},
	{87, "a project is changed by its maintainers", true, func(k *kit) {
		k.each("- joe dev", "PATCH", "/api/projects/alpha/", `{"web_url":"https://new.example/"}`, 403)
		k.is(k.Do("maint", "PATCH", "/api/projects/alpha/", `{"web_url":"https://new.example/","link_name":"stolen"}`), 200, "web_url", "https://new.example/", "link_name", "alpha")
		k.is(k.Do("root", "PATCH", "/api/projects/beta/", "scm_url=git://x.example"), 200, "scm_url", "git://x.example")
		k.is(k.Do("maint", "PATCH", "/api/projects/beta/", `{"web_url":""}`), 403)
		k.is(k.Do("maint", "PATCH", "/api/projects/alpha/", `{"list_archive_url_format":"https://x.example/{0}{1}"}`), 400) // beat: every answer is 500 from then on
		k.is(k.Do("maint", "PUT", "/api/projects/alpha/", `{}`), 200, "web_url", "https://new.example/")
		k.each("- maint root", "POST", "/api/projects/", `{}`, 405)
		k.each("- maint root", "DELETE", "/api/projects/alpha/", "", 405)
	}},
	{88, "people are for users", true, func(k *kit) {
		k.is(k.Get("", "/api/people/"), 403, "detail", "Authentication credentials were not provided.")
		at := func(name string) string { return fmt.Sprintf("/api/people/%d/", k.Persons[name]) }
		k.is(k.Get("", at("ann")), 403)
		k.lists("joe", "/api/people/", k.Persons["ann"], k.Persons["dev"], k.Persons["rev"], k.Persons["sue"])
		k.is(k.Get("joe", at("dev")), 200, "user.username", "dev", "email", "dev@people.example", "name", "Dev Example")
		k.exec("UPDATE person SET name = NULL WHERE id = ?", k.Persons["sue"])
		k.is(k.Get("joe", at("sue")), 200, "user", nil, "name", nil)
		k.each("joe root", "POST", "/api/people/", `{}`, 405)
		for _, method := range []string{"PATCH", "PUT", "DELETE"} {
			k.each("- joe root", method, at("ann"), `{}`, 405)
		}
	}},
	{89, "users are for users, settings one's own", false, func(k *kit) {
		me, other := fmt.Sprintf("/api/users/%d/", k.Users["joe"]), fmt.Sprintf("/api/users/%d/", k.Users["dev"])
		k.each("-", "GET", "/api/users/", "", 403)
		k.each("-", "GET", me, "", 403)
		k.has(k.Get("joe", other), "id url username first_name last_name email !settings")
		k.is(k.Get("joe", me), 200, "settings.send_email", false, "settings.items_per_page", 100, "settings.show_ids", false)
		k.has(k.Get("joe", older("1.1", me)), "username !settings")
		if a := k.is(k.Get("joe", "/api/users/"), 200); a.Len() != 7 {
			k.t.Errorf("%d users", a.Len())
		}
	}},
	{90, "one changes oneself", true, func(k *kit) {
		me := fmt.Sprintf("/api/users/%d/", k.Users["joe"])
		k.is(k.Do("joe", "PATCH", me, `{"first_name":"Joseph","username":"root","settings":{"send_email":false,"items_per_page":33,"show_ids":true}}`), 200, "first_name", "Joseph", "username", "joe",
			"settings.send_email", false, "settings.items_per_page", 33, "settings.show_ids", true)
		k.is(k.Do("joe", "PATCH", me, "settings.items_per_page=34"), 200, "settings.items_per_page", 34, "settings.show_ids", true)
		k.is(k.Do("joe", "PATCH", older("1.1", me), `{"settings":{"items_per_page":50}}`), 200)
		k.is(k.Get("joe", me), 200, "settings.items_per_page", 34)
		k.is(k.Do("joe", "PATCH", me, `{"settings":{"items_per_page":"many"}}`), 400, "settings.items_per_page.0", "A valid integer is required.")
		k.is(k.Do("joe", "PATCH", me, `{"settings":{"items_per_page":0}}`), 400)  // beat: lists are 500 from then on
		k.is(k.Do("joe", "PATCH", me, `{"settings":{"items_per_page":-1}}`), 400) // beat: 500
		k.each("- dev maint", "PATCH", me, `{"first_name":"X"}`, 403)
		k.each("joe root", "POST", "/api/users/", `{}`, 405)
		k.each("- joe root", "DELETE", me, "", 405)
	}},
}
