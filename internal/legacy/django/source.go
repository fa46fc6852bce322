// SPDX-License-Identifier: GPL-2.0-or-later

package django

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// source is the old database, seen as it is at one instant. Another engine than SQLite needs an open of its own, and its own catalogue and highest.
type source struct {
	db      *sqlx.DB
	tx      *sqlx.Tx
	name    string                     // for people
	columns map[string]map[string]bool // by table
}

// open opens the database for reading only. One that is not there is fault.NotFound, an engine that can't be read yet fault.Invalid.
func open(ctx context.Context, from string) (*source, error) {
	u, err := config.ParseDatabaseURL(from)
	switch {
	case err != nil:
		return nil, fault.New(fault.Invalid, "--from: want sqlite:/// and the path of the old file, as in sqlite:///srv/old/patchwork.db: %s", fault.UserText(err))
	case u.Server != nil:
		return nil, fault.New(fault.Invalid, "--from %s://…: only SQLite files can be imported so far, named as sqlite:///srv/old/patchwork.db", u.Server.Scheme)
	}
	s, err := openSQLite(ctx, u.Path)
	if err != nil {
		return nil, err
	}
	if s.columns, err = s.catalogue(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func openSQLite(ctx context.Context, path string) (*source, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the old database: %w", err)
	}
	if fi, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "there is no file %s", path)
	} else if err == nil && fi.IsDir() {
		return nil, fault.New(fault.Invalid, "%s is a directory, not the file of a database", path)
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?mode=ro&_pragma=busy_timeout(10000)&_pragma=query_only(1)"
	db, err := sqlx.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	tx, err := db.BeginTxx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		db.Close()
		return nil, fault.Wrap(fault.Unavailable, sqldb.Explain(ctx, err, "begin"), "open %s", path)
	}
	return &source{db: db, tx: tx, name: path}, nil
}

func (s *source) close() {
	s.tx.Rollback()
	s.db.Close()
}

// catalogue lists the columns of all tables. A file that is no SQLite database is fault.Invalid.
func (s *source) catalogue(ctx context.Context) (map[string]map[string]bool, error) {
	out := map[string]map[string]bool{}
	rows, err := s.tx.QueryxContext(ctx, "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'")
	if err != nil {
		return nil, s.explain(ctx, "read its tables", err)
	}
	defer rows.Close()
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, s.explain(ctx, "read its tables", err)
		}
		if out[table] == nil {
			out[table] = map[string]bool{}
		}
		out[table][column] = true
	}
	return out, s.explain(ctx, "read its tables", rows.Err())
}

func (s *source) explain(ctx context.Context, doing string, err error) error {
	var known *sqlite.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return sqldb.Explain(ctx, err, doing+" of "+s.name)
	case errors.As(err, &known) && known.Code()&0xff == sqlite3.SQLITE_NOTADB:
		return fault.New(fault.Invalid, "%s is no SQLite database", s.name)
	case errors.As(err, &known) && known.Code()&0xff == sqlite3.SQLITE_CORRUPT:
		return fault.Wrap(fault.Invalid, err, "%s is damaged", s.name)
	case errors.As(err, &known):
		return fault.Wrap(fault.Unavailable, err, "%s of %s", doing, s.name)
	}
	return fmt.Errorf("%s of %s: %w", doing, s.name, err)
}

func (s *source) has(table, column string) bool { return s.columns[table][column] }

// or is the column of a table, or a constant in its place where the table lacks it.
func (s *source) or(table, column, constant string) string {
	if s.has(table, column) {
		return column
	}
	return constant + " AS " + column
}

// count runs a query that gives one number.
func (s *source) count(ctx context.Context, query string, args ...any) (int64, error) {
	var n int64
	if err := s.tx.GetContext(ctx, &n, query, args...); err != nil {
		return 0, s.explain(ctx, "count rows", err)
	}
	return n, nil
}

// highest is the highest id a table has ever given, deleted rows included; 0 if that is not recorded.
func (s *source) highest(ctx context.Context, table string) (int64, error) {
	if s.columns["sqlite_sequence"] == nil {
		return 0, nil
	}
	return s.count(ctx, "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = ?", table)
}

// each calls f once per row of a query.
func (s *source) each(ctx context.Context, table, query string, f func(*sqlx.Rows) error) error {
	rows, err := s.tx.QueryxContext(ctx, query)
	if err != nil {
		return s.explain(ctx, "read "+table, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return s.explain(ctx, "read "+table, rows.Err())
}

// patchworkTable tells whether a table is, by its name, one of Patchwork's own.
func patchworkTable(name string) bool { return strings.HasPrefix(name, "patchwork_") }
