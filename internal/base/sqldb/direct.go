// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"database/sql/driver"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// What a statement that nobody may interrupt costs beside SQLite's own work is less when SQLite's functions are called here: the driver asks for the name of each parameter, copies each
// text into memory of its own, and reads the names and types of all columns each time. Whether a statement can go this way is found out when it is prepared; all others go
// through the driver.

// library is how a connection's functions are called.
type library struct {
	tls    *libc.TLS
	db     uintptr // *sqlite3
	memory uintptr // for the texts of a statement that gives no rows
	size   int
	values []any // of the statement under way
}

// libraryOf finds what the driver's connection holds; nil if this version of the driver has it elsewhere.
func libraryOf(conn driver.Conn) *library {
	db, tls := field(conn, "db", reflect.Uintptr), field(conn, "tls", reflect.Pointer)
	if !db.IsValid() || !tls.IsValid() || tls.Type() != reflect.TypeFor[*libc.TLS]() {
		return nil
	}
	return &library{tls: (*libc.TLS)(tls.UnsafePointer()), db: uintptr(db.Uint())}
}

// field is a field of what v points to, if it is of that kind.
func field(v any, name string, kind reflect.Kind) (f reflect.Value) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.Elem().Kind() != reflect.Struct {
		return f
	}
	if f = p.Elem().FieldByName(name); f.Kind() != kind {
		return reflect.Value{}
	}
	return f
}

// keptStmt is a statement that is kept for the next time.
type keptStmt struct {
	driver.Stmt
	handle  uintptr // *sqlite3_stmt; 0: it goes through the driver
	params  int
	columns []string
	busy    bool
	memory  uintptr // for the texts, while rows are read
	size    int
}

// know finds out whether the statement can be run without the driver.
func (l *library) know(s *keptStmt) {
	handle := field(s.Stmt, "pstmt", reflect.Uintptr)
	if l == nil || !handle.IsValid() || handle.Uint() == 0 {
		return
	}
	p := uintptr(handle.Uint())
	for i := range sqlite3.Xsqlite3_column_count(l.tls, p) {
		switch strings.ToUpper(libc.GoString(sqlite3.Xsqlite3_column_decltype(l.tls, p, i))) {
		case "DATE", "DATETIME", "TIMESTAMP": // which the driver makes times of
			return
		}
		s.columns = append(s.columns, libc.GoString(sqlite3.Xsqlite3_column_name(l.tls, p, i)))
	}
	s.handle, s.params = p, int(sqlite3.Xsqlite3_bind_parameter_count(l.tls, p))
}

// takes notes the values of a statement, and tells whether all are of types that are bound here.
func (l *library) takes(s *keptStmt, n int, value func(int) any) bool {
	l.values = l.values[:0]
	for i := range n {
		v := value(i)
		switch known := v.(type) {
		case nil, int64, float64, bool, string, []byte:
		case int:
			v = int64(known)
		default:
			var err error
			if v, err = driver.DefaultParameterConverter.ConvertValue(v); err != nil || !bindable(v) {
				return false
			}
		}
		l.values = append(l.values, v)
	}
	return s.handle != 0 && s.params == n
}

func bindable(v any) bool {
	switch v.(type) {
	case nil, int64, float64, bool, string, []byte:
		return true
	}
	return false
}

// bind binds the values that were taken. Texts are copied into memory, which must stay as it is until the statement is reset.
func (l *library) bind(s *keptStmt, memory *uintptr, size *int) error {
	need := 0
	for _, v := range l.values {
		switch v := v.(type) {
		case string:
			need += len(v)
		case []byte:
			need += len(v)
		}
	}
	if err := l.grow(memory, size, need+1); err != nil { // one more: an empty text has an address, too
		return err
	}
	next := *memory
	put := func(n int32) (to []byte, address uintptr) {
		address = next
		next += uintptr(n)
		return unsafe.Slice(at[byte](address), n), address
	}
	for i, v := range l.values {
		rc, k := int32(0), int32(i+1)
		switch v := v.(type) {
		case nil:
			rc = sqlite3.Xsqlite3_bind_null(l.tls, s.handle, k)
		case int64:
			rc = sqlite3.Xsqlite3_bind_int64(l.tls, s.handle, k, v)
		case bool:
			n := int64(0)
			if v {
				n = 1
			}
			rc = sqlite3.Xsqlite3_bind_int64(l.tls, s.handle, k, n)
		case float64:
			rc = sqlite3.Xsqlite3_bind_double(l.tls, s.handle, k, v)
		case string:
			to, address := put(int32(len(v)))
			copy(to, v)
			rc = sqlite3.Xsqlite3_bind_text(l.tls, s.handle, k, address, int32(len(v)), 0)
		case []byte:
			if v == nil {
				rc = sqlite3.Xsqlite3_bind_null(l.tls, s.handle, k)
				break
			}
			to, address := put(int32(len(v)))
			copy(to, v)
			rc = sqlite3.Xsqlite3_bind_blob(l.tls, s.handle, k, address, int32(len(v)), 0)
		}
		if rc != sqlite3.SQLITE_OK {
			return l.failure(rc)
		}
	}
	return nil
}

// maxKept is how much memory for texts is kept for the next time, in bytes.
const maxKept = 64 << 10

// grow makes room for some bytes.
func (l *library) grow(memory *uintptr, size *int, need int) error {
	if need <= *size {
		return nil
	}
	l.free(memory, size)
	n := max(1024, need+need/4)
	if *memory = libc.Xmalloc(l.tls, libc.Tsize_t(n)); *memory == 0 {
		return l.failure(sqlite3.SQLITE_NOMEM)
	}
	*size = n
	return nil
}

func (l *library) free(memory *uintptr, size *int) {
	if *memory != 0 {
		libc.Xfree(l.tls, *memory)
	}
	*memory, *size = 0, 0
}

// exec runs a statement whose values were taken, and gives how many rows it changed.
func (l *library) exec(s *keptStmt) (changed int64, err error) {
	if err = l.bind(s, &l.memory, &l.size); err == nil {
		rc := int32(sqlite3.SQLITE_ROW)
		for rc == sqlite3.SQLITE_ROW {
			rc = sqlite3.Xsqlite3_step(l.tls, s.handle)
		}
		if rc == sqlite3.SQLITE_DONE {
			changed = int64(sqlite3.Xsqlite3_changes(l.tls, l.db))
		} else {
			err = l.failure(rc)
		}
	}
	l.reset(s)
	if l.size > maxKept {
		l.free(&l.memory, &l.size)
	}
	return changed, err
}

// reset makes a statement ready for the next time. What failed was told by the step. The values stay bound: all of them are bound anew before the next step, and to clear them
// would make SQLite plan each statement again whose plan may depend on them.
func (l *library) reset(s *keptStmt) {
	sqlite3.Xsqlite3_reset(l.tls, s.handle)
	clear(l.values)
	if s.size > maxKept {
		l.free(&s.memory, &s.size)
	}
}

// query runs a statement whose values were taken, up to its first row.
func (l *library) query(s *keptStmt) (*directRows, error) {
	err := l.bind(s, &s.memory, &s.size)
	r := &directRows{stmt: s}
	if err == nil {
		r.state = sqlite3.Xsqlite3_step(l.tls, s.handle)
		if r.state != sqlite3.SQLITE_ROW && r.state != sqlite3.SQLITE_DONE {
			err = l.failure(r.state)
		}
	}
	if err != nil {
		l.reset(s)
		return nil, err
	}
	return r, nil
}

// directRows are the rows of a statement that runs without the driver.
type directRows struct {
	conn   *preparedConn
	stmt   *keptStmt
	query  string
	state  int32 // what the last step gave
	given  bool  // the row under the statement was read
	closed bool
}

// Columns implements driver.Rows.
func (r *directRows) Columns() []string { return r.stmt.columns }

// Close implements driver.Rows.
func (r *directRows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.conn.lib.reset(r.stmt)
	return r.conn.give(r.query, r.stmt)
}

// Next implements driver.Rows.
func (r *directRows) Next(dest []driver.Value) error {
	l, p := r.conn.lib, r.stmt.handle
	if r.given && r.state == sqlite3.SQLITE_ROW {
		r.state = sqlite3.Xsqlite3_step(l.tls, p)
	}
	switch r.given = true; r.state {
	case sqlite3.SQLITE_ROW:
	case sqlite3.SQLITE_DONE:
		return io.EOF
	default:
		return l.failure(r.state)
	}
	for i := range dest {
		dest[i] = l.column(p, int32(i))
	}
	return nil
}

// column reads a value as the driver does: an octet string without octets is nil.
func (l *library) column(p uintptr, i int32) driver.Value {
	switch sqlite3.Xsqlite3_column_type(l.tls, p, i) {
	case sqlite3.SQLITE_INTEGER:
		return sqlite3.Xsqlite3_column_int64(l.tls, p, i)
	case sqlite3.SQLITE_FLOAT:
		return sqlite3.Xsqlite3_column_double(l.tls, p, i)
	case sqlite3.SQLITE_TEXT:
		text := sqlite3.Xsqlite3_column_text(l.tls, p, i)
		return string(l.octets(text, p, i))
	case sqlite3.SQLITE_BLOB:
		blob := sqlite3.Xsqlite3_column_blob(l.tls, p, i)
		if b := l.octets(blob, p, i); b != nil {
			return append([]byte(nil), b...)
		}
		return []byte(nil)
	}
	return nil
}

// octets are those of a column that lie at an address, until the next step.
func (l *library) octets(address, p uintptr, i int32) []byte {
	n := sqlite3.Xsqlite3_column_bytes(l.tls, p, i)
	if address == 0 || n == 0 {
		return nil
	}
	return unsafe.Slice(at[byte](address), n)
}

// sqliteFailure is an error of SQLite that did not come through the driver.
type sqliteFailure struct {
	code int
	text string
}

// Error implements error.
func (e *sqliteFailure) Error() string { return e.text }

// Code is SQLite's extended result code.
func (e *sqliteFailure) Code() int { return e.code }

// failure says what SQLite says of a result code, in the driver's words.
func (l *library) failure(rc int32) error {
	kind, text := libc.GoString(sqlite3.Xsqlite3_errstr(l.tls, rc)), libc.GoString(sqlite3.Xsqlite3_errmsg(l.tls, l.db))
	if text != kind {
		kind += ": " + text
	}
	kind = fmt.Sprintf("%s (%d)", kind, rc)
	if rc == sqlite3.SQLITE_BUSY {
		kind += " (SQLITE_BUSY)"
	}
	return &sqliteFailure{int(rc), kind}
}
