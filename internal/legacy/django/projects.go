// SPDX-License-Identifier: GPL-2.0-or-later

package django

import (
	"context"

	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
)

// projects imports projects and what is set up for them. States and tags take the place of those of a new database.
func (im *importer) projects(ctx context.Context) error {
	if im.tx != nil {
		if err := patch.ForgetDefaults(ctx, im.tx); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{im.projectRows, im.maintainers, im.states, im.tags, im.rules} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

type oldProject struct {
	ID                int64
	Linkname          string
	Name              string
	ListID            string
	ListEmail         string
	SubjectMatch      string `db:"subject_match"`
	WebURL            string `db:"web_url"`
	SCMURL            string `db:"scm_url"`
	WebSCMURL         string `db:"webscm_url"`
	Archive           string `db:"list_archive_url"`
	ArchiveFormat     string `db:"list_archive_url_format"`
	CommitFormat      string `db:"commit_url_format"`
	SendNotifications bool   `db:"send_notifications"`
	UseTags           bool   `db:"use_tags"`
	ShowDependencies  bool   `db:"show_dependencies"`
}

func (im *importer) projectRows(ctx context.Context) error {
	return take(ctx, im, table[oldProject, project.Project]{
		what: "projects", name: "patchwork_project", write: project.ImportProjects,
		query: `SELECT id, linkname, name, listid, listemail, subject_match, web_url, scm_url, webscm_url, list_archive_url, list_archive_url_format,
				commit_url_format, send_notifications, use_tags, ` + im.src.or("patchwork_project", "show_dependencies", "FALSE") + " FROM patchwork_project ORDER BY id",
		convert: func(o oldProject) project.Project {
			r := im.row("patchwork_project", o.ID)
			const address = 2000
			return project.Project{ID: o.ID, Linkname: r.text("linkname", o.Linkname, 255), Name: r.text("name", o.Name, 255), ListID: r.text("listid", o.ListID, 255),
				ListEmail: r.text("listemail", o.ListEmail, 255), SubjectMatch: r.text("subject_match", o.SubjectMatch, 64), WebURL: r.text("web_url", o.WebURL, address),
				SCMURL: r.text("scm_url", o.SCMURL, address), WebSCMURL: r.text("webscm_url", o.WebSCMURL, address), ListArchiveURL: r.text("list_archive_url", o.Archive, address),
				ListArchiveURLFormat: r.text("list_archive_url_format", o.ArchiveFormat, address), CommitURLFormat: r.text("commit_url_format", o.CommitFormat, address),
				SendNotifications: o.SendNotifications, UseTags: o.UseTags, ShowDependencies: o.ShowDependencies, Hints: project.HintsMaintainers}
		},
	})
}

type oldMaintainer struct {
	Project int64 `db:"project_id"`
	User    int64 `db:"user_id"`
}

// maintainers: the old table names profiles, not users.
func (im *importer) maintainers(ctx context.Context) error {
	return take(ctx, im, table[oldMaintainer, project.ImportedMaintainer]{
		what: "maintainers", name: "patchwork_userprofile_maintainer_projects", write: project.ImportMaintainers,
		query: `SELECT m.project_id, p.user_id FROM patchwork_userprofile_maintainer_projects m JOIN patchwork_userprofile p ON p.id = m.userprofile_id
			ORDER BY m.project_id, p.user_id`,
		convert: func(o oldMaintainer) project.ImportedMaintainer {
			return project.ImportedMaintainer{Project: o.Project, User: o.User}
		},
	})
}

type oldState struct {
	ID             int64
	Name, Slug     string
	Ordering       int
	ActionRequired bool `db:"action_required"`
}

func (im *importer) states(ctx context.Context) error {
	err := take(ctx, im, table[oldState, patch.State]{
		what: "states", name: "patchwork_state", write: patch.ImportStates,
		query: "SELECT id, name, slug, ordering, action_required FROM patchwork_state ORDER BY id",
		convert: func(o oldState) patch.State {
			r := im.row("patchwork_state", o.ID)
			s := patch.State{ID: o.ID, Name: r.text("name", o.Name, 100), Slug: r.text("slug", o.Slug, 100), Ordering: o.Ordering, ActionRequired: o.ActionRequired}
			im.slugs[s.ID] = s.Slug
			return s
		},
	})
	if err == nil && len(im.slugs) == 0 {
		im.problem("the old site has no states: load its default ones first")
	}
	return err
}

type oldTag struct {
	ID                    int64
	Name, Pattern, Abbrev string
	ShowColumn            bool `db:"show_column"`
}

func (im *importer) tags(ctx context.Context) error {
	return take(ctx, im, table[oldTag, patch.Tag]{
		what: "tags", name: "patchwork_tag", write: patch.ImportTags,
		query: "SELECT id, name, pattern, abbrev, show_column FROM patchwork_tag ORDER BY id",
		convert: func(o oldTag) patch.Tag {
			r := im.row("patchwork_tag", o.ID)
			return patch.Tag{ID: o.ID, Name: r.text("name", o.Name, 20), Pattern: r.text("pattern", o.Pattern, 50), Abbrev: r.text("abbrev", o.Abbrev, 2), ShowColumn: o.ShowColumn}
		},
	})
}

type oldRule struct {
	ID       int64
	Path     string
	Priority int
	Project  int64 `db:"project_id"`
	User     int64 `db:"user_id"`
}

func (im *importer) rules(ctx context.Context) error {
	return take(ctx, im, table[oldRule, patch.Rule]{
		what: "delegation rules", name: "patchwork_delegationrule", write: patch.ImportRules,
		query: "SELECT id, path, priority, project_id, user_id FROM patchwork_delegationrule ORDER BY id",
		convert: func(o oldRule) patch.Rule {
			path := im.row("patchwork_delegationrule", o.ID).text("path", o.Path, 255)
			return patch.Rule{ID: o.ID, ProjectID: o.Project, UserID: o.User, Path: path, Priority: o.Priority}
		},
	})
}
