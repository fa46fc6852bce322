// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// metadata is the answer to OPTIONS, as the framework of Patchwork 3.2 gives it.
type metadata struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Renders     []string `json:"renders"`
	Parses      []string `json:"parses"`
}

// editable is metadata of what the visitor may write.
type editable struct {
	metadata
	Actions map[string]any `json:"actions"`
}

// The content types of bodies, in the order of preference.
var parses = []string{"application/json", "application/x-www-form-urlencoded", "multipart/form-data"}

// options answers with what the address is, and what the visitor may write to it.
func (c *Call) options() error {
	m := metadata{Name: c.route.name(), Renders: []string{"application/json"}, Parses: parses}
	if c.shell.opt.Frame != nil {
		m.Renders = append(m.Renders, "text/html")
	}
	m.Description = c.route.Methods[c.route.methods()[0]].Doc
	if get, ok := c.route.Methods[http.MethodGet]; ok {
		m.Description = get.Doc
	}
	actions := map[string]any{}
	for _, method := range []string{http.MethodPost, http.MethodPut} {
		op, ok := c.route.Methods[method]
		if !ok || c.User.ID == 0 || c.Version < op.Since || !c.may(method, op) {
			continue
		}
		actions[method] = describeFields(op, c.Version)
	}
	if len(actions) > 0 {
		return c.JSON(http.StatusOK, editable{m, actions})
	}
	return c.JSON(http.StatusOK, m)
}

// may tells whether the visitor is allowed a write. Only the core knows: it is asked with an empty body, which lacks a required field and is refused
// as such, after the question of permission. What could succeed with one is asked as PATCH, to which an empty body is no change.
func (c *Call) may(method string, op Op) bool {
	if c.scope != "" && mayScope(c.scope, op.scope(method)) != nil {
		return false
	}
	if !slices.ContainsFunc(op.Body, func(f Field) bool { return f.Required && f.Since <= c.Version }) {
		patch, ok := c.route.Methods[http.MethodPatch]
		if method != http.MethodPut || !ok || c.Version < patch.Since {
			return false
		}
		method, op = http.MethodPatch, patch
	}
	_, err := c.rehearse(method, op)
	var fields FieldErrors
	var nested *NestedErrors
	return err == nil || errors.As(err, &fields) || errors.As(err, &nested)
}

// describeFields are the fields of a body, and those of the answer that can't be written.
func describeFields(op Op, v Version) map[string]any {
	out := map[string]any{}
	if op.Answer != nil {
		if t := elem(reflect.TypeOf(op.Answer)); t.Kind() == reflect.Struct {
			for _, f := range wireFields(t) {
				if f.since <= v {
					name := f.key()
					out[name] = map[string]any{"type": "field", "required": false, "read_only": true, "label": label(name)}
				}
			}
		}
	}
	for _, f := range op.Body {
		if f.Since <= v {
			out[f.Name] = f.describe(v)
		}
	}
	return out
}

func (f Field) describe(v Version) map[string]any {
	d := map[string]any{"type": djangoTypes[f.Type], "required": f.Required, "read_only": false, "label": label(f.Name)}
	if f.Max > 0 && (f.Type == Text || f.Type == "") {
		d["max_length"] = f.Max
	}
	if len(f.Enum) > 0 {
		d["type"] = "choice"
		choices := []map[string]string{}
		for _, e := range f.Enum {
			choices = append(choices, map[string]string{"value": e, "display_name": label(e)})
		}
		d["choices"] = choices
	}
	if len(f.Fields) > 0 {
		children := map[string]any{}
		for _, inner := range f.Fields {
			if inner.Since <= v {
				children[inner.Name] = inner.describe(v)
			}
		}
		d["children"] = children
	}
	return d
}

var djangoTypes = map[Type]string{"": "string", Text: "string", Number: "integer", Bool: "boolean", Instant: "datetime", Object: "nested object", Numbers: "list",
	Texts: "list", Anything: "field"}

// label is how a form would call a field.
func label(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + strings.ReplaceAll(name[1:], "_", " ")
}

// singular is one of what the path of a list names.
func singular(noun string) string {
	switch {
	case noun == "people":
		return "person"
	case noun == "series":
		return noun
	case strings.HasSuffix(noun, "ches"):
		return strings.TrimSuffix(noun, "es")
	case strings.HasSuffix(noun, "ies"):
		return strings.TrimSuffix(noun, "ies") + "y"
	}
	return strings.TrimSuffix(noun, "s")
}

// name is what the framework of Patchwork 3.2 calls the view of a route: Patch List, Patch Detail.
func (r Route) name() string {
	segments := strings.Split(strings.Trim(r.Path, "/"), "/")
	last := segments[len(segments)-1]
	if last == "" {
		return "Index"
	}
	kind := "List"
	if strings.HasPrefix(last, "{") && len(segments) > 1 {
		kind, last = "Detail", segments[len(segments)-2]
	}
	return label(strings.ReplaceAll(singular(last), "-", "_")) + " " + kind
}

// elem is what a pointer or a list is of.
func elem(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}
