// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/jmoiron/sqlx"
)

// handle runs the statements of a transaction.
type handle interface {
	sqlx.QueryerContext
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// begin begins a transaction, which end ends: it commits, or rolls back if told not to commit, if ctx has ended, or if the commit fails.
func (db *DB) begin(ctx context.Context) (h handle, end func(commit bool) error, err error) {
	if db.engine == SQLite {
		return beginSQLite(ctx, db.write)
	}
	var opt *sql.TxOptions
	if db.engine == MariaDB { // its default would read a snapshot from before a row lock that was waited for
		opt = &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	t, err := db.write.BeginTxx(ctx, opt)
	if err != nil {
		return nil, nil, err
	}
	return t, func(commit bool) error {
		if !commit {
			return t.Rollback()
		}
		err := t.Commit()
		if err != nil {
			t.Rollback()
		}
		return err
	}, nil
}

// beginSQLite does without the transaction of database/sql, which starts a goroutine with each query, to end its rows when the transaction ends, and wakes another
// processor for it. Here nobody ends a transaction but its owner.
func beginSQLite(ctx context.Context, pool *sqlx.DB) (handle, func(commit bool) error, error) {
	conn, err := pool.Connx(ctx)
	if err != nil {
		return nil, nil, err
	}
	end := func(commit bool) (err error) {
		defer conn.Close()
		if commit {
			if err = ctx.Err(); err == nil {
				_, err = conn.ExecContext(context.WithoutCancel(ctx), "COMMIT")
			}
			if err == nil {
				return nil
			}
		}
		if _, undone := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); undone != nil {
			conn.Raw(func(any) error { return driver.ErrBadConn }) // whatever state it is in, nobody gets it again
		}
		return err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		end(false) // it may have begun although ctx ended
		return nil, nil, err
	}
	return conn, end, nil
}
