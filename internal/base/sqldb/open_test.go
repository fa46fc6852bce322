// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

func open(t *testing.T, u string) *sqldb.DB {
	t.Helper()
	return openWith(t, u, sqldb.Options{})
}

func openWith(t *testing.T, u string, opt sqldb.Options) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), u, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestOpenSQLite(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	tests := map[string]string{
		"sqlite:a.db":                                 "a.db",
		"sqlite:sub/dir/b.db":                         "sub/dir/b.db",
		"sqlite:" + dir + "/c.db":                     "c.db",
		"sqlite://" + dir + "/d.db":                   "d.db",
		"sqlite://e.db":                               "e.db",
		"sqlite:with space/and ? and # and %41 é .db": "with space/and ? and # and %41 é .db",
	}
	for u, file := range tests {
		db := open(t, u)
		if db.Engine() != "sqlite" {
			t.Errorf("%s: engine %s", u, db.Engine())
		}
		if err := db.Ping(t.Context()); err != nil {
			t.Errorf("%s: %v", u, err)
		}
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
}

// Whoever opens a new file at the same time as others opens it.
func TestOpenTogether(t *testing.T) {
	for range 60 {
		u := "sqlite:" + filepath.Join(t.TempDir(), "new.db")
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				db, err := sqldb.Open(t.Context(), u, sqldb.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				db.Close()
			})
		}
		all.Wait()
	}
}

func TestOpenServer(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, raw string) {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		other := map[string]string{"postgres": "postgresql", "mariadb": "mysql"}
		if other[u.Scheme] == "" {
			return // TestOpenSQLite
		}
		for _, scheme := range []string{u.Scheme, other[u.Scheme]} {
			want := u.Scheme
			v := *u
			v.Scheme = scheme
			if got := open(t, v.String()).Engine(); got != want {
				t.Errorf("%s: engine %s, want %s", scheme, got, want)
			}
		}
		v := *u
		v.Path += "_missing"
		if _, err := sqldb.Open(t.Context(), v.String(), sqldb.Options{}); !fault.Is(err, fault.Unavailable) {
			t.Errorf("database that is not there: %v", err)
		}
	})
}

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		url  string
		kind fault.Kind
		text string // in the error
	}{
		{"", fault.Invalid, "want sqlite:PATH"},
		{"patchwork.db", fault.Invalid, "want sqlite:PATH"},
		{"sqlite:", fault.Invalid, "no file named"},
		{"sqlite://", fault.Invalid, "no file named"},
		{"sqlite:" + dir, fault.Unavailable, dir},
		{"sqlite:" + file, fault.Unavailable, file},
		{"sqlite:" + file + "/patchwork.db", fault.Unavailable, "make the directory"},
		{"oracle://ann:hush@host/db", fault.Invalid, `"oracle://ann:xxxxx@host/db"`},
		{"http://[", fault.Invalid, "unreadable url"},
		{"postgres://ann:hush@host:port/db", fault.Invalid, "unreadable url"},
		{"postgres://ann:hush@localhost/db?sslmode=hush", fault.Invalid, "postgres url can't be read"},
		{"postgres://ann@127.0.0.1:1/db?password=hush&connect_timeout=5", fault.Unavailable, "password=xxxxx"},
		{"postgres://ann:hush@127.0.0.1:1/db", fault.Unavailable, "ann:xxxxx@127.0.0.1"},
		{"mariadb://ann:hush@host:port/db", fault.Invalid, "mariadb url can't be read"},
		{"mariadb://ann:hush@localhost/", fault.Invalid, "names no database"},
		{"mariadb://ann:hush@localhost/db?tls=hush-hush", fault.Invalid, "mariadb url can't be used"},
		{"mariadb://ann:hush@127.0.0.1:1/db", fault.Unavailable, "ann:xxxxx@127.0.0.1"},
		{"mariadb://ann:hush@[::1]:1/db", fault.Unavailable, "[::1]"},
		{"mariadb://ann:hush@localhost/db?socket=" + dir + "/none.sock", fault.Unavailable, "none.sock"},
	}
	for _, test := range tests {
		db, err := sqldb.Open(t.Context(), test.url, sqldb.Options{})
		if err == nil {
			db.Close()
		}
		if !fault.Is(err, test.kind) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: kind %v: %v; want %v with %q", test.url, fault.KindOf(err), err, test.kind, test.text)
		}
		if err != nil && strings.Contains(strings.ReplaceAll(err.Error(), "hush-hush", ""), "hush@") || err != nil && strings.Contains(err.Error(), "=hush&") {
			t.Errorf("%s: the error tells the password: %v", test.url, err)
		}
	}
}

// A file that comes with other rights or a directory that is gone must make mail wait, not bounce.
func TestLockFileUnavailable(t *testing.T) {
	dir := t.TempDir()
	db := open(t, "sqlite:"+dir+"/sub/p.db")
	if err := os.RemoveAll(dir + "/sub"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Lock(t.Context(), "x"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}

// Password hashes are in the file.
func TestSQLiteFileIsPrivate(t *testing.T) {
	old := unix.Umask(0)
	defer unix.Umask(old)
	path := filepath.Join(t.TempDir(), "sub", "p.db")
	db := open(t, "sqlite:"+path)
	if _, err := db.SQL().Exec("CREATE TABLE cup (id BIGINT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "-wal", "-shm"} {
		if st, err := os.Stat(path + name); err != nil || st.Mode().Perm() != 0o640 {
			t.Errorf("%s: %v, %v", path+name, st.Mode(), err)
		}
	}
	if st, err := os.Stat(filepath.Dir(path)); err != nil || st.Mode().Perm() != 0o750 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
}
