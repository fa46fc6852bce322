// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
)

// Bundle is a bundle.
type Bundle struct {
	ID      int64        `json:"id"`
	URL     string       `json:"url"`
	WebURL  string       `json:"web_url" since:"1.1"`
	Project rest.Project `json:"project"`
	Name    string       `json:"name"`
	Owner   rest.User    `json:"owner"`
	Patches []*Patch     `json:"patches" doc:"by date, whatever their order in the bundle is"` // as in Patchwork 3.2
	Public  bool         `json:"public"`
	Mbox    string       `json:"mbox"`
	Order   []int64      `json:"patch_order" since:"1.4" doc:"the numbers of the patches in the order of the bundle, which is that of its mbox file"`
}

const bundlesPath = "/bundles/"

func (f *face) bundleRoutes() []rest.Route {
	fields := []rest.Field{
		{Name: "name", Max: patch.MaxBundleName, Required: true, Doc: "without a slash; each of an owner's bundles has another one"},
		{Name: "patches", Type: rest.Numbers, Max: patch.MaxBundlePatches, Required: true, Doc: "all patches of the bundle in their order, of one project, which is then the bundle's"},
		{Name: "public", Type: rest.Bool},
	}
	return []rest.Route{
		{Path: bundlesPath, Tag: "bundles", Methods: map[string]rest.Op{
			"GET": {Do: f.listBundles, Doc: "List public bundles and your own", Answer: []Bundle{}, Paged: true, Query: []rest.Param{
				{Name: "project", Repeated: true, Doc: "number or link name"},
				{Name: "owner", Repeated: true, Doc: "number or name"},
				{Name: "public", Type: rest.Bool},
				{Name: "q", Doc: "words that the name has"},
				{Name: "order", Doc: strings.Join(patch.BundleOrders(), ", ") + "; with a minus in reverse"}, rest.CursorParam,
			}},
			"POST": {Do: f.createBundle, Doc: "Create a bundle", Since: rest.V12, Answer: Bundle{}, Status: http.StatusCreated, Body: fields},
		}},
		{Path: bundlesPath + "{id}/", Tag: "bundles", Methods: map[string]rest.Op{
			"GET":    {Do: f.getBundle, Doc: "Show a bundle", Answer: Bundle{}},
			"PATCH":  {Do: f.changeBundle(false), Doc: "Change a bundle of yours", Since: rest.V12, Answer: Bundle{}, Body: fields},
			"PUT":    {Do: f.changeBundle(true), Doc: "Change a bundle of yours; name and patches are required", Since: rest.V12, Answer: Bundle{}, Body: fields},
			"DELETE": {Do: f.deleteBundle, Doc: "Delete a bundle of yours", Since: rest.V12, Status: http.StatusNoContent},
		}},
	}
}

func (f *face) listBundles(c *rest.Call) error {
	q := patch.BundleQuery{By: c.Actor(), Slice: patch.Slice{Order: order(c, patch.BundleOrders()...)}}
	none, err := f.bundleFilters(c, &q)
	if err != nil {
		return err
	}
	found, err := lister[patch.Bundle]{&q.Slice, none,
		func() (int, error) { return patch.CountBundles(c.R.Context(), f.db, q) },
		func() ([]patch.Bundle, error) { return patch.ListBundles(c.R.Context(), f.db, q) },
		func(b patch.Bundle) patch.Mark { return patch.Mark{ID: b.ID} }}.read(c)
	if err != nil {
		return err
	}
	out, err := f.bundles(c.R.Context(), f.db, c, found...)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// bundleFilters reads the filters; none tells that nothing can match.
func (f *face) bundleFilters(c *rest.Call, q *patch.BundleQuery) (none bool, err error) {
	fs := c.Filters()
	if q.Projects, err = f.projects(c, fs, "project"); err != nil {
		return false, err
	}
	if q.Owners, err = f.users(c, fs, "owner"); err != nil {
		return false, err
	}
	q.Public = fs.Bool("public")
	q.Words, err = wordsOf(fs)
	return fs.None(), err
}

func (f *face) getBundle(c *rest.Call) error {
	id, err := c.ID("id")
	if err != nil {
		return err
	}
	b, err := patch.ReadBundle(c.R.Context(), f.db, c.Actor(), id)
	if err != nil {
		return err
	}
	return f.showBundle(c, http.StatusOK, b)
}

func (f *face) showBundle(c *rest.Call, status int, b patch.Bundle) error {
	out, err := f.oneBundle(c.R.Context(), f.db, c, b)
	if err != nil {
		return err
	}
	return c.JSON(status, out)
}

func (f *face) oneBundle(ctx context.Context, q sqldb.Queryer, c *rest.Call, b patch.Bundle) (Bundle, error) {
	out, err := f.bundles(ctx, q, c, b)
	switch {
	case err != nil:
		return Bundle{}, err
	case len(out) == 0:
		return Bundle{}, fault.New(fault.NotFound, "there is no bundle %d", b.ID)
	}
	return out[0], nil
}

// ifBundle compares a bundle with If-Match.
func (f *face) ifBundle(c *rest.Call, id int64) func(context.Context, *sqldb.Tx) error {
	return c.Precondition(func(ctx context.Context, q sqldb.Queryer) (any, error) {
		b, err := patch.ReadBundle(ctx, q, c.Actor(), id)
		if err != nil {
			return nil, err
		}
		return f.oneBundle(ctx, q, c, b)
	})
}

// bundles makes the wire types, in five queries however many there are.
func (f *face) bundles(ctx context.Context, q sqldb.Queryer, c *rest.Call, found ...patch.Bundle) ([]Bundle, error) {
	var ids, owners, projects, patches []int64
	for _, b := range found {
		ids, owners, projects = append(ids, b.ID), append(owners, b.Owner), append(projects, b.Project)
	}
	in, err := patch.BundlePatches(ctx, q, ids...)
	if err != nil {
		return nil, err
	}
	for _, list := range in {
		patches = append(patches, list...)
	}
	users, err := account.UsersByID(ctx, q, unique(owners))
	if err != nil {
		return nil, err
	}
	of, err := project.ByIDs(ctx, q, unique(projects))
	if err != nil {
		return nil, err
	}
	refs, err := patch.ReadRefs(ctx, q, patch.RefIDs{Patches: unique(patches)})
	if err != nil {
		return nil, err
	}
	out := []Bundle{}
	for _, b := range found {
		if owner, pr := users[b.Owner], of[b.Project]; owner != nil && pr != nil { // else it was deleted since it was read
			out = append(out, bundle(c, b, owner, pr, in[b.ID], refs))
		}
	}
	return out, nil
}

func bundle(c *rest.Call, b patch.Bundle, owner *account.User, pr *project.Project, patches []int64, refs *patch.Refs) Bundle {
	page := c.Base + patch.BundlePath(owner.Username, b.Name)
	w := Bundle{ID: b.ID, URL: bundleURL(c, b), WebURL: page, Project: *rest.EmbedProject(c.API, pr), Name: b.Name, Owner: *rest.EmbedUser(c.API, owner),
		Patches: []*Patch{}, Public: b.Public, Mbox: page + "mbox/", Order: []int64{}}
	var mails []*patch.MailRef
	for _, id := range patches {
		if m := refs.Patches[id]; m != nil {
			w.Order, mails = append(w.Order, id), append(mails, m)
		}
	}
	slices.SortFunc(mails, func(a, b *patch.MailRef) int { return cmp.Or(cmp.Compare(a.Date, b.Date), cmp.Compare(a.ID, b.ID)) })
	for _, m := range mails {
		w.Patches = append(w.Patches, addressesFor(c).patch(pr, m))
	}
	return w
}

func bundleURL(c *rest.Call, b patch.Bundle) string {
	return fmt.Sprintf("%s%s%d/", c.API, bundlesPath, b.ID)
}

func (f *face) createBundle(c *rest.Call) error {
	if err := c.RequireUser(); err != nil {
		return err
	}
	change, err := readBundle(c, true)
	if err != nil {
		return err
	}
	b, err := patch.CreateBundle(c.R.Context(), f.db, c.Actor(), c.Now, change)
	if err != nil {
		return byField(err)
	}
	c.W.Header().Set("Location", bundleURL(c, b))
	return f.showBundle(c, http.StatusCreated, b)
}

// changeBundle answers PATCH, and PUT, for which name and patches are required.
func (f *face) changeBundle(whole bool) func(*rest.Call) error {
	return func(c *rest.Call) error {
		id, err := c.ID("id")
		if err != nil {
			return err
		}
		if _, err := patch.MayChangeBundle(c.R.Context(), f.db, c.Actor(), id); err != nil { // before the body is looked at
			return err
		}
		change, err := readBundle(c, whole)
		if err != nil {
			return err
		}
		change.If = f.ifBundle(c, id)
		b, err := patch.UpdateBundle(c.R.Context(), f.db, c.Actor(), c.Now, id, change)
		if err != nil {
			return byField(err)
		}
		return f.showBundle(c, http.StatusOK, b)
	}
}

func readBundle(c *rest.Call, whole bool) (patch.BundleChange, error) {
	b, err := c.Body()
	if err != nil {
		return patch.BundleChange{}, err
	}
	if whole {
		b.Require("name", "patches")
	}
	change := patch.BundleChange{Name: b.Text("name", patch.MaxBundleName), Public: b.Bool("public"), Patches: b.Keys("patches")}
	if change.Name != nil {
		*change.Name = strings.TrimSpace(*change.Name)
		note(b, patch.ValidBundleName(*change.Name))
	}
	return change, b.Err()
}

func (f *face) deleteBundle(c *rest.Call) error {
	id, err := c.ID("id")
	if err != nil {
		return err
	}
	if _, err := patch.DeleteBundle(c.R.Context(), f.db, c.Actor(), c.Now, id, f.ifBundle(c, id)); err != nil {
		return err
	}
	return c.NoContent()
}
