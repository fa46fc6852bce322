// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"strings"
	"unicode/utf8"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
)

// maxValues bounds how often one filter may be given.
const maxValues = 1000

// texts are the values of a filter; what no text of a database can hold, nothing has.
func texts(fs *rest.Filters, name string) ([]string, error) {
	values := fs.Values(name)
	if len(values) > maxValues {
		return nil, fault.New(fault.Invalid, "%s is given %d times; at most %d are looked at", name, len(values), maxValues)
	}
	for _, v := range values {
		if !utf8.ValidString(v) || strings.Contains(v, "\x00") {
			fs.Impossible()
			return nil, nil
		}
	}
	return values, nil
}

// users are the numbers of the users that a filter names, nil if it was not given.
func (f *face) users(c *rest.Call, fs *rest.Filters, name string) ([]int64, error) {
	values, err := texts(fs, name)
	if err != nil || values == nil {
		return nil, err
	}
	found, err := account.UsersNamed(c.R.Context(), f.db, values)
	return picked(fs, values, found), err
}

// projects are the numbers of the projects that a filter names, nil if it was not given.
func (f *face) projects(c *rest.Call, fs *rest.Filters, name string) ([]int64, error) {
	values, err := texts(fs, name)
	if err != nil || values == nil {
		return nil, err
	}
	found, err := project.Named(c.R.Context(), f.db, values)
	return picked(fs, values, found), err
}

// persons are the numbers of the persons that a filter names, nil if it was not given.
func (f *face) persons(c *rest.Call, fs *rest.Filters, name string) ([]int64, error) {
	values, err := texts(fs, name)
	if err != nil || values == nil {
		return nil, err
	}
	found, err := account.PersonsNamed(c.R.Context(), f.db, values)
	return picked(fs, values, found), err
}

// seriesOf are the numbers of the series that a filter names, nil if it was not given.
func (f *face) seriesOf(c *rest.Call, fs *rest.Filters, name string) ([]int64, error) {
	if values, err := texts(fs, name); err != nil || values == nil {
		return nil, err
	}
	ids := unique(fs.Numbers(name))
	refs, err := patch.ReadRefs(c.R.Context(), f.db, patch.RefIDs{Series: ids})
	if err == nil && len(refs.Series) < len(ids) {
		fs.Impossible()
	}
	return ids, err
}

// wordsOf are what is searched for.
func wordsOf(fs *rest.Filters) (string, error) {
	values, err := texts(fs, "q")
	if err != nil || len(values) == 0 {
		return "", err
	}
	return values[len(values)-1], nil
}

// picked are the numbers of all values; a value that is none's makes the list empty.
func picked(fs *rest.Filters, values []string, found map[string]int64) []int64 {
	var out []int64
	for _, v := range values {
		if found[v] == 0 {
			fs.Impossible()
		}
		out = append(out, found[v])
	}
	return out
}

// order is what a list is to be sorted by, as the cores want it.
func order(c *rest.Call, allowed ...string) []string {
	var out []string
	for _, o := range c.Order(allowed...) {
		name := o.Field
		if o.Desc {
			name = "-" + name
		}
		out = append(out, name)
	}
	return out
}

// byField says beside which field an error of a core belongs.
func byField(err error) error {
	if field := patch.FieldOf(err); field != "" {
		return rest.FieldErrors{field: {fault.UserText(err)}}
	}
	return err
}

// note puts an error of a core among what is wrong with a body.
func note(b *rest.Body, err error) {
	if field := patch.FieldOf(err); field != "" {
		b.Wrong(field, "%s", fault.UserText(err))
	}
}
