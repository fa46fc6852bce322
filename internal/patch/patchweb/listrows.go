// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"net/url"
	"time"

	"github.com/a-h/templ"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/patch"
)

// rowLook is what the rows of a patch list have in common.
type rowLook struct {
	l       listPage
	patches once // what addresses of patches begin with, series and submitters likewise
	series  once
	by      once
	tags    []patch.Tag

	id, inSeries, version, tagged, checks, comments, date, submitter, delegate, state bool
}

// patchRows are the rows of a list.
func patchRows(l listPage) templ.Component {
	here := "/project/" + url.PathEscape(l.project.Linkname) + "/"
	s := l.view.shows
	v := rowLook{l: l, patches: escaped(here + "patch/"), series: escaped(here + "series/"), by: escaped(l.linkPrefix("submitter")), tags: columns(l.words.Tags),
		id: s("id"), inSeries: s("series"), version: s("version"), tagged: s("tags"), checks: s("checks"), comments: s("comments"), date: s("date"), submitter: s("submitter"),
		delegate: s("delegate"), state: s("state")}
	return piece(func(m *markup) {
		for _, r := range l.page.Rows {
			v.row(m, r)
		}
	})
}

func (v *rowLook) row(m *markup, r *patch.Row) {
	l := &v.l
	name := shown(r.Name)
	m.raw(`<tr>`)
	if l.bulk {
		m.raw(`<td class="sel"><input type="checkbox" data-row name="patch_id:`).num(r.ID).raw(`" aria-label="Select `).text(name).raw(`"></td>`)
	}
	if v.id {
		m.raw(`<td class="num">`).num(r.ID).raw(`</td>`)
	}
	m.raw(`<td class="name"><a href="`).again(v.patches).text(patch.PathID(r.MsgID)).raw(`/"><bdi>`).text(name).raw(`</bdi></a></td>`)
	if v.inSeries {
		v.ofSeries(m, r)
	}
	if v.version {
		if m.cell("num", r.Series == 0); r.Series != 0 {
			m.raw(`v`).num(int64(r.SeriesVersion))
		}
		m.raw(`</td>`)
	}
	if v.tagged {
		m.tags(v.tags, r.Hits)
	}
	if v.checks {
		m.checks(r.Checks)
	}
	if v.comments {
		m.comments(l.said[r.ID].Comments, l.said[r.ID].Unaddressed)
	}
	if v.date {
		m.raw(`<td>`).when(l.now, r.Date, "sent", l.view.absolute).raw(`</td>`)
	}
	if v.submitter {
		m.raw(`<td class="who"><a href="`).again(v.by).num(r.Submitter)
		if l.bulk {
			m.raw(`" title="`).shown(r.SubmitterMail)
		}
		m.raw(`"><bdi>`).text(person(r.SubmitterName, r.SubmitterMail)).raw(`</bdi></a></td>`)
	}
	if v.delegate {
		m.cell("who", r.Delegate == 0).text(r.DelegateName).raw(`</td>`)
	}
	if v.state {
		if m.raw(`<td>`).text(l.words.StateName(r.State)); r.Archived {
			m.raw(` <span class="dim">archived</span>`)
		}
		m.raw(`</td>`)
	}
	m.raw(`</tr>`)
}

// ofSeries is the cell of the series of a patch, and its place in it.
func (v *rowLook) ofSeries(m *markup, r *patch.Row) {
	if m.cell("series", r.Total <= 1); r.Series != 0 && r.Total > 1 {
		m.raw(`<a href="`).again(v.series).num(r.Series).raw(`/" title="`).shown(r.SeriesName).raw(`">`).text(place(r)).raw(` <bdi class="title">`).text(seriesTitle(r)).raw(`</bdi></a>`)
	}
	m.raw(`</td>`)
}

// tags is the cell that says how often each tag was given, if any was. The letters in it are for narrow screens, which have no heads. A list without tags has none.
func (m *markup) tags(tags []patch.Tag, hits patch.Hits) {
	switch {
	case len(tags) == 0:
		return
	case len(hits) == 0:
		m.raw(`<td class="empty"></td>`)
		return
	}
	m.raw(`<td class="tags">`)
	for i := range tags {
		m.figure(hits.Of(tags[i].ID), tags[i].Abbrev, tags[i].Name, "")
	}
	m.raw(`</td>`)
}

// checkClasses mark figures of checks, by their state less one.
var checkClasses = [...]literal{"s1", "s2", "s3"}

// checks is the cell that counts the newest checks by their result, if there are any.
func (m *markup) checks(n [4]int) {
	if n == [4]int{} {
		m.raw(`<td class="empty"></td>`)
		return
	}
	m.raw(`<td class="checks">`)
	for i, letter := range [...]string{"S", "W", "F"} {
		m.figure(n[i+1], letter, checkStates[i+1], checkClasses[i])
	}
	m.raw(`</td>`)
}

// comments is the cell that counts comments, and says how many are not addressed.
func (m *markup) comments(n, open int) {
	if m.cell("num", n == 0); n > 0 {
		if m.num(int64(n)).raw(` `); open > 0 {
			m.raw(`<span class="s2" title="`).num(int64(open)).raw(` not addressed">`).num(int64(open)).raw(` open</span> `)
		}
		m.raw(`<span class="key">`).text(wordFor(n, "comment", "comments")).raw(`</span>`)
	}
	m.raw(`</td>`)
}

// figure is one of some numbers in a cell.
func (m *markup) figure(n int, letter, name string, class literal) {
	if n == 0 {
		m.raw(`<span class="none">-</span>`)
		return
	}
	if m.raw(`<span`); class != "" {
		m.raw(` class="`).raw(class).raw(`"`)
	}
	m.raw(` title="`).text(name).raw(`"><span class="key">`).text(letter).raw(`</span>`).num(int64(n)).raw(`</span>`)
}

// tagCounts and checkCounts are cells of tables that templ writes.
func tagCounts(tags []patch.Tag, hits patch.Hits) templ.Component {
	return piece(func(m *markup) { m.tags(columns(tags), hits) })
}

func checkCounts(n [4]int) templ.Component { return piece(func(m *markup) { m.checks(n) }) }

// Of a time as RFC 3339 has it, the day and the minute.
const (
	dayLength    = len("2006-01-02")
	minuteLength = len("2006-01-02T15:04")
)

// when is a time: how long ago it is, or the day.
func (m *markup) when(now, t clock.Time, what literal, absolute bool) *markup {
	at := m.raw(`<span class="key">`).raw(what).raw(`</span> `).datetime(t)
	m.raw(` title="`).raw(what).raw(` `)
	if absolute {
		m.ago(now, t).raw(`">`)
		m.b = append(m.b, at[:dayLength]...)
	} else {
		m.until(at).raw(`">`).ago(now, t)
	}
	return m.raw(`</time>`)
}

// datetime begins the element of a time, and gives it as it stands there, in UTC, so that nothing in it is to be escaped.
func (m *markup) datetime(t clock.Time) (at []byte) {
	m.raw(`<time datetime="`)
	from := len(m.b)
	m.b = t.Time().AppendFormat(m.b, time.RFC3339Nano)
	at = m.b[from:]
	m.raw(`"`)
	return at
}

// until writes a time to the minute.
func (m *markup) until(at []byte) *markup {
	m.b = append(append(append(m.b, at[:dayLength]...), ' '), at[dayLength+1:minuteLength]...)
	return m.raw(` UTC`)
}

// minute is a time to the minute.
func (m *markup) minute(t clock.Time) *markup {
	at := m.datetime(t)
	return m.raw(`>`).until(at).raw(`</time>`)
}

// agoUnits are the units of ago.
var agoUnits = [...]struct {
	name   literal
	length time.Duration
}{{" y", 365 * 24 * time.Hour}, {" mo", 30 * 24 * time.Hour}, {" d", 24 * time.Hour}, {" h", time.Hour}, {" min", time.Minute}}

// ago says how long something was before now, in the greatest unit of which there is at least one.
func (m *markup) ago(now, t clock.Time) *markup {
	d := now.Sub(t)
	for i := range agoUnits {
		if n := int64(d / agoUnits[i].length); n > 0 {
			return m.num(n).raw(agoUnits[i].name)
		}
	}
	return m.raw(`now`)
}
