// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// CheckQuery says which checks of a patch a list holds. A nil list means: any.
type CheckQuery struct {
	Slice
	Patch         int64
	Users         []int64
	States        []int64
	Contexts      []string
	Since, Before *clock.Time // Since is included, Before is not
}

// checkOrders are the fields a list of checks can be sorted by. What there is none of comes first.
var checkOrders = map[string]string{"id": "x.id", "user": "COALESCE(x.user_id, 0)", "date": "x.date", "state": "x.state", "context": "x.context",
	"target_url": "COALESCE(x.target_url, '')", "description": "COALESCE(x.description, '')"}

// CheckOrders are the names of these fields.
func CheckOrders() []string {
	return []string{"id", "user", "date", "state", "target_url", "context", "description"}
}

const resultColumns = "SELECT x.id, x.patch_id AS patch, COALESCE(x.user_id, 0) AS reporter, x.date, x.state, x.context, x.target_url, x.description FROM patch_check x"

// ReadCheck reads a check of a patch that is not hidden.
func ReadCheck(ctx context.Context, q sqldb.Queryer, patch, id int64) (TestResult, error) {
	var c TestResult
	err := q.Get(ctx, &c, resultColumns+` WHERE x.id = ? AND x.patch_id = ?
		AND EXISTS (SELECT 1 FROM patch p JOIN message m ON m.id = p.message_id WHERE p.id = x.patch_id AND m.hidden = FALSE)`, id, patch)
	if fault.Is(err, fault.NotFound) {
		return c, fault.New(fault.NotFound, "patch %d has no check %d", patch, id)
	}
	if err != nil {
		return c, fmt.Errorf("read check %d of patch %d: %w", id, patch, err)
	}
	return c, nil
}

// HasPatch is fault.NotFound unless there is a patch of this number that is not hidden.
func HasPatch(ctx context.Context, q sqldb.Queryer, patch int64) error {
	var project int64
	return noPatch(q.Get(ctx, &project, ofPatch, patch), patch)
}

// CountChecks counts the checks of a list.
func CountChecks(ctx context.Context, q sqldb.Queryer, f CheckQuery) (int, error) {
	w := f.conditions()
	var n int
	if err := q.Get(ctx, &n, "SELECT COUNT(*) FROM patch_check x"+w.sql(), w.args...); err != nil {
		return 0, fmt.Errorf("count the checks of patch %d: %w", f.Patch, err)
	}
	return n, nil
}

// ListChecks reads one part of a list of checks.
func ListChecks(ctx context.Context, q sqldb.Queryer, f CheckQuery) ([]TestResult, error) {
	w := f.conditions()
	query, args, err := f.sql(resultColumns, w, checkOrders)
	if err != nil {
		return nil, err
	}
	var out []TestResult
	if err := q.Select(ctx, &out, query, args...); err != nil {
		return nil, fmt.Errorf("list the checks of patch %d: %w", f.Patch, err)
	}
	return out, nil
}

func (f CheckQuery) conditions() *where {
	w := &where{}
	w.add("x.patch_id = ?", f.Patch)
	w.in("x.user_id", f.Users)
	w.in("x.state", f.States)
	w.among("x.context", f.Contexts)
	if f.Since != nil {
		w.add("x.date >= ?", int64(*f.Since))
	}
	if f.Before != nil {
		w.add("x.date < ?", int64(*f.Before))
	}
	return w
}
