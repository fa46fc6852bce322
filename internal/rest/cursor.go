// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"patchwork.example/pw/internal/base/clock"
)

// maxCursor is the longest cursor that is read, in bytes: the keys of a row are a few numbers and one short text.
const maxCursor = 4096

// Cursor is the page of a list that was asked for by cursor=, which names the row beside it by its keys. Nothing is counted, no row is passed over, and
// rows that come or go meanwhile move nothing. The first page is cursor= with nothing behind it.
//
//	var date clock.Time
//	var id int64
//	cur, err := c.Cursor("-date", &date, &id)
//	switch {
//	case err != nil:
//		return err
//	case cur != nil:
//		rows, err := core.List(…) // at most cur.Limit+1 rows; if cur.Begun beyond (date, id); if cur.Back in reverse order
//		rows = rest.CursorPage(cur, rows, func(r Row) []any { return []any{r.Date, r.ID} })
//	default: // c.Page
//	}
type Cursor struct {
	Begun bool // the page lies beside the keys; false: it is the first of the list
	Back  bool // it lies before them, and is read in reverse order
	Limit int  // rows of the page; who reads one more lets CursorPage know whether others follow

	call  *Call
	order string
}

// position is what a cursor holds.
type position struct {
	Order string `json:"o"`
	Keys  []any  `json:"k"`
	Back  bool   `json:"b,omitempty"`
}

// Cursor reads cursor= of the request for a list that is in this order; nil if there is none. keys are pointers to what the rows are ordered by, *int64,
// *clock.Time or *string, and get the values of the row beside the page. A cursor that was not made for this order is 400.
func (c *Call) Cursor(order string, keys ...any) (*Cursor, error) {
	q := c.query()
	if !q.Has("cursor") {
		return nil, nil
	}
	cur := &Cursor{Limit: c.perPage(q), call: c, order: order}
	text := q.Get("cursor")
	if text == "" {
		return cur, nil
	}
	at, ok := readPosition(text)
	if !ok || len(at.Keys) != len(keys) {
		return nil, &said{http.StatusBadRequest, "Invalid cursor."}
	}
	if at.Order != order {
		return nil, &said{http.StatusBadRequest, "Invalid cursor: it belongs to another order of the list."}
	}
	for i, v := range at.Keys {
		if !setKey(keys[i], v) {
			return nil, &said{http.StatusBadRequest, "Invalid cursor."}
		}
	}
	cur.Begun, cur.Back = true, at.Back
	return cur, nil
}

func readPosition(text string) (at position, ok bool) {
	if len(text) > maxCursor {
		return at, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return at, false
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	if dec.Decode(&at) != nil {
		return at, false
	}
	_, err = dec.Token()
	return at, err == io.EOF
}

// setKey sets what key points to, if v is of its type.
func setKey(key, v any) bool {
	switch key := key.(type) {
	case *string:
		s, ok := v.(string)
		*key = s
		return ok && utf8.ValidString(s) && !strings.Contains(s, "\x00")
	case *int64:
		n, ok := v.(json.Number)
		i, err := strconv.ParseInt(n.String(), 10, 64)
		*key = i
		return ok && err == nil
	case *clock.Time:
		var i int64
		ok := setKey(&i, v)
		*key = clock.Time(i)
		return ok
	}
	return false
}

// CursorPage makes the page of rows that were read for cur, at most Limit+1 in the direction of reading, and writes the Link header. keys gives those of
// a row, in the order that Call.Cursor was given.
func CursorPage[T any](cur *Cursor, rows []T, keys func(T) []any) []T {
	more := len(rows) > cur.Limit
	rows = slices.Clone(rows[:min(len(rows), cur.Limit)])
	if cur.Back {
		slices.Reverse(rows)
	}
	var links []string
	if len(rows) > 0 && (more || cur.Back) {
		links = append(links, cur.link("next", &position{Order: cur.order, Keys: keys(rows[len(rows)-1])}))
	}
	if len(rows) > 0 && (cur.Back && more || !cur.Back && cur.Begun) {
		links = append(links, cur.link("prev", &position{Order: cur.order, Keys: keys(rows[0]), Back: true}))
	}
	cur.call.W.Header().Set("Link", strings.Join(append(links, cur.link("first", nil)), ", "))
	return rows
}

// link is that of the page at a position, of the first page for nil.
func (cur *Cursor) link(rel string, at *position) string {
	q := maps.Clone(cur.call.query())
	q.Set("cursor", "")
	q.Del("page")
	if at != nil {
		raw, _ := json.Marshal(at) // numbers and texts
		q.Set("cursor", base64.RawURLEncoding.EncodeToString(raw))
	}
	return "<" + cur.call.Base + cur.call.R.URL.EscapedPath() + "?" + q.Encode() + `>; rel="` + rel + `"`
}
