// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// pipelining connects to PostgreSQL with connections that can send several statements at once.
type pipelining struct{ driver.Connector }

// Connect implements driver.Connector.
func (p pipelining) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &pipelinedConn{Conn: c.(*stdlib.Conn)}, nil
}

// pipelinedConn is a connection to PostgreSQL. What is held goes with the statement that comes next; what was asked early is answered from memory. database/sql uses a
// connection from one goroutine at a time.
type pipelinedConn struct {
	*stdlib.Conn
	held  []statement
	bytes int // of what is held
	early []*earlyRows
}

// statement is one that waits to be sent.
type statement struct {
	text  string
	args  []any
	doing string // what is said of an error
}

// What is held is sent by itself beyond this, so that it fills no memory.
const (
	maxHeld      = 64
	maxHeldBytes = 1 << 20
)

// hold keeps a statement whose result nobody looks at.
func (c *pipelinedConn) hold(ctx context.Context, s statement) error {
	c.held, c.bytes = append(c.held, s), c.bytes+rowSize(s.args)
	if len(c.held) < maxHeld && c.bytes < maxHeldBytes {
		return nil
	}
	_, _, err := c.send(ctx)
	return err
}

// send sends what is held and asked, and reads all answers. Of the last it gives the tag.
func (c *pipelinedConn) send(ctx context.Context, asked ...statement) (answers []*earlyRows, tag pgconn.CommandTag, err error) {
	held := c.held
	c.held, c.bytes = nil, 0
	if c.Conn.Conn().IsClosed() {
		return nil, tag, driver.ErrBadConn
	}
	var b pgx.Batch
	for _, list := range [][]statement{held, asked} {
		for _, s := range list {
			b.Queue(s.text, s.args...)
		}
	}
	results := c.Conn.Conn().SendBatch(ctx, &b)
	for _, s := range held {
		if _, err := results.Exec(); err != nil {
			results.Close()
			return nil, tag, fmt.Errorf("%s: %w", s.doing, err)
		}
	}
	for _, s := range asked {
		a := &earlyRows{asked: s}
		if tag, err = a.read(results); err != nil {
			results.Close()
			return nil, tag, err
		}
		answers = append(answers, a)
	}
	return answers, tag, results.Close()
}

const commit = "COMMIT"

var errRolledBack = errors.New("the transaction was rolled back, because a statement in it had failed")

// ExecContext implements driver.ExecerContext.
func (c *pipelinedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(c.held) == 0 && query != commit {
		return c.Conn.ExecContext(ctx, query, args)
	}
	_, tag, err := c.send(ctx, statement{text: query, args: valuesOf(args)})
	if err == nil && query == commit && tag.String() != commit { // PostgreSQL does not call it an error
		err = errRolledBack
	}
	return driver.RowsAffected(tag.RowsAffected()), err
}

// QueryContext implements driver.QueryerContext.
func (c *pipelinedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if len(c.held) == 0 && len(c.early) == 0 {
		return c.Conn.QueryContext(ctx, query, args)
	}
	s := statement{text: query, args: valuesOf(args)}
	for i, a := range c.early {
		if a.asked.text == s.text && reflect.DeepEqual(a.asked.args, s.args) {
			c.early = append(c.early[:i:i], c.early[i+1:]...)
			return a, nil
		}
	}
	if len(c.held) == 0 {
		return c.Conn.QueryContext(ctx, query, args)
	}
	answers, _, err := c.send(ctx, s)
	if err != nil {
		return nil, err
	}
	return answers[0], nil
}

// ResetSession implements driver.SessionResetter: whoever had the connection before left nothing that would be sent for another.
func (c *pipelinedConn) ResetSession(ctx context.Context) error {
	c.held, c.bytes, c.early = nil, 0, nil
	return c.Conn.ResetSession(ctx)
}

func valuesOf(args []driver.NamedValue) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = a.Value
	}
	return out
}

// earlyRows are the rows of a statement that have been read.
type earlyRows struct {
	asked   statement
	columns []string
	rows    [][]driver.Value
}

func (r *earlyRows) read(results pgx.BatchResults) (tag pgconn.CommandTag, err error) {
	rows, err := results.Query()
	if err != nil {
		return tag, err
	}
	defer rows.Close()
	for _, f := range rows.FieldDescriptions() {
		r.columns = append(r.columns, f.Name)
	}
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return tag, err
		}
		row := make([]driver.Value, len(values))
		for i, v := range values {
			if row[i], err = plainValue(v); err != nil {
				return tag, fmt.Errorf("read column %s: %w", r.columns[i], err)
			}
		}
		r.rows = append(r.rows, row)
	}
	rows.Close()
	return rows.CommandTag(), rows.Err()
}

// plainValue makes of what pgx reads what database/sql knows.
func plainValue(v any) (driver.Value, error) {
	switch v := v.(type) {
	case int16:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint32:
		return int64(v), nil
	case float32:
		return float64(v), nil
	case driver.Valuer: // NUMERIC, which sums are
		return v.Value()
	}
	if !driver.IsValue(v) {
		return nil, fmt.Errorf("a %T is not read ahead", v)
	}
	return v, nil
}

// Columns implements driver.Rows.
func (r *earlyRows) Columns() []string { return r.columns }

// Close implements driver.Rows.
func (r *earlyRows) Close() error { return nil }

// Next implements driver.Rows.
func (r *earlyRows) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(dest, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}
