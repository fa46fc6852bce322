// SPDX-License-Identifier: GPL-2.0-or-later

package dbtest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// sqliteFile is a path for a database: in memory, where nobody waits for a disk, or see place.
func sqliteFile(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(place(), "pwdb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(dir, "patchwork.db")
}

func sqliteURL(path string) string { return "sqlite:" + path }

// sqliteImage is the content of a file that has the schema, made once per process.
var sqliteImage = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "pwdb")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "patchwork.db")
	if err := migrate(context.Background(), sqliteURL(path)); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func migratedSQLite(t testing.TB) string {
	t.Helper()
	image, err := sqliteImage()
	if err != nil {
		t.Fatal(err)
	}
	path := sqliteFile(t)
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return sqliteURL(path)
}
