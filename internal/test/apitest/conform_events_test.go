// SPDX-License-Identifier: GPL-2.0-or-later

package apitest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/test/apiseed"
)

// relay gives the events their positions, which a worker does all the time.
func (k *kit) relay() {
	k.t.Helper()
	if _, err := event.Relay(k.t.Context(), k.db); err != nil {
		k.t.Fatal(err)
	}
}

// events counts the events that a query shows.
func (k *kit) events(version, query string, want int) {
	k.t.Helper()
	a := k.is(k.Get("", older(version, "/api/events/?per_page=250&"+query)), 200)
	if a.Len() != want {
		k.t.Errorf("%s: %d events, want %d: %s", a.Request, a.Len(), want, a.IDs())
	}
}

// The events of the site as it is filled.
const (
	seedComments = 3 // two on a patch, one on a cover letter
	seedEvents   = 2 + 5 + 5 + 4 + 4 + 1 + seedComments
)

var eventChecks = []conformance{
	{91, "each event has its payload", true, func(k *kit) {
		k.is(k.Do("maint", "PATCH", k.patch(2), fmt.Sprintf(`{"state":"accepted","delegate":%d}`, k.Users["both"])), 200)
		k.is(k.relate("maint", 2, 3), 200)
		k.check("maint", 2, `{"state":"success","context":"ci","target_url":"https://ci.example/1"}`)
		k.relay()
		for category, keys := range map[string]string{
			"cover-created": "cover", "patch-created": "patch", "patch-completed": "patch series", "series-created": "series", "series-completed": "series",
			"patch-comment-created": "comment patch", "cover-comment-created": "comment cover", "check-created": "check patch",
			"patch-state-changed":    "current_state patch previous_state",
			"patch-delegated":        "current_delegate patch previous_delegate",
			"patch-relation-changed": "current_relation patch previous_relation",
		} {
			a := k.is(k.Get("", "/api/events/?category="+category), 200, "0.category", category)
			k.has(a, "id category project date actor payload")
			payload, _ := a.At("0.payload").(map[string]any)
			var got []string
			for key := range payload {
				got = append(got, key)
			}
			slices.Sort(got)
			if strings.Join(got, " ") != keys {
				k.t.Errorf("%s: payload has %v, want %s", category, got, keys)
			}
			for key := range strings.FieldsSeq(keys) {
				if object, ok := payload[key].(map[string]any); ok && (object["id"] == nil || object["url"] == nil) {
					k.t.Errorf("%s: %s is %v", category, key, object)
				}
			}
		}
		k.is(k.Get("", "/api/events/?category=patch-state-changed"), 200, "0.payload.previous_state", "new", "0.payload.current_state", "accepted", "0.payload.patch.id", k.Patches[2],
			"0.actor.username", "maint", "0.project.link_name", "alpha")
		k.is(k.Get("", fmt.Sprintf("/api/events/?category=patch-delegated&patch=%d", k.Patches[2])), 200, "0.payload.previous_delegate", nil, "0.payload.current_delegate.username", "both")
		k.is(k.Get("", "/api/events/?category=check-created"), 200, "0.payload.check.state", "success", "0.payload.check.context", "ci", "0.payload.check.target_url", "https://ci.example/1",
			"0.payload.patch.id", k.Patches[2])
		k.is(k.Get("", "/api/events/?category=series-created&project=beta"), 200, "0.payload.series.id", k.Series[4], "0.payload.series.mbox", fmt.Sprintf("%s/series/%d/mbox/", k.URL, k.Series[4]), "0.actor", nil)
	}},
	{92, "filters of events", true, func(k *kit) {
		k.is(k.Do("maint", "PATCH", k.patch(2), `{"state":"accepted"}`), 200)
		k.relay()
		k.events("1.4", "", seedEvents+1)
		k.events("1.4", "project=beta", 4)
		k.events("1.4", "category=patch-created", 5)
		k.events("1.4", "category=series-created&category=patch-created", 5) // the last one counts
		k.events("1.4", "category=nosuch", 0)
		k.events("1.4", fmt.Sprintf("patch=%d", k.Patches[1]), 5)
		k.events("1.4", fmt.Sprintf("cover=%d", k.Covers[1]), 2)
		k.events("1.4", fmt.Sprintf("series=%d", k.Series[1]), 4)
		k.events("1.4", fmt.Sprintf("actor=%d", k.Users["maint"]), 1)
		k.events("1.4", "actor=maint", 0)
		k.events("1.1", fmt.Sprintf("actor=%d", k.Users["maint"]), seedEvents+1-seedComments)
		k.events("1.2", "category=patch-comment-created", 0)
		k.events("1.3", "category=patch-comment-created", 2)
		k.events("1.3", "category=cover-comment-created", 1)
	}},
	{93, "the newest event comes first; order=date turns it", true, func(k *kit) {
		k.exec("UPDATE event SET at = at + id") // in one transaction all have one time
		k.relay()
		down, up := k.is(k.Get("", "/api/events/"), 200), k.is(k.Get("", "/api/events/?order=date"), 200)
		first, last := strings.Fields(strings.Trim(down.IDs(), "[]")), strings.Fields(strings.Trim(up.IDs(), "[]"))
		slices.Reverse(last)
		if len(first) != seedEvents || !slices.Equal(first, last) || fmt.Sprint(down.At("0.date")) <= fmt.Sprint(down.At("1.date")) {
			k.t.Errorf("%v and, turned, %v", first, last)
		}
		k.is(k.Get("", "/api/events/?order=-date"), 200, "0.id", down.At("0.id"))
	}},
	{94, "marking a comment is no new comment (beat)", true, func(k *kit) {
		k.is(k.Do("maint", "PATCH", k.comment(1), `{"addressed":true}`), 200)
		k.is(k.Do("maint", "PATCH", k.reply(), `{"addressed":true}`), 200)
		k.relay()
		k.events("1.4", "category=patch-comment-created", 2)
		k.events("1.4", "category=cover-comment-created", 1)
		k.events("1.3", "", seedEvents)
	}},
}

// links is the Link header without the address of the server: `rel <query>` each.
func links(k *kit, a apiseed.Answer) string {
	var out []string
	for part := range strings.SplitSeq(a.Header.Get("Link"), ", ") {
		address, rel, _ := strings.Cut(part, "; ")
		out = append(out, strings.Trim(strings.TrimPrefix(rel, "rel="), `"`)+" "+strings.TrimPrefix(strings.Trim(address, "<>"), k.URL))
	}
	return strings.Join(out, ", ")
}

var pageChecks = []conformance{
	{95, "Link has next, prev, first, last in this order, with sorted keys", true, func(k *kit) {
		k.more("page", 12) // 16 in alpha
		a := k.is(k.Get("", "/api/1.2/patches/?project=alpha&per_page=5&page=2&state=new&order=-date&state=rfc"), 200)
		const p = "/api/1.2/patches/?"
		want := "next " + p + "order=-date&page=3&per_page=5&project=alpha&state=new&state=rfc, prev " + p + "order=-date&per_page=5&project=alpha&state=new&state=rfc, " +
			"first " + p + "order=-date&page=1&per_page=5&project=alpha&state=new&state=rfc, last " + p + "order=-date&page=4&per_page=5&project=alpha&state=new&state=rfc"
		if got := links(k, a); got != want || a.Len() != 5 {
			k.t.Errorf("%d objects, Link\n%s, want\n%s", a.Len(), got, want)
		}
	}},
	{96, "a page that is not there is 404", false, func(k *kit) {
		for _, page := range []string{"99", "0", "abc", "-1", "1.5", "99999999999999999999"} {
			k.is(k.Get("", "/api/patches/?page="+page), 404, "detail", "Invalid page.")
		}
		k.is(k.Get("", "/api/patches/?per_page=2&page=last"), 200, "0.id", slices.Max(slices.Collect(maps.Values(k.Patches))), "1", apiseed.Missing)
		k.is(k.Get("", "/api/patches/?q=nothing&page=1"), 200)
	}},
	{97, "per_page has a limit and a default", true, func(k *kit) {
		for i := range 26 {
			k.more(fmt.Sprintf("many%d", i), 10)
		}
		for per, want := range map[string]int{"1000": 250, "250": 250, "7": 7, "0": 30, "-1": 30, "abc": 30, "": 30} {
			if a := k.is(k.Get("", "/api/patches/?per_page="+per), 200); a.Len() != want {
				k.t.Errorf("per_page=%s: %d patches, want %d", per, a.Len(), want)
			}
		}
	}},
	{98, "one page has first and last", false, func(k *kit) {
		if got := links(k, k.is(k.Get("", "/api/projects/"), 200)); got != "first /api/projects/?page=1, last /api/projects/?page=1" {
			k.t.Error(got)
		}
	}},
}
