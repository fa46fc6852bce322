// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/app"
)

// running makes a command that opens the site and runs until it is stopped.
func (c *cli) running(cmd *cobra.Command, run func(*cobra.Command, *app.App) error, migrate bool) *cobra.Command {
	cmd.GroupID = groupServe
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := c.loadConfig(cmd)
		if err != nil {
			return err
		}
		cfg.Database.AutoSync = cfg.Database.AutoSync || migrate
		a, err := openSite(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		defer a.Close()
		a.Ready = func() { c.notify(a, "READY=1") }
		return run(cmd, a)
	}
	return cmd
}

func newServe(c *cli) *cobra.Command {
	return c.running(&cobra.Command{
		Use:   "serve",
		Short: "Run everything: web pages, mail server, worker",
		Long: `Runs the web pages (http.listen), the mail server (ingress.listen) and the worker
in one process until SIGTERM or SIGINT, then finishes what is under way. The
database is made or brought up to date first. On an empty database it says in the
log and on the front page how to make the first administrator and project.`,
		Example: `  # everything on SQLite in ./data
  pw serve

  # another address for the pages, PostgreSQL
  pw serve --http-listen :8080 --database-url postgres://patchwork@db.example.org/patchwork`,
	}, func(cmd *cobra.Command, a *app.App) error { return a.Serve(cmd.Context(), versionName()) }, true)
}

func newHTTP(c *cli) *cobra.Command {
	var noWorker bool
	cmd := c.running(&cobra.Command{
		Use:   "http",
		Short: "Run the web pages",
		Long: `Runs the web pages (http.listen) and, unless --no-worker is given, the worker until
SIGTERM or SIGINT, then finishes what is under way. Mail is taken in by
"pw ingress". Any number of both may run on one database.`,
		Example: `  pw http --http-listen 127.0.0.1:8080`,
	}, func(cmd *cobra.Command, a *app.App) error {
		return a.ServePages(cmd.Context(), versionName(), !noWorker)
	}, false)
	cmd.Flags().BoolVar(&noWorker, "no-worker", false, "only the pages; \"pw worker\" runs elsewhere")
	return cmd
}

func newWorker(c *cli) *cobra.Command {
	return c.running(&cobra.Command{
		Use:   "worker",
		Short: "Run the work that nobody waits for",
		Long: `Runs jobs, gives events their positions and does what has to be done from time to
time, such as removing expired sessions, until SIGTERM or SIGINT. Then jobs under way
have 20 seconds to end. Any number of workers may run on one database; "pw job workers"
lists them.`,
		Example: `  pw worker`,
	}, func(cmd *cobra.Command, a *app.App) error { return a.ServeWorker(cmd.Context()) }, false)
}
