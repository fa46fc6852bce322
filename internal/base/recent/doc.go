// SPDX-License-Identifier: GPL-2.0-or-later

// Package recent remembers a bounded number of things in memory: those that were used last. It owns no table and keeps nothing that a restart may not lose.
//
//	m := recent.New[string, int](1000)
//	m.Put("ann", 7)
//	n, ok := m.Get("ann")
package recent
