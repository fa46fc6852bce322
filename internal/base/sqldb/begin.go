// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"time"

	"github.com/jmoiron/sqlx"
)

// handle runs the statements of a transaction.
type handle interface {
	sqlx.QueryerContext
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// begin begins a transaction, which end ends: it commits, or rolls back if told not to commit, if ctx has ended, or if the commit fails.
func (db *DB) begin(ctx context.Context) (h handle, end func(commit bool) error, err error) {
	switch db.engine {
	case SQLite:
		return beginSQLite(ctx, db.write)
	case Postgres:
		return beginPostgres(ctx, db.write)
	}
	// MariaDB's default would read a snapshot from before a row lock that was waited for.
	t, err := db.write.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
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
	h := liteHandle{Conn: conn}
	err = conn.Raw(func(c any) error {
		h.direct, _ = c.(*preparedConn)
		return nil
	})
	return h, end, err
}

// liteHandle is the connection of a transaction, with what lies below database/sql: nobody else uses it until the transaction ends.
type liteHandle struct {
	*sqlx.Conn
	direct *preparedConn
}

// ExecContext implements handle.
func (h liteHandle) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if ctx.Done() == nil && h.direct != nil {
		if result, err, done := h.direct.execDirect(ctx, query, args); done {
			return result, err
		}
	}
	return h.Conn.ExecContext(ctx, query, args...)
}

// beginPostgres does without the transaction of database/sql too: it would not lend its connection to what sends statements together. BEGIN goes with the first statement.
func beginPostgres(ctx context.Context, pool *sqlx.DB) (handle, func(commit bool) error, error) {
	conn, err := pool.Connx(ctx)
	if err != nil {
		return nil, nil, err
	}
	err = conn.Raw(func(c any) error {
		c.(*pipelinedConn).tx = piped{opens: true}
		return nil
	})
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, func(committing bool) (err error) {
		defer conn.Close()
		if committing {
			if err = ctx.Err(); err == nil {
				err = conn.Raw(func(c any) error { return c.(*pipelinedConn).commit(ctx) })
			}
			if err == nil {
				return nil
			}
		}
		if undone := conn.Raw(rollBack); err == nil {
			err = undone
		}
		return err
	}, nil
}

// staleConnections is how many connections may have died since they were last used, at most, before no other is tried.
const staleConnections = 32

// rollBack ends the transaction of a connection; whatever state it is in if that fails, nobody gets it again.
func rollBack(c any) error {
	conn := c.(*pipelinedConn)
	conn.leave()
	if conn.tx.opens {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), rollBackTimeout)
	defer cancel()
	if _, err := conn.Conn.ExecContext(ctx, "ROLLBACK", nil); err != nil {
		return driver.ErrBadConn
	}
	return nil
}

// rollBackTimeout is how long a server may take to roll back; a connection that is closed rolls back as well.
const rollBackTimeout = 5 * time.Second
