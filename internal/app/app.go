// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"log/slog"
	"os"
	"sync"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
)

// App is a site: its configuration and its open database.
type App struct {
	Config *config.Config
	DB     *sqldb.DB
	Clock  clock.Clock
	Ready  func() // called once when the pages can be asked for; nil: nobody waits
	Log    *slog.Logger

	collecting sync.Once
	collector  *ingress.Collector // of what is posted over HTTP

	endStreams func() // of the API; nil: there are none

	spooling sync.Once
	spool    *ingress.Spool

	metersOnce sync.Once
	metersMade *meters
}

// OpenDatabase opens the configured database whatever schema it has.
func OpenDatabase(ctx context.Context, cfg *config.Config) (*App, error) {
	db, err := sqldb.Open(ctx, cfg.Database.URL, sqldb.Options{MaxConnections: cfg.Database.MaxConnections})
	if err != nil {
		return nil, err
	}
	return &App{Config: cfg, DB: db, Clock: clock.System{}, Log: newLog(cfg, os.Stderr)}, nil
}

// Open opens the configured database for use. Its schema must be this program's; with database.auto-sync it is made so, else an older one is
// an error that says what to run.
func Open(ctx context.Context, cfg *config.Config) (*App, error) {
	a, err := OpenDatabase(ctx, cfg)
	if err != nil {
		return nil, err
	}
	ready := schema.Require
	if cfg.Database.AutoSync {
		ready = schema.Sync
	}
	err = ready(ctx, a.DB)
	if err == nil {
		err = a.FillIndexes(ctx, func(done, last int64) { a.Log.Info("filling the index of words", "patch", done, "of", last) })
	}
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// FillIndexes puts into indexes what is older than they are; without it searches would miss that. Normally there is nothing. step hears how far it has come.
func (a *App) FillIndexes(ctx context.Context, step func(done, last int64)) error {
	return patch.FillWords(ctx, a.DB, step)
}

// Close stores the mails that wait and closes the database.
func (a *App) Close() error {
	a.collecting.Do(func() {}) // none is started any more
	if a.collector != nil {
		a.collector.Stop(storeGrace)
	}
	return a.DB.Close()
}

// Intake is the one way mail comes in, with the configured limits.
func (a *App) Intake() *ingress.Intake {
	in := ingress.New(a.DB, a.Clock, a.limits(), bounces{a.Clock, a.Log}, patchmail.New(a.Clock))
	in.Observe(a.meters().batch)
	return in
}

func (a *App) limits() ingress.Limits {
	limits := ingress.DefaultLimits
	limits.BatchMails = a.Config.Limits.BatchMails
	return limits
}

// Reparse reads the stored mails of a project again.
func (a *App) Reparse(p project.Project) patchmail.Reparse {
	return patchmail.Reparse{DB: a.DB, Intake: a.Intake(), Claimer: patchmail.New(a.Clock), Project: p, Limits: a.limits()}
}
