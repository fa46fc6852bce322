// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Marshal is JSON as Patchwork 3.2 writes it: compact, in the order of the fields, characters as they are. A field of a struct with the tag since:"1.2"
// is left out below that version, and one with omitempty, which must be a pointer, where it is nil. A type that has MarshalJSON of its own is trusted with it.
func Marshal(v Version, value any) ([]byte, error) {
	e := encoder{v: v}
	err := e.value(reflect.ValueOf(value))
	return e.to, err
}

// encoder writes one document.
type encoder struct {
	to   []byte
	v    Version
	seen map[*Project][2]int // where in to a project stands that lists name again and again
}

// appender writes a value of one type.
type appender func(e *encoder, value reflect.Value) error

var appenders sync.Map // reflect.Type → appender

func (e *encoder) value(value reflect.Value) error {
	if !value.IsValid() {
		e.to = append(e.to, "null"...)
		return nil
	}
	return appenderOf(value.Type())(e, value)
}

func appenderOf(t reflect.Type) appender {
	if a, ok := appenders.Load(t); ok {
		return a.(appender)
	}
	a, _ := appenders.LoadOrStore(t, newAppender(t))
	return a.(appender)
}

// later is appenderOf, looked up when it is first needed: types may hold themselves.
func later(t reflect.Type) appender {
	find := sync.OnceValue(func() appender { return appenderOf(t) })
	return func(e *encoder, value reflect.Value) error { return find()(e, value) }
}

var (
	marshaler = reflect.TypeFor[json.Marshaler]()
	projects  = reflect.TypeFor[*Project]()
)

func newAppender(t reflect.Type) appender {
	switch {
	case t.Implements(marshaler):
		return appendForeign
	case t == projects:
		return appendProject
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(e *encoder, value reflect.Value) error {
			e.to = strconv.AppendBool(e.to, value.Bool())
			return nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(e *encoder, value reflect.Value) error {
			e.to = strconv.AppendInt(e.to, value.Int(), 10)
			return nil
		}
	case reflect.String:
		return func(e *encoder, value reflect.Value) error {
			e.to = appendText(e.to, value.String())
			return nil
		}
	case reflect.Pointer:
		return newElemAppender(t)
	case reflect.Interface:
		return func(e *encoder, value reflect.Value) error { return e.value(value.Elem()) } // of nil it is not valid
	case reflect.Slice, reflect.Array:
		return newListAppender(t)
	case reflect.Map:
		return newMapAppender(t)
	case reflect.Struct:
		return newStructAppender(t)
	}
	return appendForeign
}

func appendForeign(e *encoder, value reflect.Value) error {
	if m, ok := value.Interface().(json.Marshaler); ok && (value.Kind() != reflect.Pointer || !value.IsNil()) { // json.Marshal would escape < and >
		text, err := m.MarshalJSON()
		e.to = append(e.to, text...)
		return err
	}
	text, err := json.Marshal(value.Interface())
	e.to = append(e.to, text...)
	return err
}

// appendProject writes a project that stands in the document already by copying it.
func appendProject(e *encoder, value reflect.Value) error {
	p := value.Interface().(*Project)
	if p == nil {
		e.to = append(e.to, "null"...)
		return nil
	}
	if at, ok := e.seen[p]; ok {
		e.to = append(e.to, e.to[at[0]:at[1]]...)
		return nil
	}
	begin := len(e.to)
	err := e.value(value.Elem())
	if e.seen == nil {
		e.seen = map[*Project][2]int{}
	}
	e.seen[p] = [2]int{begin, len(e.to)}
	return err
}

func newElemAppender(t reflect.Type) appender {
	elem := later(t.Elem())
	return func(e *encoder, value reflect.Value) error {
		if value.IsNil() {
			e.to = append(e.to, "null"...)
			return nil
		}
		return elem(e, value.Elem())
	}
}

// newListAppender writes a nil slice as an empty list: no client of Patchwork expects null in its place.
func newListAppender(t reflect.Type) appender {
	elem := later(t.Elem())
	return func(e *encoder, value reflect.Value) error {
		e.to = append(e.to, '[')
		for i := range value.Len() {
			if i > 0 {
				e.to = append(e.to, ',')
			}
			if err := elem(e, value.Index(i)); err != nil {
				return err
			}
		}
		e.to = append(e.to, ']')
		return nil
	}
}

func newMapAppender(t reflect.Type) appender {
	elem := later(t.Elem())
	return func(e *encoder, value reflect.Value) error {
		if value.Len() == 0 {
			e.to = append(e.to, "{}"...)
			return nil
		}
		keys := value.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		e.to = append(e.to, '{')
		for i, key := range keys {
			if i > 0 {
				e.to = append(e.to, ',')
			}
			e.to = append(appendText(e.to, fmt.Sprint(key)), ':')
			if err := elem(e, value.MapIndex(key)); err != nil {
				return err
			}
		}
		e.to = append(e.to, '}')
		return nil
	}
}

// wireField is a field of a struct as it is written.
type wireField struct {
	index []int
	name  string // "name":
	since Version
	omit  bool // left out where it is nil
}

// key is the name as clients know it.
func (f wireField) key() string {
	var name string
	json.Unmarshal([]byte(strings.TrimSuffix(f.name, ":")), &name)
	return name
}

func newStructAppender(t reflect.Type) appender {
	fields := wireFields(t)
	inner := make([]appender, len(fields))
	for i, f := range fields {
		inner[i] = later(t.FieldByIndex(f.index).Type)
	}
	return func(e *encoder, value reflect.Value) error {
		e.to = append(e.to, '{')
		begun := false
		for i := range fields {
			f := &fields[i]
			if e.v < f.since {
				continue
			}
			field := f.of(value)
			if f.omit && field.IsNil() {
				continue
			}
			if begun {
				e.to = append(e.to, ',')
			}
			begun = true
			e.to = append(e.to, f.name...)
			if err := inner[i](e, field); err != nil {
				return err
			}
		}
		e.to = append(e.to, '}')
		return nil
	}
}

// of is the field of a struct.
func (f *wireField) of(value reflect.Value) reflect.Value {
	for _, i := range f.index {
		value = value.Field(i)
	}
	return value
}

// wireFields are the fields of a wire type in their order, those of embedded structs among them. A tag that is no version is a mistake in the program.
func wireFields(t reflect.Type) []wireField {
	var out []wireField
	for i := range t.NumField() {
		f := t.Field(i)
		since := V10
		if tag, ok := f.Tag.Lookup("since"); ok {
			var err error
			if since, err = parseVersion(tag); err != nil {
				panic(fmt.Sprintf("%s.%s: %v", t, f.Name, err))
			}
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
		case f.Anonymous && name == "":
			for _, inner := range wireFields(f.Type) {
				out = append(out, wireField{append([]int{i}, inner.index...), inner.name, max(since, inner.since), inner.omit})
			}
		default:
			if name == "" {
				name = f.Name
			}
			out = append(out, wireField{[]int{i}, string(appendText(nil, name)) + ":", since, options == "omitempty"})
		}
	}
	return out
}

const hex = "0123456789abcdef"

// plain are the bytes of ASCII that stand in a text as they are.
var plain = func() (t [utf8.RuneSelf]bool) {
	for b := byte(' '); b < utf8.RuneSelf; b++ {
		t[b] = b != '"' && b != '\\'
	}
	return t
}()

// appendText writes a string. What is no UTF-8 becomes U+FFFD.
func appendText(to []byte, s string) []byte {
	to = append(to, '"')
	start := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b < utf8.RuneSelf {
			if plain[b] {
				i++
				continue
			}
			to = append(to, s[start:i]...)
			to = appendEscaped(to, b)
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r == '\u2028' || r == '\u2029' {
			to = append(to, s[start:i]...)
			to = append(to, `\u`...)
			for shift := 12; shift >= 0; shift -= 4 {
				to = append(to, hex[r>>shift&15])
			}
			start = i + n
		}
		i += n
	}
	return append(append(to, s[start:]...), '"')
}

func appendEscaped(to []byte, b byte) []byte {
	switch b {
	case '"', '\\':
		return append(to, '\\', b)
	case '\n':
		return append(to, `\n`...)
	case '\r':
		return append(to, `\r`...)
	case '\t':
		return append(to, `\t`...)
	case '\b':
		return append(to, `\b`...)
	case '\f':
		return append(to, `\f`...)
	}
	return append(to, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
}
