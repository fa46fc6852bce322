// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"patchwork.example/pw/internal/app"
)

func newAdmin(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "admin",
		GroupID: groupSetup,
		Short:   "Manage users, people, projects, states, rules, messages, series, webhooks",
		Long: `Manages what a site consists of. Whoever may run these commands, that is, read the
configuration and reach the database, is an administrator; each change is noted in
the audit trail.

Lists are tables; with --json they are arrays of objects that hold all columns, and
show prints one object. What a flag sets is left as it is when the flag is not given.
A switch such as --active is turned off by --no-active or --active=false.`,
		Example: `  # a project, and who takes care of it
  pw admin project create erofs -n EROFS -i linux-erofs.lists.ozlabs.org -e linux-erofs@lists.ozlabs.org
  pw admin user create ann -e ann@example.org
  pw admin maintainer create erofs ann`,
	}
	cmd.AddCommand(newAdminUser(c), newAdminPerson(c), newAdminProject(c), newAdminState(c), newAdminTag(c), newAdminMaintainer(c), newAdminRule(c), newAdminMessage(c), newAdminSeries(c), newAdminChange(c), newAdminOptout(c), newAdminWebhook(c), newAdminIRC(c))
	return cmd
}

// onSite wraps what a command does in opening and closing the site.
func (c *cli) onSite(work func(ctx context.Context, a *app.App, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cfg, err := c.loadConfig(cmd)
		if err != nil {
			return err
		}
		a, err := openSite(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		defer a.Close()
		return work(cmd.Context(), a, args)
	}
}

// lists makes cmd print what fetch finds.
func lists[T any](c *cli, cmd *cobra.Command, columns []column[T], fetch func(ctx context.Context, a *app.App, args []string) ([]T, error)) *cobra.Command {
	asJSON := jsonFlag(cmd)
	cmd.RunE = c.onSite(func(ctx context.Context, a *app.App, args []string) error {
		found, err := fetch(ctx, a, args)
		if err != nil {
			return err
		}
		return printRows(c.out, *asJSON, columns, found)
	})
	return cmd
}

// shows makes cmd print all columns of what find finds.
func shows[T any](c *cli, cmd *cobra.Command, columns []column[T], find func(ctx context.Context, a *app.App, args []string) (T, error)) *cobra.Command {
	asJSON := cmd.Flags().Bool("json", false, "print a JSON object")
	cmd.RunE = c.onSite(func(ctx context.Context, a *app.App, args []string) error {
		found, err := find(ctx, a, args)
		if err != nil {
			return err
		}
		return printOne(c.out, *asJSON, columns, found)
	})
	return cmd
}

// does makes cmd change something and print the sentence that verb returns.
func (c *cli) does(cmd *cobra.Command, verb func(ctx context.Context, a *app.App, args []string) (string, error)) *cobra.Command {
	cmd.RunE = c.onSite(func(ctx context.Context, a *app.App, args []string) error {
		said, err := verb(ctx, a, args)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.out, said)
		return err
	})
	return cmd
}

// named lets a command take the name of what it is about as its argument or, as scripts for the 4.0 release candidates do, in a flag.
func named(flag string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		given := cmd.Flag(flag).Changed
		switch {
		case len(args) > 1, len(args) == 0 && !given:
			return fmt.Errorf("wrong number of arguments; write %q", cmd.UseLine())
		case len(args) == 1 && given:
			return fmt.Errorf("the argument %q and --%s both name what this is about; leave one out", args[0], flag)
		}
		return nil
	}
}

// changes is for commands that change what the argument names: flag then gives a new name. Without the argument flag is the name.
func changes(flag string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			if err := named(flag)(cmd, args); err != nil {
				return err
			}
			return anyFlag(cmd, flag)
		}
		if len(args) > 1 {
			return exactArgs(1)(cmd, args)
		}
		return anyFlag(cmd)
	}
}

// anyFlag wants a flag of the command itself that is not one of those that name the object.
func anyFlag(cmd *cobra.Command, naming ...string) error {
	n := 0
	for _, name := range naming {
		if cmd.Flag(name).Changed {
			n--
		}
	}
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			n++
		}
	})
	if n > 0 {
		return nil
	}
	return fmt.Errorf("nothing to change: say with flags what should be different, see %q", cmd.CommandPath()+" --help")
}

// required makes flags of cmd required.
func required(cmd *cobra.Command, flags ...string) {
	for _, name := range flags {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that does not exist
	}
}

// nameOf is what a command checked by named or changes is about.
func nameOf(args []string, flag *string) string {
	if len(args) > 0 {
		return args[0]
	}
	return *flag
}

// sure asks a person at a terminal before something that can't be undone. Programs are not asked.
func (c *cli) sure(yes bool, question string) error {
	ask := c.asker()
	if yes || ask.term < 0 {
		return nil
	}
	answer, err := ask.line(question+" This can't be undone. Type yes to go on", "no")
	if err != nil {
		return err
	}
	if !strings.EqualFold(answer, "yes") {
		return fmt.Errorf("nothing was deleted: %w", errInterrupted)
	}
	return nil
}
