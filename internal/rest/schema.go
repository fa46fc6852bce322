// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
)

// schemas makes JSON Schemas (2020-12, which is OpenAPI 3.1's) of wire types, as they are in one version.
type schemas struct {
	version Version
	names   map[reflect.Type]string
	order   []reflect.Type
	taken   map[string]reflect.Type
	made    map[reflect.Type]object
}

func newSchemas(v Version) *schemas {
	return &schemas{version: v, names: map[reflect.Type]string{}, taken: map[string]reflect.Type{}, made: map[reflect.Type]object{}}
}

// Schemer is a wire type with a MarshalJSON of its own that says what it writes.
type Schemer interface{ JSONSchema() map[string]any }

// of is the schema of a type: structs are references to components.
func (s *schemas) of(t reflect.Type) object {
	if t.Kind() == reflect.Pointer {
		return nullable(s.of(t.Elem()))
	}
	if custom, ok := reflect.Zero(t).Interface().(Schemer); ok {
		return sorted(custom.JSONSchema())
	}
	if t.Implements(marshaler) {
		return object{}
	}
	switch t.Kind() {
	case reflect.Bool:
		return object{{"type", "boolean"}}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{{"type", "integer"}}
	case reflect.Float32, reflect.Float64:
		return object{{"type", "number"}}
	case reflect.String:
		return object{{"type", "string"}}
	case reflect.Slice, reflect.Array:
		return object{{"type", "array"}, {"items", s.of(item(t))}}
	case reflect.Map:
		return object{{"type", "object"}, {"additionalProperties", s.of(t.Elem())}}
	case reflect.Struct:
		return object{{"$ref", "#/components/schemas/" + s.component(t)}}
	}
	return object{}
}

// item is what a list is of. A pointer in one is never nil.
func item(t reflect.Type) reflect.Type {
	if t = t.Elem(); t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

func sorted(m map[string]any) object {
	var out object
	for _, name := range slices.Sorted(mapKeys(m)) {
		out = out.with(name, m[name])
	}
	return out
}

func mapKeys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func nullable(o object) object {
	if len(o) > 0 && o[0].name == "type" {
		if one, ok := o[0].value.(string); ok {
			return append(object{{"type", []string{one, "null"}}}, o[1:]...)
		}
	}
	if len(o) == 0 {
		return o
	}
	return object{{"anyOf", []object{o, {{"type", "null"}}}}}
}

// component makes the schema of a struct, once, and gives its name.
func (s *schemas) component(t reflect.Type) string {
	if name, ok := s.names[t]; ok {
		return name
	}
	name := s.free(t)
	s.names[t], s.taken[name] = name, t
	s.order = append(s.order, t)
	properties, required := object{}, []string{}
	for _, f := range wireFields(t) {
		if f.since > s.version {
			continue
		}
		field := t.FieldByIndex(f.index)
		properties = properties.with(f.key(), s.described(field))
		if !f.omit {
			required = append(required, f.key())
		}
	}
	s.made[t] = object{{"type", "object"}, {"properties", properties}, {"required", required}}
	return name
}

// described is the schema of a field with what its tags say: enum:"a,b" and doc:"…".
func (s *schemas) described(f reflect.StructField) object {
	o := s.of(f.Type)
	if list := f.Tag.Get("enum"); list != "" {
		values := []any{}
		for v := range strings.SplitSeq(list, ",") {
			values = append(values, v)
		}
		if f.Type.Kind() == reflect.Pointer {
			values = append(values, nil)
		}
		o = o.with("enum", values)
	}
	if doc := f.Tag.Get("doc"); doc != "" {
		o = o.with("description", doc)
	}
	return o
}

// free is a name for a type that no other one has: its own, or with that of its package before it.
func (s *schemas) free(t reflect.Type) string {
	name := strings.ToUpper(t.Name()[:min(1, len(t.Name()))]) + t.Name()[min(1, len(t.Name())):]
	if name == "" {
		name = "Object"
	}
	if _, taken := s.taken[name]; !taken {
		return name
	}
	pkg := strings.TrimSuffix(path.Base(t.PkgPath()), "api")
	name = label(pkg) + name
	for i, base := 2, name; ; i++ {
		if _, taken := s.taken[name]; !taken {
			return name
		}
		name = fmt.Sprint(base, i)
	}
}

// components are the schemas of all structs that were asked for.
func (s *schemas) components() object {
	var out object
	for _, t := range s.order {
		out = out.with(s.names[t], s.made[t])
	}
	slices.SortFunc(out, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return out
}

// schema is that of a field of a body.
func (f Field) schema(v Version) object {
	o := typeSchema(f.Type, f.Enum)
	if f.Max > 0 {
		most := map[Type]string{Texts: "maxItems", Numbers: "maxItems", Text: "maxLength", "": "maxLength"}[f.Type]
		if most != "" {
			o = o.with(most, f.Max)
		}
	}
	if f.Type == Object && len(f.Fields) > 0 {
		o = append(o, bodySchema(f.Fields, v, false)[1:]...)
	}
	if f.Null {
		o = nullable(o)
		for i := range o {
			if o[i].name == "enum" {
				o[i].value = append(slices.Clone(o[i].value.([]any)), nil)
			}
		}
	}
	if f.Doc != "" {
		o = o.with("description", f.Doc)
	}
	return o
}

// schema is that of a parameter; of one that may be repeated, of each value.
func (p Param) schema() object { return typeSchema(p.Type, p.Enum) }

func typeSchema(t Type, enum []string) object {
	var o object
	switch t {
	case Anything:
		return object{}
	case Instant:
		o = object{{"type", "string"}, {"format", "date-time"}}
	case Numbers:
		o = object{{"type", "array"}, {"items", object{{"type", "integer"}}}}
	case Texts:
		o = object{{"type", "array"}, {"items", typeSchema(Text, enum)}}
		enum = nil
	case Number, Bool, Object:
		o = object{{"type", string(t)}}
	default:
		o = object{{"type", "string"}}
	}
	if len(enum) > 0 {
		values := []any{}
		for _, e := range enum {
			values = append(values, e)
		}
		o = o.with("enum", values)
	}
	return o
}

// bodySchema is the schema of a body; whole: the required fields must be there.
func bodySchema(fields []Field, v Version, whole bool) object {
	properties, required := object{}, []string{}
	for _, f := range fields {
		if f.Since > v {
			continue
		}
		properties = properties.with(f.Name, f.schema(v))
		if f.Required && whole {
			required = append(required, f.Name)
		}
	}
	o := object{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		o = o.with("required", required)
	}
	return o
}
