// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
)

func newAdminUser(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Manage users: who can log in",
		Long: `Manages the users of the site. Somebody who only sends mail needs none.

A user is named by his user name, letter case aside.`,
		Example: `  pw admin user list
  pw admin user create ann -e ann@example.org
  pw admin user update ann --no-active`,
	}
	cmd.AddCommand(newUserList(c), newUserShow(c), newUserCreate(c), newUserUpdate(c), newUserPasswd(c), newUserReset(c), newUserToken(c), newUserNotify(c), newUserDelete(c))
	return cmd
}

var userColumns = []column[account.User]{
	{"id", false, func(u account.User) any { return u.ID }},
	{"username", true, func(u account.User) any { return u.Username }},
	{"email", true, func(u account.User) any { return u.Email }},
	{"first_name", true, func(u account.User) any { return u.FirstName }},
	{"last_name", true, func(u account.User) any { return u.LastName }},
	{"has_password", false, func(u account.User) any { return u.HasPassword() }},
	{"active", true, func(u account.User) any { return u.IsActive }},
	{"pending", false, func(u account.User) any { return u.Pending }},
	{"admin", true, func(u account.User) any { return u.IsAdmin }},
	{"send_email", false, func(u account.User) any { return u.SendEmail }},
	{"items_per_page", false, func(u account.User) any { return u.ItemsPerPage }},
	{"show_ids", false, func(u account.User) any { return u.ShowIDs }},
	{"created_at", false, func(u account.User) any { return u.CreatedAt }},
	{"last_login", true, func(u account.User) any { return orNil(u.LastLogin) }},
}

func newUserList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the users",
		Long:  `Lists all users by name. With --json the list has all columns.`,
		Example: `  pw admin user list
  pw admin user list --json | jq -r '.[] | select(.admin) | .email'`,
	}
	return lists(c, cmd, userColumns, func(ctx context.Context, a *app.App, _ []string) ([]account.User, error) {
		return account.Users(ctx, a.DB)
	})
}

func newUserShow(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a user",
		Long:    `Shows all that is stored of a user but the password, of which only is said whether there is one.`,
		Example: `  pw admin user show ann`,
		Args:    named("username"),
	}
	name := namingUser(cmd)
	return shows(c, cmd, userColumns, func(ctx context.Context, a *app.App, args []string) (account.User, error) {
		return account.UserByName(ctx, a.DB, nameOf(args, name))
	})
}

func namingUser(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("username", "u", "", "the user's `NAME`, in place of the argument")
}

// addUserFlags declares a flag for each column.
func addUserFlags(cmd *cobra.Command, aboutName string) *account.UserChange {
	u := &account.UserChange{}
	f := flagsOf(cmd.Flags())
	f.text(&u.Username, "username", "u", aboutName)
	f.text(&u.Email, "email", "e", "e-mail `ADDRESS`; mail from it is his")
	f.text(&u.FirstName, "first-name", "", "first `NAME`")
	f.text(&u.LastName, "last-name", "", "last `NAME`")
	f.onOff(&u.IsActive, "active", "may log in and use tokens")
	f.onOff(&u.IsAdmin, "admin", "is an administrator of the site")
	f.onOff(&u.SendEmail, "send-email", "wants mail about what happens to his patches")
	f.number(&u.ItemsPerPage, "items-per-page", fmt.Sprintf("rows of a list page, `N` from 1 to %d", account.MaxItemsPerPage))
	f.onOff(&u.ShowIDs, "show-ids", "lists show the numbers of patches")
	return u
}

func newUserCreate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a user",
		Long: `Creates a user, active and with 100 rows per page unless said otherwise, and asks for
the password, twice and without showing it. Scripts pipe the same two lines in, or say
--password-stdin and pipe one. With --no-password nobody can log in as this user
before "pw admin user passwd". If mail came from the address already, the user becomes
its author.`,
		Example: `  pw admin user create ann -e ann@example.org --first-name Ann --admin
  printf '%s\n' "$PASSWORD" | pw admin user create ci -e ci@example.org --password-stdin
  pw admin user create bot -e bot@example.org --no-password`,
		Args: named("username"),
	}
	u := addUserFlags(cmd, "`NAME` to log in with, in place of the argument")
	p := addPasswordFlags(cmd)
	required(cmd, "email")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		name := nameOf(args, u.Username)
		if there, err := account.UserByName(ctx, a.DB, name); err == nil { // before the password is asked for
			return "", fault.New(fault.Conflict, "there is a user %q already; `pw admin user update` changes him", there.Username)
		}
		password, err := p.read(c)
		if err != nil {
			return "", err
		}
		u.Username, u.Password = &name, &password
		made, err := account.CreateUser(ctx, a.DB, account.CLI, a.Clock.Now(), *u)
		return fmt.Sprintf("created user %q", made.Username), err
	})
}

func newUserUpdate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "update NAME",
		Short: "Change a user",
		Long: `Changes what flags are given for. With an argument --username is the new name. A user
who is made inactive is logged out everywhere. The password is changed by passwd.`,
		Example: `  pw admin user update ann --email ann@example.com --items-per-page 50
  pw admin user update ann --username anne
  pw admin user update ann --no-active`,
		Args: changes("username"),
	}
	u := addUserFlags(cmd, "new `NAME` to log in with; without an argument, the user")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		name, change := nameOf(args, u.Username), *u
		if len(args) == 0 {
			change.Username = nil
		}
		now, err := account.UpdateUser(ctx, a.DB, account.CLI, a.Clock.Now(), name, change)
		return fmt.Sprintf("changed user %q", now.Username), err
	})
}

func newUserPasswd(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "passwd NAME",
		Short: "Set a user's password",
		Long: `Asks for a new password, twice and without showing it, and logs the user out everywhere.
A mail tells him of it, where mail can leave.
Scripts pipe the same two lines in, or say --password-stdin and pipe one. With
--no-password he can't log in by password any more.`,
		Example: `  pw admin user passwd ann
  pw admin user passwd ann --password-stdin < password`,
		Args: named("username"),
	}
	name := namingUser(cmd)
	p := addPasswordFlags(cmd)
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		u, err := account.UserByName(ctx, a.DB, nameOf(args, name)) // before the password is asked for
		if err != nil {
			return "", err
		}
		password, err := p.read(c)
		if err != nil {
			return "", err
		}
		_, err = account.UpdateUser(ctx, a.DB, account.CLI, a.Clock.Now(), u.Username, account.UserChange{Password: &password, Tell: a.MailOptions().Problem() == ""})
		if p.none {
			return fmt.Sprintf("user %q has no password now", u.Username), err
		}
		return fmt.Sprintf("set the password of user %q", u.Username), err
	})
}

func newUserReset(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reset NAME",
		Short: "Send a user a link to choose a new password",
		Long: `Sends a mail with a link by which the user chooses a new password. It works once, for a
day; the old password works till then. With --print the link is printed and nothing is
sent. Links begin with http.base-url, which must be set.`,
		Example: `  pw admin user reset ann
  pw admin user reset ann --print`,
		Args: named("username"),
	}
	name := namingUser(cmd)
	printed := cmd.Flags().Bool("print", false, "print the link and send no mail")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		base := a.Config.HTTP.BaseURL
		if base == "" {
			return "", fault.New(fault.Invalid, "http.base-url is empty: a link can't be made without it")
		}
		if missing := a.MailOptions().Problem(); missing != "" && !*printed {
			return "", fault.New(fault.Invalid, "%s; --print needs no mail", missing)
		}
		u := nameOf(args, name)
		path, err := account.SendReset(ctx, a.DB, account.CLI, a.Clock.Now(), u, !*printed)
		if *printed {
			return base + path, err
		}
		return fmt.Sprintf("a mail with a link is on its way to user %q", u), err
	})
}

func newUserDelete(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a user",
		Long: `Deletes a user with his bundles, saved queries, tokens and delegation rules. Patches
delegated to him are nobody's then; his checks and what he wrote stay. To keep
somebody out and lose nothing, say "pw admin user update NAME --no-active".`,
		Example: `  pw admin user delete ann`,
		Args:    named("username"),
	}
	name := namingUser(cmd)
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		u := nameOf(args, name)
		return fmt.Sprintf("deleted user %q", u), a.DeleteUser(ctx, account.CLI, u)
	})
}

// passwordFlags say where a new password comes from: typed twice unless one of them is given.
type passwordFlags struct{ stdin, none bool }

func addPasswordFlags(cmd *cobra.Command) *passwordFlags {
	p := &passwordFlags{}
	cmd.Flags().BoolVar(&p.stdin, "password-stdin", false, "read the password from the first line of the input")
	cmd.Flags().BoolVar(&p.none, "no-password", false, "set none: logging in by password is impossible")
	cmd.MarkFlagsMutuallyExclusive("password-stdin", "no-password")
	return p
}

func (p *passwordFlags) read(c *cli) (string, error) {
	switch {
	case p.none:
		return "", nil
	case !p.stdin:
		return c.typedTwice()
	}
	password, err := c.asker().password("Password")
	if err == nil {
		err = acceptable(password)
	}
	return password, err
}

// typedTwice asks a person until both passwords are the same; a program has one try.
func (c *cli) typedTwice() (string, error) {
	ask := c.asker()
	for {
		password, err := ask.password("Password")
		if err != nil {
			return "", err
		}
		bad := acceptable(password)
		if bad == nil {
			again, err := ask.password("Again")
			if err != nil || again == password {
				return password, err
			}
			bad = fault.New(fault.Invalid, "the two passwords differ")
			if again == "" {
				bad = fault.New(fault.Invalid, "the password was not repeated; to give it once say --password-stdin")
			}
		}
		if ask.term < 0 {
			return "", bad
		}
		fmt.Fprintln(c.err, bad)
	}
}

func acceptable(password string) error {
	if password == "" {
		return fault.New(fault.Invalid, "no password was given; to set none say --no-password")
	}
	return account.CheckPassword(password)
}
