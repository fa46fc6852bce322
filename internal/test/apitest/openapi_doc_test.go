// SPDX-License-Identifier: GPL-2.0-or-later

package apitest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"patchwork.example/pw/internal/test/apiseed"
)

var versions = []string{"1.0", "1.1", "1.2", "1.3", "1.4"}

// documents are the OpenAPI documents of a site, by version.
type documents map[string]*document

// document is one of them.
type document struct {
	version    string
	root       map[string]any
	compiler   *jsonschema.Compiler
	operations []*operation

	mu       sync.Mutex
	compiled map[string]*jsonschema.Schema // by pointer
}

// operation is a method of a path.
type operation struct {
	doc          *document
	method, path string // the path below /api/1.x: /patches/{id}/
	at           string // JSON pointer
	node         map[string]any
	params       []map[string]any
}

func (o *operation) String() string { return o.method + " " + o.doc.version + " " + o.path }

func readDocuments(t *testing.T, c apiseed.Client) documents {
	t.Helper()
	out := documents{}
	for _, v := range versions {
		a := c.Get("", "/api/"+v+"/openapi.json")
		if a.Status != 200 {
			t.Fatalf("%s: %d %.300s", a.Request, a.Status, a.Body)
		}
		root, err := jsonschema.UnmarshalJSON(strings.NewReader(a.Body))
		if err != nil {
			t.Fatalf("%s: %v", a.Request, err)
		}
		d := &document{version: v, root: root.(map[string]any), compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
		d.compiler.AssertFormat()
		components, _ := d.root["components"].(map[string]any)
		strict(components["schemas"])
		if err := d.compiler.AddResource(d.url(), root); err != nil {
			t.Fatal(err)
		}
		d.read(t)
		out[v] = d
	}
	return out
}

// strict makes the schemas of answers refuse keys that they do not name: in a document a key more is no mistake, in our answers it is one.
func strict(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			strict(item)
		}
	case map[string]any:
		if _, ok := v["properties"].(map[string]any); ok && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, item := range v {
			strict(item)
		}
	}
}

func (d *document) url() string { return "https://pw.test/openapi-" + d.version + ".json" }

var httpMethods = strings.Fields("get put post delete options head patch")

// read finds the operations.
func (d *document) read(t *testing.T) {
	t.Helper()
	paths, ok := d.root["paths"].(map[string]any)
	if version, _ := d.root["openapi"].(string); !ok || !strings.HasPrefix(version, "3.1.") {
		t.Fatalf("%s: no OpenAPI 3.1: %v, paths %T", d.version, d.root["openapi"], d.root["paths"])
	}
	for path, item := range paths {
		shared, _ := item.(map[string]any)["parameters"].([]any)
		for _, method := range httpMethods {
			node, ok := item.(map[string]any)[method].(map[string]any)
			if !ok {
				continue
			}
			o := &operation{doc: d, method: strings.ToUpper(method), path: strings.TrimPrefix(path, "/api/"+d.version), node: node, at: "/paths/" + escape(path) + "/" + method}
			own, _ := node["parameters"].([]any)
			for _, p := range slices.Concat(shared, own) {
				o.params = append(o.params, d.resolve(p))
			}
			d.operations = append(d.operations, o)
		}
	}
	slices.SortFunc(d.operations, func(a, b *operation) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method))
	})
}

// escape writes a part of a JSON pointer.
func escape(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}

// resolve follows references within the document.
func (d *document) resolve(v any) map[string]any {
	m, _ := v.(map[string]any)
	for range 10 {
		ref, ok := m["$ref"].(string)
		if !ok {
			return m
		}
		at := any(d.root)
		for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			in, _ := at.(map[string]any)
			at = in[strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")]
		}
		m, _ = at.(map[string]any)
	}
	return m
}

// schema compiles the schema at a JSON pointer.
func (d *document) schema(pointer string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.compiled[pointer]; s != nil {
		return s, nil
	}
	s, err := d.compiler.Compile(d.url() + "#" + strings.ReplaceAll(pointer, "%", "%25"))
	if err == nil {
		d.compiled[pointer] = s
	}
	return s, err
}

// find gives the operation of a request, and whether the path is documented at all.
func (ds documents) find(method, address string) (o *operation, known bool) {
	path, _, _ := strings.Cut(address, "?")
	rest, ok := strings.CutPrefix(path, "/api")
	if !ok {
		return nil, false
	}
	d := ds["1.4"]
	for v, doc := range ds {
		if under, ok := strings.CutPrefix(rest, "/"+v); ok && (under == "" || under[0] == '/') {
			d, rest = doc, under
		}
	}
	var best *operation
	for _, o := range d.operations {
		if !matches(o.path, rest) {
			continue
		}
		known = true
		if o.method == method && (best == nil || strings.Count(o.path, "{") < strings.Count(best.path, "{")) {
			best = o
		}
	}
	return best, known
}

func matches(template, path string) bool {
	t, p := strings.Split(strings.Trim(template, "/"), "/"), strings.Split(strings.Trim(path, "/"), "/")
	if len(t) != len(p) {
		return false
	}
	for i := range t {
		if !strings.HasPrefix(t[i], "{") && t[i] != p[i] {
			return false
		}
	}
	return true
}

// wrong says what an answer has that its document does not say; empty if all is as documented, or the request is of no documented path.
func (ds documents) wrong(a apiseed.Answer) string {
	o, known := ds.find(a.Method, a.Address)
	switch {
	case a.Status >= 500:
		return "it failed"
	case a.Method == "HEAD" || a.Method == "OPTIONS":
		return ""
	case o == nil && known && a.Status < 400:
		return fmt.Sprintf("the method is not documented, and the answer is %d", a.Status)
	case o == nil:
		return ""
	}
	return o.wrong(a)
}

func (o *operation) wrong(a apiseed.Answer) string {
	responses, _ := o.node["responses"].(map[string]any)
	code := fmt.Sprint(a.Status)
	for _, key := range []string{code, code[:1] + "XX", "default"} {
		node, ok := responses[key]
		if !ok {
			continue
		}
		return o.wrongBody(a, key, o.doc.resolve(node))
	}
	return fmt.Sprintf("%s: status %d is not documented", o, a.Status)
}

func (o *operation) wrongBody(a apiseed.Answer, key string, response map[string]any) string {
	kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	content, _ := response["content"].(map[string]any)
	if len(content) == 0 {
		if a.Body != "" && a.Status != 404 {
			return fmt.Sprintf("%s: status %s is documented without a body, and has %.100q", o, key, a.Body)
		}
		return ""
	}
	if content[kind] == nil {
		return fmt.Sprintf("%s: status %s is documented as %v, and is %q", o, key, content, kind)
	}
	if kind != "application/json" {
		return ""
	}
	pointer := o.at + "/responses/" + key + "/content/" + escape(kind) + "/schema"
	if ref, ok := o.node["responses"].(map[string]any)[key].(map[string]any)["$ref"].(string); ok {
		pointer = strings.TrimPrefix(ref, "#") + "/content/" + escape(kind) + "/schema"
	}
	schema, err := o.doc.schema(pointer)
	if err != nil {
		return fmt.Sprintf("%s: %v", o, err)
	}
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(a.Body)))
	if err != nil {
		return fmt.Sprintf("%s: %v", o, err)
	}
	if err := schema.Validate(body); err != nil {
		return fmt.Sprintf("%s: status %d: %.1500v", o, a.Status, err)
	}
	return ""
}
