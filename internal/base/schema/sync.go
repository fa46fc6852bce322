// SPDX-License-Identifier: GPL-2.0-or-later

package schema

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"slices"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

const versionTable = "schema_version"

// Status compares a database with this binary. Versions are migration file × 1000 + statement.
type Status struct {
	Current int64 // 0: empty database
	Wanted  int64
	Pending []string // names of the migration files that Sync would run, in order
}

// Sync runs the pending steps, one process at a time. A database written by a newer pw is fault.Conflict.
func Sync(ctx context.Context, db *sqldb.DB) error { return sync(ctx, db, files) }

func sync(ctx context.Context, db *sqldb.DB, fsys fs.FS) error {
	unlock, err := db.Lock(ctx, "schema")
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer unlock()
	p, wanted, err := provider(db, fsys)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	current, err := p.GetDBVersion(ctx)
	if err != nil {
		return sqldb.Explain(ctx, err, "migrate: read the schema version")
	}
	if err := refuseNewer(current, wanted); err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return sqldb.Explain(ctx, err, "migrate")
}

// Inspect tells what Sync would do, without changing anything.
func Inspect(ctx context.Context, db *sqldb.DB) (Status, error) { return inspect(ctx, db, files) }

func inspect(ctx context.Context, db *sqldb.DB, fsys fs.FS) (Status, error) {
	list, err := steps(fsys, db.Engine())
	if err != nil {
		return Status{}, err
	}
	st := Status{Wanted: list[len(list)-1].version}
	there, err := hasVersionTable(ctx, db)
	if err != nil {
		return Status{}, fmt.Errorf("read the schema version: %w", err)
	}
	if there {
		if err := db.Get(ctx, &st.Current, "SELECT COALESCE(MAX(version_id), 0) FROM "+versionTable); err != nil {
			return Status{}, fmt.Errorf("read the schema version: %w", err)
		}
	}
	for _, s := range list {
		if s.version > st.Current && !slices.Contains(st.Pending, s.name) {
			st.Pending = append(st.Pending, s.name)
		}
	}
	return st, refuseNewer(st.Current, st.Wanted)
}

// Require is nil when the database has exactly the schema of this binary; else the error says what to run.
func Require(ctx context.Context, db *sqldb.DB) error {
	st, err := Inspect(ctx, db)
	if err != nil {
		return err
	}
	if len(st.Pending) > 0 {
		return fault.New(fault.Conflict, "the database schema is %d, this pw needs %d: run `pw db sync`", st.Current, st.Wanted)
	}
	return nil
}

func refuseNewer(current, wanted int64) error {
	if current > wanted {
		return fault.New(fault.Conflict, "the database has schema %d, this pw knows only %d: install the newer pw that made it", current, wanted)
	}
	return nil
}

func provider(db *sqldb.DB, fsys fs.FS) (*goose.Provider, int64, error) {
	list, err := steps(fsys, db.Engine())
	if err != nil {
		return nil, 0, err
	}
	var migrations []*goose.Migration
	for _, s := range list {
		run := func(ctx context.Context, tx *sql.Tx) error {
			if s.sql == "" {
				return nil
			}
			if _, err := tx.ExecContext(ctx, s.sql); err != nil {
				return fmt.Errorf("%s: %w in: %s", s.name, err, s.sql)
			}
			return nil
		}
		migrations = append(migrations, goose.NewGoMigration(s.version, &goose.GoFunc{RunTx: run}, nil))
	}
	dialects := map[string]database.Dialect{
		sqldb.SQLite: database.DialectSQLite3, sqldb.Postgres: database.DialectPostgres, sqldb.MariaDB: database.DialectMySQL,
	}
	store, err := database.NewStore(dialects[db.Engine()], versionTable)
	if err != nil {
		return nil, 0, err
	}
	p, err := goose.NewProvider("", db.SQL(), nil,
		goose.WithStore(store), goose.WithGoMigrations(migrations...), goose.WithDisableGlobalRegistry(true))
	return p, list[len(list)-1].version, err
}

func hasVersionTable(ctx context.Context, db *sqldb.DB) (bool, error) {
	query := "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?"
	switch db.Engine() {
	case sqldb.SQLite:
		query = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
	case sqldb.MariaDB:
		query = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
	}
	var n int
	err := db.Get(ctx, &n, query, versionTable)
	return n > 0, err
}
