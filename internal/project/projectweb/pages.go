// SPDX-License-Identifier: GPL-2.0-or-later

package projectweb

import (
	"context"
	"net/http"
	"net/url"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// Number is one thing that is counted on a project's page.
type Number struct {
	Name  string
	Value int
	Path  string // where they are listed
}

// Pages serves the pages of projects.
type Pages struct {
	db      *sqldb.DB
	numbers func(ctx context.Context, p project.Project) ([]Number, error)
	users   func(ctx context.Context) (bool, error)
}

// Routes hangs the pages into mux. numbers counts what the domains have of a project, users tells whether anybody could log in yet.
func Routes(mux *http.ServeMux, shell *web.Shell, db *sqldb.DB, numbers func(context.Context, project.Project) ([]Number, error), users func(context.Context) (bool, error)) {
	p := &Pages{db: db, numbers: numbers, users: users}
	mux.Handle("GET /{$}", shell.Page(p.list))
	mux.Handle("GET /project/{link}/{$}", shell.Page(p.about))
}

// list shows all projects; a site with one goes straight to its patches. An empty site says how to fill it.
func (p *Pages) list(c *web.Call) error {
	all, err := project.All(c.R.Context(), p.db)
	if err != nil {
		return err
	}
	switch len(all) {
	case 0:
		users, err := p.users(c.R.Context())
		if err != nil {
			return err
		}
		return c.Render(http.StatusOK, web.Meta{Title: "Welcome"}, welcome(users))
	case 1:
		return c.Redirect(http.StatusFound, listURL(all[0]))
	}
	return c.Render(http.StatusOK, web.Meta{Title: "Projects"}, listView(all))
}

func listURL(p project.Project) string { return "/project/" + url.PathEscape(p.Linkname) + "/list/" }

func aboutURL(p project.Project) string { return "/project/" + url.PathEscape(p.Linkname) + "/" }

func (p *Pages) about(c *web.Call) error {
	pr, err := project.ByLinkname(c.R.Context(), p.db, c.R.PathValue("link"))
	if err != nil {
		return err
	}
	members, err := project.MembersOf(c.R.Context(), p.db, pr.ID)
	if err != nil {
		return err
	}
	numbers, err := p.numbers(c.R.Context(), pr)
	if err != nil {
		return err
	}
	manages := c.User.IsAdmin
	if c.User.ID != 0 && !manages {
		if manages, err = project.IsMaintainer(c.R.Context(), p.db, pr.ID, c.User.ID); err != nil {
			return err
		}
	}
	meta := web.Meta{Title: "About", Project: pr.Linkname, Name: pr.Name, Section: "about", NavHTML: pr.NavHTML, Feed: web.Link{Text: "What happens in " + pr.Name, Path: eventsFeed(pr)}}
	return c.Render(http.StatusOK, meta, aboutView(pr, members, numbers, manages))
}

// eventsFeed is the path of the feed of what happens in a project.
func eventsFeed(pr project.Project) string {
	return "/project/" + url.PathEscape(pr.Linkname) + "/events.atom"
}

// link is one of the addresses of a project.
type link struct{ name, url string }

func links(p project.Project) []link {
	var out []link
	for _, l := range []link{{"Web site", p.WebURL}, {"Source", p.WebSCMURL}, {"Repository", p.SCMURL}, {"List archive", p.ListArchiveURL}} {
		if l.url != "" {
			out = append(out, l)
		}
	}
	return out
}

// onWeb tells whether an address may be a link; a repository's may be git:// or ssh, which are shown as text.
func onWeb(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
