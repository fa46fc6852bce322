// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// thread is a TLS with its own ID.
func thread(t *testing.T) *libc.TLS {
	tls := libc.NewTLS()
	t.Cleanup(tls.Close)
	return tls
}

func TestLibMutex(t *testing.T) {
	one, two := thread(t), thread(t)
	for _, c := range []struct {
		name           string
		kind           int32
		again, another int32 // what trying gives the holder, and another
	}{
		{"plain", 0, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY},
		{"recursive", recursiveMutex, sqlite3.SQLITE_OK, sqlite3.SQLITE_BUSY},
		{"connection", connectionMutex, sqlite3.SQLITE_OK, sqlite3.SQLITE_OK},
	} {
		m := &libMutex{kind: c.kind}
		m.enter(one.ID)
		if rc := m.try(two.ID); rc != c.another {
			t.Errorf("%s: another that tries gets %d, want %d", c.name, rc, c.another)
		}
		if rc := m.try(one.ID); rc != c.again {
			t.Errorf("%s: the holder who tries again gets %d, want %d", c.name, rc, c.again)
		} else if rc == sqlite3.SQLITE_OK {
			m.leave()
		}
		if rc := m.try(two.ID); rc != c.another {
			t.Errorf("%s: another that tries while it is held once more gets %d, want %d", c.name, rc, c.another)
		}
		m.leave()
		if rc := m.try(two.ID); rc != sqlite3.SQLITE_OK {
			t.Errorf("%s: another that tries when it is free gets %d", c.name, rc)
		}
	}
}

// Of a mutex that is not a connection's one holds it at a time, however often he enters it.
func TestLibMutexExcludes(t *testing.T) {
	const threads, rounds = 8, 2000
	for _, depth := range []int{1, 3} {
		m := &libMutex{}
		if depth > 1 {
			m.kind = recursiveMutex
		}
		n := 0
		var all sync.WaitGroup
		for range threads {
			tls := thread(t)
			all.Go(func() {
				for range rounds {
					for range depth {
						m.enter(tls.ID)
					}
					n++
					for range depth {
						m.leave()
					}
				}
			})
		}
		all.Wait()
		if n != threads*rounds {
			t.Errorf("entered %d times at once: counted to %d, want %d", depth, n, threads*rounds)
		}
	}
}

// SQLite uses our mutexes for what was opened here.
func TestLibMutexesUsed(t *testing.T) {
	db, err := Open(context.Background(), "sqlite:"+filepath.Join(t.TempDir(), "patchwork.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tls := thread(t)
	if !mutexesStarted.Load() {
		t.Fatal("SQLite has kept its own mutexes")
	}
	for kind, want := range map[int32]int32{sqlite3.SQLITE_MUTEX_FAST: 0, sqlite3.SQLITE_MUTEX_RECURSIVE: connectionMutex, sqlite3.SQLITE_MUTEX_STATIC_LRU: 0} {
		mutex := sqlite3.Xsqlite3_mutex_alloc(tls, kind)
		if mutex == 0 {
			t.Fatalf("no mutex of kind %d", kind)
		}
		if got := at[libMutex](mutex).kind; got != want {
			t.Errorf("a mutex of kind %d is one of %d, want %d", kind, got, want)
		}
		if kind <= sqlite3.SQLITE_MUTEX_RECURSIVE {
			sqlite3.Xsqlite3_mutex_free(tls, mutex)
		}
	}
}
