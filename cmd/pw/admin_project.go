// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
)

func newAdminProject(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "project",
		Short: "Manage projects: the lists whose mail is taken in",
		Long: `Manages projects. A project is a mailing list, or the mails of one whose subject
matches: several projects may share a list.

A project is named by its link name, which is part of the addresses of its pages,
or by its number.`,
		Example: `  pw admin project list
  pw admin project create erofs -n EROFS -i linux-erofs.lists.ozlabs.org -e linux-erofs@lists.ozlabs.org
  pw admin project update erofs --send-notifications --auto-supersede`,
	}
	cmd.AddCommand(newProjectList(c), newProjectShow(c), newProjectCreate(c), newProjectUpdate(c), newProjectDelete(c), newProjectSecret(c))
	return cmd
}

var projectColumns = []column[project.Project]{
	{"id", true, func(p project.Project) any { return p.ID }},
	{"linkname", true, func(p project.Project) any { return p.Linkname }},
	{"name", true, func(p project.Project) any { return p.Name }},
	{"list_id", true, func(p project.Project) any { return p.ListID }},
	{"list_email", true, func(p project.Project) any { return p.ListEmail }},
	{"subject_match", true, func(p project.Project) any { return p.SubjectMatch }},
	{"web_url", false, func(p project.Project) any { return p.WebURL }},
	{"scm_url", false, func(p project.Project) any { return p.SCMURL }},
	{"webscm_url", false, func(p project.Project) any { return p.WebSCMURL }},
	{"list_archive_url", false, func(p project.Project) any { return p.ListArchiveURL }},
	{"list_archive_url_format", false, func(p project.Project) any { return p.ListArchiveURLFormat }},
	{"commit_url_format", false, func(p project.Project) any { return p.CommitURLFormat }},
	{"send_notifications", false, func(p project.Project) any { return p.SendNotifications }},
	{"use_tags", false, func(p project.Project) any { return p.UseTags }},
	{"show_dependencies", false, func(p project.Project) any { return p.ShowDependencies }},
	{"auto_supersede", false, func(p project.Project) any { return p.AutoSupersede }},
	{"hints", false, func(p project.Project) any { return p.Hints }},
	{"nav_html", false, func(p project.Project) any { return p.NavHTML }},
}

func newProjectList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the projects",
		Long:  `Lists all projects by link name. With --json the list has all columns.`,
		Example: `  pw admin project list
  pw admin project list --json | jq -r '.[].list_id'`,
	}
	return lists(c, cmd, projectColumns, func(ctx context.Context, a *app.App, _ []string) ([]project.Project, error) {
		return project.All(ctx, a.DB)
	})
}

func newProjectShow(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show LINKNAME",
		Short:   "Show a project",
		Long:    `Shows all that is set of a project.`,
		Example: `  pw admin project show erofs`,
		Args:    named("linkname"),
	}
	name := namingProject(cmd)
	return shows(c, cmd, projectColumns, func(ctx context.Context, a *app.App, args []string) (project.Project, error) {
		return project.ByLinkname(ctx, a.DB, nameOf(args, name))
	})
}

func namingProject(cmd *cobra.Command) *string {
	cmd.Flags().SetNormalizeFunc(columnNames)
	return cmd.Flags().StringP("linkname", "l", "", "the project's `NAME` in addresses, in place of the argument")
}

// addProjectFlags declares a flag for each column.
func addProjectFlags(cmd *cobra.Command, aboutLinkname string) *project.Change {
	p := &project.Change{}
	f := flagsOf(cmd.Flags())
	f.SetNormalizeFunc(columnNames)
	f.text(&p.Linkname, "linkname", "l", aboutLinkname)
	f.text(&p.Name, "name", "n", "`NAME` for people")
	f.text(&p.ListID, "list-id", "i", "`ID` between < and > in the List-Id header of the list's mails")
	f.text(&p.ListEmail, "list-email", "e", "`ADDRESS` that people send mail to")
	f.text(&p.SubjectMatch, "subject-match", "", "take only mails whose subject this Python `REGEX` is found in")
	f.text(&p.WebURL, "web-url", "", "`URL` of the project's home page")
	f.text(&p.SCMURL, "scm-url", "", "`URL` to clone the source from")
	f.text(&p.WebSCMURL, "webscm-url", "", "`URL` to browse the source")
	f.text(&p.ListArchiveURL, "list-archive-url", "", "`URL` of the list's archive")
	f.text(&p.ListArchiveURLFormat, "list-archive-url-format", "", "`URL` of a mail in the archive; {} stands for its Message-ID")
	f.text(&p.CommitURLFormat, "commit-url-format", "", "`URL` of a commit; {} stands for its hash")
	f.onOff(&p.SendNotifications, "send-notifications", "tell submitters by mail of state changes")
	f.onOff(&p.UseTags, "use-tags", "count Acked-by and other tags")
	f.onOff(&p.ShowDependencies, "show-dependencies", "show which series a series depends on")
	f.onOff(&p.AutoSupersede, "auto-supersede", "new versions of a series supersede old ones")
	f.text(&p.Hints, "hints", "", "`WHO` may set state and delegate by mail: anyone, maintainers, nobody")
	f.text(&p.NavHTML, "nav-html", "", "`HTML` for the navigation of the project's pages, trusted as it is")
	return p
}

func newProjectCreate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create LINKNAME",
		Short: "Create a project",
		Long: `Creates a project. The list id is what decides which mails belong to it. Unless said
otherwise it counts tags, takes hints from maintainers only, and sends no mail.`,
		Example: `  pw admin project create erofs -n EROFS -i linux-erofs.lists.ozlabs.org -e linux-erofs@lists.ozlabs.org
  pw admin project create -l tools -n Tools -i dev.example.org -e dev@example.org --subject-match '\[.*tools'`,
		Args: named("linkname"),
	}
	p := addProjectFlags(cmd, "`NAME` in addresses of pages, in place of the argument")
	required(cmd, "name", "list-id", "list-email")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		linkname := nameOf(args, p.Linkname)
		p.Linkname = &linkname
		made, err := project.Create(ctx, a.DB, account.CLI, a.Clock.Now(), *p)
		return fmt.Sprintf("created project %q", made.Linkname), err
	})
}

func newProjectUpdate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "update LINKNAME",
		Short: "Change a project",
		Long: `Changes what flags are given for. With an argument --linkname is the new link name; old
addresses of pages are not found then. An empty text, as in --web-url "", removes one.

Mails that are there already stay where they are when list id or subject match change. Their
tags are counted when the project begins to count tags: of more than 1,000 patches by a worker.`,
		Example: `  pw admin project update erofs --send-notifications --hints nobody
  pw admin project update erofs --nav-html '<a href="https://example.org/">Home</a>'`,
		Args: changes("linkname"),
	}
	p := addProjectFlags(cmd, "new `NAME` in addresses; without an argument, the project")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		name, change := nameOf(args, p.Linkname), *p
		if len(args) == 0 {
			change.Linkname = nil
		}
		change.Then = patch.WhenTagsCount(a.Clock.Now())
		now, err := project.Update(ctx, a.DB, account.CLI, a.Clock.Now(), name, change)
		return thenSweeps(ctx, a, fmt.Sprintf("changed project %q", now.Linkname), err)
	})
}

func newProjectDelete(c *cli) *cobra.Command {
	var purge, yes bool
	cmd := &cobra.Command{
		Use:   "delete LINKNAME",
		Short: "Delete a project",
		Long: `Deletes a project with its maintainers and delegation rules. One that has mail is only
deleted with --purge, and all its mails, patches, checks and events with it. At a
terminal it asks first.`,
		Example: `  pw admin project delete typo
  pw admin project delete old --purge --yes`,
		Args: named("linkname"),
	}
	name := namingProject(cmd)
	cmd.Flags().BoolVar(&purge, "purge", false, "delete all its mails, too")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		p, err := project.ByLinkname(ctx, a.DB, nameOf(args, name))
		if err != nil {
			return "", err
		}
		n, err := mailstore.CountMessages(ctx, a.DB, p.ID)
		if err != nil {
			return "", err
		}
		what := fmt.Sprintf("project %q", p.Linkname)
		if n > 0 {
			what += " and its " + count(int(n), "message", "messages")
		}
		if n == 0 || purge { // else it is refused anyway
			if err := c.sure(yes, "Delete "+what+"?"); err != nil {
				return "", err
			}
		}
		return "deleted " + what, a.DeleteProject(ctx, account.CLI, p.Linkname, purge)
	})
}
