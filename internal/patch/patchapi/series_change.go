// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"context"
	"slices"
	"strings"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/rest"
)

// seriesFields are what can be changed of a series.
func seriesFields() []rest.Field {
	return []rest.Field{
		{Name: "version", Type: rest.Number, Doc: "0 to 32767"},
		{Name: "metadata", Type: rest.Object, Doc: "texts by name; names that are not sent stay, null takes one away"},
		{Name: "state", Doc: "of all its patches"},
		{Name: "delegate", Type: rest.Number, Null: true, Doc: "of all its patches: number of a user who maintains the project"},
		{Name: "archived", Type: rest.Bool, Doc: "of all its patches"},
	}
}

// changeSeries changes a series and all its patches. Who may not is told before what is wrong with the body.
func (f *face) changeSeries(c *rest.Call) error {
	id, err := c.ID("id")
	if err != nil {
		return err
	}
	in, err := patch.MayChangeSeries(c.R.Context(), f.db, c.Actor(), id)
	if err != nil {
		return err
	}
	body, err := c.Body()
	if err != nil {
		return err
	}
	change, err := f.seriesChange(c, body, in)
	if err != nil {
		return err
	}
	change.If = c.Precondition(func(ctx context.Context, q sqldb.Queryer) (any, error) { return f.oneSeries(ctx, q, c, id) })
	if err := patch.UpdateSeries(c.R.Context(), f.db, c.Actor(), c.Now, id, change); err != nil {
		return byField(err)
	}
	return f.showSeries(c, id)
}

// seriesChange reads what a body wants to be changed of a series of a project.
func (f *face) seriesChange(c *rest.Call, b *rest.Body, in int64) (patch.SeriesChange, error) {
	change := patch.SeriesChange{Metadata: b.Dictionary("metadata", 2*patch.MaxMetadata)}
	if n := b.Number("version"); n != nil {
		version := int(*n)
		change.Version = &version
	}
	change.Patches.Archived = b.Bool("archived")
	if id, _, ok := b.Key("delegate"); ok {
		change.Patches.Delegate = &id
		if err := f.mayDelegate(c, b, in, id); err != nil {
			return change, err
		}
	}
	if err := f.readState(c, b, &change.Patches); err != nil {
		return change, err
	}
	return change, b.Err()
}

// readState reads the state that a body names by its slug or its name.
func (f *face) readState(c *rest.Call, b *rest.Body, to *patch.Change) error {
	v, sent := b.Value("state", false)
	if !sent || b.IsForm() && v == "" {
		return nil
	}
	if v == nil || v == "" {
		b.Wrong("state", "This field may not be null.")
		return nil
	}
	vocabulary, err := patch.ReadVocabulary(c.R.Context(), f.db)
	if err != nil {
		return err
	}
	name, _ := v.(string)
	slug := strings.ToLower(strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '-' }), "-"))
	i := slices.IndexFunc(vocabulary.States, func(s patch.State) bool { return s.Slug == slug })
	if i >= 0 {
		to.State = &vocabulary.States[i].ID
		return nil
	}
	var slugs []string
	for _, s := range vocabulary.States {
		slugs = append(slugs, s.Slug)
	}
	b.Wrong("state", "Invalid state %v. Expected one of: %s.", v, strings.Join(slugs, ", "))
	return nil
}
