// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"database/sql/driver"
	"testing"
)

// TestDriverFields: the driver keeps its connection and its statements where direct.go looks for them. If a new version does not, everything still works, more slowly.
func TestDriverFields(t *testing.T) {
	db, err := Open(t.Context(), "sqlite:"+t.TempDir()+"/a.db", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.write.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		p := c.(*preparedConn)
		if p.lib == nil {
			t.Fatal("the driver's connection lacks its fields db and tls")
		}
		s, err := p.take(t.Context(), "SELECT ? AS a, ? AS b")
		if err != nil {
			return err
		}
		if s.handle == 0 || s.params != 2 || len(s.columns) != 2 || s.columns[1] != "b" {
			t.Errorf("a statement: %+v", s)
		}
		if !p.lib.takes(s, 2, func(i int) any { return []any{1, "x"}[i] }) || p.lib.takes(s, 1, func(int) any { return nil }) {
			t.Error("two values and one are taken wrongly")
		}
		var rows driver.Rows
		if rows, err = p.QueryContext(t.Context(), "PRAGMA schema_version", nil); err != nil { // t.Context() ends: through the driver
			return err
		}
		if _, ok := rows.(*preparedRows); !ok {
			t.Errorf("a context that can end: %T", rows)
		}
		rows.Close()
		return p.give("SELECT ? AS a, ? AS b", s)
	})
	if err != nil {
		t.Fatal(err)
	}
}
