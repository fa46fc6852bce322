// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/patch"
)

func newSeriesUnsupersede(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unsupersede NUMBER",
		Short: "Take back that a newer version superseded a series",
		Long: `Gives the patches of a series the states back that they had when a newer version came
(see pw admin project update --auto-supersede), as far as nobody changed them since.
They are not superseded by themselves again.`,
		Example: `  pw admin series unsupersede 17`,
		Args:    exactArgs(1),
	}
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		id, err := seriesNumber(args[0])
		if err != nil {
			return "", err
		}
		done, err := patch.Unsupersede(ctx, a.DB, account.CLI, a.Clock.Now(), id)
		return fmt.Sprintf("%d patches of series %d have their old state again", done.Patches, id), err
	})
}
