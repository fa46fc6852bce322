// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLite writes each page of a transaction to the write-ahead log in two pieces, its frame's header and the page: hundreds of calls of the system for a commit of some mails, which
// cost more than what they write. A connection that writes opens its log through the VFS walVFS, which is SQLite's own but for that: it gathers what follows one another, and writes it
// when the frame that commits is whole, before the log is synced, read or cut, and beyond maxGathered. Until then no frame of the transaction counts for anybody, so
// that nobody misses it; a write that fails is told by the call that makes it, and the commit fails with it.

// walVFS is the name of the VFS.
const walVFS = "pw-wal"

// maxGathered bounds what is gathered, in bytes.
const maxGathered = 1 << 20

// maxWritten is what is written at once, in bytes: SQLite's own function takes the number of bytes modulo 128 KiB.
const maxWritten = 96 << 10

// frameHeader is how long the header of a frame is; bytes 4 to 7 are 0 unless the frame commits (https://www.sqlite.org/fileformat.html#the_write_ahead_log).
const frameHeader = 24

// walWrites is what SQLite calls for the logs that are opened through the VFS.
var walWrites struct {
	sync.Mutex
	registered bool
	err        error
	system     uintptr // *sqlite3_vfs that is SQLite's own
	methods    uintptr // *sqlite3_io_methods of gathering files
	plain      *sqlite3.Tsqlite3_io_methods
	files      map[uintptr]*gatheringFile
}

// gatheringFile is a log. SQLite uses a file from one thread at a time.
type gatheringFile struct {
	at       int64 // where in the file gathered begins
	gathered []byte
	commits  bool // the last header was that of a frame that commits
}

// The functions of C that a VFS has, as far as they are called here.
type (
	openFunc  = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32
	closeFunc = func(tls *libc.TLS, file uintptr) int32
	bytesFunc = func(tls *libc.TLS, file, buf uintptr, n int32, at int64) int32
	truncFunc = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFunc  = func(tls *libc.TLS, file uintptr, flags int32) int32
	sizeFunc  = func(tls *libc.TLS, file, size uintptr) int32
)

// What SQLite calls is held by variables, as it sees only their addresses.
var (
	walOpen     openFunc  = openWAL
	walClose    closeFunc = closeWAL
	walRead     bytesFunc = readWAL
	walWrite    bytesFunc = writeWAL
	walTruncate truncFunc = truncateWAL
	walSync     syncFunc  = syncWAL
	walFileSize sizeFunc  = sizeWAL
)

// at makes a pointer of an address that C gave.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// addressOf is a function as C calls it.
func addressOf[F any](f *F) uintptr { return *(*uintptr)(unsafe.Pointer(f)) }

// call makes a function of an address.
func call[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&struct{ uintptr }{address})) }

// registerWAL makes the VFS known to SQLite, once, which gets our mutexes before it begins to use its own.
func registerWAL() error {
	w := &walWrites
	w.Lock()
	defer w.Unlock()
	if w.registered {
		return w.err
	}
	w.registered, w.files = true, map[uintptr]*gatheringFile{}
	tls := libc.NewTLS()
	if w.err = useMutexes(tls); w.err != nil {
		return w.err
	}
	if w.system = sqlite3.Xsqlite3_vfs_find(tls, 0); w.system == 0 {
		w.err = fmt.Errorf("SQLite has no file system")
		return w.err
	}
	name, err := libc.CString(walVFS)
	vfs := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
	if err != nil || vfs == 0 {
		w.err = fmt.Errorf("no memory for the file system of SQLite")
		return w.err
	}
	v := at[sqlite3.Tsqlite3_vfs](vfs)
	*v = *at[sqlite3.Tsqlite3_vfs](w.system)
	v.FpNext, v.FzName, v.FxOpen = 0, name, addressOf(&walOpen)
	if rc := sqlite3.Xsqlite3_vfs_register(tls, vfs, 0); rc != sqlite3.SQLITE_OK {
		w.err = fmt.Errorf("register the file system of SQLite: error %d", rc)
	}
	return w.err
}

// openWAL opens a file as SQLite does; one that is a log gathers.
func openWAL(tls *libc.TLS, _, name, file uintptr, flags int32, outFlags uintptr) int32 {
	w := &walWrites
	rc := call[openFunc](at[sqlite3.Tsqlite3_vfs](w.system).FxOpen)(tls, w.system, name, file, flags, outFlags)
	f := at[sqlite3.Tsqlite3_file](file)
	if rc != sqlite3.SQLITE_OK || flags&sqlite3.SQLITE_OPEN_WAL == 0 || f.FpMethods == 0 {
		return rc
	}
	w.Lock()
	defer w.Unlock()
	if w.methods == 0 {
		w.plain = at[sqlite3.Tsqlite3_io_methods](f.FpMethods)
		m := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*w.plain)))
		if m == 0 {
			return rc // it works as it is
		}
		ours := at[sqlite3.Tsqlite3_io_methods](m)
		*ours = *w.plain
		ours.FxClose, ours.FxRead, ours.FxWrite = addressOf(&walClose), addressOf(&walRead), addressOf(&walWrite)
		ours.FxTruncate, ours.FxSync, ours.FxFileSize = addressOf(&walTruncate), addressOf(&walSync), addressOf(&walFileSize)
		w.methods = m
	}
	if at[sqlite3.Tsqlite3_io_methods](f.FpMethods) == w.plain {
		f.FpMethods = w.methods
		w.files[file] = &gatheringFile{}
	}
	return rc
}

func gathering(file uintptr) *gatheringFile {
	walWrites.Lock()
	defer walWrites.Unlock()
	return walWrites.files[file]
}

// flush writes what was gathered. After an error it is lost, as what SQLite could not write.
func (g *gatheringFile) flush(tls *libc.TLS, file uintptr) int32 {
	if len(g.gathered) == 0 {
		return sqlite3.SQLITE_OK
	}
	rc, offset := int32(sqlite3.SQLITE_OK), g.at
	for piece := range slices.Chunk(g.gathered, maxWritten) {
		if rc = call[bytesFunc](walWrites.plain.FxWrite)(tls, file, uintptr(unsafe.Pointer(&piece[0])), int32(len(piece)), offset); rc != sqlite3.SQLITE_OK {
			break
		}
		offset += int64(len(piece))
	}
	g.gathered = g.gathered[:0]
	return rc
}

func writeWAL(tls *libc.TLS, file, buf uintptr, n int32, offset int64) int32 {
	g := gathering(file)
	if len(g.gathered) > 0 && g.at+int64(len(g.gathered)) != offset || len(g.gathered)+int(n) > maxGathered {
		if rc := g.flush(tls, file); rc != sqlite3.SQLITE_OK {
			return rc
		}
	}
	if len(g.gathered) == 0 {
		g.at = offset
	}
	data := unsafe.Slice(at[byte](buf), n)
	g.gathered = append(g.gathered, data...)
	if n == frameHeader {
		g.commits = data[4]|data[5]|data[6]|data[7] != 0
	} else if g.commits {
		g.commits = false
		return g.flush(tls, file)
	}
	return sqlite3.SQLITE_OK
}

func readWAL(tls *libc.TLS, file, buf uintptr, n int32, offset int64) int32 {
	if rc := gathering(file).flush(tls, file); rc != sqlite3.SQLITE_OK {
		return rc
	}
	return call[bytesFunc](walWrites.plain.FxRead)(tls, file, buf, n, offset)
}

func syncWAL(tls *libc.TLS, file uintptr, flags int32) int32 {
	if rc := gathering(file).flush(tls, file); rc != sqlite3.SQLITE_OK {
		return rc
	}
	return call[syncFunc](walWrites.plain.FxSync)(tls, file, flags)
}

func truncateWAL(tls *libc.TLS, file uintptr, size int64) int32 {
	if rc := gathering(file).flush(tls, file); rc != sqlite3.SQLITE_OK {
		return rc
	}
	return call[truncFunc](walWrites.plain.FxTruncate)(tls, file, size)
}

func sizeWAL(tls *libc.TLS, file, size uintptr) int32 {
	if rc := gathering(file).flush(tls, file); rc != sqlite3.SQLITE_OK {
		return rc
	}
	return call[sizeFunc](walWrites.plain.FxFileSize)(tls, file, size)
}

// closeWAL leaves nothing behind: frames that were not committed count for nobody.
func closeWAL(tls *libc.TLS, file uintptr) int32 {
	walWrites.Lock()
	delete(walWrites.files, file)
	walWrites.Unlock()
	return call[closeFunc](walWrites.plain.FxClose)(tls, file)
}
