// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite" // database/sql driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
)

// The engines pw runs on; DB.Engine returns one of them.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
	MariaDB  = "mariadb"
)

// DB is one database. It is safe for concurrent use.
type DB struct {
	engine  string
	path    string   // SQLite: the file; else empty
	write   *sqlx.DB // SQLite: one connection, whose transactions begin as writers
	read    *sqlx.DB
	blocks  *sqlx.DB // PostgreSQL, MariaDB: one connection for id blocks, so that a transaction never waits for the pool it sits in
	locks   *sql.DB  // PostgreSQL, MariaDB: a connection per lock held, so that its holder can use the whole pool
	stamps  *stamper
	ids     idPool
	inserts insertTexts

	remembered memory
	sleepers   sleepers
	hear       func(query string)
}

// Options bound what a DB uses. The zero value means 20 connections.
type Options struct {
	MaxConnections int
	Statement      func(query string) // if set, hears the text of each statement but those that take ids and wake others, so that tests can count them
}

// Open opens the database url names: sqlite:PATH, postgres://…, mariadb://… or mysql://… (MariaDB's ?socket=PATH names a Unix
// socket). The file of a SQLite database and its directory are created. A server that does not answer is fault.Unavailable,
// an url that can't be read fault.Invalid.
func Open(ctx context.Context, rawURL string, opt Options) (*DB, error) {
	if opt.MaxConnections <= 0 {
		opt.MaxConnections = 20
	}
	scheme, rest, _ := strings.Cut(rawURL, ":")
	var db *DB
	var err error
	switch scheme {
	case "sqlite":
		db, err = openSQLite(strings.TrimPrefix(rest, "//"), opt)
	case "postgres", "postgresql":
		var connector driver.Connector
		if connector, err = postgresConnector(rawURL); err == nil {
			db = openServer(Postgres, "pgx", connector, opt)
		}
	case "mariadb", "mysql":
		var connector driver.Connector
		if connector, err = mariadbConnector(rawURL); err == nil {
			db = openServer(MariaDB, "mysql", connector, opt)
		}
	default:
		return nil, fault.New(fault.Invalid, "database url %q: want sqlite:PATH, postgres://… or mariadb://…", redact(rawURL))
	}
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", redact(rawURL), err)
	}
	db.hear = opt.Statement
	if err := db.connect(ctx); err != nil {
		db.Close()
		return nil, fault.Wrap(fault.Unavailable, ended(ctx, err), "open database %s", redact(rawURL))
	}
	return db, nil
}

// connect makes the first connection. SQLite calls no busy handler when two connections turn a new file to WAL at the same time, and when the last one of another
// process closes: who finds the file locked asks again, as long as busy_timeout would.
func (d *DB) connect(ctx context.Context) error {
	for end := time.Now().Add(busyTimeout); ; {
		err := d.write.PingContext(ctx)
		if sqliteCode(err) != sqlite3.SQLITE_BUSY || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func redact(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "(unreadable url)"
	}
	q := u.Query()
	for _, secret := range []string{"password", "sslpassword"} {
		if q.Has(secret) {
			q.Set(secret, "xxxxx")
			u.RawQuery = q.Encode()
		}
	}
	return u.Redacted()
}

// busyTimeout is how long a connection to SQLite waits for another's lock.
const busyTimeout = 10 * time.Second

func openSQLite(path string, opt Options) (*DB, error) {
	if path == "" {
		return nil, fault.New(fault.Invalid, "sqlite: no file named; write sqlite:data/patchwork.db")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the file: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "make the directory")
	}
	if err := createPrivate(path); err != nil {
		return nil, err
	}
	dsn := func(extra ...string) string {
		q := append([]string{fmt.Sprintf("_pragma=busy_timeout(%d)", busyTimeout.Milliseconds()), "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)",
			"_pragma=foreign_keys(1)", "_pragma=temp_store(2)"}, extra...)
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + strings.Join(q, "&")
	}
	// Writers begin IMMEDIATE: a deferred transaction that reads first and then writes fails with SQLITE_BUSY whatever the timeout.
	// A checkpoint every 64 MB instead of every 4 MB writes hot index pages once, not sixteen times.
	if err := registerWAL(); err != nil {
		return nil, err
	}
	write, err := openPreparing(dsn("vfs="+walVFS, "_txlock=immediate", "_pragma=cache_size(-49152)", "_pragma=wal_autocheckpoint(16384)"))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	write.SetConnMaxIdleTime(0)
	read, err := openPreparing(dsn("_pragma=query_only(1)", "_pragma=cache_size(-4096)"))
	if err != nil {
		write.Close()
		return nil, err
	}
	read.SetMaxOpenConns(min(opt.MaxConnections, 8))
	read.SetMaxIdleConns(min(opt.MaxConnections, 8))
	stamps, err := openPreparing(dsn("_pragma=query_only(1)", "_pragma=cache_size(-64)"))
	if err != nil {
		write.Close()
		read.Close()
		return nil, err
	}
	return &DB{engine: SQLite, path: path, write: write, read: read, stamps: newStamper(stamps.DB, "PRAGMA data_version")}, nil
}

// createPrivate makes the file if it is not there. Password hashes are in it: not everybody may read it, whatever the umask. One that is
// there is not touched: closing it would take away the locks that another DB of this process has on it.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "make the file")
	}
	return f.Close()
}

func openServer(engine, name string, c driver.Connector, opt Options) *DB {
	main, ids := c, c
	if engine == Postgres {
		main, ids = pipelining{c}, unsynced{c}
	}
	pool := sqlx.NewDb(sql.OpenDB(main), name)
	pool.SetMaxOpenConns(opt.MaxConnections)
	pool.SetMaxIdleConns(opt.MaxConnections)
	blocks := sqlx.NewDb(sql.OpenDB(ids), name)
	blocks.SetMaxOpenConns(1)
	locks := sql.OpenDB(c)
	locks.SetMaxIdleConns(-1)
	stamps := newStamper(nil, "")
	if engine == Postgres {
		stamps = newStamper(sql.OpenDB(c), "SELECT pg_current_snapshot()::text")
	}
	return &DB{engine: engine, write: pool, read: pool, blocks: blocks, locks: locks, stamps: stamps}
}

func postgresConnector(rawURL string) (driver.Connector, error) {
	c, err := pgx.ParseConfig(rawURL)
	if err != nil {
		return nil, fault.New(fault.Invalid, "postgres url can't be read; write postgres://user:password@host/database")
	}
	return stdlib.GetConnector(*c, stdlib.OptionAfterConnect(setSession), stdlib.OptionResetSession(renewPlans), stdlib.OptionShouldPing(neverPing)), nil
}

// sessionSettings are what a connection to PostgreSQL is set to. The stock compression of long values costs more than all else that storing a mail takes. To compile
// a statement takes longer (200 ms) than to run any of ours, and is done for those that only look dear, as a walk that ends after a hundred rows.
var sessionSettings = []string{"SET default_toast_compression = 'lz4'", "SET jit = off"}

// unsynced connects to PostgreSQL with connections whose commits do not wait for the disk. So blocks of ids are taken: the log is written in its order, so a crash of the server that
// undoes such a commit undoes all that was written with its ids too.
type unsynced struct{ driver.Connector }

// Connect implements driver.Connector.
func (u unsynced) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := u.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.(driver.ExecerContext).ExecContext(ctx, "SET synchronous_commit = off", nil); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// setSession makes the settings. Servers that do not know one, or are built without it, refuse, and keep their own.
func setSession(ctx context.Context, conn *pgx.Conn) error {
	for _, set := range sessionSettings {
		_, err := conn.Exec(ctx, set)
		var refused *pgconn.PgError
		if err != nil && !errors.As(err, &refused) {
			return err
		}
	}
	return nil
}

// mariadbConnector reads mariadb://user:password@host:port/name?socket=….
func mariadbConnector(rawURL string) (driver.Connector, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fault.New(fault.Invalid, "mariadb url can't be read; write mariadb://user:password@host/database")
	}
	c := mysql.NewConfig()
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.DBName = strings.TrimPrefix(u.Path, "/")
	c.Net, c.Addr = "tcp", u.Host
	if u.Port() == "" {
		c.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	q := u.Query()
	if s := q.Get("socket"); s != "" {
		c.Net, c.Addr = "unix", s
	}
	if tls := q.Get("tls"); tls != "" {
		c.TLSConfig = tls
	}
	c.Logger = &mysql.NopLogger{} // what it would write to stderr comes as an error too
	c.Collation = "utf8mb4_bin"
	c.ClientFoundRows = true
	c.MaxAllowedPacket = 0 // ask the server
	c.InterpolateParams = true
	c.Params = map[string]string{"sql_mode": "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"}
	if c.DBName == "" {
		return nil, fault.New(fault.Invalid, "mariadb url names no database; write mariadb://user:password@host/database")
	}
	connector, err := mysql.NewConnector(c)
	return connector, fault.Wrap(fault.Invalid, err, "mariadb url can't be used")
}

// Engine is SQLite, Postgres or MariaDB.
func (db *DB) Engine() string { return db.engine }

// Ping asks the server for a sign of life; fault.Unavailable if there is none.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.write.PingContext(ctx); err != nil {
		return fault.Wrap(fault.Unavailable, ended(ctx, err), "ping the database")
	}
	return nil
}

// File is the path of a SQLite database; empty for a server.
func (db *DB) File() string { return db.path }

// Now is the time by the clock of the database server; on SQLite that of this machine.
func (db *DB) Now(ctx context.Context) (clock.Time, error) {
	query := "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
	switch db.engine {
	case SQLite:
		return clock.System{}.Now(), nil
	case MariaDB:
		query = "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)"
	}
	var now clock.Time
	err := db.Get(ctx, &now, query)
	return now, err
}

// Close closes all connections.
func (db *DB) Close() error {
	db.stamps.close()
	if db.blocks != nil {
		db.blocks.Close()
		db.locks.Close()
	}
	if db.read != db.write {
		db.read.Close()
	}
	return db.write.Close()
}

// Shrink gives a DB of a server, which stays, half the cache that one has for an import: 24 MB for writing. SQLite's own; a database server has its cache.
func (db *DB) Shrink(ctx context.Context) error {
	if db.engine != SQLite {
		return nil
	}
	_, err := db.write.ExecContext(ctx, "PRAGMA cache_size(-24576)")
	return classify(ctx, err)
}

// SQL is the plain handle that writes, for the migration library; nothing else uses it.
func (db *DB) SQL() *sql.DB {
	db.remembered.forget()
	return db.write.DB
}
