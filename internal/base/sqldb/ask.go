// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jmoiron/sqlx"
)

// Ask is a query, and what takes its rows one after the other.
type Ask struct {
	Query string
	Args  []any
	Row   func(*Cells) error
	Keep  bool // PostgreSQL keeps the plan, which is the same whatever the values: to plan it takes longer than to run it
}

// Read asks what does not depend on each other, and reads the answers in that order. Outside a transaction PostgreSQL is asked all of it in one round trip, and its rows are taken as they come
// over the wire: for a list of a hundred rows that is half of the time that database/sql takes for it. Each query sees what is committed when it begins, as if it were asked by itself.
func Read(ctx context.Context, q Queryer, asks ...Ask) error {
	if db, ok := q.(*DB); ok && db.engine == Postgres {
		return db.ask(ctx, asks)
	}
	for _, a := range asks {
		var c *Cells
		err := q.Each(ctx, func(rows *sqlx.Rows) error {
			if c == nil {
				columns, err := rows.Columns()
				if err != nil {
					return err
				}
				c = NewCells(len(columns))
			}
			if c.Read(rows); c.err != nil {
				return c.err
			}
			return a.take(c)
		}, a.Query, a.Args...)
		if err != nil {
			return err
		}
	}
	return nil
}

func (a Ask) take(c *Cells) error {
	if err := a.Row(c); err != nil {
		return err
	}
	return c.err
}

// ask asks PostgreSQL.
func (db *DB) ask(ctx context.Context, asks []Ask) error {
	bound := make([]Ask, len(asks))
	for i, a := range asks {
		text, args, err := db.bind(a.Query, a.Args)
		if err != nil {
			return err
		}
		a.Query, a.Args = text, args
		bound[i] = a
	}
	for try := 1; ; try++ {
		err := db.askOnce(ctx, bound)
		if !errors.Is(err, driver.ErrBadConn) || try == staleConnections {
			return classify(ctx, err)
		}
	}
}

func (db *DB) askOnce(ctx context.Context, asks []Ask) error {
	conn, err := db.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error { return c.(*pipelinedConn).readAll(ctx, asks) })
}

// readAll asks PostgreSQL, outside a transaction. It gives driver.ErrBadConn only if nothing was asked.
func (c *pipelinedConn) readAll(ctx context.Context, asks []Ask) error {
	conn := c.Conn.Conn()
	if conn.IsClosed() {
		return driver.ErrBadConn
	}
	keep := slices.ContainsFunc(asks, func(a Ask) bool { return a.Keep })
	if len(asks) == 1 && !keep {
		rows, err := conn.Query(ctx, asks[0].Query, asks[0].Args...)
		return asks[0].read(rows, err)
	}
	var b pgx.Batch
	if keep {
		b.Queue(keepPlans)
	}
	for _, a := range asks {
		b.Queue(a.Query, a.Args...)
	}
	results := conn.SendBatch(ctx, &b)
	if keep {
		if _, err := results.Exec(); err != nil {
			results.Close()
			return askError(err)
		}
	}
	for _, a := range asks {
		rows, err := results.Query()
		if err = a.read(rows, err); err != nil {
			results.Close()
			return err
		}
	}
	return results.Close()
}

// keepPlans holds until what is sent together has been done.
const keepPlans = "SELECT set_config('plan_cache_mode', 'force_generic_plan', TRUE)"

func askError(err error) error {
	if pgconn.SafeToRetry(err) {
		return driver.ErrBadConn
	}
	return err
}

func (a Ask) read(rows pgx.Rows, err error) error {
	if err != nil {
		return askError(err)
	}
	defer rows.Close()
	c := &Cells{fields: rows.FieldDescriptions()}
	for rows.Next() {
		c.raw = rows.RawValues()
		if err := a.take(c); err != nil {
			return err
		}
	}
	return rows.Err()
}
