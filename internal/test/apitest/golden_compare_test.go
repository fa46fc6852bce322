// SPDX-License-Identifier: GPL-2.0-or-later

package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// comparison holds how two systems answered.
type comparison struct {
	about     described
	open      []difference // with no reason, or with two
	explained map[string][]difference
	counts    map[string]*count // by endpoint and version
}

type count struct{ answers, equal, explained int }

// difference is one value of one answer in which two systems differ.
type difference struct {
	c            *comparison
	req          request
	at           string   // where: "status", "header Link", "body[3].payload.patch.name"
	theirs, ours any      // as decoded; absent{} where there is nothing
	whole        recorded // our answer
}

type absent struct{}

func (absent) String() string { return "(nothing)" }

func (d difference) String() string {
	return fmt.Sprintf("%s %s: %s\n\t\ttheirs %s\n\t\tours   %s", d.req.who, d.req.url, d.at, short(d.theirs), short(d.ours))
}

func short(v any) string {
	s := fmt.Sprint(v)
	if o, ok := v.(object); ok {
		s = "{" + strings.Join(o.keys(), " ") + "}"
	}
	return fmt.Sprintf("%.300q", s)
}

// compare notes all differences of one answer.
func (c *comparison) compare(req request, theirs, ours recorded) {
	var found []difference
	note := func(at string, t, o any) {
		found = append(found, difference{c, req, at, t, o, ours})
	}
	if theirs.Status != ours.Status {
		note("status", fmt.Sprintf("%d %s", theirs.Status, theirs.Body), fmt.Sprintf("%d %s", ours.Status, ours.Headers["Content-Type"]))
		c.judge(req, found)
		return
	}
	for _, name := range comparedHeaders {
		if t, o := theirs.Headers[name], ours.Headers[name]; t != o {
			note("header "+name, t, o)
		}
	}
	t, o := decode(theirs.Body), decode(ours.Body)
	switch {
	case isJSON(theirs) || isJSON(ours) || strings.HasSuffix(req.url, "/pwclientrc/"):
		walk("body", t, o, note)
	default:
		walkLines(t.(string), o.(string), note)
	}
	c.judge(req, found)
}

func (c *comparison) judge(req request, found []difference) {
	if c.counts == nil {
		c.counts, c.explained = map[string]*count{}, map[string][]difference{}
	}
	key := strings.TrimSpace(req.endpoint() + " " + req.version())
	n := c.counts[key]
	if n == nil {
		n = &count{}
		c.counts[key] = n
	}
	n.answers++
	open := false
	for _, d := range found {
		var names []string
		for _, dev := range deviations {
			if dev.holds(d) {
				names = append(names, dev.name)
			}
		}
		if len(names) != 1 {
			if len(names) > 1 {
				d.at += fmt.Sprintf(" (explained by %q)", names)
			}
			c.open, open = append(c.open, d), true
			continue
		}
		c.explained[names[0]] = append(c.explained[names[0]], d)
	}
	switch {
	case len(found) == 0:
		n.equal++
	case !open:
		n.explained++
	}
}

// report is a table of the endpoints, and one of the deviations.
func (c *comparison) report() string {
	var b strings.Builder
	equal, explained, all := 0, 0, 0
	for _, key := range slices.Sorted(maps.Keys(c.counts)) {
		n := c.counts[key]
		equal, explained, all = equal+n.equal, explained+n.explained, all+n.answers
		fmt.Fprintf(&b, "\n%-40s %3d answers, %3d equal, %3d explained, %3d open", key, n.answers, n.equal, n.explained, n.answers-n.equal-n.explained)
	}
	fmt.Fprintf(&b, "\n%-40s %3d answers, %3d equal, %3d explained, %3d open\n", "together", all, equal, explained, all-equal-explained)
	for _, name := range slices.Sorted(maps.Keys(c.explained)) {
		fmt.Fprintf(&b, "\n%5d  %s", len(c.explained[name]), name)
	}
	kinds := map[string][]difference{}
	for _, d := range c.open {
		key := d.req.endpoint() + " " + numbers.ReplaceAllString(d.at, "")
		kinds[key] = append(kinds[key], d)
	}
	for _, key := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(&b, "\n%5d  open: %s; such as %s", len(kinds[key]), key, kinds[key][0])
	}
	return b.String()
}

// failures are the answers with an open difference, and the deviations that explain nothing or anything.
func (c *comparison) failures() (out []string) {
	for i, d := range c.open {
		if i == 10 {
			out = append(out, fmt.Sprintf("and %d more differences without one reason", len(c.open)-i))
			break
		}
		out = append(out, d.String())
	}
	for _, dev := range deviations {
		list := c.explained[dev.name]
		if len(list) == 0 {
			out = append(out, fmt.Sprintf("deviation %q explains nothing", dev.name))
		}
		for _, d := range list {
			if spoiled := d.spoiled(); dev.holds(spoiled) {
				out = append(out, fmt.Sprintf("deviation %q can't say no: it explains %s", dev.name, spoiled))
				break
			}
		}
	}
	return out
}

// spoiled is the same difference with something else on our side. No deviation may explain it.
func (d difference) spoiled() difference {
	switch o := d.ours.(type) {
	case string:
		d.ours = o + "spoiled"
	case int:
		d.ours = o + 1
	default:
		d.ours = "spoiled"
	}
	return d
}

// object is a JSON object that keeps the order of its keys.
type object []member

type member struct {
	key   string
	value any
}

func (o object) keys() []string {
	out := make([]string, len(o))
	for i, m := range o {
		out[i] = m.key
	}
	return out
}

func (o object) get(key string) any {
	for _, m := range o {
		if m.key == key {
			return m.value
		}
	}
	return absent{}
}

// decode reads JSON: objects, []any, string, json.Number, bool, nil. What is no JSON is an object that says so.
func decode(raw []byte) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, err := value(dec)
	if err != nil {
		return object{{"no JSON", err.Error()}}
	}
	return v
}

func value(dec *json.Decoder) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok {
	case json.Delim('{'):
		out := object{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := value(dec)
			if err != nil {
				return nil, err
			}
			out = append(out, member{key.(string), v})
		}
		_, err := dec.Token()
		return out, err
	case json.Delim('['):
		out := []any{}
		for dec.More() {
			v, err := value(dec)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		_, err := dec.Token()
		return out, err
	}
	return tok, nil
}

// walk notes each place in which two values differ.
func walk(at string, theirs, ours any, note func(at string, theirs, ours any)) {
	to, tok := theirs.(object)
	oo, ook := ours.(object)
	tl, tlist := theirs.([]any)
	ol, olist := ours.([]any)
	switch {
	case tok && ook:
		walkObject(at, to, oo, note)
	case tlist && olist:
		if t, o := idsOf(tl), idsOf(ol); len(tl) != len(ol) || t != o { // other objects need no comparing
			note(at+" ids", t, o)
			return
		}
		for i := range tl {
			walk(fmt.Sprintf("%s[%d]", at, i), tl[i], ol[i], note)
		}
	case tok || ook || tlist || olist:
		note(at, theirs, ours)
	case theirs != ours:
		note(at, theirs, ours)
	}
}

// idsOf are the ids of the objects of a list, and when they are of, in order.
func idsOf(list []any) string {
	var b strings.Builder
	for _, v := range list {
		o, _ := v.(object)
		fmt.Fprint(&b, o.get("id"), " of ", o.get("date"), ", ")
	}
	return b.String()
}

func walkObject(at string, theirs, ours object, note func(at string, theirs, ours any)) {
	both := func(keys []string, in object) []string {
		return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return in.get(k) == any(absent{}) })
	}
	t, o := both(theirs.keys(), ours), both(ours.keys(), theirs)
	if !slices.Equal(t, o) {
		note(at+" order", strings.Join(t, " "), strings.Join(o, " "))
	}
	for _, m := range theirs {
		walk(at+"."+m.key, m.value, ours.get(m.key), note)
	}
	for _, m := range ours {
		if theirs.get(m.key) == any(absent{}) {
			walk(at+"."+m.key, absent{}, m.value, note)
		}
	}
}

// mostRecorded is how many characters of a text were recorded.
const mostRecorded = 200_000

// walkLines notes each group of lines in which two texts differ; "body line" tells that it is one. Of a text that was recorded in part the rest counts as equal.
func walkLines(theirs, ours string, note func(at string, theirs, ours any)) {
	t, o := strings.SplitAfter(theirs, "\n"), strings.SplitAfter(ours, "\n")
	part := utf8.RuneCountInString(theirs) == mostRecorded
	for len(t) > 0 && len(o) > 0 {
		switch {
		case t[0] == o[0]:
			t, o = t[1:], o[1:]
			continue
		case part && len(t) == 1 && strings.HasPrefix(o[0], t[0]):
			return
		}
		i, j := meet(t, o)
		note("body line", strings.Join(t[:i], ""), strings.Join(o[:j], ""))
		t, o = t[i:], o[j:]
	}
	if len(t)+len(o) > 0 && !part {
		note("body line", strings.Join(t, ""), strings.Join(o, ""))
	}
}

// meet finds how many lines of either must be passed over to come to two that are equal, the fewest in all.
func meet(t, o []string) (i, j int) {
	const most = 60
	for sum := 1; sum < most; sum++ {
		for i := range sum + 1 {
			j := sum - i
			if i+1 < len(t) && j+1 < len(o) && t[i] == o[j] && t[i+1] == o[j+1] {
				return i, j
			}
		}
	}
	return len(t), len(o)
}
