// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// CheckQuery says which checks of a patch a list holds. A nil list means: any.
type CheckQuery struct {
	Patch         int64
	Users         []int64
	States        []int64
	Contexts      []string
	Since, Before *clock.Time // Since is included, Before is not
	Order         []string    // names of fields, each with "-" to reverse it; at last by id
	Offset, Limit int
}

// checkOrders are the fields a list of checks can be sorted by. What there is none of comes first.
var checkOrders = map[string]string{"id": "c.id", "user": "COALESCE(c.user_id, 0)", "date": "c.date", "state": "c.state", "context": "c.context",
	"target_url": "COALESCE(c.target_url, '')", "description": "COALESCE(c.description, '')"}

// CheckOrders are the names of these fields.
func CheckOrders() []string {
	return []string{"id", "user", "date", "state", "target_url", "context", "description"}
}

const resultColumns = "SELECT c.id, c.patch_id AS patch, COALESCE(c.user_id, 0) AS reporter, c.date, c.state, c.context, c.target_url, c.description FROM patch_check c"

// ReadCheck reads a check of a patch that is not hidden.
func ReadCheck(ctx context.Context, q sqldb.Queryer, patch, id int64) (TestResult, error) {
	var c TestResult
	err := q.Get(ctx, &c, resultColumns+` WHERE c.id = ? AND c.patch_id = ?
		AND EXISTS (SELECT 1 FROM patch p JOIN message m ON m.id = p.message_id WHERE p.id = c.patch_id AND m.hidden = FALSE)`, id, patch)
	if fault.Is(err, fault.NotFound) {
		return c, fault.New(fault.NotFound, "patch %d has no check %d", patch, id)
	}
	if err != nil {
		return c, fmt.Errorf("read check %d of patch %d: %w", id, patch, err)
	}
	return c, nil
}

// CountChecks counts the checks of a list. A patch that does not exist or is hidden is fault.NotFound.
func CountChecks(ctx context.Context, q sqldb.Queryer, f CheckQuery) (int, error) {
	w := f.conditions()
	var n int
	err := q.Get(ctx, &n, `SELECT (SELECT COUNT(*) FROM patch_check c`+w.sql()+`) AS n
		FROM patch p JOIN message m ON m.id = p.message_id WHERE p.id = ? AND m.hidden = FALSE`, append(w.args, f.Patch)...)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return 0, fmt.Errorf("count the checks of patch %d: %w", f.Patch, err)
	}
	return n, noPatch(err, f.Patch)
}

// ListChecks reads one page of a list of checks.
func ListChecks(ctx context.Context, q sqldb.Queryer, f CheckQuery) ([]TestResult, error) {
	w := f.conditions()
	var out []TestResult
	err := q.Select(ctx, &out, resultColumns+w.sql()+" ORDER BY "+orderBy(f.Order, checkOrders, "c.id")+" LIMIT ? OFFSET ?", append(w.args, f.Limit, f.Offset)...)
	if err != nil {
		return nil, fmt.Errorf("list the checks of patch %d: %w", f.Patch, err)
	}
	return out, nil
}

func (f CheckQuery) conditions() *where {
	w := &where{}
	w.add("c.patch_id = ?", f.Patch)
	w.in("c.user_id", f.Users)
	w.in("c.state", f.States)
	w.among("c.context", f.Contexts)
	if f.Since != nil {
		w.add("c.date >= ?", int64(*f.Since))
	}
	if f.Before != nil {
		w.add("c.date < ?", int64(*f.Before))
	}
	return w
}

// orderBy makes what follows ORDER BY of names of fields; last, which is unique, ends it. Names that columns does not have are left out.
func orderBy(names []string, columns map[string]string, last string) string {
	var keys []string
	for _, name := range names {
		field, reverse := strings.CutPrefix(name, "-")
		column, ok := columns[field]
		if !ok {
			continue
		}
		if reverse {
			column += " DESC"
		}
		keys = append(keys, column)
	}
	return strings.Join(append(keys, last), ", ")
}
