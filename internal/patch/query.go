// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"slices"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// Query says which patches a list holds, and in which order. A nil list means: any; an empty one finds nothing.
type Query struct {
	Projects   []int64
	States     []int64
	Archived   []bool
	Submitters []int64
	Delegates  []int64 // 0 stands for nobody
	Series     []int64
	Hashes     []string    // of diffs, in lower case
	MsgIDs     []string    // in key form, with brackets
	Since      *clock.Time // dates from this one on
	Before     *clock.Time // dates before this one
	Words      string      // each of its words must be in the name, without regard to letter case
	Order      string      // of the Order… below, joined by commas, "-" before one reverses it; default -date. What is equal is listed by date, the newest first.
	Page       int         // from 1; beyond the last is the last
	PerPage    int
	Marks      Marks
	Brief      bool // rows are without what lists of pages do not show: what only the API has, and the long form of long Message-IDs
	Newest     bool // only the newest MaxMarked patches are looked at, for an order that is dear; Marks do so anyway

	Totals  *Totals // nil: no more than CountLimit patches are counted that no counter covers
	MaxSort int     // so many patches are sorted at most by an order that no index has; more are fault.Invalid. 0: any number

	stateless bool       // only patches without a state
	few       bool       // the delegates have few patches
	byID      bool       // the ids of patches are known
	lookAt    int        // how many patches that an index of words finds are looked at whatever the list; 0: fewFound
	engine    string     // of the database
	plan      wordPlan   // by which way its words are found
	arrived   clock.Time // only those whose mail did not come later; 0: all
}

// tidy takes out what is there twice, which would find rows twice, and refuses what can't be answered.
func (f Query) tidy(q sqldb.Queryer) (Query, error) {
	f.engine = engineOf(q)
	if f.lookAt == 0 {
		f.lookAt = fewFound
	}
	for _, ids := range []*[]int64{&f.Projects, &f.States, &f.Submitters, &f.Delegates, &f.Series} {
		*ids = unique(*ids)
	}
	f.Hashes, f.MsgIDs = unique(f.Hashes), unique(f.MsgIDs)
	if f.Archived != nil && slices.Contains(f.Archived, true) && slices.Contains(f.Archived, false) {
		f.Archived = nil
	} else if len(f.Archived) > 1 {
		f.Archived = f.Archived[:1]
	}
	if len(f.words()) > maxWords {
		return f, fault.New(fault.Invalid, "too many words: at most %d can be searched at once", maxWords)
	}
	return f, nil
}

func unique[T int64 | string](list []T) []T {
	if len(list) < 2 {
		return list
	}
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

// words are the different words that are searched. White space parts them; the API has commas part them too.
func (f Query) words() []string {
	return unique(strings.FieldsFunc(fold.Key(f.Words), fold.IsSpace))
}

// counted tells whether counters cover the query.
func (f Query) counted() bool {
	return !f.narrow() && f.Words == "" && f.Since == nil && f.Before == nil && f.arrived == 0
}

// Selects tells whether the query can leave a patch out: whether anything is asked for.
func (f Query) Selects() bool {
	return f.narrow() || !f.Marks.none() || f.Projects != nil || f.States != nil || f.Archived != nil || f.Delegates != nil || f.Since != nil || f.Before != nil || len(f.words()) > 0
}

// narrow tells whether the query names what has few patches. They are found by that and sorted, whatever their order.
func (f Query) narrow() bool {
	return f.Series != nil || f.Submitters != nil || f.Hashes != nil || f.MsgIDs != nil
}

// where collects conditions and their arguments.
type where struct {
	parts []string
	args  []any
}

func (w *where) add(part string, args ...any) {
	w.parts = append(w.parts, part)
	w.args = append(w.args, args...)
}

func (w *where) sql() string {
	if len(w.parts) == 0 {
		return ""
	}
	return " WHERE " + w.all()
}

// all joins the conditions, of which there is at least one.
func (w *where) all() string { return strings.Join(w.parts, " AND ") }

// in adds a condition on a column; a list of one is a plain comparison, which any index takes in order.
func (w *where) in(column string, ids []int64) {
	switch {
	case ids == nil:
	case len(ids) == 0:
		w.add("1 = 0")
	case len(ids) == 1:
		w.add(column+" = ?", ids[0])
	default:
		w.add(column+" IN (?)", ids)
	}
}

func (w *where) among(column string, texts []string) {
	switch {
	case texts == nil:
	case len(texts) == 0:
		w.add("1 = 0")
	default:
		w.add(column+" IN (?)", texts)
	}
}

func (w *where) archived(column string, archived []bool) {
	switch {
	case archived == nil:
	case len(archived) == 0:
		w.add("1 = 0")
	default:
		w.add(column+" = ?", archived[0])
	}
}

// counters are the conditions on patch_count p.
func (f Query) counters() *where {
	w := &where{}
	w.in("p.project_id", f.Projects)
	w.archived("p.archived", f.Archived)
	w.in("NULLIF(p.state_id, 0)", f.States)
	w.in("p.delegate_id", f.Delegates)
	return w
}

// conditions are those on patch p.
func (f Query) conditions() *where { return f.conditionsTo(&where{}) }

// conditionsButWords are those on a patch p that is looked up by its id and has the words.
func (f Query) conditionsButWords() *where {
	f.Words, f.byID = "", true
	return f.conditions()
}

func (f Query) conditionsTo(w *where) *where {
	project, delegate := "p.project_id", "p.delegate_id"
	if f.narrow() || f.few || f.byID {
		project = "+p.project_id" // keeps SQLite, which knows no sizes, from an index that is worse
	}
	if f.byID {
		delegate = "+p.delegate_id"
	}
	if slices.Contains(f.Delegates, 0) {
		delegate = "COALESCE(p.delegate_id, 0)"
	}
	w.in(project, f.Projects)
	w.archived("p.archived", f.Archived)
	if f.Archived == nil && f.Projects != nil && !f.narrow() && (f.Since != nil || f.Before != nil) {
		w.add("p.archived IN (FALSE, TRUE)") // lets indexes be used that have the date behind it
	}
	if f.stateless {
		w.add("p.state_id IS NULL")
	}
	w.in("p.state_id", f.States)
	w.in("p.series_id", f.Series)
	w.in("p.submitter_id", f.Submitters)
	w.in(delegate, f.Delegates)
	w.among("p.hash", f.Hashes)
	if f.MsgIDs != nil {
		ids := &where{}
		ids.among("msgid", f.MsgIDs)
		w.add("p.message_id IN (SELECT id FROM message"+ids.sql()+")", ids.args...)
	}
	if f.Since != nil {
		w.add("p.date >= ?", int64(*f.Since))
	}
	if f.Before != nil {
		w.add("p.date < ?", int64(*f.Before))
	}
	if f.arrived != 0 { // one that an import brought has no mail
		w.add("COALESCE((SELECT l.received_at FROM message m JOIN mail l ON l.id = m.mail_id WHERE m.id = p.message_id), 0) <= ?", int64(f.arrived))
	}
	w.words(f.engine, "p.name_key", f.words())
	w.add(shownPatch)
	return w
}
