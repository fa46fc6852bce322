// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"net/url"
	"slices"
	"strings"
)

// address is the address of a list, with its filter.
type address struct {
	path  string
	query url.Values
	note  string // what could not be done as it was asked for
	plain bool   // without a query it would open with a saved one
}

// places are the parameters that say where in a list one is, not what is in it.
var places = []string{"page", "after", "upto"}

// with is the address of the list with one parameter changed, from its beginning; an empty value takes the parameter away.
func (a address) with(key, value string) string {
	q := a.copy(append([]string{key}, places...)...)
	if value != "" {
		q.Set(key, value)
	}
	return a.to(q)
}

// linkPrefix is what with gives for any number, without it.
func (a address) linkPrefix(key string) string {
	before := a.path + "?"
	if q := a.copy(append([]string{key}, places...)...); len(q) > 0 {
		before += q.Encode() + "&"
	}
	return before + url.QueryEscape(key) + "="
}

// without is the address of the list without one of the values of a parameter.
func (a address) without(key, value string) string {
	q := a.copy(places...)
	q[key] = slices.DeleteFunc(q[key], func(s string) bool { return s == value })
	if len(q[key]) == 0 {
		q.Del(key)
	}
	return a.to(q)
}

// at is the address of another part of the list.
func (a address) at(place, value string) string {
	q := a.copy(places...)
	q.Set(place, value)
	return a.to(q)
}

// copy is the query without some parameters.
func (a address) copy(but ...string) url.Values {
	q := url.Values{}
	for k, v := range a.query {
		if !slices.Contains(but, k) {
			q[k] = slices.Clone(v)
		}
	}
	return q
}

func (a address) to(q url.Values) string {
	if len(q) == 0 && a.plain {
		q = url.Values{plainView: {"plain"}}
	}
	if len(q) == 0 {
		return a.path
	}
	return a.path + "?" + q.Encode()
}

// here is the address as it was asked for.
func (a address) here() string { return a.to(a.query) }

// shorter is the address without its empty parameters, which forms send for fields that are left empty; empty: it has none. They mean what absent ones do.
func (a address) shorter() string {
	q := a.copy()
	for name, values := range q {
		if strings.Join(values, "") == "" {
			q.Del(name)
		}
	}
	if len(q) == len(a.query) {
		return ""
	}
	return a.to(q)
}

// sortLink is the address of the list sorted by a column, the other way round if it is so already. Some begin with the greatest.
func (a address) sortLink(now, key string, greatest bool) string {
	first, other := key, "-"+key
	if greatest {
		first, other = other, first
	}
	if now == first {
		return a.with("order", other)
	}
	return a.with("order", first)
}

// ariaSort says how a list is sorted by a column.
func ariaSort(now, key string) string {
	switch now {
	case key:
		return "ascending"
	case "-" + key:
		return "descending"
	}
	return "none"
}
