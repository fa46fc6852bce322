// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"

	"golang.org/x/sync/errgroup"

	"patchwork.example/pw/internal/project"
)

// Serve runs the pages, the mail server and the worker until ctx ends or one of them fails.
func (a *App) Serve(ctx context.Context, version string) error {
	if err := a.greet(ctx); err != nil {
		return err
	}
	server, err := a.OpenIngress()
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return server.Serve(ctx) })
	g.Go(func() error { return a.ServeHTTP(ctx, version) })
	g.Go(func() error { return a.Work(ctx) })
	return g.Wait()
}

// ServePages runs the pages and, beside them, the worker.
func (a *App) ServePages(ctx context.Context, version string, worker bool) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.ServeHTTP(ctx, version) })
	if worker {
		g.Go(func() error { return a.Work(ctx) })
	}
	return g.Wait()
}

// greet tells who starts an empty site what to do first.
func (a *App) greet(ctx context.Context) error {
	projects, err := project.All(ctx, a.DB)
	if err != nil {
		return err
	}
	users, err := a.hasUsers(ctx)
	if err != nil {
		return err
	}
	if !users {
		a.Log.Info("there is no user yet; make the first administrator with: pw admin user create NAME --email ADDRESS --admin")
	}
	if len(projects) == 0 {
		a.Log.Info("there is no project yet; make one with: pw admin project create LINKNAME --name NAME --list-id ID --list-email ADDRESS")
	}
	return nil
}
