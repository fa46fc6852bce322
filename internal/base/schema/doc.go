// SPDX-License-Identifier: GPL-2.0-or-later

// Package schema brings a database to the schema this binary was built for. The migrations are one numbered list of SQL files for the
// whole program, written once in the words all engines share; each statement is a step of its own, because DDL is not
// transactional on MariaDB. Steps go forward only, and a file that was part of a release never changes again (released.txt).
//
// It owns the table schema_version (kept by goose), and never reads or writes rows of other tables.
//
//	if err := schema.Sync(ctx, db); err != nil { ... }
//	st, err := schema.Inspect(ctx, db) // st.Pending says what Sync would run
package schema
