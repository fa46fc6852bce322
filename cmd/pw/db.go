// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"github.com/spf13/cobra"
)

func newDB(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "db",
		GroupID: groupData,
		Short:   "Bring the database up to date, check it, copy it, import an old one",
		Long: `Brings the tables of the database up to date, looks for rows that are not as they must
be, makes backups and brings them back, and imports the database of a Django Patchwork.
The database is the one that database.url names.`,
		Example: `  # after each installation of another pw
  pw db sync

  # counts, newest checks and tags computed anew
  pw db check --repair

  # a copy of it all
  pw db backup /srv/backup/

  # from a Django Patchwork
  pw db migrate --from sqlite:///srv/patchwork/old.db --time-zone Europe/Berlin`,
	}
	cmd.AddCommand(newDBSync(c), newDBCheck(c), newDBBackup(c), newDBRestore(c), newDBMigrate(c))
	return cmd
}

// finding is the outcome of a check that found something to be done, which is no failure of pw.
type finding struct{ error }

func (f finding) Unwrap() error { return f.error }
