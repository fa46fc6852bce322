// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
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
func (s *ChangeSet) recordValues(ctx context.Context, tx *sqldb.Tx, of subject, list []changedValue) error {
	if len(list) == 0 {
		return nil
	}
	var fields []string
	var rows [][]any
	for _, v := range list {
		fields = append(fields, v.Field)
		rows = append(rows, []any{s.ID, of.kind, of.id, v.Field, textCell(v.Old), textCell(v.New), false})
	}
	_, err := tx.Exec(ctx, "UPDATE change_value SET later = TRUE WHERE subject = ? AND subject_id = ? AND later = FALSE AND field IN (?)", of.kind, of.id, fields)
	if err != nil {
		return fmt.Errorf("note what was changed once more: %w", err)
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

// formerValues are what a set changed of a bundle or a series, without those that somebody has changed since; is gives what they are now. overtaken: there are some.
func (s *ChangeSet) formerValues(ctx context.Context, tx *sqldb.Tx, is map[string]string) (out map[string]*string, overtaken bool, err error) {
	var rows []changedValue
	if err := tx.Select(ctx, &rows, "SELECT field, old_value, new_value, later FROM change_value WHERE set_id = ? ORDER BY field", s.ID); err != nil {
		return nil, false, fmt.Errorf("read what change %d changed: %w", s.ID, err)
	}
	out = map[string]*string{}
	for _, r := range rows {
		now, there := is[r.Field]
		if r.Later || there != (r.New != nil) || there && now != *r.New {
			overtaken = true
			continue
		}
		out[r.Field] = r.Old
	}
	return out, overtaken, nil
}

// values are what of a bundle can be taken back, but for its patches.
func (b Bundle) values() map[string]string {
	return map[string]string{nameField: b.Name, publicField: strconv.FormatBool(b.Public)}
}

// differ lists what of a bundle is different, but its patches.
func (b Bundle) differ(was Bundle) []changedValue {
	list := addValue(nil, nameField, was.Name, b.Name)
	return addValue(list, publicField, strconv.FormatBool(was.Public), strconv.FormatBool(b.Public))
}

// what tells in a word what was done to a bundle that was another one.
func (b Bundle) what(was Bundle) string {
	switch {
	case b.Name != was.Name:
		return BundleRenamed
	case b.Public && !was.Public:
		return BundlePublished
	case !b.Public && was.Public:
		return BundleUnpublished
	}
	return BundleSet
}

// restore gives the bundle the name and the sight back that it had before a set, if nobody changed them since, and writes it.
func (b *Bundle) restore(ctx context.Context, tx *sqldb.Tx, of *ChangeSet) (changed []changedValue, overtaken bool, err error) {
	former, overtaken, err := of.formerValues(ctx, tx, b.values())
	if err != nil || len(former) == 0 {
		return nil, overtaken, err
	}
	was := *b
	assign(&b.Name, former[nameField])
	if public := former[publicField]; public != nil {
		b.Public = *public == "true"
	}
	if changed = b.differ(was); len(changed) == 0 {
		return nil, overtaken, nil
	}
	if err := b.save(ctx, tx); fault.Is(err, fault.Invalid) {
		return nil, false, fault.New(fault.Conflict, "there is another bundle %s meanwhile", b.Name)
	} else if err != nil {
		return nil, false, err
	}
	return changed, overtaken, nil
}

// SeriesEdit is what a change set did to a series itself.
type SeriesEdit struct {
	ID       int64    `json:"id"`
	Version  *int     `json:"version,omitempty"`
	Metadata []string `json:"metadata,omitempty"` // names of what was set or taken away
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

// undoSeries takes back what a set did to a series itself, and counts that: what somebody changed since stays. The set has then to be saved.
func (s *ChangeSet) undoSeries(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, of *ChangeSet, id int64) error {
	s.Total, s.Done = s.Total+1, s.Done+1
	s.Wanted = wanted{Series: &SeriesEdit{ID: id}}.text()
	d, err := ReadSeries(ctx, tx, id)
	if err == nil {
		if err = project.Lock(ctx, tx, nonzero([]int64{d.Project})); err == nil {
			d, err = ReadSeries(ctx, tx, id) // as it is under the lock
		}
	}
	switch {
	case fault.Is(err, fault.NotFound):
		s.Lost++
		return nil
	case err != nil:
		return err
	}
	if ok, err := MayAmendSeries(ctx, tx, by, d.Project); err != nil || !ok {
		s.Refused++
		return err
	}
	is, err := d.values(ctx, tx)
	if err != nil {
		return err
	}
	former, overtaken, err := of.formerValues(ctx, tx, is)
	if err != nil {
		return err
	}
	if overtaken {
		s.Overtaken++
	}
	changed, err := d.change(ctx, tx, by, now, formerSeries(former))
	if err != nil || len(changed) == 0 {
		return err
	}
	s.Changed++
	s.Wanted = wanted{Series: seriesEdit(id, changed)}.text()
	return s.recordValues(ctx, tx, subject{"series", id}, changed)
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
