// SPDX-License-Identifier: GPL-2.0-or-later

// Package intakebench measures how fast the real program takes mail in, on each engine, and where the time goes: `make bench-intake`.
//
// It has benchmarks only, and owns no table.
//
//	SIZE=100k make bench-intake
package intakebench
