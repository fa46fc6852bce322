// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/pattern"
)

// Tag is a kind of line that is counted in patches and their comments: Acked-by and the like.
type Tag struct {
	ID         int64
	Name       string
	Pattern    string // Python regular expression, searched without regard to letter case; ^ is the start of any line
	Abbrev     string // what lists show; one or two characters
	ShowColumn bool   `db:"show_column"`
}

// Tags lists the tags by abbreviation.
func Tags(ctx context.Context, q sqldb.Queryer) ([]Tag, error) {
	var out []Tag
	if err := q.Select(ctx, &out, "SELECT id, name, pattern, abbrev, show_column FROM tag ORDER BY abbrev"); err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	return out, nil
}

// FindTag finds a tag by name or abbreviation.
func FindTag(ctx context.Context, q sqldb.Queryer, name string) (Tag, error) {
	all, err := Tags(ctx, q)
	if err != nil {
		return Tag{}, err
	}
	for _, t := range all {
		if strings.EqualFold(t.Name, name) || t.Abbrev == name {
			return t, nil
		}
	}
	return Tag{}, fault.New(fault.NotFound, "no tag %q; see `pw admin tag list`", name)
}

// TagChange sets what is not nil.
type TagChange struct {
	Name, Pattern, Abbrev *string
	ShowColumn            *bool
}

func (c TagChange) apply(t *Tag) {
	assign(&t.Name, c.Name)
	assign(&t.Pattern, c.Pattern)
	assign(&t.Abbrev, c.Abbrev)
	assign(&t.ShowColumn, c.ShowColumn)
}

func (t *Tag) valid() error {
	switch {
	case strings.TrimSpace(t.Name) == "" || utf8.RuneCountInString(t.Name) > 20:
		return fault.New(fault.Invalid, "tag name %q: want 1 to 20 characters", t.Name)
	case t.Abbrev == "" || utf8.RuneCountInString(t.Abbrev) > 2:
		return fault.New(fault.Invalid, "tag abbreviation %q: want 1 or 2 characters", t.Abbrev)
	case t.Pattern == "" || utf8.RuneCountInString(t.Pattern) > 50:
		return fault.New(fault.Invalid, "tag pattern %q: want 1 to 50 characters", t.Pattern)
	}
	if _, err := pattern.Compile(t.Pattern); err != nil {
		return fault.Wrap(fault.Invalid, err, "tag pattern %q is no regular expression", t.Pattern)
	}
	return nil
}

// CreateTag makes a tag; Name is required, Pattern defaults to ^Name: and Abbrev to the first letter. Mails that are there already are
// counted too: see Sweeping for what is not done on return.
func CreateTag(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, c TagChange) (Tag, error) {
	t := Tag{ShowColumn: true}
	c.apply(&t)
	if t.Pattern == "" {
		t.Pattern = "^" + t.Name + ":"
	}
	if r, _ := utf8.DecodeRuneInString(t.Name); t.Abbrev == "" && t.Name != "" {
		t.Abbrev = strings.ToUpper(string(r))
	}
	err := administer(ctx, db, by, now, "tag create", "tag "+t.Name, func(tx *sqldb.Tx) (err error) {
		if err := t.valid(); err != nil {
			return err
		}
		projects, err := lockProjectsOf(ctx, tx, projectsWithTags)
		if err != nil {
			return err
		}
		if t.ID, err = tx.NextID(ctx, "tag"); err != nil {
			return err
		}
		err = tx.Insert(ctx, "tag", []string{"id", "name", "pattern", "abbrev", "show_column"}, [][]any{{t.ID, t.Name, t.Pattern, t.Abbrev, t.ShowColumn}})
		if err != nil {
			return t.taken(err)
		}
		return lookAgain(ctx, tx, now, projects, true)
	})
	return t, err
}

// UpdateTag changes a tag. With another pattern all mails are counted anew, see Sweeping.
func UpdateTag(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, name string, c TagChange) (Tag, error) {
	var t Tag
	err := administer(ctx, db, by, now, "tag update", "tag "+name, func(tx *sqldb.Tx) (err error) {
		if t, err = FindTag(ctx, tx, name); err != nil {
			return err
		}
		was := t
		c.apply(&t)
		if err := t.valid(); err != nil {
			return err
		}
		var projects []int64
		switch {
		case t.Pattern != was.Pattern:
			projects, err = lockProjectsOf(ctx, tx, projectsWithTags)
		case t.reviews() != was.reviews():
			projects, err = lockProjectsOf(ctx, tx, allProjects)
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE tag SET name = ?, pattern = ?, abbrev = ?, show_column = ? WHERE id = ?", t.Name, t.Pattern, t.Abbrev, t.ShowColumn, t.ID)
		if err != nil {
			return t.taken(err)
		}
		return lookAgain(ctx, tx, now, projects, t.Pattern != was.Pattern)
	})
	return t, err
}

// reviews tells whether the tag says that somebody has reviewed a patch.
func (t *Tag) reviews() bool { return slices.Contains(reviewTags, strings.ToLower(t.Name)) }

func (t Tag) taken(err error) error {
	if fault.Is(err, fault.Conflict) {
		return fault.New(fault.Conflict, "another tag has the abbreviation %q", t.Abbrev)
	}
	return err
}

// DeleteTag deletes a tag and its counts.
func DeleteTag(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, name string) error {
	return administer(ctx, db, by, now, "tag delete", "tag "+name, func(tx *sqldb.Tx) error {
		t, err := FindTag(ctx, tx, name)
		if err != nil {
			return err
		}
		projects, err := lockProjectsOf(ctx, tx, allProjects)
		if err != nil {
			return err
		}
		for _, query := range []string{"DELETE FROM patch_tag WHERE tag_id = ?", "DELETE FROM cover_tag WHERE tag_id = ?"} {
			if _, err := tx.Exec(ctx, query, t.ID); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "DELETE FROM tag WHERE id = ?", t.ID); err != nil {
			return err
		}
		return lookAgain(ctx, tx, now, projects, false)
	})
}

// counter counts the tags of a text; patterns that are no regular expressions (only an import can bring one) count nothing.
type counter struct {
	ids      []int64
	patterns []*pattern.Pattern
}

func newCounter(tags []Tag) counter {
	var c counter
	for _, t := range tags {
		if p, err := pattern.Compile(t.Pattern); err == nil {
			c.ids, c.patterns = append(c.ids, t.ID), append(c.patterns, p)
		}
	}
	return c
}

func (c counter) count(text string, add func(tag int64, hits int)) {
	for i, p := range c.patterns {
		if n := p.Count(text); n > 0 {
			add(c.ids[i], n)
		}
	}
}
