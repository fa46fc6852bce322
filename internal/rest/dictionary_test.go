// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/clock"
)

// TestDictionary: an object of texts comes from JSON and from forms.
func TestDictionary(t *testing.T) {
	s := New(Options{SessionCookie: "s", PerPage: 30, MostPerPage: 250}, people{}, clock.NewFake(0), slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	s.Route(mux, Route{Path: "/d/", Methods: map[string]Op{"POST": {Do: func(c *Call) error {
		b, err := c.Body()
		if err != nil {
			return err
		}
		d := b.Dictionary("meta", 2)
		if err := b.Err(); err != nil {
			return err
		}
		return c.JSON(200, map[string]any{"d": d, "nil": d == nil})
	}}}})
	server := httptest.NewServer(mux)
	defer server.Close()
	const js, form = "Content-Type: application/json", "Content-Type: application/x-www-form-urlencoded"
	for _, test := range []struct {
		header, body string
		status       int
		want         string
	}{
		{js, `{"meta":{"a":"ü","b":null}}`, 200, `{"d":{"a":"ü","b":null},"nil":false}`},
		{js, `{"meta":{}}`, 200, `{"d":{},"nil":true}`},
		{js, `{"other":{"a":"b"}}`, 200, `{"d":{},"nil":true}`},
		{form, "meta.a=1&meta.a=2&meta.=x&metab=y", 200, `{"d":{"":"x","a":"2"},"nil":false}`},
		{js, `{"meta":null}`, 400, `{"meta":["This field may not be null."]}`},
		{js, `{"meta":"a"}`, 400, `{"meta":["Expected a dictionary of items but got type \"str\"."]}`},
		{js, `{"meta":{"a":{}}}`, 400, `{"meta":["Not a valid string."]}`},
		{js, `{"meta":{"a\u0000":"b"}}`, 400, `{"meta":["Not a valid string."]}`},
		{form, "meta.a=%00", 400, `{"meta":["Not a valid string."]}`},
		{form, "meta.a=1&meta.b=2&meta.c=3", 400, `{"meta":["Ensure this field has no more than 2 elements."]}`},
	} {
		ask(t, "POST", server.URL+"/api/d/", test.body, test.header).is(t, test.status, test.want)
	}
}

type shout string

func (s shout) MarshalJSON() ([]byte, error) { return []byte(`"<` + string(s) + `>"`), nil }

// TestMarshalOptional: a pointer with omitempty is left out where it is nil, also in embedded structs; a type with MarshalJSON is written as it says.
func TestMarshalOptional(t *testing.T) {
	type inner struct {
		List *[]string `json:"list,omitempty" since:"1.4"`
	}
	type outer struct {
		A shout `json:"a"`
		inner
		B *shout `json:"b"`
	}
	empty, loud := []string{}, shout("c")
	for _, test := range []struct {
		v    Version
		o    outer
		want string
	}{
		{V14, outer{A: "x"}, `{"a":"<x>","b":null}`},
		{V14, outer{A: "x", inner: inner{&empty}, B: &loud}, `{"a":"<x>","list":[],"b":"<c>"}`},
		{V13, outer{A: "x", inner: inner{&empty}}, `{"a":"<x>","b":null}`},
	} {
		if got, err := Marshal(test.v, test.o); err != nil || string(got) != test.want {
			t.Errorf("%s, %v, want %s", got, err, test.want)
		}
	}
	s := newSchemas(V14)
	s.component(reflect.TypeFor[outer]())
	if got, err := json.Marshal(s.made[reflect.TypeFor[outer]()]); err != nil || !strings.Contains(string(got), `"required":["a","b"]`) {
		t.Errorf("%s, %v: list is not always there", got, err)
	}
}
