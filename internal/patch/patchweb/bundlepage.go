// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"cmp"
	"fmt"
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
	var ids []int64
	for _, b := range v.bundles {
		ids = append(ids, b.Project)
	}
	slices.Sort(ids)
	if v.projects, err = project.ByIDs(ctx, p.db, slices.Compact(ids)); err != nil {
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
	set, err = patch.OrderBundle(c.R.Context(), p.db, c.Actor(), c.Now, b.ID, func(in []int64) []int64 { return reorder(in, c.R.PostForm) })
	return "Order changed", set, err
}

// reorder sorts patches by the places that a form gives them, from 1. One that was given the place of another stands before it if it moves up, behind it if it
// moves down; what is no number changes nothing.
func reorder(patches []int64, form url.Values) []int64 {
	type place struct {
		patch    int64
		at, side int
	}
	var places []place
	for i, id := range patches {
		at := place{patch: id, at: i + 1}
		if n, err := strconv.Atoi(strings.TrimSpace(form.Get(fmt.Sprintf("place:%d", id)))); err == nil {
			at.at, at.side = n, cmp.Compare(n, i+1)
		}
		places = append(places, at)
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.side, b.side)) })
	out := []int64{}
	for _, at := range places {
		out = append(out, at.patch)
	}
	return out
}

func (p *Pages) takeFromBundle(c *web.Call, b patch.Bundle) (said string, set int64, err error) {
	done, err := patch.RemoveFromBundle(c.R.Context(), p.db, c.Actor(), c.Now, b.ID, numbered("patch_id:", c.R.PostForm))
	return fmt.Sprintf("%d removed from the bundle", done.Patches), done.Set, err
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
