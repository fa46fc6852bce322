// SPDX-License-Identifier: GPL-2.0-or-later

// Package sqldb is the database handle: it opens SQLite, PostgreSQL or MariaDB from one URL, runs transactions, and hides the few
// places where the engines differ (placeholders, bulk insert, upsert, row locks, named locks, id blocks, waking other processes, error codes,
// knowing that nothing was committed).
//
// It owns the table id_block. It never holds SQL of a domain and never decides anything about one.
//
//	db, err := sqldb.Open(ctx, "sqlite:data/patchwork.db", sqldb.Options{})
//	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
//		id, err := tx.NextID(ctx, "person")
//		...
//		return tx.Insert(ctx, "person", []string{"id", "email"}, [][]any{{id, "ann@example.org"}})
//	})
//
// SQL is written with ? placeholders, and has no other question mark, not even inside a string. A slice argument stands for an IN list:
// `WHERE id IN (?)`.
package sqldb
