// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/app"
)

func newServe(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:     "serve",
		GroupID: groupServe,
		Short:   "Run everything: web pages and the mail server",
		Long: `Runs the web pages (http.listen) and the mail server (ingress.listen) in one
process until SIGTERM or SIGINT, then finishes what is under way. The database is
made or brought up to date first. On an empty database it says in the log and on
the front page how to make the first administrator and project.`,
		Example: `  # everything on SQLite in ./data
  pw serve

  # another address for the pages, PostgreSQL
  pw serve --http-listen :8080 --database-url postgres://patchwork@db.example.org/patchwork`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.loadConfig(cmd)
			if err != nil {
				return err
			}
			cfg.Database.AutoSync = true
			a, err := app.Open(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer a.Close()
			return a.Serve(cmd.Context(), versionName())
		},
	}
}

func newHTTP(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:     "http",
		GroupID: groupServe,
		Short:   "Run the web pages",
		Long: `Runs the web pages (http.listen) until SIGTERM or SIGINT, then finishes what is
under way. Mail is taken in by "pw ingress". Any number of both may run on one
database.`,
		Example: `  pw http --http-listen 127.0.0.1:8080`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.loadConfig(cmd)
			if err != nil {
				return err
			}
			a, err := app.Open(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer a.Close()
			return a.ServeHTTP(cmd.Context(), versionName())
		},
	}
}
