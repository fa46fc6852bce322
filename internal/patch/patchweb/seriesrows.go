// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"github.com/a-h/templ"

	"patchwork.example/pw/internal/patch"
)

// workLook is what the rows of a list of series have in common.
type workLook struct {
	w      workPage
	by     once // what the address of a submitter's series begins with
	tags   []patch.Tag
	across bool

	id, acts, patches, state, tagged, checks, comments, date, active, submitter, delegate bool
}

// seriesRows are the rows of a list.
func seriesRows(w workPage) templ.Component {
	s := w.view.shows
	v := workLook{w: w, by: escaped(w.linkPrefix("submitter")), tags: columns(w.words.Tags), across: w.across(), id: s("id"), acts: s("acts"), patches: s("patches"), state: s("state"),
		tagged: s("tags"), checks: s("checks"), comments: s("comments"), date: s("date"), active: s("active"), submitter: s("submitter"), delegate: s("delegate")}
	return piece(func(m *markup) {
		for _, r := range w.page.Rows {
			v.row(m, r)
		}
	})
}

func (v *workLook) row(m *markup, r *patch.WorkRow) {
	w := &v.w
	name := shown(r.Name)
	m.raw(`<tr>`)
	if w.bulk {
		m.raw(`<td class="sel"><input type="checkbox" data-row name="series_id:`).num(r.ID).raw(`" aria-label="Select `).text(name).raw(`"></td>`)
	}
	if v.id {
		m.raw(`<td class="num">`).num(r.ID).raw(`</td>`)
	}
	m.raw(`<td class="name"><a data-open href="`).text(seriesURL(r.Linkname, r.ID)).raw(`"><bdi>`).text(name).raw(`</bdi>`)
	if versionShown(r) {
		m.raw(` <span class="dim">v`).num(int64(r.Version)).raw(`</span>`)
	}
	m.raw(`</a></td>`)
	if v.across {
		m.raw(`<td class="of"><a href="`).text(projectPath(r.Linkname)).raw(`queue/`).text(w.queue.Slug).raw(`/">`).text(r.Linkname).raw(`</a></td>`)
	}
	v.stand(m, r)
	if v.comments {
		m.comments(r.Comments, r.Unaddressed)
	}
	if v.date {
		m.raw(`<td>`).when(w.now, r.Date, "sent", w.view.absolute).raw(`</td>`)
	}
	if v.active {
		m.raw(`<td>`).when(w.now, r.ActiveAt, "active", w.view.absolute).raw(`</td>`)
	}
	if v.submitter {
		m.raw(`<td class="who"><a href="`).again(v.by).num(r.Submitter)
		if w.bulk {
			m.raw(`" title="`).shown(r.SubmitterMail)
		}
		m.raw(`"><bdi>`).text(person(r.SubmitterName, r.SubmitterMail)).raw(`</bdi></a></td>`)
	}
	if v.delegate {
		m.cell("who", len(r.DelegateNames) == 0).text(joined(r.DelegateNames)).raw(`</td>`)
	}
	m.raw(`</tr>`)
}

// stand is the cells that say who must act on a series, and how its patches stand.
func (v *workLook) stand(m *markup, r *patch.WorkRow) {
	if v.acts {
		m.raw(`<td class="acts `).text(r.Lane.Who()).raw(`"><span title="`).text(laneTitle(r.Lane)).raw(`">`).text(actor(r)).raw(`</span></td>`)
	}
	if v.patches {
		if m.raw(`<td class="num">`); r.Patches < r.Total {
			m.raw(`<span class="s2" title="Incomplete">`).num(int64(r.Patches)).raw(`/`).num(int64(r.Total)).raw(`</span>`)
		} else {
			m.num(int64(r.Patches))
		}
		m.raw(` <span class="key">`).text(wordFor(r.Patches, "patch", "patches")).raw(`</span></td>`)
	}
	if v.state {
		m.raw(`<td class="states">`).text(states(v.w.words, r)).raw(`</td>`)
	}
	if v.tagged {
		m.tallies(v.tags, r)
	}
	if v.checks {
		m.checks(r.Checks())
	}
}

// tallies is the cell that says how many patches of a series have each tag, if any has one.
func (m *markup) tallies(tags []patch.Tag, r *patch.WorkRow) {
	switch {
	case len(tags) == 0:
		return
	case r.Tags == "":
		m.raw(`<td class="empty"></td>`)
		return
	}
	m.raw(`<td class="tags">`)
	counts := r.TagCounts()
	for i := range tags {
		n, class := tallied(counts, tags[i].ID), literal("")
		if n == r.Patches {
			class = "s1" // all of them
		}
		m.figure(n, tags[i].Abbrev, ofPatches(tags[i].Name, n, r.Patches), class)
	}
	m.raw(`</td>`)
}
