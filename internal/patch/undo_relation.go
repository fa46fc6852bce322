// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"strconv"

	"patchwork.example/pw/internal/base/sqldb"
)

// formerRelation are relations on the way back to what they were before a change.
type formerRelation struct {
	relationChange
	overtaken, refused map[int64]bool // patches that stay where they are
	all                map[int64]relative
}

// lockFormer locks and reads the relations that some changes were about, as they were and as they are.
func lockFormer(ctx context.Context, tx *sqldb.Tx, rows map[int64][]changedRow) (map[int64]relative, error) {
	var patches, relations []int64
	for id, list := range rows {
		for _, r := range list {
			if r.Field == relationField {
				old, _ := strconv.ParseInt(r.Old, 10, 64)
				patches, relations = append(patches, id), append(relations, old)
			}
		}
	}
	if len(patches) == 0 {
		return nil, nil
	}
	return lockRelatives(ctx, tx, patches, nonzero(relations))
}

// formerRelations gives patches back to the relations that they were in, or to none: those that are still where the change put them. A relation of a single patch does not
// exist: who would be alone stays where he is, and nobody leaves alone who was added since.
func (u *update) formerRelations(all map[int64]relative, patches []*held, rows map[int64][]changedRow) formerRelation {
	f := formerRelation{relationChange{move: map[int64]int64{}}, map[int64]bool{}, map[int64]bool{}, all}
	for _, p := range patches {
		for _, r := range rows[p.ID] {
			if r.Field != relationField {
				continue
			}
			old, _ := strconv.ParseInt(r.Old, 10, 64)
			switch {
			case r.Later || strconv.FormatInt(p.Relation, 10) != r.New:
				f.overtaken[p.ID] = true
			case !u.maintainsAll(all, p, old):
				f.refused[p.ID] = true
			default:
				f.move[p.ID] = old
			}
		}
	}
	for f.settle() {
	}
	f.ends()
	return f
}

// maintainsAll tells whether the actor maintains the projects of a patch and of all that are in a relation.
func (u *update) maintainsAll(all map[int64]relative, p *held, relation int64) bool {
	for _, k := range all {
		if relation != 0 && k.Relation == relation && !u.maintains(k.Project) {
			return false
		}
	}
	return u.maintains(p.Project)
}

// sizes are how many patches relations will have; those that a move leaves or enters are there with 0 too.
func (f *formerRelation) sizes() map[int64]int {
	n := map[int64]int{}
	for id, to := range f.move {
		n[f.all[id].Relation] += 0
		n[to] += 0
	}
	for id, k := range f.all {
		to, moved := f.move[id]
		if !moved {
			to = k.Relation
		}
		if _, concerned := n[to]; concerned {
			n[to]++
		}
	}
	delete(n, 0)
	return n
}

// settle lets patches stay whose move would leave a relation of one, or of too many, and tells whether there were any.
func (f *formerRelation) settle() bool {
	n, stays := f.sizes(), false
	for id, to := range f.move {
		if from := f.all[id].Relation; n[from] == 1 || n[to] == 1 || n[to] > maxRelated {
			delete(f.move, id)
			f.overtaken[id], stays = true, true
		}
	}
	return stays
}

// ends finds the relations that begin and end.
func (f *formerRelation) ends() {
	for relation, n := range f.sizes() {
		had := false
		for _, k := range f.all {
			had = had || k.Relation == relation
		}
		if n == 0 {
			f.gone = relation
		} else if !had {
			f.made = relation
		}
	}
}

// relateBack writes that.
func (u *update) relateBack(ctx context.Context, all map[int64]relative, r relationChange) error {
	if len(r.move) == 0 {
		return nil
	}
	one := &update{tx: u.tx, by: u.by, now: u.now, book: u.book, maintainers: u.maintainers, set: u.set}
	one.moves(all, r)
	return one.write(ctx)
}
