// SPDX-License-Identifier: GPL-2.0-or-later

//go:generate go tool -modfile=../../../tools/go.mod templ generate

// Package patchweb shows patches: lists, the pages of patches, cover letters and series, their downloads, and the forms that maintainers change
// them with. Addresses and parameters are those of Patchwork 3.2, with the series page added.
//
// It owns no tables and decides nothing: each handler parses, makes one call of the core, and renders.
//
//	patchweb.Routes(mux, shell, db, patchweb.Options{PerPage: 100, LegacyRedirects: true})
package patchweb
