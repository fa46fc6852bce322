// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"os"
	"runtime/debug"

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
	return a.together(ctx, server.Serve, func(ctx context.Context) error { return a.ServeHTTP(ctx, version) }, a.Work)
}

// ServePages runs the pages and, beside them, the worker.
func (a *App) ServePages(ctx context.Context, version string, worker bool) error {
	parts := []func(context.Context) error{func(ctx context.Context) error { return a.ServeHTTP(ctx, version) }}
	if worker {
		parts = append(parts, a.Work)
	}
	return a.together(ctx, parts...)
}

// ServeWorker runs the worker alone.
func (a *App) ServeWorker(ctx context.Context) error {
	if a.Ready != nil {
		a.Ready()
	}
	return a.together(ctx, a.Work)
}

// ServeIngress runs the mail server alone.
func (a *App) ServeIngress(ctx context.Context, server *Ingress) error {
	return a.together(ctx, server.Serve)
}

// together runs parts, and the measurements beside them, until ctx ends or one fails.
func (a *App) together(ctx context.Context, parts ...func(context.Context) error) error {
	if err := a.bound(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, part := range append(parts, a.ServeMetrics) {
		g.Go(func() error { return part(ctx) })
	}
	return g.Wait()
}

// Requests make much garbage beside a small heap. It is collected when it is three times as large as what lives, and sooner when the heap comes near its limit.
const (
	serverGC   = 300      // percent
	serverHeap = 60 << 20 // bytes
)

// bound keeps the memory of a server within 150 MiB, unless $GOGC and $GOMEMLIMIT say otherwise.
func (a *App) bound(ctx context.Context) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(serverGC)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(serverHeap)
	}
	return a.DB.Shrink(ctx)
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
