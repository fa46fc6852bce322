// SPDX-License-Identifier: GPL-2.0-or-later

package django

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
)

const (
	batchRows  = 256
	batchBytes = 4 << 20
)

// table is how one table of the source becomes rows of ours: S is a row there, T what is made of it.
type table[S, T any] struct {
	what    string // for people
	name    string // of the table in the source
	query   string
	convert func(S) T
	write   func(context.Context, *sqldb.Tx, []T) error
	size    func(T) int // bytes; nil: little
}

// take reads a table and writes it in batches. In a dry run it only converts.
func take[S, T any](ctx context.Context, im *importer, t table[S, T]) error {
	var batch []T
	var rows int64
	bytes := 0
	flush := func() error {
		im.tell(t.what)
		if im.tx != nil && im.bad == 0 && len(batch) > 0 { // with a problem nothing is kept, but all problems are looked for
			if err := t.write(ctx, im.tx, batch); err != nil {
				return err
			}
		}
		batch, bytes = batch[:0], 0
		return ctx.Err()
	}
	err := im.src.each(ctx, t.name, t.query, func(r *sqlx.Rows) error {
		var s S
		if err := r.StructScan(&s); err != nil {
			return im.src.explain(ctx, "read "+t.name, err)
		}
		v := t.convert(s)
		batch = append(batch, v)
		if t.size != nil {
			bytes += t.size(v)
		}
		rows++
		im.done++
		if len(batch) < batchRows && bytes < batchBytes {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	im.summary.Imported = append(im.summary.Imported, Count{t.name, t.what, rows})
	return err
}

// row is where a value stands in the source, for what is said about it.
type row struct {
	im    *importer
	table string
	id    int64
}

// row notes the id of a row.
func (im *importer) row(table string, id int64) row {
	im.highest[table] = max(im.highest[table], id)
	return row{im, table, id}
}

// text is a text that every database takes. One of more than most characters is a problem; most 0 is without limit.
func (r row) text(column, s string, most int) string {
	if c := clean(s); c != s {
		r.im.cleaned++
		s = c
	}
	if most > 0 && len(s) > most && utf8.RuneCountInString(s) > most {
		r.im.problem("%s %d: its %s has more than %d characters", r.table, r.id, column, most)
	}
	return s
}

// clean is s without NUL, which PostgreSQL refuses, and in valid UTF-8.
func clean(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

// texts is text of a value that may be null.
func (r row) texts(column string, s *string, most int) *string {
	if s == nil {
		return nil
	}
	clean := r.text(column, *s, most)
	return &clean
}

// id is an id that may be null: 0.
func id(v *int64) int64 {
	if v == nil {
		return 0
	}
	return *v
}
