// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/rest"
)

// lister is a list that is read by page or by cursor.
type lister[T any] struct {
	slice *patch.Slice // of the query; its order is set
	none  bool         // nothing can match
	count func() (int, error)
	list  func() ([]T, error)
	mark  func(T) patch.Mark
}

// read reads the part that was asked for and writes the Link header.
func (l lister[T]) read(c *rest.Call) ([]T, error) {
	if c.R.URL.Query().Has("cursor") {
		return l.walk(c)
	}
	total := 0
	if !l.none {
		var err error
		if total, err = l.count(); err != nil {
			return nil, err
		}
	}
	page, err := c.Page(total)
	if err != nil || total == 0 {
		return nil, err
	}
	l.slice.Offset, l.slice.Limit = page.Offset, page.Limit
	return l.list()
}

// walk reads the page beside a cursor.
func (l lister[T]) walk(c *rest.Call) ([]T, error) {
	var m patch.Mark
	order := "id"
	if len(l.slice.Order) > 0 {
		order = l.slice.Order[0]
	}
	keys, ofMark := []any{&m.ID}, func(m patch.Mark) []any { return []any{m.ID} }
	switch {
	case len(l.slice.Order) > 1:
		return nil, errNoWalk
	case order == "date", order == "-date":
		keys, ofMark = []any{&m.Date, &m.ID}, func(m patch.Mark) []any { return []any{m.Date, m.ID} }
	case order != "id" && order != "-id":
		return nil, errNoWalk
	}
	cur, err := c.Cursor(order, keys...)
	if err != nil {
		return nil, err
	}
	l.slice.Limit, l.slice.Back = cur.Limit+1, cur.Back
	if cur.Begun {
		l.slice.After = &m
	}
	var found []T
	if !l.none {
		found, err = l.list()
	}
	return rest.CursorPage(cur, found, func(x T) []any { return ofMark(l.mark(x)) }), err
}

var errNoWalk = fault.New(fault.Invalid, "a list can be walked by cursor only in the order of id or date")
