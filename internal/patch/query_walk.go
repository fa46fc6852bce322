// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/sqldb"
)

// maxArms bounds into how many walks a list is split. Above it one walk meets patches that are not in the list.
const maxArms = 100

// segment is a part of a page within one class of patches: limit of them after offset others, or after a cursor.
type segment struct {
	arms          []Query
	offset, limit int
	desc          bool
	at            *Cursor
	columns       string // beside the id
}

// parts are what a page takes of each class.
func (l *Listing) parts(classes []sortKey, key sortKey, offset, limit int) []segment {
	if l.exact {
		limit = min(limit, l.Total-offset)
	}
	return l.segments(classes, key, offset, limit)
}

// segments are the parts of a page: the classes it touches, with what it takes from each.
func (l *Listing) segments(classes []sortKey, key sortKey, offset, limit int) []segment {
	var out []segment
	for _, bunches := range l.classes(classes) {
		size := l.Total
		if len(classes) > 0 {
			size = 0
			for _, g := range bunches {
				size += g.Patches
			}
		}
		if limit > 0 && (offset < size || !l.exact) {
			s := segment{arms: l.arms(classes, key, bunches), offset: offset, limit: limit, desc: key.desc}
			if l.exact {
				s.limit = min(limit, size-offset)
				s.turn(size)
			}
			out = append(out, s)
			limit -= s.limit
		}
		offset = max(0, offset-size)
	}
	return out
}

// turn walks from the other end if that is nearer.
func (s *segment) turn(size int) {
	if behind := size - s.offset - s.limit; behind < s.offset {
		s.offset, s.desc = behind, !s.desc
	}
}

// classes cuts the bunches into classes, in their order. Without class keys all are one.
func (l *Listing) classes(keys []sortKey) [][]bunch {
	if len(keys) == 0 {
		return [][]bunch{l.bunches}
	}
	order := func(a, b bunch) int {
		for _, k := range keys {
			n := 0
			switch k.by {
			case OrderProject:
				n = cmp.Compare(a.Linkname, b.Linkname)
			case OrderState:
				n = cmp.Compare(a.Ordering, b.Ordering)
			case OrderArchived:
				n = cmp.Compare(strconv.FormatBool(a.Archived), strconv.FormatBool(b.Archived))
			case OrderDelegate:
				n = cmp.Compare(a.Delegated, b.Delegated)
			}
			if k.desc {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	}
	bunches := slices.SortedStableFunc(slices.Values(l.bunches), order)
	var out [][]bunch
	for i, g := range bunches {
		if i == 0 || order(bunches[i-1], g) != 0 {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], g)
	}
	return out
}

// arms splits a class into queries that an index answers in order: one per project, archived flag and, where an index has it, state. What finds few
// rows by itself needs no splitting.
func (l *Listing) arms(classes []sortKey, key sortKey, bunches []bunch) []Query {
	f := l.f
	switch {
	case f.narrow():
		return []Query{f}
	case bunches == nil:
		return f.split(key)
	case len(classes) == 0 && f.Projects == nil && f.Archived == nil && f.States == nil && f.Delegates == nil && key.by != OrderName:
		return []Query{f}
	}
	own := len(f.Delegates) == 1 && f.Delegates[0] != 0 && key.by == OrderDate && len(classes) == 0 // an index has each state of a delegate in order
	byState := own || f.States != nil && key.by != OrderName || slices.ContainsFunc(classes, func(k sortKey) bool { return k.by == OrderState || k.by == OrderDelegate })
	byDelegate := byDelegate(classes)
	var arms []Query
	whole := f
	whole.Projects, whole.Archived, whole.States = nil, nil, nil
	for _, g := range bunches {
		arm := f
		arm.Projects, arm.Archived, arm.few = []int64{g.Project}, []bool{g.Archived}, own
		if byState {
			arm.States, arm.stateless = []int64{g.State}, g.State == 0
		}
		if arm.stateless {
			arm.States = nil
		}
		if byDelegate {
			arm.Delegates = []int64{g.Delegate}
		}
		if !slices.ContainsFunc(arms, arm.sameArm) {
			arms = append(arms, arm)
		}
	}
	few := !own && len(f.Delegates) > 0 && !slices.Contains(f.Delegates, 0) && l.Total <= fewPatches
	if len(arms) > maxArms || few && len(classes) == 0 {
		f.few = few
		return []Query{f.within(classes, bunches)}
	}
	return arms
}

func byDelegate(classes []sortKey) bool {
	return slices.ContainsFunc(classes, func(k sortKey) bool { return k.by == OrderDelegate })
}

func (f Query) sameArm(o Query) bool {
	return f.Projects[0] == o.Projects[0] && f.Archived[0] == o.Archived[0] && slices.Equal(f.States, o.States) && f.stateless == o.stateless && slices.Equal(f.Delegates, o.Delegates)
}

// within is the query for one class of patches.
func (f Query) within(classes []sortKey, bunches []bunch) Query {
	for _, k := range classes {
		switch k.by {
		case OrderProject:
			f.Projects = []int64{bunches[0].Project}
		case OrderArchived:
			f.Archived = []bool{bunches[0].Archived}
		case OrderState:
			f.States, f.stateless = []int64{bunches[0].State}, bunches[0].State == 0
			if f.stateless {
				f.States = nil
			}
		case OrderDelegate:
			f.Delegates = []int64{bunches[0].Delegate}
		}
	}
	return f
}

// split makes arms of what the query names, where no counter tells which there are.
func (f Query) split(key sortKey) []Query {
	archived := f.Archived
	if archived == nil {
		archived = []bool{false, true}
	}
	states := f.States
	if key.by == OrderName || states == nil {
		states = []int64{0}
	}
	if f.Projects == nil || len(f.Projects)*len(archived)*len(states) > maxArms {
		return []Query{f}
	}
	var out []Query
	for _, project := range f.Projects {
		for _, a := range archived {
			for _, state := range states {
				arm := f
				arm.Projects, arm.Archived = []int64{project}, []bool{a}
				if state != 0 {
					arm.States = []int64{state}
				}
				out = append(out, arm)
			}
		}
	}
	if len(out) == 0 { // a list of nothing
		return []Query{f}
	}
	return out
}

// deepPages is up to where a page is found by taking the first patches of each arm. Behind it, and always on SQLite, which would sort what is taken of each, arms are
// merged row by row, for which databases do not have to keep what is passed over.
const deepPages = 5000

// ids finds the ids of a segment with their keys. Every arm is in order by itself; the first ones of all of them hold the first ones of the whole.
func (s segment) ids(number int, key sortKey) (string, []any) {
	key.desc = s.desc
	column, direction := walkKeys[key.by], key.direction()
	order, outer := " ORDER BY "+column+direction+", p.id"+direction, " ORDER BY k"+direction+", id"+direction
	if key.by == OrderID {
		order, outer = " ORDER BY p.id"+direction, " ORDER BY id"+direction
	}
	var arms []string
	var args []any
	for _, arm := range s.arms {
		w := arm.conditions()
		s.from(w, column, key)
		query := fmt.Sprintf("SELECT %d AS seq, p.id, %s AS k%s FROM patch p", number, column, s.columns) + w.sql()
		args = append(args, w.args...)
		switch {
		case len(s.arms) == 1:
			query += order
		case s.offset+s.limit <= deepPages && arm.engine != sqldb.SQLite:
			query = "SELECT * FROM (" + query + order + " LIMIT ?) arm"
			args = append(args, s.offset+s.limit)
		case arm.engine == sqldb.Postgres: // it would sort all of them, unless each says that it is in order
			query = "SELECT * FROM (" + query + order + " OFFSET 0) arm"
		}
		arms = append(arms, query)
	}
	args = append(args, s.limit, s.offset)
	if len(arms) == 1 {
		return arms[0] + " LIMIT ? OFFSET ?", args
	}
	return strings.Join(arms, " UNION ALL ") + outer + " LIMIT ? OFFSET ?", args
}

// from begins an arm behind the cursor.
func (s segment) from(w *where, column string, key sortKey) {
	if s.at == nil {
		return
	}
	than := ">"
	if s.desc {
		than = "<"
	}
	switch key.by {
	case OrderID:
		w.add("p.id "+than+" ?", s.at.ID)
	case OrderDate:
		w.add(column+" "+than+"= ? AND ("+column+" "+than+" ? OR p.id "+than+" ?)", int64(s.at.Date), int64(s.at.Date), s.at.ID)
	default:
		w.add(column+" "+than+"= ? AND ("+column+" "+than+" ? OR p.id "+than+" ?)", s.at.Name, s.at.Name, s.at.ID)
	}
}
