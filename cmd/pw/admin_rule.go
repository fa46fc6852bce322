// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
)

func newAdminRule(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delegate-rule",
		Short: "Manage who gets new patches by the files they touch",
		Long: `Manages the rules that delegate new patches by the files they touch. A path is a shell
pattern in which * also matches /, so that drivers/net/* means all below. For each file
the matching rule with the highest priority counts; a patch whose files belong to several
users, or one of whose files belongs to nobody, is delegated to nobody.

A rule is named by its number, or by its project and path.`,
		Example: `  pw admin delegate-rule list linux-erofs
  pw admin delegate-rule create --project linux-erofs --user ann --path 'fs/erofs/*' --priority 10
  pw admin delegate-rule delete --project linux-erofs --path 'fs/erofs/*'`,
	}
	cmd.AddCommand(newRuleList(c), newRuleShow(c), newRuleCreate(c), newRuleUpdate(c), newRuleDelete(c))
	return cmd
}

var ruleColumns = []column[patch.Rule]{
	{"id", true, func(r patch.Rule) any { return r.ID }},
	{"project", true, func(r patch.Rule) any { return r.Project }},
	{"path", true, func(r patch.Rule) any { return r.Path }},
	{"user", true, func(r patch.Rule) any { return r.Username }},
	{"priority", true, func(r patch.Rule) any { return r.Priority }},
}

func newRuleList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [PROJECT]",
		Short: "List delegation rules",
		Long:  `Lists the rules of a project, or of all, in the order they are tried.`,
		Example: `  pw admin delegate-rule list
  pw admin delegate-rule list linux-erofs`,
		Args: atMostOne("project"),
	}
	linkname := ofProject(cmd)
	return lists(c, cmd, ruleColumns, func(ctx context.Context, a *app.App, args []string) ([]patch.Rule, error) {
		return patch.Rules(ctx, a.DB, nameOf(args, linkname))
	})
}

// ruleFlags are the columns of a rule; Project and Path name it where no number does.
type ruleFlags struct{ patch.RuleChange }

func (r *ruleFlags) addNaming(cmd *cobra.Command) {
	f := flagsOf(cmd.Flags())
	f.text(&r.Project, "project", "", "link `NAME` of the project")
	f.text(&r.Path, "path", "", "shell `PATTERN` of the files")
}

func (r *ruleFlags) addAll(cmd *cobra.Command) {
	r.addNaming(cmd)
	f := flagsOf(cmd.Flags())
	f.text(&r.Username, "user", "", "`NAME` of the user who gets the patches")
	f.number(&r.Priority, "priority", "`N`: rules with higher ones are tried first")
}

// ruleNamed wants a number or the two flags.
func ruleNamed(cmd *cobra.Command, args []string) error {
	named := cmd.Flag("project").Changed && cmd.Flag("path").Changed
	if len(args) > 1 || len(args) == 0 && !named {
		return fmt.Errorf("name the rule by its number or by --project and --path")
	}
	return nil
}

// number finds the number of the rule that args or the flags name.
func (r *ruleFlags) number(ctx context.Context, a *app.App, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	rules, err := patch.Rules(ctx, a.DB, *r.Project)
	if err != nil {
		return "", err
	}
	for _, found := range rules {
		if found.Path == *r.Path {
			return strconv.FormatInt(found.ID, 10), nil
		}
	}
	return "", fault.New(fault.NotFound, "project %q has no rule for the path %q; see `pw admin delegate-rule list`", *r.Project, *r.Path)
}

func newRuleShow(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show NUMBER",
		Short: "Show a delegation rule",
		Long:  `Shows a delegation rule.`,
		Example: `  pw admin delegate-rule show 12
  pw admin delegate-rule show --project linux-erofs --path 'fs/erofs/*'`,
		Args: ruleNamed,
	}
	r := &ruleFlags{}
	r.addNaming(cmd)
	return shows(c, cmd, ruleColumns, func(ctx context.Context, a *app.App, args []string) (patch.Rule, error) {
		number, err := r.number(ctx, a, args)
		if err != nil {
			return patch.Rule{}, err
		}
		return patch.FindRule(ctx, a.DB, number)
	})
}

func newRuleCreate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "create --project NAME --path PATTERN --user NAME",
		Short:   "Create a delegation rule",
		Long:    `Creates a delegation rule, with priority 0 unless said otherwise, and prints its number.`,
		Example: `  pw admin delegate-rule create --project linux-erofs --user ann --path 'fs/erofs/*' --priority 10`,
	}
	r := &ruleFlags{}
	r.addAll(cmd)
	required(cmd, "project", "path", "user")
	return c.does(cmd, func(ctx context.Context, a *app.App, _ []string) (string, error) {
		made, err := patch.CreateRule(ctx, a.DB, account.CLI, a.Clock.Now(), r.RuleChange)
		return fmt.Sprintf("created delegation rule %d", made.ID), err
	})
}

func newRuleUpdate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "update NUMBER",
		Short: "Change a delegation rule",
		Long: `Changes what flags are given for. With a number --project and --path are the new ones;
without it they name the rule.`,
		Example: `  pw admin delegate-rule update 12 --path 'fs/erofs/*' --priority 20
  pw admin delegate-rule update --project linux-erofs --path 'fs/erofs/*' --user bob`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := ruleNamed(cmd, args); err != nil {
				return err
			}
			if len(args) == 0 {
				return anyFlag(cmd, "project", "path")
			}
			return anyFlag(cmd)
		},
	}
	r := &ruleFlags{}
	r.addAll(cmd)
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		number, err := r.number(ctx, a, args)
		if err != nil {
			return "", err
		}
		change := r.RuleChange
		if len(args) == 0 {
			change.Project, change.Path = nil, nil
		}
		now, err := patch.UpdateRule(ctx, a.DB, account.CLI, a.Clock.Now(), number, change)
		return fmt.Sprintf("changed delegation rule %d", now.ID), err
	})
}

func newRuleDelete(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete NUMBER",
		Short: "Delete a delegation rule",
		Long:  `Deletes a delegation rule. Patches that it delegated stay so.`,
		Example: `  pw admin delegate-rule delete 12
  pw admin delegate-rule delete --project linux-erofs --path 'fs/erofs/*'`,
		Args: ruleNamed,
	}
	r := &ruleFlags{}
	r.addNaming(cmd)
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		number, err := r.number(ctx, a, args)
		if err != nil {
			return "", err
		}
		return "deleted delegation rule " + number, patch.DeleteRule(ctx, a.DB, account.CLI, a.Clock.Now(), number)
	})
}
