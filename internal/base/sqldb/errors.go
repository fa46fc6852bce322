// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"patchwork.example/pw/internal/base/fault"
)

// retryable tells whether the engine says: run the transaction again.
func retryable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return my.Number == 1213 || my.Number == 1205 || my.Number == 1020
	}
	return sqliteCode(err) == sqlite3.SQLITE_BUSY
}

// classify gives an engine's error its kind: a violated unique key is fault.Conflict, a lost or missing server, a full disk and a busy
// database are fault.Unavailable, and so is whatever comes of the end of ctx. Errors that have a kind keep it.
func classify(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case fault.Is(err, fault.Unavailable):
		return ended(ctx, err)
	case fault.KindOf(err) != fault.Internal:
		return err
	case uniqueViolation(err):
		return fault.Wrap(fault.Conflict, err, "already there")
	case ctx.Err() != nil:
		return fault.Wrap(fault.Unavailable, ended(ctx, err), "database")
	case unavailable(err):
		return fault.Wrap(fault.Unavailable, err, "database")
	}
	return err
}

// Explain gives an error of a plain handle (DB.SQL, or a database of another system) the kind that this package would give it, behind a text that
// says what was being done. It gives nil for a nil err.
func Explain(ctx context.Context, err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, classify(ctx, err))
}

// ended is err with the end of ctx, if that has come, among its causes. Depending on the moment drivers and database/sql say a cancelled query, an
// interrupt, a bad connection or a finished transaction in its place, so that nobody could tell it from an outage.
func ended(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("%w (%w)", ctx.Err(), err)
}

func uniqueViolation(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return my.Number == 1062
	}
	code := fullCode(err)
	return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

func unavailable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:min(2, len(pg.Code))] {
		case "08", "53", "57", "58": // connection, resources, operator intervention, system error (PostgreSQL manual, appendix A)
			return true
		}
		return retryable(err)
	}
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		switch my.Number {
		case 1021, 1040, 1053, 1114, 1203, 1927: // disk full, too many connections, shutdown, table full, user limit, killed
			return true
		}
		return retryable(err)
	}
	switch sqliteCode(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		return true
	}
	var netErr net.Error
	var connErr *pgconn.ConnectError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.As(err, &netErr) ||
		errors.As(err, &connErr) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pgconn.ErrConnClosed) || // a server that was killed
		errors.Is(err, sql.ErrTxDone) || // rolled back because ctx ended
		strings.HasSuffix(err.Error(), "sql: database is closed") // the program is ending; database/sql has no name for it
}

// sqliteCode is the primary result code of a SQLite error, 0 for any other error.
func sqliteCode(err error) int { return fullCode(err) & 0xff }

// fullCode is the extended result code of a SQLite error.
func fullCode(err error) int {
	var lite *sqlite.Error
	var ours *sqliteFailure
	switch {
	case errors.As(err, &lite):
		return lite.Code()
	case errors.As(err, &ours):
		return ours.code
	}
	return 0
}
