// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// bundlePage is what the template of a bundle needs.
type bundlePage struct {
	project project.Project
	words   patch.Vocabulary
	bundle  patch.Bundle
	owner   string // user name
	rows    []*patch.Row
	mine    bool
}

// bundleRoutes hangs the pages of bundles into mux.
func (p *Pages) bundleRoutes(mux *http.ServeMux, shell *web.Shell) {
	const path = "/bundle/{user}/{name}/"
	mux.Handle("GET "+path+"{$}", shell.Page(p.bundle))
	mux.Handle("POST "+path+"{$}", shell.Page(p.changeBundle))
	mux.Handle("GET /user/bundles/{$}", shell.Page(p.bundles))
	mux.Handle("GET /project/{link}/bundles/{$}", shell.Page(p.bundles))
}

// bundleAt finds the bundle of an address; one that this visitor may not see is not there.
func (p *Pages) bundleAt(c *web.Call) (patch.Bundle, error) {
	return patch.BundleOf(c.R.Context(), p.db, c.Actor(), c.R.PathValue("user"), c.R.PathValue("name"))
}

func (p *Pages) bundle(c *web.Call) error {
	ctx := c.R.Context()
	b, err := p.bundleAt(c)
	if err != nil {
		return err
	}
	v := bundlePage{bundle: b, mine: c.User.ID == b.Owner}
	projects, err := project.ByIDs(ctx, p.db, []int64{b.Project})
	if err != nil {
		return err
	}
	owner, err := account.UserByID(ctx, p.db, b.Owner)
	if err != nil {
		return err
	}
	if projects[b.Project] == nil { // deleted meanwhile
		return fault.New(fault.NotFound, "there is no bundle %q", b.Name)
	}
	v.project, v.owner = *projects[b.Project], owner.Username
	if v.words, err = patch.ReadVocabulary(ctx, p.db); err != nil {
		return err
	}
	if v.rows, err = patch.InBundle(ctx, p.db, b.ID); err != nil {
		return err
	}
	meta := web.Meta{Title: shown(b.Name), Project: v.project.Linkname, Name: v.project.Name, NavHTML: v.project.NavHTML, Section: "bundles", NoIndex: true}
	return c.Render(http.StatusOK, meta, bundleView(v))
}

// bundlesPage is what the template of one's bundles needs.
type bundlesPage struct {
	owner    string
	bundles  []patch.Bundle
	patches  map[int64]int // how many a bundle shows
	projects map[int64]*project.Project
	pager    web.Pager
}

// bundles lists those of the visitor, in one project or in all.
func (p *Pages) bundles(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	ctx := c.R.Context()
	q := patch.BundleQuery{By: c.Actor(), Owners: []int64{c.User.ID}, Slice: patch.Slice{Order: []string{"name"}, Limit: p.opt.PerPage}}
	meta := web.Meta{Title: "Bundles", Section: "bundles", NoIndex: true}
	if c.R.PathValue("link") != "" {
		pr, err := p.project(c)
		if err != nil {
			return err
		}
		q.Projects = []int64{pr.ID}
		meta.Project, meta.Name, meta.NavHTML = pr.Linkname, pr.Name, pr.NavHTML
	}
	total, err := patch.CountBundles(ctx, p.db, q)
	if err != nil {
		return err
	}
	pages := max(1, (total+q.Limit-1)/q.Limit)
	page, _ := strconv.Atoi(c.R.URL.Query().Get("page"))
	page = min(max(page, 1), pages)
	q.Offset = (page - 1) * q.Limit
	v := bundlesPage{owner: c.User.Username, pager: web.Pager{Path: c.R.URL.EscapedPath(), Page: page, Pages: pages}}
	if v.bundles, err = patch.ListBundles(ctx, p.db, q); err != nil {
		return err
	}
	var ids, projects []int64
	for _, b := range v.bundles {
		ids, projects = append(ids, b.ID), append(projects, b.Project)
	}
	if v.projects, err = project.ByIDs(ctx, p.db, distinct(projects)); err != nil {
		return err
	}
	if v.patches, err = patch.BundleSizes(ctx, p.db, ids); err != nil {
		return err
	}
	return c.Render(http.StatusOK, meta, bundlesView(v))
}

// changeBundle answers the forms of a bundle's page.
func (p *Pages) changeBundle(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	b, err := p.bundleAt(c)
	if err != nil {
		return err
	}
	if err := parseForm(c); err != nil {
		return err
	}
	var said string
	var set int64
	switch action := c.R.PostForm.Get("action"); action {
	case "save":
		b, said, err = p.saveBundle(c, b)
		set = b.Set
	case "order":
		said, set, err = p.orderBundle(c, b)
	case "remove":
		said, set, err = p.takeFromBundle(c, b)
	case "delete":
		set, err := patch.DeleteBundle(c.R.Context(), p.db, c.Actor(), c.Now, b.ID, nil)
		if err != nil {
			return err
		}
		c.Flash(web.Flash{Text: fmt.Sprintf("Bundle %s deleted", shown(b.Name)), Undo: undoPath(set)})
		return c.Redirect(http.StatusSeeOther, "/user/bundles/")
	default:
		err = fault.New(fault.Invalid, "there is no such thing to do with a bundle")
	}
	if fault.Is(err, fault.Invalid) {
		c.Flash(web.Flash{Text: fault.UserText(err), Bad: true})
	} else if err != nil {
		return err
	} else {
		c.Flash(web.Flash{Text: said, Undo: undoPath(set)})
	}
	return c.Redirect(http.StatusSeeOther, patch.BundlePath(c.R.PathValue("user"), b.Name))
}

// saveBundle gives back the bundle as it was if it can't be saved.
func (p *Pages) saveBundle(c *web.Call, b patch.Bundle) (patch.Bundle, string, error) {
	name, public := strings.TrimSpace(c.R.PostForm.Get("name")), c.R.PostForm.Get("public") == "true"
	change := patch.BundleChange{Public: &public}
	if name != b.Name { // one that an import brought may be as no new one may
		change.Name = &name
	}
	saved, err := patch.UpdateBundle(c.R.Context(), p.db, c.Actor(), c.Now, b.ID, change)
	if err != nil {
		return b, "", err
	}
	return saved, "Bundle saved", nil
}

func (p *Pages) orderBundle(c *web.Call, b patch.Bundle) (said string, set int64, err error) {
	set, err = patch.OrderBundle(c.R.Context(), p.db, c.Actor(), c.Now, b.ID, func(in []int64) ([]int64, error) { return reorder(in, c.R.PostForm) })
	if set == 0 {
		return "The order is as it was", 0, err
	}
	return "Order changed", set, err
}

// reorder sorts patches by the places that a form gives them, from 1, each once. One that was given the place of another stands before it if it moves up, behind it if it
// moves down.
func reorder(patches []int64, form url.Values) ([]int64, error) {
	if err := onlyPlacesOf(patches, form); err != nil {
		return nil, err
	}
	type place struct {
		patch    int64
		at, side int
	}
	var places []place
	for i, id := range patches {
		text := strings.TrimSpace(form.Get(placeField(id)))
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > len(patches) {
			return nil, fault.New(fault.Invalid, "Order not changed: %s is no place of patch %d; the places are 1 to %d", placeText(text), id, len(patches))
		}
		places = append(places, place{patch: id, at: n, side: cmp.Compare(n, i+1)})
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.side, b.side)) })
	out := []int64{}
	for _, at := range places {
		out = append(out, at.patch)
	}
	return out, nil
}

const placePrefix = "place:"

func placeField(patch int64) string { return placePrefix + strconv.FormatInt(patch, 10) }

// placeText is what a form says for a place, for an error.
func placeText(s string) string {
	const longest = 20
	if s == "" {
		return "nothing"
	}
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest]) + "…"
	}
	return "“" + shown(s) + "”"
}

// onlyPlacesOf refuses a form that has no place for one of the patches, several for one, or one for what is none of them.
func onlyPlacesOf(patches []int64, form url.Values) error {
	for _, id := range patches {
		switch n := len(form[placeField(id)]); {
		case n == 0:
			return fault.New(fault.Invalid, "Order not changed: the form has no place for patch %d, which is in the bundle; it may have been added meanwhile", id)
		case n > 1:
			return fault.New(fault.Invalid, "Order not changed: the form has %d places for patch %d", n, id)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(form)) {
		text, ok := strings.CutPrefix(key, placePrefix)
		if id, err := strconv.ParseInt(text, 10, 64); ok && (err != nil || text != strconv.FormatInt(id, 10)) {
			return fault.New(fault.Invalid, "Order not changed: %s is no number of a patch", placeText(text))
		} else if ok && !slices.Contains(patches, id) {
			return fault.New(fault.Invalid, "Order not changed: patch %d is not in the bundle; it may have been removed meanwhile", id)
		}
	}
	return nil
}

func (p *Pages) takeFromBundle(c *web.Call, b patch.Bundle) (said string, set int64, err error) {
	done, err := patch.RemoveFromBundle(c.R.Context(), p.db, c.Actor(), c.Now, b.ID, numbered("patch_id:", c.R.PostForm))
	return counted(done.Patches) + " removed from the bundle", done.Set, err
}

func bundleKind(b patch.Bundle) string {
	if b.Public {
		return "public bundle"
	}
	return "private bundle"
}

func seenBy(b patch.Bundle) string {
	if b.Public {
		return "everybody"
	}
	return "you"
}
