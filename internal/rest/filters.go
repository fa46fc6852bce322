// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"patchwork.example/pw/internal/base/clock"
)

// Filters reads the filters of a list from the query of the address. A value that can't be one of its filter's makes the whole list empty, not an
// error, as in Patchwork 3.2: handlers call None once they have read all.
type Filters struct {
	values url.Values
	none   bool
}

// Filters begins to read the filters of the request.
func (c *Call) Filters() *Filters { return &Filters{values: c.query()} }

// None tells that no object can match.
func (f *Filters) None() bool { return f.none }

// Impossible notes that no object can match.
func (f *Filters) Impossible() { f.none = true }

// Has tells whether a filter was given, even an empty one.
func (f *Filters) Has(name string) bool { return f.values.Has(name) }

// Values are all values of a filter, nil if it was not given.
func (f *Filters) Values(name string) []string { return f.values[name] }

// Last is the last value of a filter, of which only one counts.
func (f *Filters) Last(name string) (string, bool) {
	v := f.values[name]
	if len(v) == 0 {
		return "", false
	}
	return v[len(v)-1], true
}

// Numbers are the values of a filter that wants numbers of objects, nil if it was not given.
func (f *Filters) Numbers(name string) []int64 {
	var out []int64
	for _, s := range f.values[name] {
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		if err != nil {
			f.none = true
			return nil
		}
		out = append(out, n)
	}
	return out
}

// Bool is a filter that is true or false. What is neither is ignored.
func (f *Filters) Bool(name string) *bool {
	s, _ := f.Last(name)
	for is, words := range map[bool][]string{true: {"true", "True", "TRUE", "1"}, false: {"false", "False", "FALSE", "0"}} {
		if slices.Contains(words, s) {
			return &is
		}
	}
	return nil
}

// instants are the forms of ISO 8601 that are read. One without a zone is UTC.
var instants = []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
	"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00"}

// Time is a filter that is an instant, nil if it was not given.
func (f *Filters) Time(name string) *clock.Time {
	s, ok := f.Last(name)
	if !ok {
		return nil
	}
	// A plus that nobody escaped has become a blank.
	if i := len(s) - len(" 00:00"); i > len("2006-01-02T15") && s[i] == ' ' {
		s = s[:i] + "+" + s[i+1:]
	}
	for _, form := range instants {
		if at, err := time.Parse(form, s); err == nil {
			t := clock.FromTime(at)
			return &t
		}
	}
	f.none = true
	return nil
}

// Order is one key that a list is sorted by.
type Order struct {
	Field string
	Desc  bool
}

// Order reads the keys that the list is to be sorted by: names of fields, each with a minus before it to reverse it, separated by commas. Names that
// are not among the allowed ones are left out.
func (c *Call) Order(allowed ...string) []Order {
	var out []Order
	asked := c.query()["order"]
	if len(asked) == 0 {
		return nil
	}
	for _, name := range strings.Split(asked[len(asked)-1], ",") {
		field, desc := strings.CutPrefix(strings.TrimSpace(name), "-")
		o := Order{Field: field, Desc: desc}
		if slices.Contains(allowed, field) && !slices.ContainsFunc(out, func(have Order) bool { return have.Field == field }) {
			out = append(out, o)
		}
	}
	return out
}

// query is the query of the address, read once.
func (c *Call) query() url.Values {
	if c.values == nil {
		c.values = c.R.URL.Query()
	}
	return c.values
}

// ID is a number in the path of the address. What is no number is no path of the site.
func (c *Call) ID(name string) (int64, error) {
	s := c.R.PathValue(name)
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strings.Trim(s, "0123456789") != "" {
		return 0, errNoPath
	}
	return n, nil
}
