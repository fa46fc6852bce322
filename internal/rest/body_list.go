// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// items is a field that is a list; not ok if it was not sent or is none.
func (b *Body) items(name string) ([]any, bool) {
	v, ok := b.Value(name, true)
	if !ok {
		return nil, false
	}
	items, ok := v.([]any)
	switch {
	case v == nil:
		b.Wrong(name, "This field may not be null.")
	case !ok:
		b.Wrong(name, `Expected a list of items but got type "%s".`, TypeName(v))
	case len(items) > maxItems:
		b.Wrong(name, "Ensure this field has no more than %d elements.", maxItems)
		return nil, false
	}
	return items, ok
}

// Texts is a field that is a list of texts.
func (b *Body) Texts(name string) *[]string {
	items, ok := b.items(name)
	if !ok {
		return nil
	}
	out := []string{}
	for _, item := range items {
		s, ok := item.(string)
		if !ok || !utf8.ValidString(s) || strings.Contains(s, "\x00") {
			b.Wrong(name, "Not a valid string.")
			return nil
		}
		out = append(out, s)
	}
	return &out
}

// Number is a field that is an integer, in JSON also one written as text.
func (b *Body) Number(name string) *int64 {
	v, ok := b.Value(name, false)
	if !ok {
		return nil
	}
	if v == nil {
		b.Wrong(name, "This field may not be null.")
		return nil
	}
	n, ok := integer(v)
	if !ok {
		b.Wrong(name, "A valid integer is required.")
		return nil
	}
	return &n
}

func integer(v any) (int64, bool) {
	var s string
	switch v := v.(type) {
	case string:
		s = strings.TrimSpace(v)
	case json.Number:
		s = strings.TrimSuffix(v.String(), ".0")
	default:
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// Key is a field that names another object by its number, 0 if it is null or, in a form, empty; null tells which. What it names may still not exist:
// see NoSuchKey.
func (b *Body) Key(name string) (key int64, null, ok bool) {
	v, sent := b.Value(name, false)
	if !sent {
		return 0, false, false
	}
	if v == nil || b.IsForm() && v == "" {
		return 0, true, true
	}
	key, ok = b.key(name, v)
	return key, false, ok
}

// Keys is a field that names other objects by their numbers, nil if it was not sent or is wrong.
func (b *Body) Keys(name string) *[]int64 {
	items, ok := b.items(name)
	if !ok {
		return nil
	}
	out := []int64{}
	for _, item := range items {
		key, ok := b.key(name, item)
		if !ok {
			return nil
		}
		out = append(out, key)
	}
	return &out
}

func (b *Body) key(name string, v any) (int64, bool) {
	n, ok := integer(v)
	if _, isText := v.(string); !ok && isText || !ok && TypeName(v) != "int" {
		b.Wrong(name, "Incorrect type. Expected pk value, received %s.", TypeName(v))
		return 0, false
	}
	if !ok || n < 1 {
		b.NoSuchKey(name, v)
		return 0, false
	}
	return n, true
}

// NoSuchKey notes that a field names an object that does not exist.
func (b *Body) NoSuchKey(name string, key any) {
	b.Wrong(name, `Invalid pk "%v" - object does not exist.`, key)
}
