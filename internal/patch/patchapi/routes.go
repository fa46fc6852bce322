// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"net/http"
	"slices"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/rest"
)

type face struct {
	db     *sqldb.DB
	totals *patch.Totals
	tail   tail
}

// Routes hangs the API of patches and what belongs to them into mux.
func Routes(mux *http.ServeMux, shell *rest.Shell, db *sqldb.DB) {
	f := &face{db: db, totals: patch.NewTotals(clock.System{}, db.Stamp)}
	for _, r := range f.routes() {
		shell.Route(mux, r)
	}
}

// routes are those of each noun.
func (f *face) routes() []rest.Route {
	return slices.Concat(
		f.patchRoutes(),
		f.checkRoutes(),
		f.bundleRoutes(),
		f.changeRoutes(),
		f.coverRoutes(),
		f.seriesRoutes(),
		f.commentRoutes(),
		f.indexRoutes(),
		f.eventRoutes(),
	)
}
