// SPDX-License-Identifier: GPL-2.0-or-later

// Package django reads the database of a Django Patchwork and writes what it holds into an empty database of ours, ids kept, in one
// transaction.
//
// It owns no table. It reads the source and writes only through the Import functions of the cores; it never changes the source.
//
//	sum, err := django.Import(ctx, db, account.CLI, clock.System{}.Now(), django.Options{From: "sqlite:///srv/old/patchwork.db", TimeZone: "Australia/Canberra"})
package django
