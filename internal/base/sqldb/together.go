// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// Pipeline spares this transaction round trips to PostgreSQL, before its first statement: the answers to what Insert, Upsert and Do write are read when something is read, or with the commit, and
// what the steps of Together read is asked at once. An error of a write is told by a later statement or the commit, and the transaction is lost then in any case; so
// it is for those who look at errors only to give up. Other engines do as always.
func (tx *Tx) Pipeline() {
	if conn, ok := tx.tx.(*sqlx.Conn); ok && tx.db.engine == Postgres {
		tx.pipe = conn
		conn.Raw(func(c any) error {
			c.(*pipelinedConn).tx.pipes = true
			return nil
		})
	}
}

// Pipelined tells whether Pipeline spares round trips.
func (tx *Tx) Pipelined() bool { return tx.pipe != nil }

// Do runs one statement, of which only an error is of interest.
func (tx *Tx) Do(ctx context.Context, query string, args ...any) error {
	if tx.pipe == nil {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}
	q, a, err := tx.bind(query, args)
	if err != nil {
		return err
	}
	return tx.hold(ctx, statement{text: q, args: a, doing: "write"})
}

// hold sends a statement without waiting for its answer.
func (tx *Tx) hold(ctx context.Context, s statement) error {
	return classify(ctx, tx.pipe.Raw(func(c any) error { return c.(*pipelinedConn).hold(ctx, s) }))
}

// errLearning is what statements give that cannot run while Together finds out what its steps ask.
var errLearning = errors.New("it is only being found out what is asked")

// Together runs steps that read, and write nothing. In a transaction with Pipeline it first runs each to find out what it asks, as if there were no rows, and then,
// when PostgreSQL has answered all of that at once, once more. What a step asks only because of what it has read is asked by itself. The answers are held in memory.
func (tx *Tx) Together(ctx context.Context, steps ...func(context.Context) error) error {
	if tx.pipe != nil && len(steps) > 1 {
		if err := tx.askEarly(ctx, steps); err != nil {
			return err
		}
		defer tx.pipe.Raw(func(c any) error { // what was not asked again may not be true any more when it is
			c.(*pipelinedConn).tx.early = nil
			return nil
		})
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) askEarly(ctx context.Context, steps []func(context.Context) error) error {
	tx.learning, tx.asked = true, nil
	for _, step := range steps {
		step(ctx) // whatever it makes of no rows
	}
	tx.learning = false
	asked := tx.asked
	if tx.asked = nil; len(asked) == 0 {
		return nil
	}
	err := tx.pipe.Raw(func(c any) (err error) {
		conn := c.(*pipelinedConn)
		conn.tx.early, _, err = conn.ask(ctx, asked...)
		return err
	})
	if err != nil {
		return fmt.Errorf("read %d things at once: %w", len(asked), classify(ctx, err))
	}
	return nil
}

// learn notes a statement that reads.
func (tx *Tx) learn(query string, args []any) error {
	q, a, err := tx.db.spread(query, args)
	if err == nil {
		tx.asked = append(tx.asked, statement{text: q, args: a})
	}
	return err
}

// bind is DB.bind, but for what writes while nothing may be written.
func (tx *Tx) bind(query string, args []any) (string, []any, error) {
	if tx.learning {
		return "", nil, errLearning
	}
	return tx.db.bind(query, args)
}
