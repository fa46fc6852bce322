// SPDX-License-Identifier: GPL-2.0-or-later

// Package webbench measures how much time the pages of a site with many generated patches take, how large they are and how many queries they make: `make bench-web`.
//
// It has benchmarks only, and owns no table.
//
//	SIZE=100k make bench-web
package webbench
