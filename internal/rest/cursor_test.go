// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/clock"
)

// cup is a row of a list that is ordered by name and number.
type cup struct {
	Name string
	ID   int64
}

// cups serves 7 of them by cursor, two on a page unless the client asks for more; gone are not there any more.
func cups(t *testing.T, gone ...int64) string {
	t.Helper()
	s := New(Options{PerPage: 2, MostPerPage: 5}, people{}, clock.NewFake(0), slog.New(slog.DiscardHandler))
	all := []cup{{"a", 1}, {"a", 2}, {"b", 3}, {"b", 4}, {"b", 5}, {"c&d", 6}, {"é", 7}}
	all = slices.DeleteFunc(all, func(c cup) bool { return slices.Contains(gone, c.ID) })
	mux := http.NewServeMux()
	mux.Handle("/api/cups/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &Call{W: w, R: r, Base: "http://pw.example", shell: s}
		var at cup
		cur, err := c.Cursor("name", &at.Name, &at.ID)
		if err != nil {
			c.fail(err)
			return
		}
		if cur == nil {
			fmt.Fprint(w, "no cursor")
			return
		}
		rows := slices.Clone(all)
		if cur.Back {
			slices.Reverse(rows)
		}
		if cur.Begun {
			rows = slices.DeleteFunc(rows, func(r cup) bool {
				order := strings.Compare(r.Name, at.Name)
				if order == 0 {
					order = int(r.ID - at.ID)
				}
				return cur.Back && order >= 0 || !cur.Back && order <= 0
			})
		}
		rows = rows[:min(len(rows), cur.Limit+1)]
		rows = CursorPage(cur, rows, func(r cup) []any { return []any{r.Name, r.ID} })
		ids := []int64{}
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		c.JSON(200, ids)
	}))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/api/cups/"
}

var relation = regexp.MustCompile(`<http://pw\.example/api/cups/(\?[^>]*)>; rel="(\w+)"`)

// turn asks for a page and gives its numbers, its links in order, and their queries.
func turn(t *testing.T, at, query string) (ids, rels string, to map[string]string) {
	t.Helper()
	a := ask(t, "GET", at+query, "")
	if a.StatusCode != 200 {
		t.Fatalf("%s: %d %s", query, a.StatusCode, a.body)
	}
	to = map[string]string{}
	var names []string
	for _, m := range relation.FindAllStringSubmatch(a.Header.Get("Link"), -1) {
		names = append(names, m[2])
		to[m[2]] = m[1]
	}
	return a.body, strings.Join(names, " "), to
}

func TestCursorWalk(t *testing.T) {
	at := cups(t)
	ids, rels, to := turn(t, at, "?cursor=&q=x%26y&page=3")
	walk := []struct{ by, ids, rels string }{
		{"", "[1,2]", "next first"}, {"next", "[3,4]", "next prev first"}, {"next", "[5,6]", "next prev first"}, {"next", "[7]", "prev first"},
		{"prev", "[5,6]", "next prev first"}, {"prev", "[3,4]", "next prev first"}, {"prev", "[1,2]", "next first"}, {"next", "[3,4]", "next prev first"},
		{"first", "[1,2]", "next first"},
	}
	for i, step := range walk {
		if i > 0 {
			ids, rels, to = turn(t, at, to[step.by])
		}
		if ids != step.ids || rels != step.rels {
			t.Errorf("step %d, %s: %s %s, want %s %s", i, step.by, ids, rels, step.ids, step.rels)
		}
		for rel, query := range to {
			if q, err := url.ParseQuery(query[1:]); err != nil || q.Get("q") != "x&y" || q.Has("page") || !q.Has("cursor") {
				t.Errorf("link %s: %s, %v", rel, query, err)
			}
		}
	}
	if ids, rels, _ := turn(t, at, "?cursor=&per_page=1000"); ids != "[1,2,3,4,5]" || rels != "next first" {
		t.Errorf("1000 a page: %s %s", ids, rels)
	}
	ask(t, "GET", at, "").is(t, 200, "no cursor")
}

// Rows that went away move no others.
func TestCursorOfChangedList(t *testing.T) {
	_, _, to := turn(t, cups(t), "?cursor=")
	if ids, rels, _ := turn(t, cups(t, 1, 2, 3), to["next"]); ids != "[4,5]" || rels != "next prev first" {
		t.Errorf("%s %s", ids, rels)
	}
	if ids, rels, _ := turn(t, cups(t, 3, 4, 5, 6, 7), to["next"]); ids != "[]" || rels != "first" {
		t.Errorf("%s %s", ids, rels)
	}
}

func TestCursorIsChecked(t *testing.T) {
	at := cups(t)
	pack := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for cursor, want := range map[string]string{
		"x":                                 "Invalid cursor.",
		"%00":                               "Invalid cursor.",
		"a+b/":                              "Invalid cursor.",
		pack(`{}`):                          "Invalid cursor.",
		pack(`[]`):                          "Invalid cursor.",
		pack(`null`):                        "Invalid cursor.",
		pack(`{"o":"name","k":[]}`):         "Invalid cursor.",
		pack(`{"o":"name","k":[1]}`):        "Invalid cursor.",
		pack(`{"o":"name","k":{}}`):         "Invalid cursor.",
		pack(`{"o":"name"}{}`):              "Invalid cursor.",
		pack(`{"o":"name","x":1}`):          "Invalid cursor.",
		strings.Repeat("A", 5000):           "Invalid cursor.",
		pack(`{"o":"name","k":["a"`):        "Invalid cursor.",
		pack(`{"o":"name","k":["a",`):       "Invalid cursor.",
		pack(`{"o":"name","k":["a",1.5]}`):  "Invalid cursor.",
		pack(`{"o":"name","k":["a",1e3]}`):  "Invalid cursor.",
		pack(`{"o":"name","k":["a","1"]}`):  "Invalid cursor.",
		pack(`{"o":"name","k":["a",null]}`): "Invalid cursor.",
		pack(`{"o":"name","k":["a",9223372036854775808]}`): "Invalid cursor.",
		pack(`{"o":"name","k":[7,1]}`):                     "Invalid cursor.",
		pack(`{"o":"name","k":["a\u0000",1]}`):             "Invalid cursor.",
		pack(`{"o":"name","k":["a",1,2]}`):                 "Invalid cursor.",
		pack(`{"o":"date","k":["a",1]}`):                   "Invalid cursor: it belongs to another order of the list.",
	} {
		body, _ := json.Marshal(map[string]string{"detail": want})
		ask(t, "GET", at+"?cursor="+cursor, "").is(t, 400, string(body))
	}
	if ids, _, _ := turn(t, at, "?cursor="+pack(`{"o":"name","k":["b",-5]}`)); ids != "[3,4]" {
		t.Error(ids)
	}
	var when clock.Time
	if !setKey(&when, json.Number("1792000000000001")) || when != 1792000000000001 || setKey(&when, "x") || setKey(new(float64), json.Number("1")) {
		t.Error(when)
	}
}
