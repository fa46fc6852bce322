// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/jmoiron/sqlx"
)

// A text is parsed and planned by SQLite in the time of a few rows. Those that come again keep their statement, up to a number
// and a length.
const (
	maxPrepared     = 600
	maxPreparedText = 16 << 10
)

// preparing connects to SQLite files with connections that keep their statements.
type preparing struct {
	driver driver.Driver
	dsn    string
}

func openPreparing(dsn string) (*sqlx.DB, error) {
	plain, err := sql.Open("sqlite", dsn) // connects to nothing: only to get at the driver
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	return sqlx.NewDb(sql.OpenDB(preparing{plain.Driver(), dsn}), "sqlite"), nil
}

// Connect implements driver.Connector.
func (p preparing) Connect(context.Context) (driver.Conn, error) {
	c, err := p.driver.Open(p.dsn)
	if err != nil {
		return nil, err
	}
	return &preparedConn{sqliteConn: c.(sqliteConn), idle: map[string]driver.Stmt{}}, nil
}

// Driver implements driver.Connector.
func (p preparing) Driver() driver.Driver { return p.driver }

// sqliteConn is what database/sql uses of a connection to SQLite.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// preparedConn keeps statements by their text while they are not in use. database/sql uses a connection from one goroutine at a time.
type preparedConn struct {
	sqliteConn
	idle map[string]driver.Stmt
}

// take gives the statement of a text to the caller, who gives it back when he is done.
func (c *preparedConn) take(ctx context.Context, query string) (driver.Stmt, error) {
	if s := c.idle[query]; s != nil {
		delete(c.idle, query)
		return s, nil
	}
	return c.PrepareContext(ctx, query)
}

func (c *preparedConn) give(query string, s driver.Stmt) error {
	if c.idle[query] != nil || len(query) > maxPreparedText {
		return s.Close()
	}
	if len(c.idle) >= maxPrepared {
		for text, old := range c.idle { // any: those in use come back soon
			delete(c.idle, text)
			old.Close()
			break
		}
	}
	c.idle[query] = s
	return nil
}

// ExecContext implements driver.ExecerContext.
func (c *preparedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	res, err := s.(driver.StmtExecContext).ExecContext(ctx, args)
	if err != nil {
		s.Close()
		return nil, err
	}
	return res, c.give(query, s)
}

// QueryContext implements driver.QueryerContext.
func (c *preparedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		s.Close()
		return nil, err
	}
	return &preparedRows{rows, c, query, s}, nil
}

// Close implements driver.Conn.
func (c *preparedConn) Close() error {
	for _, s := range c.idle {
		s.Close()
	}
	c.idle = nil
	return c.sqliteConn.Close()
}

// preparedRows gives the statement back when the rows are read.
type preparedRows struct {
	driver.Rows
	conn  *preparedConn
	query string
	stmt  driver.Stmt
}

// Close implements driver.Rows.
func (r *preparedRows) Close() error {
	if err := r.Rows.Close(); err != nil {
		r.stmt.Close()
		return err
	}
	return r.conn.give(r.query, r.stmt)
}
