// SPDX-License-Identifier: GPL-2.0-or-later

package dbtest

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
)

// keptDB is the database in a kept server.
const keptDB = "pw_kept"

// Kept gives the url of a database on disk that fill has filled, and which may be large. It is dropped when the test ends, unless $KEEP names a directory:
// there it stays, under the name, the engine and the schema, and is not filled again. Whoever asks for the same one at the same time waits.
// What a test changes in it stays too.
func Kept(t testing.TB, engine, name string, fill func(url string)) (url string) {
	t.Helper()
	need(t, engine)
	root := os.Getenv("KEEP")
	if root == "" {
		url = passing(t, engine)
		fill(url)
		return url
	}
	dir := filepath.Join(root, name+"-"+engine+"-"+schema.Fingerprint())
	lock(t, dir)
	filled := filepath.Join(dir, "filled")
	_, err := os.Stat(filled)
	if err != nil {
		if err := os.RemoveAll(dir); err != nil { // half of it, of a run that was ended
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { // the server's user must see its own within
		t.Fatal(err)
	}
	url = keptURL(t, engine, filepath.Join(dir, "data"), err != nil)
	if err != nil {
		fill(url)
		if err := os.WriteFile(filled, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return url
}

// passing is the url of an empty database on disk that goes with the test; t.TempDir may be in memory.
func passing(t testing.TB, engine string) string {
	if engine != sqldb.SQLite {
		return URL(t, engine)
	}
	dir, err := os.MkdirTemp("", "pwdb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return sqliteURL(filepath.Join(dir, "patchwork.db"))
}

// lock keeps others from dir until the test ends. The file beside it stays.
func lock(t testing.TB, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
}

func keptURL(t testing.TB, engine, data string, fresh bool) string {
	t.Helper()
	if engine == sqldb.SQLite {
		return sqliteURL(data + ".db")
	}
	ctx := context.Background()
	data, err := filepath.Abs(data)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{kind: servers[engine].kind, kept: data}
	t.Cleanup(s.stop)
	if err := s.launch(ctx); err != nil {
		t.Fatal(err)
	}
	if fresh {
		if err := s.kind.create(ctx, s.admin.SQL(), keptDB); err != nil {
			t.Fatalf("create database: %v", err)
		}
	}
	return s.kind.url(s.dir, keptDB)
}
