// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// plansLast is how long a connection uses the plans it has made without a look at the tables.
const plansLast = time.Second

// tableSizes says in a text how large each table is, to the power of two, in pages of 8 KiB.
const tableSizes = `SELECT COALESCE(string_agg(CAST(FLOOR(LN(1 + CAST(pg_relation_size(oid) AS FLOAT8) / 8192) / LN(CAST(2 AS FLOAT8))) AS TEXT), ' ' ORDER BY oid), '')
	FROM pg_class WHERE relkind = 'r' AND relnamespace = CAST(current_schema() AS regnamespace)`

// planned is what a connection knows of its plans.
type planned struct {
	since time.Time // when it looked last
	sizes string    // of the tables then; empty: not known
}

// renewPlans drops the plans of a connection, before it is used again, if a table has become twice as large since, or half. PostgreSQL keeps those of prepared statements until statistics are
// renewed: what was planned while a table was empty would read it whole, however it grows. To look takes a fraction of a millisecond, to plan the queries of a page ten.
func renewPlans(ctx context.Context, conn *pgx.Conn) error {
	const key = "patchwork plans"
	data, now := conn.PgConn().CustomData(), time.Now()
	last, _ := data[key].(planned)
	if now.Sub(last.since) < plansLast {
		return nil
	}
	var sizes string
	err := conn.QueryRow(ctx, tableSizes).Scan(&sizes)
	if err == nil && last.sizes != sizes {
		_, err = conn.Exec(ctx, "DISCARD PLANS")
	}
	if err != nil {
		return driver.ErrBadConn
	}
	data[key] = planned{now, sizes}
	return nil
}

// neverPing: who looks at the tables sees that the server is there.
func neverPing(context.Context, stdlib.ShouldPingParams) bool { return false }
