// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"strings"
	"unicode/utf8"
)

// Nested is a field that is an object with fields of its own, nil if it was not sent or is none. In forms its fields are called settings.show_ids. What is
// wrong with them is kept for its own Err.
func (b *Body) Nested(name string) *Body {
	inner := &Body{wrong: FieldErrors{}}
	if b.form != nil {
		inner.form = map[string][]string{}
		for key, values := range b.form {
			if field, ok := strings.CutPrefix(key, name+"."); ok {
				inner.form[field] = values
			}
		}
		if len(inner.form) == 0 {
			return nil
		}
		return inner
	}
	v, ok := b.object[name]
	if !ok {
		return nil
	}
	object, ok := v.(map[string]any)
	switch {
	case v == nil:
		b.Wrong(name, "This field may not be null.")
	case !ok:
		inner.Wrong("detail", "Invalid data. Expected a dictionary, but got %s.", TypeName(v))
	default:
		inner.object = object
	}
	if v == nil {
		return nil
	}
	return inner
}

// Dictionary is a field that is an object of texts, of at most so many names; null takes a name away. Nil if it was not sent or is wrong. In forms its
// names are behind that of the field and a dot: metadata.bug=7.
func (b *Body) Dictionary(name string, most int) map[string]*string {
	values := map[string]any{}
	if b.form != nil {
		for key, v := range b.form {
			if inner, ok := strings.CutPrefix(key, name+"."); ok {
				values[inner] = v[len(v)-1]
			}
		}
	} else if v, ok := b.object[name]; ok {
		object, isObject := v.(map[string]any)
		switch {
		case v == nil:
			b.Wrong(name, "This field may not be null.")
			return nil
		case !isObject:
			b.Wrong(name, `Expected a dictionary of items but got type "%s".`, TypeName(v))
			return nil
		}
		values = object
	}
	return b.dictionary(name, most, values)
}

func (b *Body) dictionary(name string, most int, values map[string]any) map[string]*string {
	if len(values) > most {
		b.Wrong(name, "Ensure this field has no more than %d elements.", most)
		return nil
	}
	var out map[string]*string
	for key, v := range values {
		s, isText := v.(string)
		switch {
		case v != nil && !isText, !utf8.ValidString(s), strings.Contains(s+key, "\x00"):
			b.Wrong(name, "Not a valid string.")
			return nil
		case out == nil:
			out = map[string]*string{}
		}
		if out[key] = nil; isText {
			out[key] = &s
		}
	}
	return out
}

// NestedErrors says of each field of a body what is wrong with it, where some fields have fields of their own.
type NestedErrors struct {
	Fields FieldErrors
	Nested map[string]FieldErrors // what is wrong in a Nested field
}

// Error implements error.
func (n *NestedErrors) Error() string { return n.Fields.Error() }

// values is the errors as they are written.
func (n *NestedErrors) values() map[string]any {
	out := map[string]any{}
	for name, texts := range n.Fields {
		out[name] = texts
	}
	for name, inner := range n.Nested {
		out[name] = inner
	}
	return out
}

// ErrWith is Err for a body with nested fields; those that are nil are not looked at.
func (b *Body) ErrWith(nested map[string]*Body) error {
	n := &NestedErrors{Fields: b.wrong, Nested: map[string]FieldErrors{}}
	for name, inner := range nested {
		if inner != nil && len(inner.wrong) > 0 {
			n.Nested[name] = inner.wrong
		}
	}
	if len(n.Fields)+len(n.Nested) == 0 {
		return nil
	}
	return n
}

// OrderNames is Order with a minus before the names of keys that are reversed.
func (c *Call) OrderNames(allowed ...string) []string {
	var out []string
	for _, o := range c.Order(allowed...) {
		if o.Desc {
			o.Field = "-" + o.Field
		}
		out = append(out, o.Field)
	}
	return out
}
