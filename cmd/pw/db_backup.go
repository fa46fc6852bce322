// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/schema"
)

func newDBBackup(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the whole database into a file",
		Long: `Writes all that the database holds at one moment to a new file, while pages are read and
mail comes in, and then reads the whole file again to see that it is sound. In a
directory the file is named by the time. It is there whole or not at all, and only its
owner can read it: it holds hashes of passwords, and all mail. One that is there already
is never overwritten.

Of SQLite it is a database itself. Those of servers are made by pg_dump and by
mariadb-dump, which must be installed and as new as the server. "pw db restore" brings
it back.`,
		Example: `  pw db backup /srv/backup/patchwork.db

  # each night, by cron
  pw db backup /srv/backup/`,
		Args: exactArgs(1),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := c.loadConfig(cmd)
		if err != nil {
			return err
		}
		return c.backup(cmd.Context(), cfg, args[0])
	}
	return cmd
}

func (c *cli) backup(ctx context.Context, cfg *config.Config, path string) error {
	if err := missingFile(cfg); err != nil {
		return err
	}
	a, err := app.OpenDatabase(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	start := time.Now()
	bar := c.progress("backup", -1)
	file, size, err := a.Backup(ctx, path, onBar(bar))
	bar.Exit()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s: %s in %s, read again and sound\n", file, humanize.Bytes(uint64(size)), time.Since(start).Round(10*time.Millisecond))
	return err
}

func onBar(bar *progressbar.ProgressBar) app.Step {
	return func(done, total int64) {
		if total > 0 {
			bar.ChangeMax64(total)
			done = min(done, total)
		}
		bar.Set64(done)
	}
}

func newDBRestore(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Bring a backup back",
		Long: `Makes the database that database.url names from a file that "pw db backup" wrote, and then
looks whether all its rows are as they must be. There must be no Patchwork in it yet: a
file of SQLite is moved away before, of a server a new database is made. The engine is
the one that the backup was made of. Let no other pw run meanwhile.

The exit code is 1 if the backup is back and the check found something.`,
		Example: `  # a look at what a backup holds
  PW_DATABASE_URL=sqlite:/tmp/look.db pw db restore /srv/backup/patchwork-20270301-040000.db`,
		Args: exactArgs(1),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := c.loadConfig(cmd)
		if err != nil {
			return err
		}
		return c.restore(cmd.Context(), cfg, args[0])
	}
	return cmd
}

func (c *cli) restore(ctx context.Context, cfg *config.Config, path string) error {
	start := time.Now()
	bar := c.progress("restore", -1)
	err := app.Restore(ctx, cfg, path, onBar(bar))
	bar.Exit()
	if err != nil {
		return err
	}
	size := int64(0)
	if info, err := os.Stat(path); err == nil {
		size = info.Size()
	}
	if _, err = fmt.Fprintf(c.out, "%s: restored from %s, %s in %s\n", called(cfg), path, humanize.Bytes(uint64(size)), time.Since(start).Round(10*time.Millisecond)); err != nil {
		return err
	}
	return c.checkRestored(ctx, cfg)
}

// checkRestored checks what is back, unless its tables are older: then it says what brings them up to date.
func (c *cli) checkRestored(ctx context.Context, cfg *config.Config) error {
	a, err := app.OpenDatabase(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	state, err := schema.Inspect(ctx, a.DB)
	if err != nil {
		return err
	}
	if len(state.Pending) > 0 {
		_, err = fmt.Fprintf(c.out, "its schema is %d, this pw needs %d: run `pw db sync`, then `pw db check`\n", state.Current, state.Wanted)
		return err
	}
	found, err := c.check(ctx, cfg, false)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		_, err = fmt.Fprintln(c.out, "nothing is wrong")
		return err
	}
	if err := printRows(c.out, false, findingColumns, found); err != nil {
		return err
	}
	return unrepaired(found)
}
