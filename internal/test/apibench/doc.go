// SPDX-License-Identifier: GPL-2.0-or-later

// Package apibench measures how fast the real program answers API requests among many generated patches, and how many queries an answer takes:
// `make bench-api`.
//
// It has benchmarks only, and owns no table.
//
//	SIZE=100k KEEP=/var/tmp/keep make bench-api
package apibench
