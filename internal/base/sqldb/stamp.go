// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"database/sql"
	"strconv"
	"time"
)

// stampTimeout bounds how long the answer to a Stamp is waited for.
const stampTimeout = 5 * time.Second

// stamper asks by a connection that does nothing else: what the engines tell is told per connection.
type stamper struct {
	pool  *sql.DB
	query string        // empty: the engine has no stamp
	turn  chan struct{} // holds one token; who has it may use the fields below
	conn  *sql.Conn     // nil: none is open
	round int64         // counts the connections
}

func newStamper(pool *sql.DB, query string) *stamper {
	s := &stamper{pool: pool, query: query, turn: make(chan struct{}, 1)}
	if pool != nil {
		pool.SetMaxOpenConns(1)
		pool.SetMaxIdleConns(-1) // given back is closed
	}
	s.turn <- struct{}{}
	return s
}

// Stamp says in a short text what is committed: if two calls on one DB give the same text, no transaction of any process became visible between
// them, so what was read after the first is still true at the second. The other way round it promises nothing: the text may change although no
// row did. Compare stamps of one DB only. ok is false on engines that have no such thing (MariaDB).
//
// SQLite: PRAGMA data_version of a connection that never writes. PostgreSQL: pg_current_snapshot(), which names all transactions that are
// visible; equal snapshots of one running server see the same. A server that lost commits in a crash and gives their numbers again has cut the
// connection, whose number is part of the text. MariaDB tells neither a snapshot nor a counter that rises together with the commit.
func (db *DB) Stamp(ctx context.Context) (stamp string, ok bool, err error) {
	s := db.stamps
	if s.query == "" {
		return "", false, nil
	}
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	case <-ctx.Done():
		return "", false, classify(ctx, ctx.Err())
	}
	// A visitor who goes away in the middle would end the connection, and with it all stamps that were given.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stampTimeout)
	defer cancel()
	if stamp, err = s.ask(ctx); err != nil {
		s.hangUp()
		return "", false, classify(ctx, err)
	}
	return stamp, true, nil
}

func (s *stamper) ask(ctx context.Context) (string, error) {
	if s.conn == nil {
		conn, err := s.pool.Conn(ctx)
		if err != nil {
			return "", err
		}
		s.conn = conn
		s.round++
	}
	var seen string
	if err := s.conn.QueryRowContext(ctx, s.query).Scan(&seen); err != nil {
		return "", err
	}
	return strconv.FormatInt(s.round, 10) + "." + seen, nil
}

func (s *stamper) hangUp() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

func (s *stamper) close() {
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	s.hangUp()
	if s.pool != nil {
		s.pool.Close()
	}
}
