// SPDX-License-Identifier: GPL-2.0-or-later

package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// Hook is an address that is told of events.
type Hook struct {
	ID         int64
	Project    int64  // 0: the whole site
	Linkname   string // of the project; empty: the whole site
	URL        string
	Secret     string   // for signatures, never for anybody's eyes; empty: nothing is signed
	Categories []string // kinds of event; empty: all
	Filter     Filter
	Active     bool
	Creator    int64  // user; 0: nobody, or deleted since
	Username   string // of the creator
	CreatedAt  clock.Time

	Pending        int         // deliveries of events that wait
	Failures       int         // attempts in a row that failed
	FailingSince   *clock.Time // nil: the last attempt did not fail
	DeliveredAt    *clock.Time // the last time something arrived
	DisabledAt     *clock.Time // it was switched off because of its failures
	DisabledReason string
}

// HasSecret tells whether what is sent is signed.
func (h Hook) HasSecret() bool { return h.Secret != "" }

// Filter narrows the events of some kinds; others are not touched by it. Empty lists narrow nothing.
type Filter struct {
	States        []string `json:"states,omitempty"`         // a change of state: the new one is one of these
	CheckStates   []string `json:"check_states,omitempty"`   // a new check: its result
	CheckContexts []string `json:"check_contexts,omitempty"` // a new check: what made it; * stands for any characters
	Tags          []string `json:"tags,omitempty"`           // an event of a patch or of a comment on one: the patch has one of these tags
}

// hookRow is a hook as it is stored.
type hookRow struct {
	ID             int64
	Project        int64
	Linkname       string
	URL            string
	Secret         string
	Categories     string
	Filters        string
	Active         bool
	Creator        int64
	Username       string
	CreatedAt      clock.Time `db:"created_at"`
	Pending        int
	Failures       int
	FailingSince   *clock.Time `db:"failing_since"`
	DeliveredAt    *clock.Time `db:"delivered_at"`
	DisabledAt     *clock.Time `db:"disabled_at"`
	DisabledReason string      `db:"disabled_reason"`
}

const selectHooks = `SELECT w.id, COALESCE(w.project_id, 0) AS project, COALESCE(p.linkname, '') AS linkname, w.url, w.secret, w.categories, w.filters, w.active,
		COALESCE(w.creator_id, 0) AS creator, COALESCE(u.username, '') AS username, w.created_at, w.pending, w.failures, w.failing_since, w.delivered_at,
		w.disabled_at, w.disabled_reason
	FROM webhook w LEFT JOIN project p ON p.id = w.project_id LEFT JOIN user_account u ON u.id = w.creator_id`

func (r hookRow) hook() (Hook, error) {
	h := Hook{ID: r.ID, Project: r.Project, Linkname: r.Linkname, URL: r.URL, Secret: r.Secret, Categories: strings.Fields(r.Categories), Active: r.Active,
		Creator: r.Creator, Username: r.Username, CreatedAt: r.CreatedAt, Pending: r.Pending, Failures: r.Failures, FailingSince: r.FailingSince,
		DeliveredAt: r.DeliveredAt, DisabledAt: r.DisabledAt, DisabledReason: r.DisabledReason}
	if err := json.Unmarshal([]byte(r.Filters), &h.Filter); err != nil {
		return h, fmt.Errorf("read the filters of webhook %d: %w", r.ID, err)
	}
	return h, nil
}

func hooks(rows []hookRow) ([]Hook, error) {
	out := make([]Hook, 0, len(rows))
	for _, r := range rows {
		h, err := r.hook()
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

// read reads a hook whoever asks.
func read(ctx context.Context, q sqldb.Queryer, id int64) (Hook, error) {
	var r hookRow
	err := q.Get(ctx, &r, selectHooks+" WHERE w.id = ?", id)
	if fault.Is(err, fault.NotFound) {
		return Hook{}, fault.New(fault.NotFound, "there is no webhook %d", id)
	}
	if err != nil {
		return Hook{}, fmt.Errorf("read webhook %d: %w", id, err)
	}
	return r.hook()
}

// lock reads a hook and keeps others from changing it until the transaction ends.
func lock(ctx context.Context, tx *sqldb.Tx, id int64) (Hook, error) {
	var found int64
	err := tx.Get(ctx, &found, "SELECT id FROM webhook WHERE id = ?"+tx.LockRows(), id)
	if fault.Is(err, fault.NotFound) {
		return Hook{}, fault.New(fault.NotFound, "there is no webhook %d", id)
	}
	if err != nil {
		return Hook{}, fmt.Errorf("lock webhook %d: %w", id, err)
	}
	return read(ctx, tx, id)
}
