// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import "strings"

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
