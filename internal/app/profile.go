// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"net/url"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/account/accountweb"
	"patchwork.example/pw/internal/patch"
)

// bundlesOnProfile is how many bundles a profile names.
const bundlesOnProfile = 20

// work is what a user's own page tells of his part in the projects.
func (a *App) work(ctx context.Context, by account.Actor, persons []int64) (w accountweb.Work, err error) {
	maintains, contributes, err := patch.ProjectsOf(ctx, a.DB, by.User, persons)
	if err != nil {
		return w, err
	}
	for _, p := range maintains {
		w.Maintains = append(w.Maintains, accountweb.Link{Text: p.Name, Path: "/project/" + url.PathEscape(p.Linkname) + "/list/"})
	}
	for _, p := range contributes {
		w.Contributes = append(w.Contributes, accountweb.Link{Text: p.Name, Path: "/project/" + url.PathEscape(p.Linkname) + "/list/"})
	}
	todos, err := patch.Todos(ctx, a.DB, by.User)
	if err != nil {
		return w, err
	}
	for _, t := range todos {
		w.Todo += t.Patches
	}
	bundles, err := patch.ListBundles(ctx, a.DB, patch.BundleQuery{By: by, Owners: []int64{by.User}, Slice: patch.Slice{Limit: bundlesOnProfile + 1, Order: []string{"name"}}})
	if err != nil {
		return w, err
	}
	if w.MoreBundles = len(bundles) > bundlesOnProfile; w.MoreBundles {
		bundles = bundles[:bundlesOnProfile]
	}
	owner, err := account.UsersByID(ctx, a.DB, []int64{by.User})
	if err != nil || owner[by.User] == nil {
		return w, err
	}
	for _, b := range bundles {
		w.Bundles = append(w.Bundles, accountweb.Link{Text: b.Name, Path: "/bundle/" + url.PathEscape(owner[by.User].Username) + "/" + url.PathEscape(b.Name) + "/"})
	}
	return w, nil
}
