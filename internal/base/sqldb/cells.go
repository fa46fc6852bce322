// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jmoiron/sqlx"
)

// Cells are the values of one row after the other, in the order of the columns. Where rows come by the hundred it takes a third of the time of scanning them into numbers and texts, which database/sql
// does by reflection, and for some by way of a text.
//
//	c := sqldb.NewCells(2)
//	err := q.Each(ctx, func(rows *sqlx.Rows) error {
//		c.Read(rows)
//		names[c.Num(0)] = c.Text(1)
//		return c.Err()
//	}, "SELECT id, name FROM project")
type Cells struct {
	values, into []any
	raw          [][]byte                  // of PostgreSQL, in place of values
	fields       []pgconn.FieldDescription // what they are
	err          error
}

// NewCells makes cells for rows of n columns.
func NewCells(n int) *Cells {
	c := &Cells{values: make([]any, n), into: make([]any, n)}
	for i := range c.into {
		c.into[i] = &c.values[i]
	}
	return c
}

// Read takes the values of the present row.
func (c *Cells) Read(rows *sqlx.Rows) {
	if err := rows.Scan(c.into...); c.err == nil {
		c.err = err
	}
}

// Err is what went wrong first.
func (c *Cells) Err() error { return c.err }

func (c *Cells) unfit(i int, want string) {
	if c.err != nil {
		return
	}
	if c.fields != nil {
		c.err = fmt.Errorf("column %d is %s, not %s", i+1, c.wireKind(i), want)
		return
	}
	c.err = fmt.Errorf("column %d is %T, not %s", i+1, c.values[i], want)
}

// Null tells whether there is no value.
func (c *Cells) Null(i int) bool {
	if c.fields != nil {
		return c.raw[i] == nil
	}
	return c.values[i] == nil
}

// Num is an integer; NULL is 0.
func (c *Cells) Num(i int) int64 {
	if c.fields != nil {
		n, ok := wireNum(c.raw[i], &c.fields[i])
		if !ok {
			c.unfit(i, "an integer")
		}
		return n
	}
	switch v := c.values[i].(type) {
	case int64:
		return v
	case nil:
		return 0
	case []byte: // sums, on MariaDB
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return n
		}
	case string: // sums, on PostgreSQL
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n
		}
	}
	c.unfit(i, "an integer")
	return 0
}

// Text is a text; NULL is empty.
func (c *Cells) Text(i int) string {
	if c.fields != nil {
		if c.raw[i] != nil && !wireIsText(c.fields[i].DataTypeOID) {
			c.unfit(i, "a text")
		}
		return string(c.raw[i])
	}
	switch v := c.values[i].(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case nil:
		return ""
	}
	c.unfit(i, "a text")
	return ""
}

// MaybeText is a text; NULL is nil.
func (c *Cells) MaybeText(i int) *string {
	if c.Null(i) {
		return nil
	}
	s := c.Text(i)
	return &s
}

// Flag is a BOOLEAN; NULL is false.
func (c *Cells) Flag(i int) bool {
	if c.fields != nil {
		yes, ok := wireFlag(c.raw[i], &c.fields[i])
		if !ok {
			c.unfit(i, "a boolean")
		}
		return yes
	}
	switch v := c.values[i].(type) {
	case bool:
		return v
	case int64:
		return v != 0
	case nil:
		return false
	}
	c.unfit(i, "a boolean")
	return false
}
