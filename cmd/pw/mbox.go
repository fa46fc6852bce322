// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
)

func newMbox(c *cli) *cobra.Command {
	var series, diff bool
	f := &messageFlags{}
	cmd := &cobra.Command{
		Use:     "mbox MESSAGE-ID",
		Short:   "Print a patch or a series for git am",
		GroupID: groupData,
		Long: `Prints a patch or cover letter as an mbox file, with the trailers of its replies put in
(Acked-by, Reviewed-by, Tested-by and the like), as the download of its page does.

A mail is named by its Message-ID, with or without < and >. Quote it: the shell has a
use of its own for these signs. With --series it prints all patches of the series the
mail is in, in order; the mail may be the cover letter.`,
		Example: `  pw mbox 20260714083012.1234-1-ann@example.org | git am
  pw mbox --series '<20260714083012.1234-1-ann@example.org>' | git am -3
  pw mbox --diff 20260714083012.1234-1-ann@example.org | patch -p1`,
		Args: exactArgs(1),
	}
	f.addProject(cmd)
	cmd.Flags().BoolVar(&series, "series", false, "print all patches of its series")
	cmd.Flags().BoolVar(&diff, "diff", false, "print the bare diff, byte by byte as it was sent")
	cmd.MarkFlagsMutuallyExclusive("series", "diff")
	cmd.RunE = c.onSite(func(ctx context.Context, a *app.App, args []string) error {
		l, err := findLetter(ctx, a, args[0], f.project)
		if err != nil {
			return err
		}
		mails, err := findMbox(ctx, a, l, series)
		if err != nil {
			return err
		}
		if diff {
			return patch.ReadMbox(ctx, a.DB, mails, func(m *patch.MboxMail) error { return patchmail.WriteDiff(c.out, m) })
		}
		return patchmail.ExportMbox(ctx, a.DB, c.out, mails)
	})
	return cmd
}

// findMbox finds what the mbox of a mail holds.
func findMbox(ctx context.Context, a *app.App, l *letter, series bool) ([]*patch.MboxMail, error) {
	if _, err := l.only(); err != nil {
		return nil, err
	}
	m := l.messages[0]
	role, err := patch.RoleOf(ctx, a.DB, m)
	switch {
	case err != nil:
		return nil, err
	case m.Hidden:
		return nil, fault.New(fault.NotFound, "%s is hidden", l.msgid)
	case role.Comment != 0 || m.Kind != patch.KindPatch && m.Kind != patch.KindCover:
		return nil, fault.New(fault.Invalid, "%s is neither a patch nor a cover letter", l.msgid)
	case series && role.Series == 0:
		return nil, fault.New(fault.NotFound, "%s is in no series", l.msgid)
	case series:
		return patch.MboxOfSeries(ctx, a.DB, role.Series)
	case role.Patch != 0:
		return patch.MboxOfPatch(ctx, a.DB, role.Patch)
	}
	return patch.MboxOfCover(ctx, a.DB, role.Cover)
}
