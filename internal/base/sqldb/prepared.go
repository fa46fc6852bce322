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
	return &preparedConn{sqliteConn: c.(sqliteConn), lib: libraryOf(c), kept: map[string]*keptStmt{}}, nil
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

// preparedConn keeps statements by their text. database/sql uses a connection from one goroutine at a time.
type preparedConn struct {
	sqliteConn
	lib  *library // nil: everything goes through the driver
	kept map[string]*keptStmt
}

// take gives the statement of a text to the caller, who gives it back when he is done.
func (c *preparedConn) take(ctx context.Context, query string) (*keptStmt, error) {
	if s := c.kept[query]; s != nil && !s.busy {
		s.busy = true
		return s, nil
	}
	plain, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &keptStmt{Stmt: plain, busy: true}
	c.lib.know(s)
	return s, nil
}

func (c *preparedConn) give(query string, s *keptStmt) error {
	s.busy = false
	if kept := c.kept[query]; kept == s {
		return nil
	} else if kept != nil || len(query) > maxPreparedText {
		return c.end(s)
	}
	if len(c.kept) >= maxPrepared {
		c.drop()
	}
	c.kept[query] = s
	return nil
}

// drop forgets any statement that is not in use.
func (c *preparedConn) drop() {
	for text, s := range c.kept {
		if !s.busy {
			delete(c.kept, text)
			c.end(s)
			return
		}
	}
}

// end finalizes a statement.
func (c *preparedConn) end(s *keptStmt) error {
	if c.lib != nil {
		c.lib.free(&s.memory, &s.size)
	}
	return s.Close()
}

// spoil ends a statement that failed in the driver.
func (c *preparedConn) spoil(query string, s *keptStmt) {
	if c.kept[query] == s {
		delete(c.kept, query)
	}
	c.end(s)
}

// direct tells whether a statement with these values is run without the driver, and takes them.
func (c *preparedConn) direct(ctx context.Context, s *keptStmt, args []driver.NamedValue) bool {
	for _, a := range args {
		if a.Name != "" {
			return false
		}
	}
	return c.lib != nil && ctx.Done() == nil && c.lib.takes(s, len(args), func(i int) any { return args[i].Value })
}

// ExecContext implements driver.ExecerContext.
func (c *preparedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	if c.direct(ctx, s, args) {
		return c.run(query, s)
	}
	res, err := s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	if err != nil {
		c.spoil(query, s)
		return nil, err
	}
	return res, c.give(query, s)
}

// execDirect runs a statement without database/sql, if all its values are of common types.
func (c *preparedConn) execDirect(ctx context.Context, query string, args []any) (result driver.Result, err error, done bool) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err, true
	}
	if c.lib == nil || !c.lib.takes(s, len(args), func(i int) any { return args[i] }) {
		err = c.give(query, s)
		return nil, err, err != nil
	}
	result, err = c.run(query, s)
	return result, err, true
}

// run runs a statement whose values were taken.
func (c *preparedConn) run(query string, s *keptStmt) (driver.Result, error) {
	n, err := c.lib.exec(s)
	if undone := c.give(query, s); err == nil {
		err = undone
	}
	return driver.RowsAffected(n), err
}

// QueryContext implements driver.QueryerContext.
func (c *preparedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	if c.direct(ctx, s, args) {
		rows, err := c.lib.query(s)
		if err != nil {
			c.give(query, s)
			return nil, err
		}
		rows.conn, rows.query = c, query
		return rows, nil
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		c.spoil(query, s)
		return nil, err
	}
	return &preparedRows{rows, c, query, s}, nil
}

// Close implements driver.Conn.
func (c *preparedConn) Close() error {
	for _, s := range c.kept {
		c.end(s)
	}
	c.kept = nil
	if c.lib != nil {
		c.lib.free(&c.lib.memory, &c.lib.size)
	}
	return c.sqliteConn.Close()
}

// preparedRows gives the statement back when the rows are read.
type preparedRows struct {
	driver.Rows
	conn  *preparedConn
	query string
	stmt  *keptStmt
}

// Close implements driver.Rows.
func (r *preparedRows) Close() error {
	if err := r.Rows.Close(); err != nil {
		r.conn.spoil(r.query, r.stmt)
		return err
	}
	return r.conn.give(r.query, r.stmt)
}
