// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// savedPath is the page of one's saved queries.
const savedPath = "/user/queries/"

// plainView is the parameter that says: not what the list opens with.
const plainView = "view"

// saved are the parameters that are saved: what is in a list, its order, and how it is shown.
var saved = []string{"state", "archive", "q", "submitter", "delegate", "series", "since", "before", "tag", "notag", "checks", "comments", "version", "who", "idle", "order", "columns", "per_page", "dates"}

// savable is what of an address is saved.
func savable(v url.Values) string {
	q := url.Values{}
	for key, values := range v {
		values = slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" })
		if slices.Contains(saved, key) && len(values) > 0 {
			q[key] = values
		}
	}
	return q.Encode()
}

// savedBar is the row of saved queries above a list.
type savedBar struct {
	Links []savedLink
	Kind  string
	Query string // of the list, as it would be saved; empty: as it opens
	Next  string // where a form goes back to
	In    project.Project
	All   string // the address of the list as it is without any
	Opens bool   // the list opens with one of them
}

// last tells whether the row has its place below the list: above it, alone, it would take the room of one that is read.
func (b savedBar) last(chips []chip) bool { return len(chips) == 0 && len(b.Links) == 0 }

type savedLink struct {
	Name, URL string
	Here      bool
}

// savedOf makes the row of a list.
func savedOf(a address, d patch.Desk, kind string, in project.Project) savedBar {
	b := savedBar{Kind: kind, Query: savable(a.query), Next: a.here(), In: in, All: a.to(url.Values{})}
	for _, s := range d.Saved {
		b.Links = append(b.Links, savedLink{s.Name, savedURL(a, s.Query), s.Query == b.Query})
	}
	_, b.Opens = d.Opens()
	return b
}

// savedURL is the address of a list with a saved query; an empty one is the list as it is without any.
func savedURL(a address, query string) string {
	if query == "" {
		return a.to(url.Values{})
	}
	return a.path + "?" + query
}

// openURL is the address of a saved query of the list at a path, also where that opens with another.
func openURL(path, query string) string {
	if query == "" {
		query = plainView + "=plain"
	}
	return path + "?" + query
}

// opensWith is the address that a list opens with; empty: its own. Whoever asks for something gets that.
func opensWith(a *address, d patch.Desk) string {
	s, ok := d.Opens()
	if !ok {
		return ""
	}
	a.plain = true
	if len(a.query) == 0 && s.Query != "" {
		return a.path + "?" + s.Query
	}
	return ""
}

func listPath(kind, linkname string) string {
	if kind == patch.SavedSeries {
		return projectPath(linkname) + "series/"
	}
	return projectPath(linkname) + "list/"
}

// savedPage is what the template of the saved queries needs.
type savedPage struct {
	rows     []patch.SavedQuery
	projects map[int64]project.Project
}

// path is where a saved query leads to.
func (s savedPage) path(q patch.SavedQuery) string {
	if q.Project == 0 {
		return queryURL(q.ID)
	}
	return openURL(listPath(q.Kind, s.projects[q.Project].Linkname), q.Query)
}

// of says which lists it is for.
func (s savedPage) of(q patch.SavedQuery) string {
	what := "patches"
	if q.Kind == patch.SavedSeries {
		what = "series"
	}
	if q.Project == 0 {
		return what + " of all projects"
	}
	return what + " of " + s.projects[q.Project].Name
}

func queryURL(id int64) string { return "/query/" + strconv.FormatInt(id, 10) + "/" }

func (p *Pages) projects(c *web.Call) (map[int64]project.Project, error) {
	all, err := project.All(c.R.Context(), p.db)
	out := map[int64]project.Project{}
	for _, pr := range all {
		out[pr.ID] = pr
	}
	return out, err
}

// savedQueries shows one's saved queries.
func (p *Pages) savedQueries(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	var s savedPage
	var err error
	if s.rows, err = patch.OwnSaved(c.R.Context(), p.db, c.User.ID); err != nil {
		return err
	}
	if s.projects, err = p.projects(c); err != nil {
		return err
	}
	return c.Render(http.StatusOK, web.Meta{Title: "Saved queries", NoIndex: true}, savedView(s))
}

// saveQuery saves the filter of a list, and goes back there.
func (p *Pages) saveQuery(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	if err := parseForm(c); err != nil {
		return err
	}
	form := c.R.PostForm
	s := patch.SavedQuery{Kind: form.Get("kind"), Name: form.Get("name"), Public: form.Get("public") != "", Opens: form.Get("opens") != ""}
	query, err := url.ParseQuery(form.Get("query"))
	if err != nil {
		return fault.New(fault.Invalid, "the filter can't be read")
	}
	s.Query = savable(query)
	if form.Get("everywhere") == "" {
		pr, err := project.ByLinkname(c.R.Context(), p.db, form.Get("project"))
		if err != nil {
			return err
		}
		s.Project = pr.ID
	}
	s, err = patch.SaveQuery(c.R.Context(), p.db, c.Actor(), c.Now, s)
	return p.savedDone(c, err, "Saved as "+shown(s.Name), origin(c))
}

// changeQuery changes or deletes a saved query.
func (p *Pages) changeQuery(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	if err := parseForm(c); err != nil {
		return err
	}
	id, err := strconv.ParseInt(c.R.PathValue("id"), 10, 64)
	if err != nil {
		return fault.New(fault.NotFound, "there is no such saved query")
	}
	form := c.R.PostForm
	if form.Get("action") == "delete" {
		s, err := patch.DeleteSaved(c.R.Context(), p.db, c.Actor(), id)
		return p.savedDone(c, err, shown(s.Name)+" is deleted", savedPath)
	}
	name, public, opens := form.Get("name"), form.Get("public") != "", form.Get("opens") != ""
	s, err := patch.ChangeSaved(c.R.Context(), p.db, c.Actor(), id, patch.SavedChange{Name: &name, Public: &public, Opens: &opens})
	return p.savedDone(c, err, shown(s.Name)+" is changed", savedPath)
}

// savedDone says what happened on the next page, also if the visitor asked for what can't be.
func (p *Pages) savedDone(c *web.Call, err error, text, next string) error {
	flash := web.Flash{Text: text}
	if said := fault.UserText(err); said != "" && !fault.Is(err, fault.NotFound) {
		flash = web.Flash{Text: said, Bad: true}
	} else if err != nil {
		return err
	}
	c.Flash(flash)
	return c.Redirect(http.StatusSeeOther, next)
}

// openQuery leads to the list of a saved query: its owner, and others if it is public. One for all projects asks for which.
func (p *Pages) openQuery(c *web.Call) error {
	id, err := strconv.ParseInt(c.R.PathValue("id"), 10, 64)
	if err != nil {
		return fault.New(fault.NotFound, "there is no such saved query")
	}
	s, err := patch.ReadSaved(c.R.Context(), p.db, c.Actor(), id)
	if err != nil {
		return err
	}
	all, err := p.projects(c)
	if err != nil {
		return err
	}
	if s.Project != 0 {
		return c.Redirect(http.StatusFound, openURL(listPath(s.Kind, all[s.Project].Linkname), s.Query))
	}
	var links []savedLink
	for _, pr := range all {
		links = append(links, savedLink{Name: pr.Name, URL: openURL(listPath(s.Kind, pr.Linkname), s.Query)})
	}
	slices.SortFunc(links, func(a, b savedLink) int { return strings.Compare(a.Name, b.Name) })
	if len(links) == 1 {
		return c.Redirect(http.StatusFound, links[0].URL)
	}
	return c.Render(http.StatusOK, web.Meta{Title: shown(s.Name), NoIndex: true}, queryView(shown(s.Name), links))
}

func savedAction(id int64) string { return fmt.Sprintf("%s%d/", savedPath, id) }
