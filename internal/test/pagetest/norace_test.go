// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !race

package pagetest

// underRace says whether the race detector looks on: pages are asked for and used then, but not judged by their looks, which are the same.
const underRace = false
