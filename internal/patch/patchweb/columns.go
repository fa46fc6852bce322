// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/web"
)

// columnsPath is where a user keeps his columns.
const columnsPath = "/user/columns/"

// column is one that a list may have beside the name.
type column struct {
	choice
	usual bool
}

// patchColumns and seriesColumns are those there are, in the order of the lists.
var (
	patchColumns = []column{{choice{"id", "ID"}, false}, {choice{"series", "Series"}, true}, {choice{"version", "Version"}, false}, {choice{"tags", "Tags"}, true}, {choice{"checks", "Checks"}, true},
		{choice{"comments", "Comments"}, false}, {choice{"date", "Date"}, true}, {choice{"submitter", "Submitter"}, true}, {choice{"delegate", "Delegate"}, true}, {choice{"state", "State"}, true}}
	seriesColumns = []column{{choice{"id", "ID"}, false}, {choice{"acts", "Who must act"}, true}, {choice{"patches", "Patches"}, true}, {choice{"state", "State"}, true}, {choice{"tags", "Tags"}, true},
		{choice{"checks", "Checks"}, true}, {choice{"comments", "Comments"}, true}, {choice{"date", "Sent"}, true}, {choice{"active", "Active"}, true}, {choice{"submitter", "Submitter"}, true},
		{choice{"delegate", "Delegate"}, true}}
)

// listLook is how a list is shown: by the address, else as the user keeps it, else as usual.
type listLook struct {
	all      []column
	shown    map[string]bool
	perPage  int
	absolute bool // days instead of how long ago
	kind     string
	kept     bool // there is somebody who can keep it
}

func (v listLook) shows(name string) bool { return v.shown[name] }

// chosen are the names of the columns that are shown.
func (v listLook) chosen() []string {
	var out []string
	for _, c := range v.all {
		if v.shown[c.Value] {
			out = append(out, c.Value)
		}
	}
	return out
}

// viewOf reads how a list is to be shown. absolute is how it has dates if nobody says otherwise.
func (p *Pages) viewOf(kind string, q url.Values, u account.User, absolute bool) listLook {
	v := listLook{all: patchColumns, kind: kind, perPage: p.perPage(u), absolute: absolute, kept: u.ID != 0}
	own := u.PatchColumns
	if kind == patch.SavedSeries {
		v.all, own = seriesColumns, u.SeriesColumns
		if u.SeriesPerPage > 0 {
			v.perPage = min(u.SeriesPerPage, account.MaxItemsPerPage)
		}
	}
	if asked := strings.Join(q["columns"], ","); asked != "" {
		v.shown = among(v.all, asked)
	} else if own != "" {
		v.shown = among(v.all, own)
		v.shown["id"] = v.shown["id"] || kind == patch.SavedPatches && u.ShowIDs
	} else {
		v.shown = map[string]bool{"id": u.ShowIDs}
		for _, c := range v.all {
			v.shown[c.Value] = v.shown[c.Value] || c.usual
		}
	}
	if n, err := strconv.Atoi(q.Get("per_page")); err == nil && n > 0 {
		v.perPage = min(n, account.MaxItemsPerPage)
	}
	if dates := q.Get("dates"); dates == account.DatesRelative || dates == account.DatesAbsolute {
		v.absolute = dates == account.DatesAbsolute
	} else if u.Dates != "" {
		v.absolute = u.Dates == account.DatesAbsolute
	}
	return v
}

// among are those of a list of names that are columns.
func among(all []column, names string) map[string]bool {
	out := map[string]bool{}
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		if slices.ContainsFunc(all, func(c column) bool { return c.Value == name }) {
			out[name] = true
		}
	}
	return out
}

// choices are the columns as a form has them.
func (v listLook) choices() []choice {
	var out []choice
	for _, c := range v.all {
		out = append(out, c.choice)
	}
	return out
}

// keepColumns keeps for the user how he has a list, and goes back to it.
func (p *Pages) keepColumns(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	if err := parseForm(c); err != nil {
		return err
	}
	form := c.R.PostForm
	kind := c.R.URL.Query().Get("kind")
	if kind != patch.SavedPatches && kind != patch.SavedSeries {
		return fault.New(fault.Invalid, "there are no lists of %q", kind)
	}
	v := p.viewOf(kind, form, c.User, false)
	columns, dates := strings.Join(append([]string{"name"}, v.chosen()...), ","), form.Get("dates")
	change := account.SelfChange{Dates: &dates}
	if kind == patch.SavedSeries {
		change.SeriesColumns, change.SeriesPerPage = &columns, &v.perPage
	} else {
		ids := v.shows("id")
		change.PatchColumns, change.ShowIDs, change.ItemsPerPage = &columns, &ids, &v.perPage
	}
	_, err := account.UpdateSelf(c.R.Context(), p.db, c.Actor(), c.Now, c.User.ID, change, nil)
	if text := fault.UserText(err); text != "" {
		c.Flash(web.Flash{Text: text, Bad: true})
	} else if err != nil {
		return err
	} else {
		c.Flash(web.Flash{Text: "Columns, rows and dates of these lists are kept"})
	}
	return c.Redirect(http.StatusSeeOther, web.LocalPath(c.R.URL.Query().Get("next"), "/user/"))
}

// keepURL is where the form of the columns is kept, and then leads back to the list without what it says of them.
func (a address) keepURL(kind string) string {
	next := a.to(a.copy(append(slices.Clone(viewFields), places...)...))
	return columnsPath + "?" + url.Values{"kind": {kind}, "next": {next}}.Encode()
}

// field is a hidden field of a form.
type field struct{ Name, Value string }

// fields are the parameters of the address, but some, as hidden fields.
func (a address) fields(but ...string) []field {
	q := a.copy(append(but, places...)...)
	var out []field
	for _, name := range slices.Sorted(maps.Keys(q)) {
		for _, value := range q[name] {
			out = append(out, field{name, value})
		}
	}
	return out
}

// viewFields are the parameters of how a list is shown.
var viewFields = []string{"columns", "per_page", "dates"}

// kept are the parameters that the form of a filter has no field for, and sends on.
func (a address) kept() []field {
	var out []field
	for _, name := range append([]string{"series"}, viewFields...) {
		for _, value := range a.query[name] {
			out = append(out, field{name, value})
		}
	}
	if a.plain {
		out = append(out, field{plainView, "plain"})
	}
	return out
}

// unfiltered is the address of the list without its filter.
func (a address) unfiltered() string {
	q := url.Values{}
	for _, name := range viewFields {
		if values := a.query[name]; len(values) > 0 {
			q[name] = values
		}
	}
	return a.to(q)
}
