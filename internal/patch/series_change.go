// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/project"
)

// Bounds of what can be written down about a series.
const (
	MaxVersion       = 32767 // as high as versions are read from subjects
	MaxMetadata      = 50    // names a series may have
	MaxMetadataName  = 100   // characters
	MaxMetadataValue = 1000  // characters
)

// SeriesChange sets what is not nil.
type SeriesChange struct {
	Version  *int
	Metadata map[string]*string // names that are not in it stay as they are; nil takes one away
	Patches  Change             // of all patches of the series

	// If is asked in the transaction, after its locks and before anything is changed; its error ends the change.
	If func(context.Context, *sqldb.Tx) error
}

// own tells whether the series itself is to be changed.
func (c SeriesChange) own() bool { return c.Version != nil || len(c.Metadata) > 0 }

// UpdateSeries changes a series and all its patches in one transaction. Version and metadata may be changed by the maintainers of the project and by
// administrators, patches by those who may change each of them (see Update); else nothing is changed, and it is fault.Denied. Each patch that changes is an event,
// and so are the version and the metadata, which are written into the audit trail, too. A series that does not exist is fault.NotFound.
func UpdateSeries(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, id int64, c SeriesChange) error {
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		s, err := ReadSeries(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := project.Lock(ctx, tx, nonzero([]int64{s.Project})); err != nil {
			return err
		}
		if s, err = ReadSeries(ctx, tx, id); err != nil { // as it is under the lock
			return err
		}
		if c.If != nil {
			if err := c.If(ctx, tx); err != nil {
				return err
			}
		}
		var own []changedValue
		if c.own() {
			if own, err = s.change(ctx, tx, by, now, c); err != nil {
				return err
			}
		}
		return s.record(ctx, tx, by, now, c.Patches, own)
	})
	if err != nil {
		return fmt.Errorf("change series %d: %w", id, err)
	}
	return nil
}

// MayAmendSeries tells whether an actor may change the version and the metadata of the series of a project.
func MayAmendSeries(ctx context.Context, q sqldb.Queryer, by account.Actor, in int64) (bool, error) {
	if by.Admin || by.User == 0 {
		return by.Admin, nil
	}
	return project.IsMaintainer(ctx, q, in, by.User)
}

// MayChangeSeries gives the error that UpdateSeries would give for want of a series or of permission to change anything of it; else the project of the series.
func MayChangeSeries(ctx context.Context, q sqldb.Queryer, by account.Actor, id int64) (in int64, err error) {
	s, err := ReadSeries(ctx, q, id)
	if err != nil {
		return 0, err
	}
	ok, err := MayAmendSeries(ctx, q, by, s.Project)
	if err == nil && !ok && s.Received > 0 {
		ok, err = MayEditSeries(ctx, q, by, id)
	}
	if err == nil && !ok {
		err = fault.New(fault.Denied, "series %d is not yours to change", id)
	}
	return s.Project, err
}

// record changes the patches of a series, and writes down what was changed of them and of the series itself, as one change.
func (s *SeriesDetail) record(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, c Change, own []changedValue) error {
	set := newSet(by, now, c)
	if len(own) > 0 {
		w := set.wants()
		w.Series = seriesEdit(s.ID, own)
		set.Wanted, set.Project = w.text(), s.Project
		set.Total, set.Done, set.Changed = 1, 1, 1
	}
	if err := updateMembers(ctx, tx, by, now, s.ID, c, set); err != nil || len(own) == 0 {
		return err
	}
	if set.ID == 0 {
		set.finish(now, SetDone)
		if err := set.insert(ctx, tx); err != nil {
			return fmt.Errorf("write down the change: %w", err)
		}
	}
	return set.recordValues(ctx, tx, now, subject{"series", s.ID}, own)
}

// change changes the series itself, and tells what is different.
func (s *SeriesDetail) change(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, c SeriesChange) (list []changedValue, err error) {
	ok, err := MayAmendSeries(ctx, tx, by, s.Project)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.New(fault.Denied, "only a maintainer may change the version and the metadata of a series")
	}
	var changed []string
	if c.Version != nil && *c.Version != s.Version {
		if *c.Version < 0 || *c.Version > MaxVersion {
			return nil, wrongField("version", "version %d: want 0 to %d", *c.Version, MaxVersion)
		}
		changed = append(changed, fmt.Sprintf("version %d", *c.Version))
		list = addValue(list, versionField, strconv.Itoa(s.Version), strconv.Itoa(*c.Version))
		if err := s.renumber(ctx, tx, *c.Version); err != nil {
			return nil, err
		}
	}
	named, err := writeMetadata(ctx, tx, s.ID, c.Metadata)
	if len(named) > 0 {
		var names []string
		for _, v := range named {
			names = append(names, strings.TrimPrefix(v.Field, metadataField))
		}
		list, changed = append(list, named...), append(changed, "metadata "+strings.Join(names, ", "))
	}
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	if err := event.Append(ctx, tx, s.changeEvents(by, now, list)...); err != nil {
		return nil, err
	}
	return list, event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "series update", Subject: fmt.Sprintf("series %d", s.ID), Detail: strings.Join(changed, "; ")})
}

// changeEvents are the events of a changed version and of changed metadata.
func (s *SeriesDetail) changeEvents(by account.Actor, now clock.Time, list []changedValue) (out []event.Event) {
	note := func(kind string, p Payload) {
		p.Series = s.ID
		out = append(out, event.Event{Kind: kind, Project: s.Project, Actor: by.User, At: now, Payload: p, Subjects: []event.Subject{{Kind: "series", ID: s.ID}}})
	}
	was, is := map[string]*string{}, map[string]*string{}
	for _, v := range list {
		if name, ok := strings.CutPrefix(v.Field, metadataField); ok {
			was[name], is[name] = v.Old, v.New
			continue
		}
		old, _ := strconv.Atoi(*v.Old) // versions, as they were written
		now, _ := strconv.Atoi(*v.New)
		note(EventSeriesVersion, Payload{PreviousVersion: &old, CurrentVersion: &now})
	}
	if len(is) > 0 {
		note(EventSeriesMetadata, Payload{PreviousMetadata: was, CurrentMetadata: is})
	}
	return out
}

// renumber gives a series another version, and finds anew which are versions of which. Nothing is superseded by that.
func (s *Series) renumber(ctx context.Context, tx *sqldb.Tx, version int) error {
	s.loaded()
	s.Version, s.dirty = version, true
	in := &Intake{tx: tx, project: project.Project{ID: s.Project}, series: map[int64]*Series{s.ID: s}, new: newAdded()}
	if err := in.chain(ctx); err != nil {
		return err
	}
	if err := in.writeSeries(ctx); err != nil {
		return err
	}
	return retriage(ctx, tx, in.new.overtaken)
}

// writeMetadata sets and takes away metadata, and tells what changed.
func writeMetadata(ctx context.Context, tx *sqldb.Tx, series int64, change map[string]*string) (changed []changedValue, err error) {
	if len(change) == 0 {
		return nil, nil
	}
	if err := validMetadata(change); err != nil {
		return nil, err
	}
	have, err := readMetadata(ctx, tx, series)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	var gone []string
	left := len(have)
	for _, name := range slices.Sorted(maps.Keys(change)) {
		value := change[name]
		was, there := have[name]
		switch {
		case value == nil && there:
			gone = append(gone, name)
			left--
		case value != nil && (!there || was != *value):
			rows = append(rows, []any{series, name, *value, valueKey(*value)})
			if !there {
				left++
			}
		default:
			continue
		}
		v := changedValue{Field: metadataField + name, New: value}
		if there {
			v.Old = &was
		}
		changed = append(changed, v)
	}
	if left > MaxMetadata {
		return nil, wrongField("metadata", "a series may have %d names, this one would have %d", MaxMetadata, left)
	}
	if len(gone) > 0 {
		if _, err := tx.Exec(ctx, "DELETE FROM series_metadata WHERE series_id = ? AND name IN (?)", series, gone); err != nil {
			return nil, err
		}
	}
	u := sqldb.Upsert{Table: "series_metadata", Columns: []string{"series_id", "name", "value", "value_key"}, Key: []string{"series_id", "name"}, Replace: []string{"value", "value_key"}}
	return changed, tx.Upsert(ctx, u, rows)
}

func readMetadata(ctx context.Context, q sqldb.Queryer, series int64) (map[string]string, error) {
	have := map[string]string{}
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var name, value string
		err := rows.Scan(&name, &value)
		have[name] = value
		return err
	}, "SELECT name, value FROM series_metadata WHERE series_id = ?", series)
	return have, err
}

func validMetadata(change map[string]*string) error {
	for name, value := range change {
		switch {
		case name == "" || utf8.RuneCountInString(name) > MaxMetadataName || strings.ContainsFunc(name, unicode.IsControl) || !utf8.ValidString(name):
			return wrongField("metadata", "the name %q: want 1 to %d printable characters", name, MaxMetadataName)
		case value != nil && (utf8.RuneCountInString(*value) > MaxMetadataValue || strings.Contains(*value, "\x00") || !utf8.ValidString(*value)):
			return wrongField("metadata", "the value of %q: want a text of at most %d characters", name, MaxMetadataValue)
		}
	}
	return nil
}

// updateMembers changes all patches of a series, or none, and writes that down in a set.
func updateMembers(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, series int64, c Change, set *ChangeSet) error {
	if c.Empty() {
		return nil
	}
	var ids []int64
	err := tx.Select(ctx, &ids, "SELECT p.id FROM patch p JOIN message m ON m.id = p.message_id AND m.hidden = FALSE WHERE p.series_id = ?", series)
	if err != nil || len(ids) == 0 {
		return err
	}
	done, err := updateIn(ctx, tx, by, now, set, ids, c)
	if err == nil && len(done.Refused) > 0 {
		err = fault.New(fault.Denied, "%d patches of the series are not yours to change", len(done.Refused))
	}
	return err
}
