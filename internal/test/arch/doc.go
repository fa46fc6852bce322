// SPDX-License-Identifier: GPL-2.0-or-later

// Package arch holds the drawing of the house as a test: it reads the source of the whole module and fails when an import breaks
// the floors, when a package writes a table it does not own, when a goroutine starts where none may, and when a file lacks what
// every file has (licence line, doc.go, a bearable length).
//
// It owns no table, exports nothing and never runs the code it reads. What is allowed stands in literal tables at the top of
// floors_test.go and tables_test.go; a new package begins with a line there:
//
//	{2, "account project event job mailstore outmail webhook search review"},
package arch
