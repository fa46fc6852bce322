// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"fmt"
	"slices"
	"strings"
)

// comparison holds what two systems made of one archive.
type comparison struct {
	archive *archive
	want    oracle
	have    map[string]submission
	replies map[string][]string // texts of the comments in have, by what they are on
	theirs  map[string][]string // the same texts, by what Django has them on
	fields  map[string]*fieldCount
}

// fieldCount counts the mails of one field.
type fieldCount struct {
	compared, equal int
	explained       map[string][]difference // by the name of the deviation
	open            []string                // differences with no reason, or with two
	better          int
}

// difference is one field of one mail in which two systems differ. theirs and ours are the values, as text.
type difference struct {
	c            *comparison
	id           string
	mail         *archived
	field        string
	t, o         submission // all that either made of the mail
	theirs, ours string
}

// dropped is the kind of a mail of which a system made nothing.
const dropped = "dropped"

func (c *comparison) run() {
	c.fields, c.replies, c.theirs = map[string]*fieldCount{}, map[string][]string{}, map[string][]string{}
	for id, list := range c.want.Comments {
		c.theirs[list[0].Parent] = append(c.theirs[list[0].Parent], c.have[id].content)
	}
	for _, o := range c.have {
		if o.Kind == "comment" {
			c.replies[o.Parent] = append(c.replies[o.Parent], o.content)
		}
	}
	for id, t := range c.want.Patches {
		c.compare("patch", id, t)
	}
	for id, t := range c.want.Covers {
		c.compare("cover", id, t)
	}
	for id, list := range c.want.Comments {
		c.compare("comment", id, list[0])
	}
	for id, o := range c.have {
		if !c.theirsHave(id) {
			c.note(id, "kind", submission{Kind: dropped}, o, dropped, o.Kind)
		}
	}
}

func (c *comparison) theirsHave(id string) bool {
	_, patch := c.want.Patches[id]
	_, cover := c.want.Covers[id]
	return patch || cover || len(c.want.Comments[id]) > 0
}

func (c *comparison) compare(kind, id string, t submission) {
	t.Kind = kind
	o, ok := c.have[id]
	if !ok {
		o.Kind = dropped
	}
	note := func(field string, theirs, ours any) { c.note(id, field, t, o, fmt.Sprint(theirs), fmt.Sprint(ours)) }
	note("kind", kind, o.Kind)
	if kind != o.Kind {
		return
	}
	note("date", t.Date, o.Date)
	note("submitter", strings.ToLower(t.Submitter[0]), strings.ToLower(o.Submitter[0]))
	if strings.EqualFold(t.Submitter[0], o.Submitter[0]) {
		note("submitter name", t.Submitter[1], o.Submitter[1])
	}
	note("content", deref(t.ContentSHA1), deref(o.ContentSHA1))
	if kind == "comment" {
		note("parent", t.Parent, o.Parent)
		return
	}
	note("name", t.Name, o.Name)
	note("series", t.series, o.series)
	note("version", t.version, o.version)
	note("total", t.total, o.total)
	note("cover", t.cover, o.cover)
	if kind != "patch" {
		return
	}
	note("hash", deref(t.Hash), deref(o.Hash))
	note("diff", deref(t.DiffSHA1), deref(o.DiffSHA1))
	note("number", number(t.Number), number(o.Number))
	note("pull url", deref(t.PullURL), deref(o.PullURL))
	note("tags", t.Tags, o.Tags)
	note("state", t.State, o.State)
}

func (c *comparison) note(id, field string, t, o submission, theirs, ours string) {
	n := c.fields[field]
	if n == nil {
		n = &fieldCount{explained: map[string][]difference{}}
		c.fields[field] = n
	}
	n.compared++
	if theirs == ours {
		n.equal++
		return
	}
	d := difference{c: c, id: id, mail: c.archive.mails[id], field: field, t: t, o: o, theirs: theirs, ours: ours}
	var names []string
	worse := false
	for _, dev := range deviations {
		if dev.explains(d) {
			names, worse = append(names, dev.name), dev.worse
		}
	}
	if len(names) != 1 {
		n.open = append(n.open, fmt.Sprintf("%s is explained by %d deviations %q", d, len(names), names))
		return
	}
	n.explained[names[0]] = append(n.explained[names[0]], d)
	if !worse {
		n.better++
	}
}

func (d difference) String() string {
	return fmt.Sprintf("%s of %s\n\t\ttheirs %s\n\t\tours   %s", d.field, d.id, d.theirs, d.ours)
}

// report is a table of the fields, each followed by its deviations with their count and one example.
func (c *comparison) report() string {
	var b strings.Builder
	for _, field := range sortedKeys(c.fields) {
		n := c.fields[field]
		fmt.Fprintf(&b, "\n%-15s %6.2f %% equal, %6.2f %% equal or better, of %d", field, n.share(n.equal), n.share(n.equal+n.better), n.compared)
		for _, name := range sortedKeys(n.explained) {
			list := n.explained[name]
			example := slices.MinFunc(list, func(a, b difference) int { return strings.Compare(a.id, b.id) })
			fmt.Fprintf(&b, "\n\t%5d  %s, such as %s", len(list), name, example.id)
		}
	}
	return b.String()
}

func (n *fieldCount) share(part int) float64 { return 100 * float64(part) / float64(n.compared) }

// failures are the differences without a reason, the fields in which too little is equal or better, and the deviations that explain nothing or anything.
func (c *comparison) failures() (out []string) {
	used := map[string]bool{}
	for _, field := range sortedKeys(c.fields) {
		n := c.fields[field]
		out = append(out, n.open[:min(len(n.open), 10)]...)
		if len(n.open) > 10 {
			out = append(out, fmt.Sprintf("%s: and %d more without a reason", field, len(n.open)-10))
		}
		if n.share(n.equal+n.better) < 99.5 {
			out = append(out, fmt.Sprintf("%s: %.2f %% are equal or better, want 99.5 %%", field, n.share(n.equal+n.better)))
		}
		for name, list := range n.explained {
			used[name] = true
			for _, d := range list {
				if dev := deviationNamed(name); dev.explains(d.spoiled()) {
					out = append(out, fmt.Sprintf("deviation %q can't say no: it explains %s", name, d.spoiled()))
				}
			}
		}
	}
	for _, dev := range deviations {
		if !used[dev.name] {
			out = append(out, fmt.Sprintf("deviation %q explains nothing in this archive", dev.name))
		}
	}
	return out
}

// spoiled is the same difference with ours wrong: another mail's value, or one that no mail has. No deviation may explain it.
func (d difference) spoiled() difference {
	wrong := "spoiled"
	switch d.field {
	case "kind":
		d.o.Kind = map[string]string{"patch": "cover", "cover": "patch", "comment": "cover", dropped: "patch"}[d.o.Kind]
		wrong = d.o.Kind
	case "parent":
		d.o.Parent = wrong
	case "series":
		d.o.series = d.o.series + " 99 <spoiled@mail.example>"
		wrong = d.o.series
	case "cover":
		d.o.series = ""
		d.o.cover = "<spoiled@mail.example>"
		wrong = d.o.cover
	case "version":
		d.o.version += 7
		wrong = fmt.Sprint(d.o.version)
	case "total":
		d.o.total += 7
		wrong = fmt.Sprint(d.o.total)
	case "tags":
		d.o.Tags = map[string]int{"Acked-by": 77}
		wrong = fmt.Sprint(d.o.Tags)
	case "submitter":
		d.o.Submitter = [2]string{"spoiled@mail.example", ""}
		wrong = d.o.Submitter[0]
	case "submitter name":
		d.o.Submitter[1] = wrong
	case "content":
		d.o.content += wrong
		d.o.ContentSHA1 = sum(d.o.content)
		wrong = *d.o.ContentSHA1
	case "diff", "hash":
		d.o.diff += "\n+" + wrong
		d.o.DiffSHA1, d.o.Hash = sum(d.o.diff), sum(wrong)
		wrong = *d.o.Hash
	}
	d.ours = wrong
	return d
}
