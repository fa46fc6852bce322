// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/project"
)

// Relations are groups of patches that belong together, such as the versions of one: a patch is in at most one. They grow by what is added, and one of a
// single patch does not exist, as in Patchwork 3.2.

// maxRelated is how many patches a relation may have: each of them shows all others.
const maxRelated = 100

// relative is a patch as its relation sees it.
type relative struct {
	ID       int64
	Project  int64 `db:"project_id"`
	Relation int64
}

const relativeColumns = "SELECT id, project_id, COALESCE(related_id, 0) AS relation FROM patch WHERE "

// lockRelatives locks the projects of all patches that a change of a relation concerns, and reads these: those that are named, all that they are related to, and
// those of more relations. One that does not exist is left out.
func lockRelatives(ctx context.Context, tx *sqldb.Tx, named, relations []int64) (map[int64]relative, error) {
	locked := map[int64]bool{}
	for {
		all, err := readRelatives(ctx, tx, unique(named), relations)
		if err != nil {
			return nil, fmt.Errorf("read what %d patches are related to: %w", len(named), err)
		}
		var more []int64
		for _, k := range all {
			if !locked[k.Project] {
				locked[k.Project] = true
				more = append(more, k.Project)
			}
		}
		if len(more) == 0 { // whoever changes a relation has locked the projects of all that are in it
			return all, nil
		}
		slices.Sort(more)
		if err := project.Lock(ctx, tx, more); err != nil {
			return nil, err
		}
	}
}

func readRelatives(ctx context.Context, q sqldb.Queryer, ids, relations []int64) (map[int64]relative, error) {
	all := map[int64]relative{}
	read := func(query string, ids []int64) error {
		return sqldb.Chunks(ids, func(ids []int64) error {
			var some []relative
			err := q.Select(ctx, &some, query, ids)
			for _, k := range some {
				all[k.ID] = k
			}
			return err
		})
	}
	if err := read(relativeColumns+"id IN (?)", ids); err != nil {
		return nil, err
	}
	relations = slices.Clone(relations)
	for _, k := range all {
		if k.Relation != 0 {
			relations = append(relations, k.Relation)
		}
	}
	return all, read(relativeColumns+"related_id IN (?)", unique(relations))
}

// relationChange is what is to be written about relations.
type relationChange struct {
	move map[int64]int64 // patch → its relation from now on, 0: none
	made int64           // a new relation; 0: none
	gone int64           // one that has no patches any more; 0: none
}

// of tells whether the relation of a patch changes.
func (r relationChange) of(p *held) bool {
	_, moved := r.move[p.ID]
	return moved
}

// relate puts p into one relation with the patches that the change names, and notes an event for each patch whose relation changes by that. The actor must
// maintain the projects of all that are concerned.
func (u *update) relate(ctx context.Context, p *held) error {
	all, err := lockRelatives(ctx, u.tx, append([]int64{p.ID}, *u.change.Related...), nil)
	if err != nil {
		return err
	}
	r, err := u.decide(all, p.ID, *u.change.Related)
	if err != nil {
		return err
	}
	if r.made != 0 {
		id, err := u.tx.NextID(ctx, "patch_relation")
		if err != nil {
			return err
		}
		for patch := range r.move {
			r.move[patch] = id
		}
		r.made = id
	}
	u.moves(all, r)
	return nil
}

// moves notes that relations change: an event for each patch, and what can be taken back.
func (u *update) moves(all map[int64]relative, r relationChange) {
	for _, id := range slices.Sorted(maps.Keys(r.move)) {
		was, is := all[id].Relation, r.move[id]
		u.events = append(u.events, event.Event{Kind: EventPatchRelation, Project: all[id].Project, Actor: u.by.User, At: u.now,
			Payload: Payload{Patch: id, PreviousRelation: was, CurrentRelation: is}, Subjects: []event.Subject{{Kind: "patch", ID: id}}})
		u.rows = append(u.rows, changedRow{Patch: id, project: all[id].Project, Field: relationField, Old: strconv.FormatInt(was, 10), New: strconv.FormatInt(is, 10)})
	}
	u.relations = r
}

// decide finds what changes when self is related to the named patches. A new relation has the number 1 as long as it has none.
func (u *update) decide(all map[int64]relative, self int64, named []int64) (relationChange, error) {
	r := relationChange{move: map[int64]int64{}}
	if !u.maintains(all[self].Project) {
		return r, errNotMaintained
	}
	for _, id := range named {
		if _, there := all[id]; !there {
			return r, wrongField("related", "there is no patch %d", id)
		}
	}
	if len(named) == 0 {
		r.leave(all, all[self])
	} else if err := r.join(all, unique(append([]int64{self}, named...))); err != nil {
		return r, err
	}
	for id, k := range all {
		if _, moved := r.move[id]; (moved || len(named) > 0) && !u.maintains(k.Project) {
			return r, errNotMaintained
		}
	}
	if len(named) > 0 && len(all) > maxRelated {
		return r, wrongField("related", "at most %d patches can be related", maxRelated)
	}
	return r, nil
}

var errNotMaintained = fault.New(fault.Denied, NotMaintained)

// NotMaintained is what Patchwork 3.2 says to who relates patches of projects that he does not maintain.
const NotMaintained = "At least one patch is part of a project you are not maintaining."

func (u *update) maintains(project int64) bool {
	return u.by.Admin || u.by.User != 0 && u.maintainers[project][u.by.User]
}

// leave takes a patch out of its relation, which ends with the last but one.
func (r *relationChange) leave(all map[int64]relative, self relative) {
	if self.Relation == 0 {
		return
	}
	r.move[self.ID] = 0
	var others []int64
	for id, k := range all {
		if id != self.ID && k.Relation == self.Relation {
			others = append(others, id)
		}
	}
	if len(others) < 2 {
		r.gone = self.Relation
		for _, id := range others {
			r.move[id] = 0
		}
	}
}

// join makes one relation of patches, at most one of which there is already.
func (r *relationChange) join(all map[int64]relative, ids []int64) error {
	target := int64(0)
	for _, id := range ids {
		switch relation := all[id].Relation; {
		case relation == 0 || relation == target:
		case target != 0:
			return fault.New(fault.Conflict, "Two of the patches are in different relations already. Take them out of one first, by an empty list of related patches.")
		default:
			target = relation
		}
	}
	if target == 0 && len(ids) > 1 {
		target, r.made = 1, 1
	}
	for _, id := range ids {
		if all[id].Relation != target {
			r.move[id] = target
		}
	}
	return nil
}

// write stores the change.
func (r relationChange) write(ctx context.Context, tx *sqldb.Tx) error {
	if r.made != 0 {
		if err := tx.Insert(ctx, "patch_relation", []string{"id"}, [][]any{{r.made}}); err != nil {
			return err
		}
	}
	into := map[int64][]int64{}
	for id, relation := range r.move {
		into[relation] = append(into[relation], id)
	}
	for relation, ids := range into {
		if _, err := tx.Exec(ctx, "UPDATE patch SET related_id = ? WHERE id IN (?)", sqldb.NullID(relation), ids); err != nil {
			return fmt.Errorf("relate patches: %w", err)
		}
	}
	if r.gone == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, "DELETE FROM patch_relation WHERE id = ?", r.gone); err != nil {
		return fmt.Errorf("end relation %d: %w", r.gone, err)
	}
	return nil
}

// RelatedTo reads the patches of relations by their ids, without hidden ones.
func RelatedTo(ctx context.Context, q sqldb.Queryer, relations []int64) (map[int64][]*MailRef, error) {
	out := map[int64][]*MailRef{}
	err := sqldb.Chunks(unique(relations), func(relations []int64) error {
		var some []*struct {
			MailRef
			Relation int64
		}
		err := q.Select(ctx, &some, `SELECT x.related_id AS relation, x.id, x.name, COALESCE(t.slug, '') AS state, COALESCE(m.msgid_long, m.msgid) AS msgid, x.date, m.project_id AS project
			FROM patch x LEFT JOIN state t ON t.id = x.state_id JOIN message m ON m.id = x.message_id AND m.hidden = FALSE WHERE x.related_id IN (?) ORDER BY x.id`, relations)
		for _, r := range some {
			out[r.Relation] = append(out[r.Relation], &r.MailRef)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the patches of %d relations: %w", len(relations), err)
	}
	return out, nil
}

// RelatedPatch is a patch as one that it is related to shows it.
type RelatedPatch struct {
	ID          int64
	Name        string
	MsgID       string
	Date        clock.Time
	State       int64 // 0: none
	Archived    bool
	Project     int64
	Linkname    string
	ProjectName string `db:"project_name"`
	Sender
}

// Related reads the patches of a relation but one, without hidden ones, in one query; those of project in come first, the newest before older ones.
func Related(ctx context.Context, q sqldb.Queryer, relation, without, in int64) ([]*RelatedPatch, error) {
	var out []*RelatedPatch
	err := q.Select(ctx, &out, `SELECT x.id, x.name, COALESCE(m.msgid_long, m.msgid) AS msgid, x.date, COALESCE(x.state_id, 0) AS state, x.archived, x.project_id AS project,
			j.linkname, j.name AS project_name, x.submitter_id AS submitter, COALESCE(e.name, '') AS submitter_name, e.email AS submitter_mail
		FROM patch x JOIN message m ON m.id = x.message_id AND m.hidden = FALSE JOIN project j ON j.id = x.project_id JOIN person e ON e.id = x.submitter_id
		WHERE x.related_id = ? AND x.id <> ? ORDER BY CASE WHEN x.project_id = ? THEN 0 ELSE 1 END, j.linkname, x.date DESC, x.id DESC`, relation, without, in)
	if err != nil {
		return nil, fmt.Errorf("read the patches of relation %d: %w", relation, err)
	}
	return out, nil
}
