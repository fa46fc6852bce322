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
	all map[int64]relative
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

// wants notes that a patch is to be in the relation that it was in, or in none.
func (f *formerRelation) wants(w wish) {
	if w.relation != nil {
		f.move[w.patch.ID] = *w.relation
	}
}

// settled are the patches that stay where they are after all: a relation of a single patch does not exist, so who would be alone stays, and nobody leaves alone who was
// added since.
func (f *formerRelation) settled() map[int64]bool {
	stay := map[int64]bool{}
	for f.settle(stay) {
	}
	f.ends()
	return stay
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
func (f *formerRelation) settle(stay map[int64]bool) bool {
	n, stays := f.sizes(), false
	for id, to := range f.move {
		if from := f.all[id].Relation; n[from] == 1 || n[to] == 1 || n[to] > maxRelated {
			delete(f.move, id)
			stay[id], stays = true, true
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
