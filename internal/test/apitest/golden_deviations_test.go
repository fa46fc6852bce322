// SPDX-License-Identifier: GPL-2.0-or-later

package apitest

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// deviation is a reason why our answer differs from Django's. holds looks at the request and both sides, and says yes only if ours is what the
// reason asks for. Its name stands in docs/deviations.md.
type deviation struct {
	name  string
	holds func(difference) bool
}

// deviations do not overlap: what two of them explain is as open as what none does.
var deviations = []deviation{
	{"A patch without a diff has no raw diff", func(d difference) bool {
		return d.at == "status" && strings.HasSuffix(d.req.url, "/raw/") && d.theirs == `200 "None"` && d.ours == "404 text/plain; charset=utf-8"
	}},
	{"MIME-Version is there once", func(d difference) bool {
		return d.inMbox() && droppedHeaders.MatchString(d.theirs.(string)) && d.ours == ""
	}},
	{"Names of files are cut at 240 bytes", func(d difference) bool {
		theirs, ok1 := strings.CutPrefix(d.text(), "attachment; filename=")
		ours, ok2 := strings.CutPrefix(d.oursText(), "attachment; filename=")
		extension := path.Ext(theirs)
		base := strings.TrimSuffix(ours, extension)
		return d.at == "header Content-Disposition" && ok1 && ok2 && len(theirs) > 240+len(extension) && path.Ext(ours) == extension && len(base) > 230 && len(base) <= 240 && strings.HasPrefix(theirs, base)
	}},
	{"The file is called `bundle-1-my-bundle.mbox`", func(d difference) bool {
		return d.at == "header Content-Disposition" && strings.HasPrefix(d.req.url, "/bundle/") && strings.Contains(strings.TrimPrefix(d.text(), "attachment; "), " ") &&
			d.ours == "attachment; "+strings.ReplaceAll(strings.TrimPrefix(d.text(), "attachment; "), " ", "-")
	}},
	{"A page that is not there says so", func(d difference) bool { // and to what a program fetches in one line
		line := strings.HasPrefix(d.oursText(), "Not found: ") && strings.Index(d.oursText(), "\n") == len(d.oursText())-1
		return d.whole.Status == 404 && strings.HasSuffix(d.req.url, "/mbox/") &&
			(d.at == "body line" && d.text() == "" && line || d.at == "header Content-Type" && d.text() == "text/html; charset=utf-8" && d.ours == "text/plain; charset=utf-8")
	}},
	{"pwclientrc names the site by its address", func(d difference) bool {
		want := map[string]string{"section": "acme", "backend": "rest", "url": "http://" + goldenHost + "/api/"}
		return strings.HasSuffix(d.req.url, "/pwclientrc/") && (d.at == "body" && maps.Equal(ini(d.oursText()), want) && strings.HasSuffix(d.oursText(), "/api/\n") || d.at == "header Content-Type" && d.ours == "text/plain; charset=utf-8")
	}},
	{"From 1.4 on comments have `attachments`", func(d difference) bool { // none: what was imported has no mails
		at := regexp.MustCompile(`^body(\[\d+\])?\.attachments$`).MatchString(d.at)
		return at && d.req.version() == "1.4" && strings.Contains(d.req.url, "/comments/") && d.theirs == any(absent{}) && fmt.Sprint(d.ours) == "[]"
	}},
	{"patch_order", func(d difference) bool { // of a bundle; its patches stay in the order of their dates
		at := regexp.MustCompile(`^body(\[\d+\])?\.patch_order$`).MatchString(d.at)
		return at && d.req.version() == "1.4" && d.theirs == any(absent{}) && slices.Contains(bundleOrders, fmt.Sprint(d.ours))
	}},
	{"From 1.4 on series have `previous_series`, `next_series`, `state`, `state_counts`, `check`, `check_counts` and `metadata`", func(d difference) bool {
		holder, key := d.place()
		id, _ := holder.get("id").(json.Number)
		series, err := id.Int64()
		if err != nil || !strings.HasPrefix(d.req.url, "/api/1.4/series/") || d.theirs != any(absent{}) {
			return false
		}
		return written(d.ours) == d.c.about.ofSeries(series)[key]
	}},
	{"From 1.4 on a person has `bot`", func(d difference) bool { // nobody has said of the people of an import whether they are programs
		_, key := d.place()
		return strings.HasPrefix(d.req.url, "/api/1.4/people/") && key == "bot" && d.theirs == any(absent{}) && d.ours == nil
	}},
	{"each event has `pos`", func(d difference) bool { // positions of an import are in the order of the numbers, which have no gaps
		holder, key := d.place()
		return strings.HasPrefix(d.req.url, "/api/1.4/events/") && key == "pos" && d.theirs == any(absent{}) && d.ours == holder.get("id")
	}},
	{"`tags` counts tags by their abbreviations", func(d difference) bool {
		at, abbrev, ok := strings.Cut(d.at, ".tags.")
		d.at = at + ".tags"
		patch, _ := d.place()
		id, _ := patch.get("id").(json.Number)
		number, err := id.Int64()
		return ok && err == nil && d.theirs == any(absent{}) && fmt.Sprint(d.ours) == fmt.Sprint(d.c.about.tagsOf(number)[abbrev])
	}},
	{"What is equal in an order is listed by date, the newest first, then by id", func(d difference) bool {
		const at = " of 2024-08-05T04:41:12, " // of seven patches; Django shows any of them
		return d.at == "body ids" && strings.Contains(d.req.url, "order=-date&per_page=3") && strings.Count(d.text(), at) == 3 && d.ours == "115"+at+"114"+at+"113"+at
	}},
	{"A line `---` that ends the text stays", func(d difference) bool {
		return d.inMbox() && d.theirs == "" && d.ours == "---\n"
	}},
	{"The trailers of replies to the cover letter stand in each patch of its series", func(d difference) bool {
		return d.inMbox() && d.theirs == "" && (d.ours == coverTrailers || d.ours == coverTrailers+"---\n")
	}},
	{"Header lines are folded as they are stored", func(d difference) bool {
		return d.inMbox() && strings.HasPrefix(d.theirs.(string), " ") && strings.HasPrefix(d.ours.(string), " ") && slices.Equal(strings.Fields(d.theirs.(string)), strings.Fields(d.ours.(string)))
	}},
	{"8-bit letters in a header stay", func(d difference) bool {
		decoded, err := new(mime.WordDecoder).DecodeHeader(strings.TrimSuffix(d.text(), "\n"))
		return d.inMbox() && err == nil && decoded != strings.TrimSuffix(d.text(), "\n") && d.ours == decoded+"\n"
	}},
}

// bundleOrders are the patches of the bundles in their order, as the description of the fixture has them.
var bundleOrders = []string{"[66 73 64]", "[109]", "[]"}

var droppedHeaders = regexp.MustCompile(`^(?i:(mime-version: 1\.0|content-length: [0-9]+)\n)+$`)

// coverTrailers are those in the three replies to cover letter 12.
const coverTrailers = "Acked-by: N0 <n0@x.y>\nAcked-by: N1 <n1@x.y>\nAcked-by: N2 <n2@x.y>\n"

// inMbox tells whether lines of an mbox file differ.
func (d difference) inMbox() bool {
	return d.at == "body line" && strings.HasSuffix(d.req.url, "/mbox/")
}

func (d difference) oursText() string {
	s, _ := d.ours.(string)
	return s
}

func (d difference) text() string {
	s, _ := d.theirs.(string)
	return s
}

// place is our object in which the difference is, and its key there.
func (d difference) place() (holder object, key string) {
	at := decode(d.whole.Body)
	steps := strings.FieldsFunc(strings.TrimPrefix(d.at, "body"), func(r rune) bool { return strings.ContainsRune(".[]", r) })
	for i, step := range steps {
		switch in := at.(type) {
		case object:
			if i == len(steps)-1 {
				return in, step
			}
			at = in.get(step)
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n >= len(in) {
				return nil, ""
			}
			at = in[n]
		}
	}
	return nil, ""
}

// written is a value as JSON, the keys of objects sorted.
func written(v any) string {
	switch v := v.(type) {
	case object:
		plain := map[string]any{}
		for _, m := range v {
			plain[m.key] = m.value
		}
		raw, _ := json.Marshal(plain)
		return string(raw)
	default:
		raw, _ := json.Marshal(v)
		return string(raw)
	}
}

// tagsOf are the tags of a patch by abbreviation. Those of the replies to its cover letter count here, and not in Django.
func (about described) tagsOf(id int64) map[string]int {
	out := map[string]int{}
	for _, t := range about.Tags {
		out[t.Abbrev] = about.Patches[id].Tags[t.Name]
	}
	if id == 110 || id == 111 {
		out["A"] += 3
	}
	return out
}

// ofSeries is what 1.4 adds to a series, from the description of the installation: no series in it is a version of another, and none has metadata.
func (about described) ofSeries(id int64) map[string]string {
	states, checks := map[string]int{}, map[string]int{}
	for _, p := range about.Patches {
		if p.Series != nil && *p.Series == id {
			states[p.State]++
			for _, c := range about.Checks {
				if slices.Contains(p.Checks, c.ID) {
					checks[c.State]++
				}
			}
		}
	}
	state, check := any(nil), "pending"
	for s := range states {
		if len(states) == 1 {
			state = s
		}
	}
	for _, c := range []string{"success", "pending", "warning", "fail"} { // the last of them counts
		if checks[c] > 0 {
			check = c
		}
	}
	return map[string]string{"metadata": "{}", "next_series": "[]", "previous_series": "null", "state": written(state), "check": written(check), "state_counts": written(states), "check_counts": written(checks)}
}
