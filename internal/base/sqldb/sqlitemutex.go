// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLite locks the mutex of a connection twice for each value that is read, and another for each page that it takes from its cache. Those of the translated library are looked up in a table by
// their address, under a lock of it, and then lock two more: a seventh of what a list costs. SQLite takes others (https://www.sqlite.org/c3ref/mutex_methods.html). Ours are sync.Mutexes, and that of a connection is
// none: database/sql uses a connection from one goroutine at a time, and the driver has state of its own that needs this as much. It is what SQLite calls multi-thread.

// libMutex is a mutex of SQLite.
type libMutex struct {
	sync.Mutex
	kind  int32        // see the kinds below; 0: not recursive
	owner atomic.Int32 // of a recursive one: the ID of the TLS, as a thread of C is here, that holds it; 0: free
	depth int32        // how often it does
}

// Kinds of libMutex.
const (
	recursiveMutex = iota + 1
	connectionMutex
)

// mutexStatics are those that SQLite asks for by number.
var mutexStatics [sqlite3.SQLITE_MUTEX_STATIC_VFS3 + 1]libMutex

// mutexesStarted tells that SQLite is initialized: the recursive mutexes that it makes from then on are those of connections.
var mutexesStarted atomic.Bool

type (
	noneFunc  = func(tls *libc.TLS) int32
	allocFunc = func(tls *libc.TLS, kind int32) uintptr
	mutexFunc = func(tls *libc.TLS, mutex uintptr)
	tryFunc   = func(tls *libc.TLS, mutex uintptr) int32
)

// What SQLite calls, see walOpen.
var (
	mutexNothing noneFunc  = func(*libc.TLS) int32 { return sqlite3.SQLITE_OK }
	mutexAlloc   allocFunc = allocMutex
	mutexFree    mutexFunc = func(tls *libc.TLS, mutex uintptr) { libc.Xfree(tls, mutex) }
	mutexEnter   mutexFunc = func(tls *libc.TLS, mutex uintptr) { at[libMutex](mutex).enter(tls.ID) }
	mutexTry     tryFunc   = func(tls *libc.TLS, mutex uintptr) int32 { return at[libMutex](mutex).try(tls.ID) }
	mutexLeave   mutexFunc = func(_ *libc.TLS, mutex uintptr) { at[libMutex](mutex).leave() }
)

// allocMutex makes a mutex; 0: there is no memory.
func allocMutex(tls *libc.TLS, kind int32) uintptr {
	if kind > sqlite3.SQLITE_MUTEX_RECURSIVE {
		return uintptr(unsafe.Pointer(&mutexStatics[kind]))
	}
	mutex := libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(libMutex{})))
	if mutex != 0 && kind == sqlite3.SQLITE_MUTEX_RECURSIVE {
		at[libMutex](mutex).kind = recursiveMutex
		if mutexesStarted.Load() {
			at[libMutex](mutex).kind = connectionMutex
		}
	}
	return mutex
}

func (m *libMutex) enter(id int32) {
	switch m.kind {
	case 0:
		m.Lock()
	case recursiveMutex:
		if m.owner.Load() != id {
			m.Lock()
			m.owner.Store(id)
		}
		m.depth++
	}
}

func (m *libMutex) try(id int32) int32 {
	switch {
	case m.kind == connectionMutex:
	case m.kind == recursiveMutex && m.owner.Load() == id:
		m.depth++
	case !m.TryLock():
		return sqlite3.SQLITE_BUSY
	case m.kind == recursiveMutex:
		m.owner.Store(id)
		m.depth = 1
	}
	return sqlite3.SQLITE_OK
}

func (m *libMutex) leave() {
	switch m.kind {
	case 0:
		m.Unlock()
	case recursiveMutex:
		if m.depth--; m.depth == 0 {
			m.owner.Store(0)
			m.Unlock()
		}
	}
}

// useMutexes gives SQLite these mutexes. In a process that used it already it keeps its own.
func useMutexes(tls *libc.TLS) error {
	methods := libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_mutex_methods{})))
	list := libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(methods)))
	if methods == 0 || list == 0 {
		return fmt.Errorf("no memory for the mutexes of SQLite")
	}
	defer libc.Xfree(tls, list)
	*at[sqlite3.Tsqlite3_mutex_methods](methods) = sqlite3.Tsqlite3_mutex_methods{
		FxMutexInit: addressOf(&mutexNothing), FxMutexEnd: addressOf(&mutexNothing), FxMutexAlloc: addressOf(&mutexAlloc), FxMutexFree: addressOf(&mutexFree),
		FxMutexEnter: addressOf(&mutexEnter), FxMutexTry: addressOf(&mutexTry), FxMutexLeave: addressOf(&mutexLeave),
	}
	rc := sqlite3.Xsqlite3_config(tls, sqlite3.SQLITE_CONFIG_MUTEX, libc.VaList(list, methods))
	libc.Xfree(tls, methods) // SQLite has copied them
	if rc == sqlite3.SQLITE_MISUSE {
		return nil
	}
	if rc == sqlite3.SQLITE_OK {
		rc = sqlite3.Xsqlite3_initialize(tls)
	}
	if rc != sqlite3.SQLITE_OK {
		return fmt.Errorf("give SQLite its mutexes: error %d", rc)
	}
	mutexesStarted.Store(true)
	return nil
}
