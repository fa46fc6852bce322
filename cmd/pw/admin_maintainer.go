// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/project"
)

func newAdminMaintainer(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "maintainer",
		Short: "Manage who maintains which project",
		Long: `Manages who maintains which project. A maintainer may change state, delegate and archive
flag of all its patches, edit its series and hide its messages. "add" is another word
for create, "remove" for delete.`,
		Example: `  pw admin maintainer list linux-erofs
  pw admin maintainer add linux-erofs ann
  pw admin maintainer remove --project linux-erofs --user ann`,
	}
	cmd.AddCommand(newMaintainerList(c), newMaintainerShow(c), newMaintainerCreate(c), newMaintainerUpdate(c), newMaintainerDelete(c))
	return cmd
}

var maintainerColumns = []column[project.Maintainer]{
	{"project", true, func(m project.Maintainer) any { return m.Project }},
	{"username", true, func(m project.Maintainer) any { return m.Username }},
	{"email", true, func(m project.Maintainer) any { return m.Email }},
}

func newMaintainerList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [PROJECT]",
		Short: "List maintainers",
		Long:  `Lists the maintainers of a project, or of all, by project and user name.`,
		Example: `  pw admin maintainer list
  pw admin maintainer list linux-erofs --json`,
		Args: atMostOne("project"),
	}
	linkname := ofProject(cmd)
	return lists(c, cmd, maintainerColumns, func(ctx context.Context, a *app.App, args []string) ([]project.Maintainer, error) {
		return project.Maintainers(ctx, a.DB, nameOf(args, linkname))
	})
}

// ofProject declares --project, by default all projects.
func ofProject(cmd *cobra.Command) *string {
	return cmd.Flags().String("project", "", "only of the project with this link `NAME`")
}

// atMostOne takes what flag names as an argument, too, and neither of them.
func atMostOne(flag string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return named(flag)(cmd, args)
	}
}

// membership is a project and a user, named by two arguments or two flags.
type membership struct{ project, user string }

func addMembership(cmd *cobra.Command) *membership {
	m := &membership{}
	cmd.Flags().StringVar(&m.project, "project", "", "link `NAME` of the project, in place of the first argument")
	cmd.Flags().StringVar(&m.user, "user", "", "`NAME` of the user, in place of the second argument")
	cmd.MarkFlagsRequiredTogether("project", "user")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		wanted := 2
		if cmd.Flag("project").Changed {
			wanted = 0
		}
		return exactArgs(wanted)(cmd, args)
	}
	return m
}

func (m *membership) named(args []string) (linkname, username string) {
	if len(args) == 2 {
		return args[0], args[1]
	}
	return m.project, m.user
}

func newMaintainerShow(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show PROJECT USER",
		Short:   "Tell whether a user maintains a project",
		Long:    `Shows a maintainer of a project; the exit code is 66 when the user is none.`,
		Example: `  pw admin maintainer show linux-erofs ann`,
	}
	m := addMembership(cmd)
	return shows(c, cmd, maintainerColumns, func(ctx context.Context, a *app.App, args []string) (project.Maintainer, error) {
		linkname, username := m.named(args)
		u, err := account.UserByName(ctx, a.DB, username)
		if err != nil {
			return project.Maintainer{}, err
		}
		all, err := project.Maintainers(ctx, a.DB, linkname)
		if err != nil {
			return project.Maintainer{}, err
		}
		var names []string
		for _, found := range all {
			if found.Username == u.Username {
				return found, nil
			}
			names = append(names, found.Username)
		}
		return project.Maintainer{}, fault.New(fault.NotFound, "%q is not a maintainer of %q; it has: %s", u.Username, linkname, cell(names))
	})
}

func newMaintainerCreate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "create PROJECT USER",
		Aliases: []string{"add"},
		Short:   "Make a user maintainer of a project",
		Long:    `Makes a user maintainer of a project. For one who is maintainer already nothing changes.`,
		Example: `  pw admin maintainer create linux-erofs ann`,
	}
	m := addMembership(cmd)
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		linkname, username := m.named(args)
		return fmt.Sprintf("%q is maintainer of %q", username, linkname), project.AddMaintainer(ctx, a.DB, account.CLI, a.Clock.Now(), linkname, username)
	})
}

func newMaintainerUpdate(c *cli) *cobra.Command {
	var successor string
	cmd := &cobra.Command{
		Use:     "update PROJECT USER",
		Short:   "Make another user maintainer in place of one",
		Long:    `Hands the place of a maintainer over to another user in one step.`,
		Example: `  pw admin maintainer update linux-erofs ann --user bob`,
		Args:    exactArgs(2),
	}
	cmd.Flags().StringVar(&successor, "user", "", "`NAME` of the user who follows")
	required(cmd, "user")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		err := project.ReplaceMaintainer(ctx, a.DB, account.CLI, a.Clock.Now(), args[0], args[1], successor)
		return fmt.Sprintf("%q is maintainer of %q in place of %q", successor, args[0], args[1]), err
	})
}

func newMaintainerDelete(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete PROJECT USER",
		Aliases: []string{"remove"},
		Short:   "End a user's being maintainer of a project",
		Long:    `Ends a user's being maintainer of a project. Patches delegated to him stay so.`,
		Example: `  pw admin maintainer delete linux-erofs ann`,
	}
	m := addMembership(cmd)
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		linkname, username := m.named(args)
		return fmt.Sprintf("%q is no longer maintainer of %q", username, linkname), project.RemoveMaintainer(ctx, a.DB, account.CLI, a.Clock.Now(), linkname, username)
	})
}
