// SPDX-License-Identifier: GPL-2.0-or-later

package projectapi

import (
	"context"
	"fmt"
	"net/http"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
)

// Project is a project in lists and by itself.
type Project struct {
	ID                   int64        `json:"id"`
	URL                  string       `json:"url"`
	Name                 string       `json:"name"`
	LinkName             string       `json:"link_name"`
	ListID               string       `json:"list_id"`
	ListEmail            string       `json:"list_email"`
	WebURL               string       `json:"web_url"`
	SCMURL               string       `json:"scm_url"`
	WebSCMURL            string       `json:"webscm_url"`
	Maintainers          []*rest.User `json:"maintainers"`
	SubjectMatch         string       `json:"subject_match" since:"1.1"`
	ListArchiveURL       string       `json:"list_archive_url" since:"1.2"`
	ListArchiveURLFormat string       `json:"list_archive_url_format" since:"1.2"`
	CommitURLFormat      string       `json:"commit_url_format" since:"1.2"`
	ShowDependencies     bool         `json:"show_dependencies" since:"1.4"`
}

func wire(api string, p project.Project, maintainers []account.User) Project {
	out := Project{ID: p.ID, URL: fmt.Sprintf("%s/projects/%d/", api, p.ID), Name: p.Name, LinkName: p.Linkname, ListID: p.ListID, ListEmail: p.ListEmail,
		WebURL: p.WebURL, SCMURL: p.SCMURL, WebSCMURL: p.WebSCMURL, Maintainers: []*rest.User{}, SubjectMatch: p.SubjectMatch, ListArchiveURL: p.ListArchiveURL,
		ListArchiveURLFormat: p.ListArchiveURLFormat, CommitURLFormat: p.CommitURLFormat, ShowDependencies: p.ShowDependencies}
	for _, u := range maintainers {
		out.Maintainers = append(out.Maintainers, rest.EmbedUser(api, &u))
	}
	return out
}

type face struct{ db *sqldb.DB }

// maxURL is the longest value of a field, in characters.
const maxURL = 2000

// fields are what a body may hold.
var fields = []rest.Field{
	{Name: "web_url", Doc: "home page", Max: maxURL}, {Name: "scm_url", Doc: "where to clone from", Max: maxURL}, {Name: "webscm_url", Doc: "where to browse the code", Max: maxURL},
	{Name: "list_archive_url", Doc: "archive of the list", Max: maxURL}, {Name: "list_archive_url_format", Doc: "address of a mail in the archive; {} stands for its Message-ID", Max: maxURL},
	{Name: "commit_url_format", Doc: "address of a commit; {} stands for its hash", Max: maxURL}, {Name: "show_dependencies", Type: rest.Bool, Doc: "whether series show what they depend on"},
}

// Routes hangs the API of projects into mux.
func Routes(mux *http.ServeMux, shell *rest.Shell, db *sqldb.DB) {
	f := &face{db}
	shell.Route(mux, rest.Route{Path: "/projects/", Tag: "projects", Methods: map[string]rest.Op{
		"GET": {Do: f.list, Doc: "List projects", Answer: []Project{}, Paged: true, Query: []rest.Param{
			{Name: "q", Doc: "words that the name, the link name or the list id has"},
			{Name: "order", Doc: "fields to sort by, separated by commas, each with a minus to reverse it", Enum: orders(keys)}}},
	}})
	shell.Route(mux, rest.Route{Path: "/projects/{project}/", Tag: "projects", Methods: map[string]rest.Op{
		"GET":   {Do: f.get, Doc: "Get a project by its number or link name", Answer: Project{}},
		"PATCH": {Do: f.change, Doc: "Change some fields of a project", Body: fields, Answer: Project{}},
		"PUT":   {Do: f.change, Doc: "Change a project", Body: fields, Answer: Project{}},
	}})
}

// keys are what lists are sorted by.
var keys = []string{"id", "name", "link_name", "list_id"}

func orders(keys []string) (out []string) {
	for _, k := range keys {
		out = append(out, k, "-"+k)
	}
	return out
}

func (f *face) list(c *rest.Call) error {
	text, _ := c.Filters().Last("q")
	found, err := project.Search(c.R.Context(), f.db, text, c.OrderNames(keys...))
	if err != nil {
		return err
	}
	page, err := c.Page(len(found))
	if err != nil {
		return err
	}
	found = found[min(page.Offset, len(found)):min(page.Offset+page.Limit, len(found))]
	out, err := f.wire(c.R.Context(), f.db, c, found...)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// wire makes projects with their maintainers.
func (f *face) wire(ctx context.Context, q sqldb.Queryer, c *rest.Call, projects ...project.Project) ([]Project, error) {
	var ids []int64
	for _, p := range projects {
		ids = append(ids, p.ID)
	}
	maintainers, err := project.MaintainersOf(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	out := []Project{}
	for _, p := range projects {
		out = append(out, wire(c.API, p, maintainers[p.ID]))
	}
	return out, nil
}

func (f *face) get(c *rest.Call) error {
	p, err := project.ByKey(c.R.Context(), f.db, c.R.PathValue("project"))
	if err != nil {
		return err
	}
	return f.show(c, p)
}

func (f *face) show(c *rest.Call, p project.Project) error {
	out, err := f.wire(c.R.Context(), f.db, c, p)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out[0])
}

// change answers PATCH and PUT, of which neither requires a field. Who may not is told so before the body is looked at.
func (f *face) change(c *rest.Call) error {
	p, err := project.ByKey(c.R.Context(), f.db, c.R.PathValue("project"))
	if err != nil {
		return err
	}
	if err := project.RequireMaintainer(c.R.Context(), f.db, c.Actor(), p); err != nil {
		return err
	}
	change, err := readChange(c)
	if err != nil {
		return err
	}
	if change.Empty() {
		return f.show(c, p)
	}
	change.If = c.Precondition(func(ctx context.Context, q sqldb.Queryer) (any, error) {
		now, err := project.ByKey(ctx, q, c.R.PathValue("project"))
		if err != nil {
			return nil, err
		}
		out, err := f.wire(ctx, q, c, now)
		if err != nil {
			return nil, err
		}
		return out[0], nil
	})
	p, err = project.Update(c.R.Context(), f.db, c.Actor(), c.Now, p.Linkname, change)
	if err != nil {
		return err
	}
	return f.show(c, p)
}

func readChange(c *rest.Call) (project.Change, error) {
	b, err := c.Body()
	if err != nil {
		return project.Change{}, err
	}
	change := project.Change{WebURL: b.Text("web_url", maxURL), SCMURL: b.Text("scm_url", maxURL), WebSCMURL: b.Text("webscm_url", maxURL),
		ListArchiveURL: b.Text("list_archive_url", maxURL), ListArchiveURLFormat: format(b, "list_archive_url_format"), CommitURLFormat: format(b, "commit_url_format"),
		ShowDependencies: b.Bool("show_dependencies")}
	return change, b.Err()
}

// format is a field that is the form of addresses.
func format(b *rest.Body, name string) *string {
	text := b.Text(name, maxURL)
	if text == nil {
		return nil
	}
	if err := project.CheckFormat(*text); err != nil {
		b.Wrong(name, "Only {} is replaced; other braces are not allowed.")
		return nil
	}
	return text
}
