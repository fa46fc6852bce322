// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"fmt"
	"strconv"
	"strings"
)

// bind writes query in the engine's own placeholders and spreads slice arguments over their IN (?) list. PostgreSQL takes a list as one
// array; elsewhere lists are padded to a power of two by repeating the last value, so that a few texts per query are prepared
// instead of one per length.
func (db *DB) bind(query string, args []any) (string, []any, error) {
	if db.hear != nil {
		db.hear(query)
	}
	return db.spread(query, args)
}

func (db *DB) spread(query string, args []any) (string, []any, error) {
	spread := false
	for _, a := range args {
		switch a.(type) {
		case []int64, []string, [][]byte:
			spread = true
		}
	}
	if !spread && db.engine != Postgres {
		if n := strings.Count(query, "?"); n != len(args) {
			return "", nil, fmt.Errorf("query has %d placeholders for %d arguments: %s", n, len(args), query)
		}
		return query, args, nil
	}
	var b strings.Builder
	b.Grow(len(query) + 64)
	out := make([]any, 0, len(args)+16)
	next, rest := 0, query
	for {
		i := strings.IndexByte(rest, '?')
		if i < 0 {
			break
		}
		if next >= len(args) {
			return "", nil, fmt.Errorf("query has more placeholders than its %d arguments: %s", len(args), query)
		}
		before := rest[:i]
		rest = rest[i+1:]
		values, isList := listOf(args[next])
		if isList && db.engine == Postgres && len(values) > 0 && strings.HasPrefix(rest, ")") {
			before, values = asArray(before, args[next], values)
		}
		b.WriteString(before)
		if len(values) == 0 {
			return "", nil, fmt.Errorf("empty list for placeholder %d: %s", next+1, query)
		}
		next++
		for k, v := range values {
			if k > 0 {
				b.WriteByte(',')
			}
			out = append(out, v)
			db.placeholder(&b, len(out))
		}
	}
	if next != len(args) {
		return "", nil, fmt.Errorf("query has %d placeholders for %d arguments: %s", next, len(args), query)
	}
	b.WriteString(rest)
	return b.String(), out, nil
}

// asArray makes an array of the list that follows before, if IN does.
func asArray(before string, list any, values []any) (string, []any) {
	if head, ok := strings.CutSuffix(before, "NOT IN ("); ok {
		return head + "<> ALL(", []any{list}
	}
	if head, ok := strings.CutSuffix(before, "IN ("); ok {
		return head + "= ANY(", []any{list}
	}
	return before, values
}

func (db *DB) placeholder(b *strings.Builder, n int) {
	if db.engine == Postgres {
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		return
	}
	b.WriteByte('?')
}

func listOf(arg any) (values []any, isList bool) {
	switch v := arg.(type) {
	case []int64:
		return padded(v), true
	case []string:
		return padded(v), true
	case [][]byte:
		return padded(v), true
	}
	return []any{arg}, false
}

func padded[T any](v []T) []any {
	if len(v) == 0 {
		return nil
	}
	n := 1
	for n < len(v) {
		n *= 2
	}
	if n > MaxList {
		n = len(v)
	}
	out := make([]any, n)
	for i := range out {
		out[i] = v[min(i, len(v)-1)]
	}
	return out
}

// MaxList is the longest IN list a caller should pass; see Chunks.
const MaxList = 8192

// Chunks cuts list into pieces of at most MaxList and calls f on each; an empty list calls nothing.
func Chunks[T any](list []T, f func([]T) error) error {
	for len(list) > 0 {
		n := min(len(list), MaxList)
		if err := f(list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// NullID is an id as a column takes it: 0 is NULL.
func NullID(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// NullText is a text as a column takes it: the empty one is NULL.
func NullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}
