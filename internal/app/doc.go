// SPDX-License-Identifier: GPL-2.0-or-later

// Package app puts the program together: configuration → database → cores → faces. What spans several domains and belongs to none, such as
// deleting a user or checking a whole database, is here too.
//
// It owns no tables and decides no rules: each rule is a core's.
//
//	a, err := app.Open(ctx, cfg)
//	defer a.Close()
//	summary, err := a.Intake().Import(ctx, source, progress)
package app
