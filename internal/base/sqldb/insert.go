// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"sync"
)

const (
	maxParams = 16384   // SQLite allows 32,766 per statement, PostgreSQL and MariaDB 65,535
	maxBytes  = 4 << 20 // stays below MariaDB's stock max_allowed_packet of 16 MiB
)

// Insert writes rows with multi-row statements, in order. Each row has one value per column.
func (tx *Tx) Insert(ctx context.Context, table string, columns []string, rows [][]any) error {
	return tx.insert(ctx, Upsert{Table: table, Columns: columns}, rows)
}

// Upsert says what Tx.Upsert does with a row whose key is there already: Replace columns take the new value, Add columns are
// increased by it; with neither, the old row stays as it is. Rows of one call must differ in Key.
type Upsert struct {
	Table   string
	Columns []string
	Key     []string
	Replace []string
	Add     []string
}

// Upsert writes rows, or changes those that are there; see the type.
func (tx *Tx) Upsert(ctx context.Context, u Upsert, rows [][]any) error {
	return tx.insert(ctx, u, rows)
}

func (db *DB) onConflict(u Upsert) string {
	var set []string
	incoming := func(c string) string {
		if db.engine == MariaDB {
			return "VALUES(" + c + ")"
		}
		return "excluded." + c
	}
	for _, c := range u.Replace {
		set = append(set, c+" = "+incoming(c))
	}
	for _, c := range u.Add {
		set = append(set, c+" = "+u.Table+"."+c+" + "+incoming(c))
	}
	if db.engine == MariaDB {
		if len(set) == 0 { // INSERT IGNORE would hide other errors too
			set = []string{u.Key[0] + " = " + u.Table + "." + u.Key[0]}
		}
		return " ON DUPLICATE KEY UPDATE " + strings.Join(set, ", ")
	}
	if len(set) == 0 {
		return " ON CONFLICT (" + strings.Join(u.Key, ", ") + ") DO NOTHING"
	}
	return " ON CONFLICT (" + strings.Join(u.Key, ", ") + ") DO UPDATE SET " + strings.Join(set, ", ")
}

// insert writes rows; without a key a row that is there already is an error.
func (tx *Tx) insert(ctx context.Context, u Upsert, rows [][]any) error {
	ctx, err := tx.within(ctx)
	if err == nil && tx.learning {
		err = errLearning
	}
	if err != nil {
		return err
	}
	for len(rows) > 0 {
		n := tx.chunk(rows, len(u.Columns))
		args := make([]any, 0, n*len(u.Columns))
		for _, r := range rows[:n] {
			if len(r) != len(u.Columns) {
				return fmt.Errorf("insert into %s: row of %d values for %d columns", u.Table, len(r), len(u.Columns))
			}
			args = append(args, r...)
		}
		t := tx.db.inserts.text(tx.db, u, n)
		if tx.db.hear != nil {
			tx.db.hear(t.head)
		}
		if err := tx.write(ctx, statement{text: t.text, args: args, doing: t.doing}); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// insertTexts are the texts of small insertions, which come again and again.
type insertTexts struct {
	mu    sync.Mutex
	kept  map[insertKey][]*insertText
	total int
}

type insertKey struct {
	table string
	rows  int
}

type insertText struct {
	as                Upsert
	head, text, doing string
}

// Beyond these no text is kept.
const (
	maxInsertTexts = 1000
	maxInsertRows  = 16
)

// text is how n rows are inserted.
func (i *insertTexts) text(db *DB, u Upsert, n int) *insertText {
	if n > maxInsertRows {
		return db.insertText(u, n)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	key := insertKey{u.Table, n}
	for _, t := range i.kept[key] {
		if t.as.same(u) {
			return t
		}
	}
	t := db.insertText(u, n)
	if i.total < maxInsertTexts {
		if i.kept == nil {
			i.kept = map[insertKey][]*insertText{}
		}
		i.kept[key] = append(i.kept[key], t)
		i.total++
	}
	return t
}

// same tells whether both are written alike.
func (u Upsert) same(v Upsert) bool {
	return u.Table == v.Table && slices.Equal(u.Columns, v.Columns) && slices.Equal(u.Key, v.Key) && slices.Equal(u.Replace, v.Replace) && slices.Equal(u.Add, v.Add)
}

func (db *DB) insertText(u Upsert, n int) *insertText {
	t := &insertText{doing: "insert into " + u.Table}
	t.as = Upsert{u.Table, slices.Clone(u.Columns), slices.Clone(u.Key), slices.Clone(u.Replace), slices.Clone(u.Add)}
	t.head = "INSERT INTO " + u.Table + " (" + strings.Join(u.Columns, ", ") + ") VALUES "
	t.text = t.head + db.values(n, len(u.Columns))
	if len(u.Key) > 0 {
		t.text += db.onConflict(u)
	}
	return t
}

// write runs a statement, or lets it be sent with the next one.
func (tx *Tx) write(ctx context.Context, s statement) error {
	if tx.pipe != nil {
		return tx.hold(ctx, s)
	}
	if _, err := tx.tx.ExecContext(ctx, s.text, s.args...); err != nil {
		return fmt.Errorf("%s: %w", s.doing, classify(ctx, err))
	}
	return nil
}

// chunk says how many of the rows go into the next statement: as many as fit, but of a few sizes only (statements are prepared by text).
func (tx *Tx) chunk(rows [][]any, columns int) int {
	n, size := 0, 0
	for n < len(rows) && (n+1)*columns <= maxParams && n < 256 {
		size += rowSize(rows[n])
		if n > 0 && size > maxBytes {
			break
		}
		n++
	}
	return statementRows(n)
}

// statementRows is how many of n rows one statement takes. Small batches, as of mails that come one by one, go in one statement each.
func statementRows(n int) int {
	if n <= 16 {
		return n
	}
	return min(256, 1<<(bits.Len(uint(n))-1))
}

func rowSize(row []any) int {
	n := 0
	for _, v := range row {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		default:
			n += 8
		}
	}
	return n
}

func (db *DB) values(rows, columns int) string {
	var b strings.Builder
	b.Grow(rows * (columns*4 + 3))
	p := 0
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for c := range columns {
			if c > 0 {
				b.WriteByte(',')
			}
			p++
			db.placeholder(&b, p)
		}
		b.WriteByte(')')
	}
	return b.String()
}
