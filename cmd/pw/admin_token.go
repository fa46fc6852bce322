// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
)

func newUserToken(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Manage the keys of users to the API",
		Long: `Manages the tokens with which programs use the API in a user's name, in the header
"Authorization: Token SECRET". A user may have several, each with a name. The secret is
printed once, when the token is made; only its hash is stored.`,
		Example: `  pw admin user token create ci --name "build machine"
  pw admin user token list ci
  pw admin user token revoke ci --name "build machine"`,
	}
	cmd.AddCommand(newTokenList(c), newTokenCreate(c), newTokenRevoke(c))
	return cmd
}

var tokenColumns = []column[account.Token]{
	{"id", false, func(t account.Token) any { return t.ID }},
	{"username", true, func(t account.Token) any { return t.Username }},
	{"name", true, func(t account.Token) any { return t.Name }},
	{"scope", true, func(t account.Token) any { return t.Scope }},
	{"created_at", false, func(t account.Token) any { return t.CreatedAt }},
	{"expires_at", true, func(t account.Token) any { return orNil(t.ExpiresAt) }},
	{"used_at", true, func(t account.Token) any { return orNil(t.UsedAt) }},
}

func newTokenList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [USER]",
		Short: "List tokens",
		Long:  `Lists the tokens of a user, or of all, without their secrets. The time of use is exact to an hour.`,
		Example: `  pw admin user token list
  pw admin user token list ci --json`,
		Args: atMostOne("username"),
	}
	name := namingUser(cmd)
	return lists(c, cmd, tokenColumns, func(ctx context.Context, a *app.App, args []string) ([]account.Token, error) {
		return account.Tokens(ctx, a.DB, account.CLI, nameOf(args, name))
	})
}

func newTokenCreate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create USER --name NAME",
		Short: "Make a token and print its secret",
		Long: `Makes a token and prints its secret, 40 hexadecimal digits, alone on a line. It can't be
shown again. A token with --read-only can look and change nothing, one with --checks-only
can look and report checks of patches.`,
		Example: `  pw admin user token create ann --name laptop
  pw admin user token create ci --name "build machine" --checks-only
  pw admin user token create ci --name dashboard --read-only --expires-days 365`,
		Args: named("username"),
	}
	name := namingUser(cmd)
	token := cmd.Flags().String("name", "", "`NAME` of the token")
	reading := cmd.Flags().Bool("read-only", false, "good for looking only")
	checks := cmd.Flags().Bool("checks-only", false, "good for looking and for reporting checks only")
	cmd.MarkFlagsMutuallyExclusive("read-only", "checks-only")
	days := cmd.Flags().Int("expires-days", 0, "`DAYS` after which it ends; 0: never")
	required(cmd, "name")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		now := a.Clock.Now()
		n := account.NewToken{Username: nameOf(args, name), Name: *token, Scope: account.ScopeWrite, ExpiresAt: account.InDays(now, *days)}
		switch {
		case *reading:
			n.Scope = account.ScopeRead
		case *checks:
			n.Scope = account.ScopeChecks
		}
		secret, _, err := account.CreateToken(ctx, a.DB, account.CLI, now, n)
		return secret, err
	})
}

func newTokenRevoke(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "revoke USER --name NAME",
		Short:   "Make a token worthless",
		Long:    `Deletes a token. Whoever uses it is refused from the next request on.`,
		Example: `  pw admin user token revoke ci --name "build machine"`,
		Args:    named("username"),
	}
	name := namingUser(cmd)
	token := cmd.Flags().String("name", "", "`NAME` of the token")
	required(cmd, "name")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		user := nameOf(args, name)
		err := account.RevokeToken(ctx, a.DB, account.CLI, a.Clock.Now(), user, *token)
		return fmt.Sprintf("revoked the token %q of user %q", *token, user), err
	})
}
