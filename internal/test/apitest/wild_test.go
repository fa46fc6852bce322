// SPDX-License-Identifier: GPL-2.0-or-later

package apitest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/apiseed"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestWild sends requests made from the OpenAPI documents: right and wrong parameters and bodies, wrong types, methods, headers, characters and sizes. No
// answer is 5xx, each is as documented, and in the end the roll-ups are true. PW_SOAK=1 sends more, other ones each time.
func TestWild(t *testing.T) {
	seed, rounds := uint64(6), 700
	if os.Getenv("PW_SOAK") != "" {
		seed, rounds = uint64(time.Now().UnixNano()), 20_000
	}
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			t.Logf("seed %d", seed)
			k := newKit(t, engine)
			w := &wild{kit: k, Rand: rand.New(rand.NewPCG(seed, 0)), docs: readDocuments(t, k.Client), statuses: map[int]int{}}
			w.prepare()
			for n := range rounds {
				if w.one(); t.Failed() {
					t.Fatalf("after %d requests", n+1)
				}
			}
			t.Logf("statuses: %v", w.statuses)
			if w.statuses[200] < rounds/10 || w.statuses[400] < rounds/100 {
				t.Errorf("too few requests were right, or wrong: %v", w.statuses)
			}
			w.sound()
		})
	}
}

type wild struct {
	*kit
	*rand.Rand
	docs     documents
	ids      []int64            // of anything
	of       map[string][]int64 // by the part of a path before them
	statuses map[int]int
}

// prepare makes what the site lacks, and collects the ids of what it has.
func (w *wild) prepare() {
	hook, _ := w.webhook().(int64)
	w.of = map[string][]int64{
		"bundles": {w.bundle("maint", "one", true, 1, 2), w.bundle("joe", "two", false, 3)}, "webhooks": {hook},
		"checks":  {w.check("maint", 1, `{"state":"success"}`), w.check("both", 1, `{"state":"fail","context":"ci"}`)},
		"patches": sorted(w.Patches), "series": sorted(w.Series), "covers": sorted(w.Covers), "comments": append(sorted(w.Comments), w.Replies[1]),
		"users": sorted(w.Users), "people": sorted(w.Persons), "projects": sorted(w.Projects),
	}
	for _, some := range w.of {
		w.ids = append(w.ids, some...)
	}
	slices.Sort(w.ids)
	w.ids = slices.Compact(w.ids)
}

// sorted are the values of a map, so that the same seed makes the same requests.
func sorted[K comparable](m map[K]int64) []int64 { return slices.Sorted(maps.Values(m)) }

// id is most often one of what stands before it in the path.
func (w *wild) id(path, name string) string {
	before, _, _ := strings.Cut(path, "{"+name+"}")
	parts := strings.Split(strings.Trim(before, "/"), "/")
	ids := w.of[parts[len(parts)-1]]
	if len(ids) == 0 || w.chance(15) {
		ids = w.ids
	}
	return fmt.Sprint(pick(w, ids...))
}

func (w *wild) sound() {
	err := w.db.Tx(w.t.Context(), func(tx *sqldb.Tx) error {
		found, err := patch.Check(w.t.Context(), tx, false, func(string) {})
		if len(found) > 0 {
			w.t.Errorf("%+v", found)
		}
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
}

func pick[T any](w *wild, from ...T) T { return from[w.IntN(len(from))] }

// chance is true in so many of a hundred cases.
func (w *wild) chance(percent int) bool { return w.IntN(100) < percent }

// one sends one request and looks at what comes.
func (w *wild) one() {
	o := pick(w, pick(w, w.docs["1.0"], w.docs["1.1"], w.docs["1.2"], w.docs["1.3"], w.docs["1.4"], w.docs["1.4"], w.docs["1.4"]).operations...)
	method, address := o.method, w.address(o)
	if w.chance(5) {
		method = pick(w, "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW")
	}
	var header []string
	body := ""
	if o.node["requestBody"] != nil || w.chance(3) {
		var kind string
		body, kind = w.body(o)
		header = append(header, "Content-Type: "+kind)
	}
	if w.chance(15) {
		header = append(header, pick(w, "Accept: text/html", "Accept: image/png", "Accept: */*;q=0.1", "Accept: ,;,", "If-Match: \"x\"", "If-None-Match: *", "If-Match: *", "Range: bytes=0-10",
			"X-HTTP-Method-Override: DELETE", "Authorization: Token", "Authorization: Basic !!", "Authorization: Bearer "+strings.Repeat("a", 40), "Origin: https://evil.example", "Accept-Language: \xff", "Content-Length: x"))
	}
	who := pick(w, "", "joe", "maint", "maint", "root", "dev", "both")
	a := w.Do(who, method, address, body, slices.DeleteFunc(header, func(h string) bool { return h == "Content-Length: x" })...)
	w.statuses[a.Status]++
	wrong := w.docs.wrong(a)
	asPage := slices.Contains(header, "Accept: text/html") || strings.Contains(address, "format=api")
	path, _ := url.PathUnescape(strings.Split(address, "?")[0])
	cleaned := strings.Contains(path, "//") || strings.Contains(path, "/.") // net/http leads to the path without them
	if asPage && a.Status < 500 && strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || cleaned && a.Status/100 == 3 {
		wrong = ""
	}
	if kind := a.Header.Get("Content-Type"); wrong == "" && method != "HEAD" && a.Body != "" && strings.HasPrefix(kind, "application/json") && !json.Valid([]byte(a.Body)) {
		wrong = "the body is no JSON"
	}
	if wrong != "" {
		w.t.Errorf("%.500s\n%v\nbody %.500q\n%d: %.500s\n%s", a.Request, header, body, a.Status, a.Body, wrong)
	}
}

// address fills in a path and makes a query.
func (w *wild) address(o *operation) string {
	path := o.path
	q := []string{}
	for _, p := range o.params {
		name, _ := p["name"].(string)
		value := func() string {
			if w.chance(25) {
				return w.wildText()
			}
			return w.text(w.value(o.doc, p["schema"], name, 0))
		}
		switch p["in"] {
		case "path":
			v := w.id(o.path, name)
			if w.chance(10) {
				v = url.PathEscape(value())
			} else if strings.Contains(o.path, "projects") && w.chance(40) {
				v = pick(w, "alpha", "beta")
			}
			path = strings.ReplaceAll(path, "{"+name+"}", v)
		case "query":
			for w.chance(25) {
				q = append(q, url.QueryEscape(name)+"="+url.QueryEscape(value()))
			}
		}
	}
	if w.chance(10) {
		q = append(q, pick(w, "teapot=1", "=", "&", "%zz", "a=%00", "page", "page=%F0%9F%8D%B5", "format=api", "format=json", "format=xml", "q="+strings.Repeat("%C3%A4", 3000), "order=-id,,name", "order=%00", "cursor=%FF", ";"))
	}
	prefix := "/api/" + o.doc.version
	if o.doc.version == "1.4" && w.chance(30) {
		prefix = "/api"
	}
	if w.chance(20) {
		path = strings.TrimSuffix(path, "/")
	}
	if len(q) > 0 {
		path += "?" + strings.Join(q, "&")
	}
	return prefix + path
}

// wildText is a text that something may trip over.
func (w *wild) wildText() string {
	return pick(w, "", " ", "0", "-1", "1", "99999999999999999999", "1e400", "1.5", "\x00", "a\x00b", "\xff\xfe", "null", "true", "%", "%25", "'", `"`, "\\", "' OR 1=1 --", "../../etc/passwd", "<b>", "a/b", "🫖", "\u202e", "é",
		strings.Repeat("x", 300), strings.Repeat("é", 5000), "2026-01-01", "2026-01-01T00:00:00Z", "2026-13-01T00:00:00", "9999-12-31T23:59:59", "0001-01-01T00:00:00", "10000-01-01T00:00:00", "last", "*", "maint", "alpha", "new",
		"New", "[]", "{}", "a,b", ",", "\n", "\r\nX: y", "NaN", "-0", "+1", "٣", "1 ")
}

func (w *wild) wildValue() any {
	switch w.IntN(9) {
	case 0:
		return nil
	case 1:
		return w.IntN(3) - 1
	case 2:
		return pick(w, 1e300, -1.5, float64(1<<62), 0)
	case 3:
		return []any{}
	case 4:
		return []any{w.wildText(), nil, map[string]any{"id": 1}}
	case 5:
		return map[string]any{"a": w.wildText()}
	case 6:
		return w.chance(50)
	case 7:
		return slices.Repeat([]any{1}, 2000)
	}
	return w.wildText()
}

// text writes a value as a query or a form has it.
func (w *wild) text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		if len(v) == 0 {
			return ""
		}
		return w.text(v[0])
	case map[string]any:
		raw, _ := json.Marshal(v)
		return string(raw)
	}
	return fmt.Sprint(v)
}

// value makes one that a schema allows, as far as can be told from it.
func (w *wild) value(d *document, schema any, name string, depth int) any {
	s := d.resolve(schema)
	if enum, ok := s["enum"].([]any); ok && len(enum) > 0 {
		return pick(w, enum...)
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if some, ok := s[key].([]any); ok && len(some) > 0 {
			return w.value(d, pick(w, some...), name, depth)
		}
	}
	kind, _ := s["type"].(string)
	if kinds, ok := s["type"].([]any); ok && len(kinds) > 0 {
		kind, _ = pick(w, kinds...).(string)
	}
	switch kind {
	case "null":
		return nil
	case "integer", "number":
		return pick(w, w.ids...)
	case "boolean":
		return w.chance(50)
	case "array":
		out := []any{}
		for depth < 4 && len(out) < 3 && w.chance(70) {
			out = append(out, w.value(d, s["items"], name, depth+1))
		}
		return out
	case "object":
		out := map[string]any{}
		properties, _ := s["properties"].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(properties)) {
			if depth < 4 && w.chance(60) {
				out[key] = w.value(d, properties[key], key, depth+1)
			}
		}
		return out
	}
	return w.sample(s, name)
}

// sample is a text for a field.
func (w *wild) sample(s map[string]any, name string) string {
	switch s["format"] {
	case "date-time":
		return pick(w, "2026-03-01T10:00:00", "2020-01-01T00:00:00", "2030-01-01T00:00:00.123456")
	case "uri", "url":
		return "https://ci.example/1"
	}
	switch {
	case name == "state":
		return pick(w, "new", "accepted", "under-review", "rejected", "success", "fail", "pending", "warning")
	case strings.Contains(name, "project"):
		return pick(w, "alpha", "beta")
	}
	return pick(w, "maint", "joe", "kettle", "id", "-date", "name", "ci", apiseed.Patch1, apiseed.Hash, "dev@people.example", "x", "Größe 🫖", fmt.Sprintf("n%d", w.IntN(1000)))
}

// fields makes the fields of a body, right or wrong ones.
func (w *wild) fields(o *operation) map[string]any {
	out := map[string]any{}
	content, _ := o.doc.resolve(o.node["requestBody"])["content"].(map[string]any)
	media, _ := content["application/json"].(map[string]any)
	properties, _ := o.doc.resolve(media["schema"])["properties"].(map[string]any)
	wrong := 30
	if w.chance(50) {
		wrong = 0
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		switch {
		case w.chance(30):
		case w.chance(wrong):
			out[name] = w.wildValue()
		default:
			out[name] = w.value(o.doc, properties[name], name, 0)
		}
	}
	if w.chance(10) {
		out[w.wildText()] = w.wildValue()
	}
	return out
}

func (w *wild) body(o *operation) (body, kind string) {
	if w.chance(10) {
		return w.wildBody()
	}
	fields := w.fields(o)
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names) // the same seed makes the same requests
	switch w.IntN(10) {
	case 0, 1, 2:
		var form []string
		for _, name := range names {
			list, ok := fields[name].([]any)
			if !ok {
				list = []any{fields[name]}
			}
			for _, v := range list[:min(len(list), 50)] {
				form = append(form, url.QueryEscape(name)+"="+url.QueryEscape(w.text(v)))
			}
		}
		return strings.Join(form, "&"), "application/x-www-form-urlencoded"
	case 3:
		var form strings.Builder
		for _, name := range names {
			fmt.Fprintf(&form, "--cut\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", name, w.text(fields[name]))
		}
		return form.String() + "--cut--\r\n", "multipart/form-data; boundary=cut"
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(raw), "application/json"
}

// wildBody is none that could be right.
func (w *wild) wildBody() (body, kind string) {
	body = pick(w, "{", "[]", "[1]", "null", `"x"`, "1", "{}{}", `{"state":"new","state":"rfc"}`, `{"a":`+strings.Repeat("[", 20000), "\x00", "{\"state\":\"\xff\"}", `{"state":"\ud800"}`, `{"state":"\u0000"}`, "a=%zz&b", "--cut\r\n",
		strings.Repeat("a=b&", 5000), `{"name":"`+strings.Repeat("x", 2<<20)+`"}`, `{"related":[1e2,1.5,-1,null,"1"]}`, `{"delegate":1.0}`, `{"delegate":true}`, `{"state":{"a":1}}`, "\xef\xbb\xbf{}")
	return body, pick(w, "application/json", "application/json", "application/json; charset=utf-16", "application/x-www-form-urlencoded", "multipart/form-data; boundary=cut", "multipart/form-data", "text/plain", "x", "")
}
