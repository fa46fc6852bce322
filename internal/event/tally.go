// SPDX-License-Identifier: GPL-2.0-or-later

package event

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// period is the length of the spans of time that events are counted by, in microseconds: 30 days. Migration 0021 and the rows there are know it.
const period = 30 * 24 * 60 * 60 * 1_000_000

// startOf is when a period begins.
func startOf(p int64) clock.Time { return clock.Time(p * period) }

// periodOf is the number of the period that an instant is in.
func periodOf(at clock.Time) int64 {
	p := int64(at) / period
	if int64(at)%period < 0 {
		p--
	}
	return p
}

// tallyKey is one row of event_count.
type tallyKey struct {
	project, actor int64 // 0: all
	kind           string
	period         int64
}

func compareKeys(a, b tallyKey) int {
	return cmp.Or(cmp.Compare(a.project, b.project), cmp.Compare(a.actor, b.actor), cmp.Compare(a.kind, b.kind), cmp.Compare(a.period, b.period))
}

// tally is what is to be added to event_count.
type tally map[tallyKey]int64

// add counts an event among those of all projects and of its own, of everybody and of its actor.
func (t tally) add(project, actor int64, kind string, at clock.Time) {
	key := tallyKey{0, 0, kind, periodOf(at)}
	t[key]++
	if actor != 0 {
		t[tallyKey{0, actor, kind, key.period}]++
	}
	if project != 0 {
		t[tallyKey{project, 0, kind, key.period}]++
	}
	if project != 0 && actor != 0 {
		t[tallyKey{project, actor, kind, key.period}]++
	}
}

// save adds to the rows, in the order of their keys.
func (t tally) save(ctx context.Context, tx *sqldb.Tx) error {
	rows := make([][]any, 0, len(t))
	keys := make([]tallyKey, 0, len(t))
	for k := range t {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compareKeys)
	for _, k := range keys {
		rows = append(rows, []any{k.project, k.actor, k.kind, k.period, t[k]})
	}
	u := sqldb.Upsert{Table: "event_count", Columns: []string{"project_id", "actor_id", "kind", "period", "events"},
		Key: []string{"project_id", "actor_id", "kind", "period"}, Add: []string{"events"}}
	return wrap(tx.Upsert(ctx, u, rows), "count events")
}

func tallyOf(events []Event) tally {
	t := tally{}
	for _, e := range events {
		t.add(e.Project, e.Actor, e.Kind, e.At)
	}
	return t
}

// tallyGiven counts the events that have just been given the positions behind last.
func tallyGiven(ctx context.Context, tx *sqldb.Tx, last, given int64) error {
	t := tally{}
	err := t.read(ctx, tx, "WHERE pos > ? AND pos <= ?", last, last+given)
	if err != nil {
		return err
	}
	return t.save(ctx, tx)
}

// read counts the events that a condition selects.
func (t tally) read(ctx context.Context, tx *sqldb.Tx, where string, args ...any) error {
	err := tx.Each(ctx, func(rows *sqlx.Rows) error {
		var project, actor int64
		var kind string
		var at clock.Time
		if err := rows.Scan(&project, &actor, &kind, &at); err != nil {
			return err
		}
		t.add(project, actor, kind, at)
		return nil
	}, "SELECT COALESCE(project_id, 0), COALESCE(actor_id, 0), kind, at FROM event "+where, args...)
	return wrap(err, "count events")
}

// discount takes events that are about to be deleted out of the counts. It holds back the relay until the transaction ends, so that
// none of them gets a position, and is counted, in between.
func discount(ctx context.Context, tx *sqldb.Tx, ids []int64) error {
	if err := holdTurn(ctx, tx); err != nil {
		return err
	}
	t := tally{}
	if err := t.read(ctx, tx, "WHERE id IN (?) AND pos IS NOT NULL", ids); err != nil {
		return err
	}
	return t.negative().save(ctx, tx)
}

func (t tally) negative() tally {
	for k := range t {
		t[k] = -t[k]
	}
	return t
}

// holdTurn keeps relays from giving positions until the transaction ends.
func holdTurn(ctx context.Context, tx *sqldb.Tx) error {
	var last int64
	return wrap(tx.Get(ctx, &last, "SELECT pos FROM event_last WHERE id = 1"+tx.LockRows()), "hold back the relay of events")
}

// discountProject takes all events of a project out of the counts of all.
func discountProject(ctx context.Context, tx *sqldb.Tx, project int64) error {
	if err := holdTurn(ctx, tx); err != nil {
		return err
	}
	t, err := counts(ctx, tx, "WHERE project_id = ?", project)
	if err != nil {
		return err
	}
	rest := tally{}
	for k, n := range t {
		rest[tallyKey{0, k.actor, k.kind, k.period}] = -n
	}
	if err := rest.save(ctx, tx); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "DELETE FROM event_count WHERE project_id = ?", project)
	return err
}

// counts reads rows of event_count.
func counts(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (tally, error) {
	t := tally{}
	err := tx.Each(ctx, func(rows *sqlx.Rows) error {
		var k tallyKey
		var n int64
		err := rows.Scan(&k.project, &k.actor, &k.kind, &k.period, &n)
		t[k] = n
		return err
	}, "SELECT project_id, actor_id, kind, period, events FROM event_count "+where, args...)
	return t, wrap(err, "read the counts of events")
}

// Miscounted compares the counts of events with the events, and returns how many are wrong; with repair they are made right.
func Miscounted(ctx context.Context, tx *sqldb.Tx, repair bool) (wrong int64, err error) {
	if err := holdTurn(ctx, tx); err != nil {
		return 0, err
	}
	want := tally{}
	if err := want.read(ctx, tx, "WHERE pos IS NOT NULL"); err != nil {
		return 0, err
	}
	have, err := counts(ctx, tx, "")
	if err != nil {
		return 0, err
	}
	mend := tally{}
	for k, n := range have {
		mend[k] = -n
	}
	for k, n := range want {
		mend[k] += n
	}
	for k, n := range mend {
		if n == 0 {
			delete(mend, k)
		}
	}
	if !repair || len(mend) == 0 {
		return int64(len(mend)), nil
	}
	if err := mend.save(ctx, tx); err != nil {
		return 0, fmt.Errorf("repair: %w", err)
	}
	return int64(len(mend)), nil
}
