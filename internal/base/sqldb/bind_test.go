// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBind(t *testing.T) {
	tests := []struct {
		name     string
		query    string
		args     []any
		postgres string
		onPg     []any
		other    string
		onOther  []any
	}{
		{"nothing", "SELECT 1", nil, "SELECT 1", []any{}, "SELECT 1", nil},
		{"scalars", "a = ? AND b < ?", []any{1, "x"}, "a = $1 AND b < $2", []any{1, "x"}, "a = ? AND b < ?", []any{1, "x"}},
		{"list", "a = ? AND b IN (?) AND c = ?", []any{1, []int64{4, 5, 6}, "z"},
			"a = $1 AND b = ANY($2) AND c = $3", []any{1, []int64{4, 5, 6}, "z"},
			"a = ? AND b IN (?,?,?,?) AND c = ?", []any{1, int64(4), int64(5), int64(6), int64(6), "z"}},
		{"list of one", "b IN (?)", []any{[]string{"x"}}, "b = ANY($1)", []any{[]string{"x"}}, "b IN (?)", []any{"x"}},
		{"list of octets", "b IN (?)", []any{[][]byte{{1}, {2}}}, "b = ANY($1)", []any{[][]byte{{1}, {2}}}, "b IN (?,?)", []any{[]byte{1}, []byte{2}}},
		{"not in a list", "b NOT IN (?) OR b IN (?)", []any{[]int64{1, 2}, []int64{3}}, "b <> ALL($1) OR b = ANY($2)", []any{[]int64{1, 2}, []int64{3}},
			"b NOT IN (?,?) OR b IN (?)", []any{int64(1), int64(2), int64(3)}},
		{"scalar in a list", "b IN (?)", []any{int64(7)}, "b IN ($1)", []any{int64(7)}, "b IN (?)", []any{int64(7)}},
		{"list among others", "b IN (?, 9)", []any{[]int64{1, 2}}, "b IN ($1,$2, 9)", []any{int64(1), int64(2)}, "b IN (?,?, 9)", []any{int64(1), int64(2)}},
		{"octets are one value", "b = ?", []any{[]byte("xy")}, "b = $1", []any{[]byte("xy")}, "b = ?", []any{[]byte("xy")}},
	}
	for _, test := range tests {
		for _, e := range []string{SQLite, Postgres, MariaDB} {
			query, args := test.other, test.onOther
			if e == Postgres {
				query, args = test.postgres, test.onPg
			}
			gotQuery, gotArgs, err := (&DB{engine: e}).bind(test.query, test.args)
			if err != nil {
				t.Errorf("%s on %s: %v", test.name, e, err)
			}
			if diff := cmp.Diff([]any{query, args}, []any{gotQuery, gotArgs}); diff != "" {
				t.Errorf("%s on %s: %s", test.name, e, diff)
			}
		}
	}
}

func TestBindErrors(t *testing.T) {
	tests := []struct {
		query string
		args  []any
		want  string
	}{
		{"a = ? AND b = ?", []any{1}, "arguments: a = ? AND b = ?"},
		{"a = ?", []any{1, 2}, "query has 1 placeholders for 2 arguments: a = ?"},
		{"a = 1", []any{1}, "query has 0 placeholders for 1 arguments: a = 1"},
		{"a IN (?) AND b = ?", []any{[]int64{1, 2}}, "query has more placeholders than its 1 arguments: a IN (?) AND b = ?"},
		{"a IN (?)", []any{[]int64{1}, 2}, "query has 1 placeholders for 2 arguments: a IN (?)"},
		{"a IN (?)", []any{[]int64{}}, "empty list for placeholder 1: a IN (?)"},
		{"a = ? AND a IN (?)", []any{1, []string(nil)}, "empty list for placeholder 2: a = ? AND a IN (?)"},
		// Documented: a question mark in a string is taken for a placeholder.
		{"a = 'why?'", nil, "arguments: a = 'why?'"},
	}
	for _, test := range tests {
		for _, e := range []string{SQLite, Postgres, MariaDB} {
			_, _, err := (&DB{engine: e}).bind(test.query, test.args)
			if err == nil || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("%s on %s: %v, want …%s", test.query, e, err, test.want)
			}
		}
	}
}

// Statements are prepared by text, so few lengths of list may occur.
func TestListsArePadded(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 1000: 1024, 8191: 8192, 8192: 8192, 8193: 8193} {
		got := padded(make([]int64, n))
		if len(got) != want {
			t.Errorf("%d values became %d, want %d", n, len(got), want)
		}
	}
}

func TestChunks(t *testing.T) {
	var sizes []int
	err := Chunks(make([]int64, 2*MaxList+1), func(part []int64) error {
		sizes = append(sizes, len(part))
		return nil
	})
	if diff := cmp.Diff([]int{8192, 8192, 1}, sizes); diff != "" || err != nil {
		t.Error(diff, err)
	}
	err = Chunks(nil, func([]int64) error { t.Error("called for an empty list"); return nil })
	if err != nil {
		t.Error(err)
	}
}

func TestChunkOfRows(t *testing.T) {
	row := func(columns, bytes int) []any {
		r := make([]any, columns)
		r[0] = make([]byte, bytes)
		return r
	}
	tests := []struct {
		rows, columns, bytes, want int
	}{
		{1, 1, 0, 1}, {3, 2, 0, 3}, {4, 2, 0, 4}, {5, 2, 0, 5}, {16, 2, 0, 16}, {17, 2, 0, 16}, {31, 2, 0, 16}, {32, 2, 0, 32}, {255, 2, 0, 128}, {256, 2, 0, 256}, {1000, 2, 0, 256},
		{1000, 100, 0, 128},    // 163 rows of 100 values stay under 16,384
		{300, 2, 64 << 10, 32}, // 63 such rows stay under 4 MiB
		{5, 2, 3 << 20, 1}, {5, 2, 6 << 20, 1},
	}
	for _, test := range tests {
		rows := make([][]any, test.rows)
		for i := range rows {
			rows[i] = row(test.columns, test.bytes)
		}
		if got := (&Tx{}).chunk(rows, test.columns); got != test.want {
			t.Errorf("%+v: %d", test, got)
		}
	}
}

func TestOnConflict(t *testing.T) {
	u := Upsert{Table: "cup", Columns: []string{"a", "b", "c", "d"}, Key: []string{"a", "b"}}
	replace, add := u, u
	replace.Replace = []string{"c"}
	add.Replace, add.Add = []string{"c"}, []string{"d"}
	tests := []struct {
		u               Upsert
		standard, maria string
	}{
		{u, " ON CONFLICT (a, b) DO NOTHING", " ON DUPLICATE KEY UPDATE a = cup.a"},
		{replace, " ON CONFLICT (a, b) DO UPDATE SET c = excluded.c", " ON DUPLICATE KEY UPDATE c = VALUES(c)"},
		{add, " ON CONFLICT (a, b) DO UPDATE SET c = excluded.c, d = cup.d + excluded.d", " ON DUPLICATE KEY UPDATE c = VALUES(c), d = cup.d + VALUES(d)"},
	}
	for _, test := range tests {
		for e, want := range map[string]string{SQLite: test.standard, Postgres: test.standard, MariaDB: test.maria} {
			if got := (&DB{engine: e}).onConflict(test.u); got != want {
				t.Errorf("%s: %s, want %s", e, got, want)
			}
		}
	}
}
