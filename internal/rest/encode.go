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
	return encode(nil, reflect.ValueOf(value), v)
}

// appender writes a value of one type.
type appender func(to []byte, value reflect.Value, v Version) ([]byte, error)

var appenders sync.Map // reflect.Type → appender

func encode(to []byte, value reflect.Value, v Version) ([]byte, error) {
	if !value.IsValid() {
		return append(to, "null"...), nil
	}
	return appenderOf(value.Type())(to, value, v)
}

func appenderOf(t reflect.Type) appender {
	if a, ok := appenders.Load(t); ok {
		return a.(appender)
	}
	a, _ := appenders.LoadOrStore(t, newAppender(t))
	return a.(appender)
}

var marshaler = reflect.TypeFor[json.Marshaler]()

func newAppender(t reflect.Type) appender {
	if t.Implements(marshaler) {
		return appendForeign
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(to []byte, value reflect.Value, _ Version) ([]byte, error) {
			return strconv.AppendBool(to, value.Bool()), nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(to []byte, value reflect.Value, _ Version) ([]byte, error) {
			return strconv.AppendInt(to, value.Int(), 10), nil
		}
	case reflect.String:
		return func(to []byte, value reflect.Value, _ Version) ([]byte, error) {
			return appendText(to, value.String()), nil
		}
	case reflect.Pointer, reflect.Interface:
		return appendElem
	case reflect.Slice, reflect.Array:
		return appendList
	case reflect.Map:
		return appendMap
	case reflect.Struct:
		return newStructAppender(t)
	}
	return appendForeign
}

func appendForeign(to []byte, value reflect.Value, _ Version) ([]byte, error) {
	if m, ok := value.Interface().(json.Marshaler); ok && (value.Kind() != reflect.Pointer || !value.IsNil()) { // json.Marshal would escape < and >
		text, err := m.MarshalJSON()
		return append(to, text...), err
	}
	text, err := json.Marshal(value.Interface())
	return append(to, text...), err
}

func appendElem(to []byte, value reflect.Value, v Version) ([]byte, error) {
	if value.IsNil() {
		return append(to, "null"...), nil
	}
	return encode(to, value.Elem(), v)
}

// appendList writes a nil slice as an empty list: no client of Patchwork expects null in its place.
func appendList(to []byte, value reflect.Value, v Version) ([]byte, error) {
	to = append(to, '[')
	var err error
	for i := range value.Len() {
		if i > 0 {
			to = append(to, ',')
		}
		if to, err = encode(to, value.Index(i), v); err != nil {
			return to, err
		}
	}
	return append(to, ']'), nil
}

func appendMap(to []byte, value reflect.Value, v Version) ([]byte, error) {
	keys := value.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	to = append(to, '{')
	var err error
	for i, key := range keys {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(appendText(to, fmt.Sprint(key)), ':')
		if to, err = encode(to, value.MapIndex(key), v); err != nil {
			return to, err
		}
	}
	return append(to, '}'), nil
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
	return func(to []byte, value reflect.Value, v Version) ([]byte, error) {
		to = append(to, '{')
		begun := false
		var err error
		for _, f := range fields {
			if v < f.since || f.omit && value.FieldByIndex(f.index).IsNil() {
				continue
			}
			if begun {
				to = append(to, ',')
			}
			begun = true
			to = append(to, f.name...)
			if to, err = encode(to, value.FieldByIndex(f.index), v); err != nil {
				return to, err
			}
		}
		return append(to, '}'), nil
	}
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

// appendText writes a string. What is no UTF-8 becomes U+FFFD.
func appendText(to []byte, s string) []byte {
	to = append(to, '"')
	start := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b < utf8.RuneSelf {
			if b >= ' ' && b != '"' && b != '\\' {
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
