// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/schema"
)

func newDBSync(c *cli) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Create or update the tables",
		Long: `Creates the tables in an empty database and brings older ones up to date; what is up to
date stays as it is. Several may run at once: one works, the others wait for it. A
step that was interrupted is taken up again by the next run. There is no way back, so
make a backup first. The database of a server must exist; the file of SQLite is made.

With --check nothing is changed: it lists what would be run, and the exit code is 1 if
there is something and 0 if not.`,
		Example: `  pw db sync
  pw db sync --check || pw db sync`,
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing, tell what would be run")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := c.loadConfig(cmd)
		if err != nil {
			return err
		}
		if check {
			return c.checkSchema(cmd.Context(), cfg)
		}
		return c.syncSchema(cmd.Context(), cfg)
	}
	return cmd
}

func (c *cli) syncSchema(ctx context.Context, cfg *config.Config) error {
	a, err := app.OpenDatabase(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	before, err := schema.Inspect(ctx, a.DB)
	if err != nil {
		return err
	}
	if err := schema.Sync(ctx, a.DB); err != nil {
		return err
	}
	err = a.FillIndexes(ctx, func(done, last int64) { fmt.Fprintf(c.out, "index of words: up to patch %d of %d\n", done, last) })
	if err != nil {
		return err
	}
	after, err := schema.Inspect(ctx, a.DB)
	if err != nil {
		return err
	}
	if before.Current == after.Current {
		_, err = fmt.Fprintf(c.out, "%s: schema %d is up to date\n", called(cfg), after.Current)
		return err
	}
	for _, name := range before.Pending {
		fmt.Fprintln(c.out, "ran "+name)
	}
	_, err = fmt.Fprintf(c.out, "%s: schema %d → %d\n", called(cfg), before.Current, after.Current)
	return err
}

func (c *cli) checkSchema(ctx context.Context, cfg *config.Config) error {
	if err := missingFile(cfg); err != nil {
		return finding{err}
	}
	a, err := app.OpenDatabase(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	st, err := schema.Inspect(ctx, a.DB)
	if err != nil {
		return err
	}
	if len(st.Pending) == 0 {
		_, err = fmt.Fprintf(c.out, "%s: schema %d is up to date\n", called(cfg), st.Current)
		return err
	}
	for _, name := range st.Pending {
		fmt.Fprintln(c.out, "would run "+name)
	}
	return finding{fault.New(fault.Conflict, "%s: schema is %d, this pw needs %d: run `pw db sync`", called(cfg), st.Current, st.Wanted)}
}

// openSite opens the site as app.Open does. Only servers and "pw db sync" make the file of a SQLite database: of who is in another directory than he
// thinks, or has no configuration there, an empty one would hide that.
func openSite(ctx context.Context, cfg *config.Config) (*app.App, error) {
	if !cfg.Database.AutoSync {
		if err := missingFile(cfg); err != nil {
			return nil, err
		}
	}
	return app.Open(ctx, cfg)
}

// missingFile tells that the file of a SQLite database is not there: opening would make it.
func missingFile(cfg *config.Config) error {
	u, err := config.ParseDatabaseURL(cfg.Database.URL)
	if err != nil || u.Server != nil {
		return err
	}
	if _, err := os.Stat(u.Path); errors.Is(err, fs.ErrNotExist) {
		path, err := filepath.Abs(u.Path)
		if err != nil {
			path = u.Path // the working directory is gone
		}
		return fault.New(fault.NotFound, "there is no file %s yet: `pw db sync` makes it", path)
	}
	return nil
}

// called is how the database is called in what people read.
func called(cfg *config.Config) string {
	u, err := config.ParseDatabaseURL(cfg.Database.URL)
	if err != nil {
		return "database"
	}
	return u.Redacted()
}
