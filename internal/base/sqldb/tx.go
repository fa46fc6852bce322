// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/fault"
)

// Queryer reads; *DB and *Tx are Queryers. Query text has ? placeholders; a slice argument fills an IN (?) list and must not be empty.
type Queryer interface {
	// Get scans one row into dest (a struct or a scalar); no row is fault.NotFound.
	Get(ctx context.Context, dest any, query string, args ...any) error
	// Select scans all rows into the slice dest points to.
	Select(ctx context.Context, dest any, query string, args ...any) error
	// Each calls f once per row; f scans it.
	Each(ctx context.Context, f func(*sqlx.Rows) error, query string, args ...any) error
}

// Tx is one write transaction. A function that takes a Tx never commits it.
type Tx struct {
	db     *DB
	tx     handle
	blocks map[string]*idBlock // SQLite: taken inside this transaction, void if it rolls back
	wakes  []string            // who is to look after the commit
	short  bool                // see ShortStatements

	keeps   bool // see KeepsRemembered
	recalls bool // the DB's memory is what is true in this transaction

	pipe     *sqlx.Conn  // see Pipeline; else nil
	learning bool        // Together finds out what is asked
	asked    []statement // that it found
}

const maxAttempts = 8

// Tx runs f in a write transaction and commits. When the engine asks for it (deadlock, serialization failure, SQLite busy) f is run
// again from the start, at most 8 times, so f must keep its effects in the transaction.
func (db *DB) Tx(ctx context.Context, f func(*Tx) error) error {
	stale := 0
	for attempt := 1; ; attempt++ {
		err := db.once(ctx, f)
		for ; errors.Is(err, errStale) && ctx.Err() == nil && stale < staleConnections; stale++ {
			err = db.once(ctx, f)
		}
		if err == nil || attempt == maxAttempts || !retryable(err) {
			return classify(ctx, err)
		}
		pause := time.Duration(rand.Int64N(int64(attempt) * int64(10*time.Millisecond)))
		select {
		case <-ctx.Done():
			return classify(ctx, err)
		case <-time.After(pause):
		}
	}
}

func (db *DB) once(ctx context.Context, f func(*Tx) error) (err error) {
	h, end, err := db.begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	tx := &Tx{db: db, tx: h}
	ended := false
	defer func() {
		if !ended {
			end(false)
		}
	}()
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.sendWakes(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	ended = true
	if !tx.keeps {
		db.remembered.forget() // before anybody else can begin
	}
	if err := end(true); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	for name, b := range tx.blocks {
		db.ids.put(name, *b)
	}
	for _, name := range tx.wakes {
		db.sleepers.wake(name)
	}
	return nil
}

// Engine is the engine of the transaction's database.
func (tx *Tx) Engine() string { return tx.db.engine }

// FreshPlans makes PostgreSQL plan the statements of this transaction by the size its tables have now. A plan that was kept from when they were
// empty reads them whole, until the statistics are next renewed: a bulk import would take hours.
func (tx *Tx) FreshPlans(ctx context.Context) error {
	if tx.db.engine != Postgres {
		return nil
	}
	return tx.Do(ctx, "SET LOCAL plan_cache_mode = force_custom_plan")
}

// PreferIndexes makes PostgreSQL read by index in this transaction wherever one fits, also tables of some thousand rows, which it would rather read whole, and keep to plans that do
// not look at values: planning costs more than a few rows.
func (tx *Tx) PreferIndexes(ctx context.Context) error {
	if tx.db.engine != Postgres {
		return nil
	}
	return tx.Do(ctx, "SELECT set_config('enable_seqscan', 'off', TRUE), set_config('plan_cache_mode', 'force_generic_plan', TRUE)")
}

// ShortStatements says that no statement of this transaction takes long, so that it is soon enough to look between them whether ctx has ended. SQLite is
// spared a goroutine for each then, which costs more than many a statement.
func (tx *Tx) ShortStatements() { tx.short = tx.db.engine == SQLite }

// within is ctx for one statement.
func (tx *Tx) within(ctx context.Context) (context.Context, error) {
	if !tx.short {
		return ctx, nil
	}
	return context.WithoutCancel(ctx), ctx.Err()
}

// Short is ctx for reads that take no longer than looking after them, such as that of some rows by their ids. SQLite is spared a goroutine for each, and a look at ctx for each row: of a hundred
// rows a third of the time.
func Short(ctx context.Context, q Queryer) context.Context {
	if db, ok := q.(*DB); ok && db.engine == SQLite && ctx.Err() == nil {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// Exec runs one statement and returns how many rows it matched.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	q, a, err := tx.bind(query, args)
	if err != nil {
		return 0, err
	}
	if ctx, err = tx.within(ctx); err != nil {
		return 0, err
	}
	res, err := tx.tx.ExecContext(ctx, q, a...)
	if err != nil {
		return 0, classify(ctx, err)
	}
	n, err := res.RowsAffected()
	return n, classify(ctx, err)
}

// Get implements Queryer.
func (tx *Tx) Get(ctx context.Context, dest any, query string, args ...any) error {
	if tx.learning {
		tx.learn(query, args)
		return errLearning
	}
	ctx, err := tx.within(ctx)
	if err != nil {
		return err
	}
	return get(ctx, tx.db, tx.tx, dest, query, args)
}

// Select implements Queryer.
func (tx *Tx) Select(ctx context.Context, dest any, query string, args ...any) error {
	if tx.learning {
		return tx.learn(query, args)
	}
	ctx, err := tx.within(ctx)
	if err != nil {
		return err
	}
	return selectAll(ctx, tx.db, tx.tx, dest, query, args)
}

// Each implements Queryer.
func (tx *Tx) Each(ctx context.Context, f func(*sqlx.Rows) error, query string, args ...any) error {
	if tx.learning {
		return tx.learn(query, args)
	}
	ctx, err := tx.within(ctx)
	if err != nil {
		return err
	}
	return each(ctx, tx.db, tx.tx, f, query, args)
}

// Get implements Queryer, outside any transaction.
func (db *DB) Get(ctx context.Context, dest any, query string, args ...any) error {
	return get(ctx, db, db.read, dest, query, args)
}

// Select implements Queryer, outside any transaction.
func (db *DB) Select(ctx context.Context, dest any, query string, args ...any) error {
	if ids, ok := dest.(*[]int64); ok && db.engine == Postgres {
		return db.ask(ctx, []Ask{{Query: query, Args: args, Row: func(c *Cells) error { return c.id(ids) }}})
	}
	return selectAll(ctx, db, db.read, dest, query, args)
}

// Each implements Queryer, outside any transaction.
func (db *DB) Each(ctx context.Context, f func(*sqlx.Rows) error, query string, args ...any) error {
	return each(ctx, db, db.read, f, query, args)
}

// LockRows ends a SELECT that locks what it reads until the transaction ends; empty on SQLite, where the writer is alone.
// On PostgreSQL it leaves room for foreign keys that point at the row.
func (tx *Tx) LockRows() string {
	switch tx.db.engine {
	case Postgres:
		return " FOR NO KEY UPDATE"
	case MariaDB:
		return " FOR UPDATE"
	}
	return ""
}

// SkipLocked ends a SELECT that locks what it reads and passes over rows that another transaction holds; empty on SQLite.
func (tx *Tx) SkipLocked() string {
	if tx.db.engine == SQLite {
		return ""
	}
	return " FOR UPDATE SKIP LOCKED"
}

func get(ctx context.Context, db *DB, q sqlx.QueryerContext, dest any, query string, args []any) error {
	s, a, err := db.bind(query, args)
	if err != nil {
		return err
	}
	if err := sqlx.GetContext(ctx, q, dest, s, a...); err == sql.ErrNoRows {
		return fault.Wrap(fault.NotFound, err, "no such row")
	} else {
		return classify(ctx, err)
	}
}

func selectAll(ctx context.Context, db *DB, q sqlx.QueryerContext, dest any, query string, args []any) error {
	s, a, err := db.bind(query, args)
	if err != nil {
		return err
	}
	if ids, ok := dest.(*[]int64); ok {
		return classify(ctx, selectIDs(ctx, q, ids, s, a))
	}
	return classify(ctx, sqlx.SelectContext(ctx, q, dest, s, a...))
}

// selectIDs is sqlx.SelectContext for numbers, which come by the hundred.
func selectIDs(ctx context.Context, q sqlx.QueryerContext, ids *[]int64, query string, args []any) error {
	rows, err := q.QueryxContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	c := NewCells(1)
	for rows.Next() {
		c.Read(rows)
		if err := c.id(ids); err != nil {
			return err
		}
	}
	return rows.Err()
}

// id takes a number, which must be there.
func (c *Cells) id(ids *[]int64) error {
	if c.err == nil && c.Null(0) {
		c.unfit(0, "an integer")
	}
	*ids = append(*ids, c.Num(0))
	return c.err
}

func each(ctx context.Context, db *DB, q sqlx.QueryerContext, f func(*sqlx.Rows) error, query string, args []any) error {
	s, a, err := db.bind(query, args)
	if err != nil {
		return err
	}
	rows, err := q.QueryxContext(ctx, s, a...)
	if err != nil {
		return classify(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil && ctx.Err() != nil {
			return classify(ctx, err) // rows that ended with ctx are said to be closed
		} else if err != nil {
			return err
		}
	}
	return classify(ctx, rows.Err())
}
