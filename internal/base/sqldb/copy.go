// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"patchwork.example/pw/internal/base/fault"
)

// CopyFile writes what is committed in a SQLite database at one moment to the file at path, which must not be there or be empty; others go on writing meanwhile. The copy is not on the disk for sure
// until it is synced. bytes is about how large it will be, told before it begins.
func (db *DB) CopyFile(ctx context.Context, path string, about func(bytes int64)) error {
	var pages, free, size int64
	for _, p := range []struct {
		name string
		to   *int64
	}{{"page_count", &pages}, {"freelist_count", &free}, {"page_size", &size}} {
		if err := db.Get(ctx, p.to, "PRAGMA "+p.name); err != nil {
			return fmt.Errorf("measure the database: %w", err)
		}
	}
	about((pages - free) * size)
	path, err := filepath.Abs(path) // SQLite takes file:x for a URI
	if err != nil {
		return fmt.Errorf("find %s: %w", path, err)
	}
	journal := path + "-journal" // of SQLite, for the copy: one that a killed program left would be taken for ours
	os.Remove(journal)
	if _, err := db.write.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		os.Remove(journal)
		return Explain(ctx, err, "copy the database")
	}
	return nil
}

// CheckFile reads a whole SQLite file that nobody writes to. One that is damaged, or has none of our tables, is fault.Invalid. Nothing is made beside it.
func CheckFile(ctx context.Context, path string) error {
	whole, err := filepath.Abs(path) // a URI with //x begins with the name of a machine
	if err != nil {
		return fmt.Errorf("find %s: %w", path, err)
	}
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: whole}).EscapedPath(), RawQuery: "mode=ro&immutable=1"}
	db, err := sql.Open("sqlite", file.String())
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer db.Close()
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil || found != "ok" {
		if err == nil {
			err = fmt.Errorf("%s", found)
		}
		if ctx.Err() != nil {
			return ended(ctx, err)
		}
		return fault.Wrap(fault.Invalid, err, "%s is damaged", path)
	}
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_master WHERE name IN ('schema_version', 'patch')").Scan(&tables); err != nil || tables != 2 {
		return fault.New(fault.Invalid, "%s holds no Patchwork", path)
	}
	return nil
}
