// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"slices"
	"strings"

	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/rest"
)

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
