// SPDX-License-Identifier: GPL-2.0-or-later

package apitest

import (
	"fmt"
	"net/url"
	"strings"

	"patchwork.example/pw/internal/test/apiseed"
)

var indexChecks = []conformance{
	{1, "the index has 8 keys with absolute addresses", false, func(k *kit) {
		a := k.is(k.Get("", "/api/"), 200)
		want := ""
		for _, name := range strings.Fields("projects users people patches covers series events bundles") {
			want += " " + name
			k.is(a, 200, name, k.URL+"/api/"+name+"/")
		}
		if a.Keys() != want[1:] {
			k.t.Errorf("keys %s", a.Keys())
		}
	}},
	{2, "the index of an older version keeps the version", false, func(k *kit) {
		k.is(k.Get("", "/api/1.0/"), 200, "projects", k.URL+"/api/1.0/projects/", "bundles", k.URL+"/api/1.0/bundles/")
	}},
	{3, "version 1.5 is not there", false, func(k *kit) { k.is(k.Get("", "/api/1.5/"), 404) }},
	{4, "an address without a slash at its end answers directly (beat: 301)", false, func(k *kit) {
		k.lists("", "/api/patches?project=alpha", k.Patches[1], k.Patches[2], k.Patches[3], k.Patches[5])
		k.is(k.Get("", "/api"), 200, "patches", k.URL+"/api/patches/")
	}},
	{5, "HEAD of a list has Link and no body", false, func(k *kit) {
		a := k.is(k.Do("", "HEAD", "/api/patches/", ""), 200)
		if a.Body != "" || a.Header.Get("Link") == "" || a.Header.Get("Content-Type") != "application/json" {
			k.t.Errorf("%q %v", a.Body, a.Header)
		}
	}},
	{6, "OPTIONS tells the three parsers", false, func(k *kit) {
		k.is(k.Do("", "OPTIONS", k.patch(1), ""), 200, "parses", "[application/json application/x-www-form-urlencoded multipart/form-data]")
	}},
	{7, "a body of another type is 415", false, func(k *kit) {
		k.is(k.Do("maint", "PATCH", k.patch(1), "state=new", "Content-Type: text/plain"), 415, "detail", `Unsupported media type "text/plain" in request.`)
	}},
	{8, "bad JSON is 400", false, func(k *kit) { k.says(k.Do("maint", "PATCH", k.patch(1), "{bad"), 400, `{"detail":"JSON parse error`) }},
	{9, "a list for a body is 400", false, func(k *kit) {
		k.is(k.Do("maint", "PATCH", k.patch(1), "[1]"), 400, "detail", "[Invalid data. Expected a dictionary, but got list.]")
	}},
	{10, "an empty list is []", false, func(k *kit) {
		for _, path := range strings.Fields("bundles/ patches/?q=nothing covers/?q=nothing series/?q=nothing events/?category=check-created") {
			if a := k.is(k.Get("", "/api/"+path), 200); strings.TrimSpace(a.Body) != "[]" {
				k.t.Errorf("%s: %s", a.Request, a.Body)
			}
		}
	}},
}

var patchChecks = []conformance{
	{11, "the list is public, and has no headers, content, diff", false, func(k *kit) {
		k.has(k.Get("", "/api/patches/"), "id url name state !headers !content !diff !prefixes")
	}},
	{12, "series has one element, or none", true, func(k *kit) {
		k.is(k.Get("", k.patch(1)), 200, "series.0.id", k.Series[1], "series.1", apiseed.Missing)
		k.exec("UPDATE patch SET series_id = NULL, number = NULL WHERE id = ?", k.Patches[3])
		k.is(k.Get("", k.patch(3)), 200, "series", "[]")
		k.is(k.Get("", "/api/patches/?msgid="+apiseed.Patch3), 200, "0.series", "[]")
	}},
	{13, "state is a slug, msgid has brackets, mbox and web_url are pages", false, func(k *kit) {
		page := k.URL + "/project/alpha/patch/" + apiseed.Patch1 + "/"
		k.is(k.Get("", "/api/patches/?msgid="+apiseed.Patch1), 200, "0.state", "new", "0.msgid", "<"+apiseed.Patch1+">", "0.web_url", page, "0.mbox", page+"mbox/")
	}},
	{14, "several states are alternatives", true, func(k *kit) {
		k.is(k.Do("maint", "PATCH", k.patch(1), `{"state":"under-review"}`), 200)
		k.is(k.Do("maint", "PATCH", k.patch(2), `{"state":"accepted"}`), 200)
		k.lists("", "/api/patches/?state=under-review&state=new", k.Patches[1], k.Patches[3], k.Patches[4], k.Patches[5])
		k.lists("", "/api/patches/?state=under-review", k.Patches[1])
	}},
	{15, "filter by project", false, func(k *kit) {
		k.lists("", "/api/patches/?project=beta", k.Patches[4])
		k.lists("", fmt.Sprintf("/api/patches/?project=%d", k.Projects["beta"]), k.Patches[4])
		k.lists("", "/api/patches/?project=invalidproject")
	}},
	{16, "filter by submitter, id or address", false, func(k *kit) {
		k.lists("", "/api/patches/?submitter=ann@people.example", k.Patches[3])
		k.lists("", "/api/patches/?submitter=ANN@people.EXAMPLE", k.Patches[3])
		k.lists("", fmt.Sprintf("/api/patches/?submitter=%d", k.Persons["ann"]), k.Patches[3])
		k.lists("", "/api/patches/?submitter=nobody@people.example")
	}},
	{17, "filter by hash, without letter case", false, func(k *kit) {
		k.lists("", "/api/patches/?hash="+apiseed.Hash, k.Patches[1], k.Patches[3])
		k.lists("", "/api/patches/?hash="+strings.ToUpper(apiseed.Hash), k.Patches[1], k.Patches[3])
		k.lists("", "/api/patches/?hash="+strings.Repeat("0", 40))
	}},
	{18, "1.1 does not know the filter hash", false, func(k *kit) {
		k.lists("", "/api/1.1/patches/?hash=garbage", k.Patches[1], k.Patches[2], k.Patches[3], k.Patches[4], k.Patches[5])
	}},
	{19, "filter by Message-ID", false, func(k *kit) {
		k.lists("", "/api/patches/?msgid="+apiseed.Patch2, k.Patches[2])
		k.lists("", "/api/patches/?msgid="+url.QueryEscape(apiseed.Patch5), k.Patches[5])
		k.lists("", "/api/patches/?msgid=unknown@mail.example")
	}},
	{20, "1.0 has url, no web_url", false, func(k *kit) { k.has(k.Get("", "/api/1.0/patches/"), "url !web_url") }},
	{21, "a list takes the same number of queries whatever its size", true, func(k *kit) {
		k.more("five", 5)
		five := k.count("", "/api/patches/?submitter=ann@people.example&q=five")
		k.more("fifteen", 15)
		if fifteen := k.count("", "/api/patches/?submitter=ann@people.example&q=number"); fifteen != five {
			k.t.Errorf("%d queries for 20 patches, %d for 5", fifteen, five)
		}
	}},
	{22, "detail: repeated headers are a list, content and diff are whole", false, func(k *kit) {
		a := k.is(k.Get("", k.patch(1)), 200, "content", "Tin it.\n\nSigned-off-by: Dev Example <dev@people.example>\n---", "diff", strings.TrimSpace(apiseed.Diff)+"\n",
			"headers.Received.0", "from a.example by b.example; Sun, 1 Mar 2026 09:00:00 +0000", "headers.Received.1", "from c.example by a.example;\n\tSun, 1 Mar 2026 08:59:00 +0000",
			"headers.Subject", "[PATCH 1/2] kettle: close the hole", "prefixes", "[1/2]")
		k.is(a, 200, "tags.A", 1) // in Patchwork 3.2 tags are always empty
		k.is(k.Get("", k.patch(3)), 200, "tags", "{}")
	}},
	{23, "1.0 detail lacks what came later", false, func(k *kit) {
		k.has(k.Get("", older("1.0", k.patch(1))), "headers content diff prefixes !web_url !comments !related !list_archive_url")
	}},
	{24, "a patch that is not there is 404", false, func(k *kit) {
		k.is(k.Get("", "/api/patches/99999999/"), 404, "detail", "Not found.")
		a := k.is(k.Get("", "/api/patches/foo/"), 404)
		if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			k.t.Error(a.Header)
		}
	}},
	{25, "POST of a patch is 405 for all", false, func(k *kit) {
		k.each("- root", "POST", "/api/patches/", `{"name":"x"}`, 405)
		k.is(k.Do("", "POST", "/api/patches/", `{}`), 405, "detail", `Method "POST" not allowed.`)
	}},
	{26, "PATCH needs a user", false, func(k *kit) {
		k.is(k.Do("", "PATCH", k.patch(1), `{"state":"accepted"}`), 403, "detail", "Authentication credentials were not provided.")
	}},
	{27, "PATCH by anybody is 403", false, func(k *kit) {
		k.is(k.Do("joe", "PATCH", k.patch(1), `{"state":"accepted"}`), 403, "detail", "You do not have permission to perform this action.")
	}},
	{28, "PATCH by a maintainer changes state and delegate; null clears", true, func(k *kit) { patchByMaintainer(k, k.patch(2)) }},
	{29, "the same on 1.1", true, func(k *kit) { patchByMaintainer(k, older("1.1", k.patch(2))) }},
	{30, "an unknown state is 400 and tells the known ones", false, func(k *kit) {
		k.is(k.Do("maint", "PATCH", k.patch(1), `{"state":"foobar"}`), 400, "state.0", "Invalid state foobar. Expected one of: new, under-review, accepted, rejected, rfc, not-applicable, "+
			"changes-requested, awaiting-upstream, superseded, deferred.")
		k.is(k.Do("maint", "PATCH", k.patch(1), `{"state":1}`), 400) // beat: 500
		k.is(k.Do("maint", "PATCH", k.patch(1), `{"state":null}`), 400, "state.0", "This field may not be null.")
	}},
	{31, "a delegate must maintain the project", false, func(k *kit) {
		k.is(k.Do("maint", "PATCH", k.patch(2), fmt.Sprintf(`{"delegate":%d}`, k.Users["joe"])), 400, "delegate.0", "User 'joe' is not a maintainer for project 'ALPHA'")
		k.is(k.Do("maint", "PATCH", k.patch(2), `{"delegate":9999999}`), 400, "delegate.0", `Invalid pk "9999999" - object does not exist.`)
		k.is(k.Do("maint", "PATCH", k.patch(2), `{"delegate":"joe"}`), 400, "delegate.0", "Incorrect type. Expected pk value, received str.")
	}},
	{32, "the delegate's id is the user's", false, func(k *kit) {
		k.is(k.Get("", k.patch(1)), 200, "delegate.id", k.Users["deleg"], "delegate.username", "deleg", "delegate.url", fmt.Sprintf("%s/api/users/%d/", k.URL, k.Users["deleg"]))
	}},
	{33, "DELETE of a patch is 405 for all", false, func(k *kit) { k.each("- joe maint root", "DELETE", k.patch(1), "", 405) }},
	{34, "submitter, delegate and administrator may change a patch (issue: an administrator is a maintainer)", true, func(k *kit) {
		for _, who := range []string{"dev", "deleg", "root", "maint", "both"} {
			k.is(k.Do(who, "PATCH", k.patch(1), `{"state":"rfc"}`), 200, "state", "rfc")
			k.is(k.Do(who, "PATCH", k.patch(1), `{"state":"new"}`), 200, "state", "new")
		}
		k.each("deleg rev joe", "PATCH", k.patch(3), `{"state":"rfc"}`, 403)
	}},
	{35, "a form changes a patch", true, func(k *kit) {
		k.is(k.Do("maint", "PATCH", k.patch(1), "state=accepted&archived=True"), 200, "state", "accepted", "archived", true)
		k.is(k.Do("maint", "PATCH", k.patch(1), "archived=&delegate="), 200, "archived", true, "delegate", nil)
	}},
	{36, "yes is true", true, func(k *kit) {
		k.is(k.Do("maint", "PATCH", k.patch(1), `{"archived":"yes"}`), 200, "archived", true)
		k.is(k.Do("maint", "PATCH", k.patch(1), `{"archived":"No"}`), 200, "archived", false)
		k.is(k.Do("maint", "PATCH", k.patch(1), `{"archived":"nO"}`), 400, "archived.0", "Must be a valid boolean.")
	}},
	{37, "unknown and read-only keys change nothing", false, func(k *kit) {
		k.is(k.Do("maint", "PATCH", k.patch(1), `{"teapot":1,"name":"other","hash":"x","submitter":1}`), 200, "name", "[1/2] kettle: close the hole", "hash", apiseed.Hash, "teapot", apiseed.Missing)
	}},
	{38, "commit_ref has at most 255 characters", true, func(k *kit) {
		k.is(k.Do("maint", "PATCH", k.patch(1), `{"commit_ref":"`+strings.Repeat("a", 256)+`"}`), 400, "commit_ref.0", "Ensure this field has no more than 255 characters.")
		k.is(k.Do("maint", "PATCH", k.patch(1), `{"commit_ref":"`+strings.Repeat("é", 255)+`"}`), 200, "commit_ref", strings.Repeat("é", 255))
		k.is(k.Do("maint", "PATCH", k.patch(1), `{"commit_ref":null}`), 200, "commit_ref", nil)
	}},
	{39, "PUT needs state and delegate", true, func(k *kit) {
		k.is(k.Do("maint", "PUT", k.patch(1), `{}`), 400, "state.0", "This field is required.", "delegate.0", "This field is required.")
		k.is(k.Do("maint", "PUT", k.patch(1), `{"state":"accepted","delegate":null}`), 200, "state", "accepted", "delegate", nil)
	}},
}

func patchByMaintainer(k *kit, address string) {
	to := k.Users["both"]
	k.is(k.Do("maint", "PATCH", address, fmt.Sprintf(`{"state":"Under Review","delegate":%d}`, to)), 200, "state", "under-review", "delegate.id", to)
	k.is(k.Get("", address), 200, "state", "under-review", "delegate.id", to)
	k.is(k.Do("maint", "PATCH", address, `{"delegate":null}`), 200, "delegate", nil, "state", "under-review")
	k.is(k.Get("", address), 200, "delegate", nil)
}

// related makes the answer's related patches a sorted list of our numbers: "1 3".
func (k *kit) related(n int) string {
	k.t.Helper()
	a := k.is(k.Get("", k.patch(n)), 200)
	var out []string
	for m := 1; m <= 5; m++ {
		for i := range 5 {
			if a.At(fmt.Sprintf("related.%d.id", i)) == k.Patches[m] {
				out = append(out, fmt.Sprint(m))
			}
		}
	}
	return strings.Join(out, " ")
}

// relate asks for relations of patch n; the others are ours too.
func (k *kit) relate(who string, n int, others ...int) apiseed.Answer {
	k.t.Helper()
	ids := []string{}
	for _, o := range others {
		ids = append(ids, fmt.Sprint(k.Patches[o]))
	}
	return k.Do(who, "PATCH", k.patch(n), `{"related":[`+strings.Join(ids, ",")+`]}`)
}

var relationChecks = []conformance{
	{40, "two patches make a group", true, func(k *kit) {
		k.is(k.relate("maint", 1, 2), 200, "related.0.id", k.Patches[2], "related.1", apiseed.Missing)
		if k.related(2) != "1" || k.related(1) != "2" {
			k.t.Error(k.related(1), k.related(2))
		}
	}},
	{41, "a group grows through the new one and through the old", true, func(k *kit) {
		k.is(k.relate("maint", 1, 2), 200)
		k.is(k.relate("maint", 3, 1), 200)
		if got := k.related(2); got != "1 3" {
			k.t.Error(got)
		}
		k.is(k.relate("maint", 2, 5), 200)
		if k.related(1) != "2 3 5" || k.related(5) != "1 2 3" {
			k.t.Error(k.related(1), k.related(5))
		}
	}},
	{42, "a member named again changes nothing", true, func(k *kit) {
		k.is(k.relate("maint", 1, 2, 3), 200)
		k.is(k.relate("maint", 1, 2), 200)
		if k.related(1) != "2 3" {
			k.t.Error(k.related(1))
		}
	}},
	{43, "an empty list takes the patch out; a group of one is none", true, func(k *kit) {
		k.is(k.relate("maint", 1, 2, 3), 200)
		k.is(k.relate("maint", 1), 200, "related", "[]")
		if k.related(2) != "3" {
			k.t.Error(k.related(2))
		}
		k.is(k.relate("maint", 2), 200, "related", "[]")
		if k.related(3) != "" {
			k.t.Error(k.related(3))
		}
	}},
	{44, "two groups do not merge: 409 both ways", true, func(k *kit) {
		k.is(k.relate("maint", 1, 2), 200)
		k.is(k.relate("maint", 3, 5), 200)
		k.is(k.relate("maint", 1, 3), 409)
		k.is(k.relate("maint", 3, 1), 409)
		if k.related(1) != "2" || k.related(3) != "5" {
			k.t.Error(k.related(1), k.related(3))
		}
	}},
	{45, "across projects one must maintain both", true, func(k *kit) {
		k.is(k.relate("maint", 1, 4), 403, "detail", "At least one patch is part of a project you are not maintaining.")
		k.is(k.relate("maint", 4, 1), 403)
		k.is(k.relate("both", 1, 4), 200)
		if k.related(4) != "1" {
			k.t.Error(k.related(4))
		}
		k.is(k.relate("root", 4), 200, "related", "[]")
	}},
	{46, "who is no maintainer may not relate", false, func(k *kit) {
		for _, who := range []string{"", "joe", "dev", "deleg", "rev"} {
			k.is(k.relate(who, 1, 2), 403)
		}
		if k.related(1) != "" {
			k.t.Error(k.related(1))
		}
	}},
}
