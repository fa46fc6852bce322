// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"strings"
)

// Orders of a list; a leading "-" reverses one.
const (
	OrderID        = "id"
	OrderDate      = "date"
	OrderName      = "name"
	OrderProject   = "project" // by link name
	OrderState     = "state"   // in the order of the states
	OrderArchived  = "archived"
	OrderSubmitter = "submitter" // by name
	OrderPerson    = "person"    // by the number of the submitter
	OrderDelegate  = "delegate"  // by name
	OrderCheck     = "check"     // by what all checks together say: success, pending or none, warning, fail
)

// sortKey is one part of an order.
type sortKey struct {
	by   string
	desc bool
}

func (k sortKey) direction() string {
	if k.desc {
		return " DESC"
	}
	return ""
}

// walkKeys are the orders that indexes have, with what makes two patches differ in them.
var walkKeys = map[string]string{OrderID: "p.id", OrderDate: "p.date", OrderName: "p.name"}

// sortColumns are the others, with the tables that they need beside patch p.
var sortColumns = map[string]struct{ column, join string }{
	OrderProject:   {"j.linkname", " JOIN project j ON j.id = p.project_id"},
	OrderState:     {"COALESCE(st.ordering, -1)", " LEFT JOIN state st ON st.id = p.state_id"},
	OrderArchived:  {"p.archived", ""},
	OrderSubmitter: {"COALESCE(NULLIF(e.name_key, ''), e.email_key)", " JOIN person e ON e.id = p.submitter_id"},
	OrderPerson:    {"p.submitter_id", ""},
	OrderDelegate:  {"COALESCE(u.username_key, '')", " LEFT JOIN user_account u ON u.id = p.delegate_id"},
	OrderCheck:     {"COALESCE((SELECT MAX(CASE l.state WHEN 1 THEN 1 WHEN 0 THEN 2 ELSE l.state + 1 END) FROM patch_check_latest l WHERE l.patch_id = p.id), 2)", ""},
	OrderComments:  {markSaid, ""},
	OrderTags:      {"COALESCE((SELECT SUM(g.hits) FROM patch_tag g WHERE g.patch_id = p.id), 0)", ""},
	OrderVersion:   {markVersion, ""},
}

func (k sortKey) column() string {
	if column, ok := walkKeys[k.by]; ok {
		return column
	}
	return sortColumns[k.by].column
}

// keys are the parts of the order; the last one makes it complete. A part that means nothing is left out.
func (f Query) keys() []sortKey {
	var out []sortKey
	seen := map[string]bool{}
	for part := range strings.SplitSeq(f.Order, ",") {
		by, desc := strings.CutPrefix(strings.TrimSpace(part), "-")
		_, walk := walkKeys[by]
		_, sorted := sortColumns[by]
		if seen[by] || !walk && !sorted {
			continue
		}
		seen[by] = true
		out = append(out, sortKey{by, desc})
		if by == OrderID {
			return out
		}
	}
	if len(out) == 0 {
		return []sortKey{{OrderDate, true}, {OrderID, true}}
	}
	last := out[len(out)-1]
	if walkKeys[last.by] == "" { // equal ones are listed by date, the newest first
		last = sortKey{OrderDate, !last.desc}
		if !seen[OrderDate] {
			out = append(out, last)
		}
	}
	return append(out, sortKey{OrderID, last.desc})
}

// walk tells how an index gives the order: whole classes of patches one after the other, as counters know them, and within each the order of one
// key, and of the id. ok is false if no index does.
func (f Query) walk() (classes []sortKey, key sortKey, ok bool) {
	keys := f.keys()
	for len(keys) > 0 && (keys[0].by == OrderProject || keys[0].by == OrderState || keys[0].by == OrderArchived || keys[0].by == OrderDelegate) {
		classes, keys = append(classes, keys[0]), keys[1:]
	}
	if len(keys) == 0 || walkKeys[keys[0].by] == "" || len(keys) > 2 || len(keys) == 2 && keys[1] != (sortKey{OrderID, keys[0].desc}) {
		return nil, sortKey{}, false
	}
	return classes, keys[0], len(classes) == 0 || f.counted()
}
