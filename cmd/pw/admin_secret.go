// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/project"
)

func newProjectSecret(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ingress-secret",
		Short: "Manage the secrets with which mail may be posted over HTTP",
		Long: `Manages the secrets with which a script or an e-mail service may post mail to
/ingress/PROJECT/. A mail with the secret of a project belongs to that project, whatever
its headers say. A project may have several, so that one can be replaced without a gap.`,
		Example: `  pw admin project ingress-secret create erofs postmark
  pw admin project ingress-secret list
  pw admin project ingress-secret delete erofs postmark`,
	}
	cmd.AddCommand(newSecretList(c), newSecretCreate(c), newSecretDelete(c))
	return cmd
}

var secretColumns = []column[project.IngressSecret]{
	{"project", true, func(s project.IngressSecret) any { return s.Project }},
	{"name", true, func(s project.IngressSecret) any { return s.Name }},
	{"created_at", true, func(s project.IngressSecret) any { return s.CreatedAt }},
}

func newSecretList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list [PROJECT]",
		Short:   "List secrets by their names",
		Long:    `Lists the secrets of a project, or of all, by name. The secrets themselves are not kept.`,
		Example: `  pw admin project ingress-secret list erofs`,
		Args:    atMostOne("project"),
	}
	linkname := ofProject(cmd)
	return lists(c, cmd, secretColumns, func(ctx context.Context, a *app.App, args []string) ([]project.IngressSecret, error) {
		return project.IngressSecrets(ctx, a.DB, nameOf(args, linkname))
	})
}

func newSecretCreate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create PROJECT NAME",
		Short: "Make a secret and print it",
		Long: `Makes a secret for a project and prints it, alone on a line. It can't be shown again.
NAME says who uses it.`,
		Example: `  pw admin project ingress-secret create erofs postmark`,
		Args:    exactArgs(2),
	}
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		return project.CreateIngressSecret(ctx, a.DB, account.CLI, a.Clock.Now(), args[0], args[1])
	})
}

func newSecretDelete(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete PROJECT NAME",
		Short:   "End the use of a secret",
		Long:    `Ends the use of a secret at once. Mails that came with it stay.`,
		Example: `  pw admin project ingress-secret delete erofs postmark`,
		Args:    exactArgs(2),
	}
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		err := project.DeleteIngressSecret(ctx, a.DB, account.CLI, a.Clock.Now(), args[0], args[1])
		return fmt.Sprintf("deleted the secret %q of %q", args[1], args[0]), err
	})
}
