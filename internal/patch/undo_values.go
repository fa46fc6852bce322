// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
)

// What a change can do to a bundle or a series itself. The field of metadata is metadataField and their name.
const (
	nameField     = "name"
	publicField   = "public"
	projectField  = "project"
	versionField  = "version"
	metadataField = "metadata "
)

// subject is a bundle or a series, as change_value names it.
type subject struct {
	kind string
	id   int64
}

// changedValue is a value of a bundle or a series before and after a change; nil: none.
type changedValue struct {
	Field string
	Old   *string `db:"old_value"`
	New   *string `db:"new_value"`
	Later bool
}

// addValue adds a value that is another one now.
func addValue(list []changedValue, field, was, is string) []changedValue {
	if was == is {
		return list
	}
	return append(list, changedValue{Field: field, Old: &was, New: &is})
}

// recordValues writes down what a set changed of a bundle or a series, and that what earlier ones had set was changed once more.
func (s *ChangeSet) recordValues(ctx context.Context, tx *sqldb.Tx, now clock.Time, of subject, list []changedValue) error {
	if len(list) == 0 {
		return nil
	}
	over, err := valueMarks(of.kind).overtake(ctx, tx, now, s.ID, []int64{of.id})
	if err != nil {
		return err
	}
	if sets := over[of.id]; sets != "" {
		list = append(slices.Clone(list), changedValue{Field: overField, Old: &sets})
	}
	var rows [][]any
	for _, v := range list {
		rows = append(rows, []any{s.ID, of.kind, of.id, v.Field, textCell(v.Old), textCell(v.New), false})
	}
	if err := tx.Insert(ctx, "change_value", []string{"set_id", "subject", "subject_id", "field", "old_value", "new_value", "later"}, rows); err != nil {
		return fmt.Errorf("write down what changed: %w", err)
	}
	return nil
}

func textCell(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

// formerValues are what a set changed of a bundle or a series.
type formerValues struct {
	values    map[string]*string // all of them, or none
	any       bool               // there are some
	overtaken bool               // somebody changed the bundle or the series since, so there are none to give back
	over      string             // sets; see overField
}

// formerValues reads what the values were; is gives what they are now.
func (s *ChangeSet) formerValues(ctx context.Context, tx *sqldb.Tx, is map[string]string) (f formerValues, err error) {
	var rows []changedValue
	if err := tx.Select(ctx, &rows, "SELECT field, old_value, new_value, later FROM change_value WHERE set_id = ? ORDER BY field", s.ID); err != nil {
		return f, fmt.Errorf("read what change %d changed: %w", s.ID, err)
	}
	f.values = map[string]*string{}
	for _, r := range rows {
		if r.Field == overField {
			f.over = *r.Old
			continue
		}
		now, there := is[r.Field]
		f.any = true
		f.overtaken = f.overtaken || r.Later || there != (r.New != nil) || there && now != *r.New
		f.values[r.Field] = r.Old
	}
	if f.overtaken {
		f.values = nil
	}
	return f, nil
}

// values are what of a bundle can be taken back, but for its patches.
func (b Bundle) values() map[string]string {
	return map[string]string{nameField: b.Name, publicField: strconv.FormatBool(b.Public), projectField: strconv.FormatInt(b.Project, 10)}
}

// differ lists what of a bundle is different, but its patches.
func (b Bundle) differ(was Bundle) []changedValue {
	list := addValue(nil, nameField, was.Name, b.Name)
	list = addValue(list, publicField, strconv.FormatBool(was.Public), strconv.FormatBool(b.Public))
	return addValue(list, projectField, strconv.FormatInt(was.Project, 10), strconv.FormatInt(b.Project, 10))
}

// what tells in a word what was done to a bundle that was another one.
func (b Bundle) what(was Bundle) string {
	switch {
	case b.Project != was.Project:
		return BundleMoved
	case b.Name != was.Name:
		return BundleRenamed
	case b.Public && !was.Public:
		return BundlePublished
	case !b.Public && was.Public:
		return BundleUnpublished
	}
	return BundleSet
}

// as is the bundle with other values.
func (b Bundle) as(values map[string]*string) Bundle {
	assign(&b.Name, values[nameField])
	if public := values[publicField]; public != nil {
		b.Public = *public == "true"
	}
	if in := values[projectField]; in != nil {
		b.Project, _ = strconv.ParseInt(*in, 10, 64) // as it was written
	}
	return b
}

// SeriesEdit is what a change set did to a series itself.
type SeriesEdit struct {
	ID       int64    `json:"id"`
	Version  *int     `json:"version,omitempty"`
	Metadata []string `json:"metadata,omitempty"` // names of what was set or taken away
	Left     string   `json:"left,omitempty"`     // see ChangeSet.Left
}

func seriesEdit(id int64, list []changedValue) *SeriesEdit {
	e := SeriesEdit{ID: id}
	for _, v := range list {
		if name, ok := strings.CutPrefix(v.Field, metadataField); ok {
			e.Metadata = append(e.Metadata, name)
		} else if n, err := strconv.Atoi(*v.New); err == nil {
			e.Version = &n
		}
	}
	return &e
}

// undoSeries takes back what a set did to a series itself, all of it or, if somebody changed its version or metadata since, nothing, and counts that. The set has then to be saved.
func (s *ChangeSet) undoSeries(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, of *ChangeSet, id int64) error {
	s.Total, s.Done = s.Total+1, s.Done+1
	left := func(why string) { s.Wanted = wanted{Series: &SeriesEdit{ID: id, Left: why}}.text() }
	d, err := ReadSeries(ctx, tx, id)
	if err == nil {
		if err = project.Lock(ctx, tx, nonzero([]int64{d.Project})); err == nil {
			d, err = ReadSeries(ctx, tx, id) // as it is under the lock
		}
	}
	switch {
	case fault.Is(err, fault.NotFound):
		s.Lost++
		left(LeftLost)
		return nil
	case err != nil:
		return err
	}
	if ok, err := MayAmendSeries(ctx, tx, by, d.Project); err != nil || !ok {
		s.Refused++
		left(LeftRefused)
		return err
	}
	is, err := d.values(ctx, tx)
	if err != nil {
		return err
	}
	former, err := of.formerValues(ctx, tx, is)
	if err != nil {
		return err
	}
	if former.overtaken {
		s.Overtaken++
		left(LeftOvertaken)
		return nil
	}
	changed, err := d.change(ctx, tx, by, now, formerSeries(former.values))
	if err != nil {
		return err
	}
	s.Changed++
	s.Wanted = wanted{Series: seriesEdit(id, changed)}.text()
	if err := s.recordValues(ctx, tx, now, subject{"series", id}, changed); err != nil {
		return err
	}
	return valueMarks("series").free(ctx, tx, map[int64]string{id: former.over})
}

// values are what of a series can be taken back, but for its patches.
func (s *SeriesDetail) values(ctx context.Context, q sqldb.Queryer) (map[string]string, error) {
	have, err := readMetadata(ctx, q, s.ID)
	is := map[string]string{versionField: strconv.Itoa(s.Version)}
	for name, value := range have {
		is[metadataField+name] = value
	}
	return is, err
}

// formerSeries makes a change of what values are to be again.
func formerSeries(former map[string]*string) SeriesChange {
	c := SeriesChange{Metadata: map[string]*string{}}
	for field, value := range former {
		if name, ok := strings.CutPrefix(field, metadataField); ok {
			c.Metadata[name] = value
		} else if n, err := strconv.Atoi(*value); err == nil {
			c.Version = &n
		}
	}
	return c
}
