// SPDX-License-Identifier: GPL-2.0-or-later

package django

import (
	"context"
	"strings"

	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/patch"
)

type oldEvent struct {
	ID               int64
	Category         string
	Date             naive
	Actor            *int64 `db:"actor_id"`
	Project          int64  `db:"project_id"`
	Patch            *int64 `db:"patch_id"`
	Series           *int64 `db:"series_id"`
	Cover            *int64 `db:"cover_id"`
	PatchComment     *int64 `db:"patch_comment_id"`
	CoverComment     *int64 `db:"cover_comment_id"`
	Check            *int64 `db:"created_check_id"`
	PreviousState    *int64 `db:"previous_state_id"`
	CurrentState     *int64 `db:"current_state_id"`
	PreviousDelegate *int64 `db:"previous_delegate_id"`
	CurrentDelegate  *int64 `db:"current_delegate_id"`
	PreviousRelation *int64 `db:"previous_relation_id"`
	CurrentRelation  *int64 `db:"current_relation_id"`
}

func (im *importer) events(ctx context.Context) error {
	columns := strings.Join([]string{im.src.or("patchwork_event", "patch_comment_id", "NULL"), im.src.or("patchwork_event", "cover_comment_id", "NULL")}, ", ")
	err := take(ctx, im, table[oldEvent, event.Imported]{
		what: "events", name: "patchwork_event", write: event.Import, convert: im.event,
		query: `SELECT id, category, date, actor_id, project_id, patch_id, series_id, cover_id, created_check_id, previous_state_id, current_state_id,
				previous_delegate_id, current_delegate_id, previous_relation_id, current_relation_id, ` + columns + " FROM patchwork_event ORDER BY id",
	})
	if err != nil || im.tx == nil {
		return err
	}
	return event.PassOver(ctx, im.tx)
}

// event keeps all that an old event refers to. A comment that was changed has several; so it stays.
func (im *importer) event(o oldEvent) event.Imported {
	r := im.row("patchwork_event", o.ID)
	p := patch.Payload{Patch: id(o.Patch), Series: id(o.Series), Cover: id(o.Cover), Comment: id(o.PatchComment) + id(o.CoverComment), Check: id(o.Check),
		PreviousState: im.slugs[id(o.PreviousState)], CurrentState: im.slugs[id(o.CurrentState)], PreviousDelegate: id(o.PreviousDelegate),
		CurrentDelegate: id(o.CurrentDelegate), PreviousRelation: id(o.PreviousRelation), CurrentRelation: id(o.CurrentRelation)}
	e := event.Imported{ID: o.ID}
	e.Kind, e.Project, e.Actor, e.At, e.Payload = r.text("category", o.Category, 30), o.Project, id(o.Actor), o.Date.in(im.zone), p
	for _, s := range []event.Subject{{Kind: "patch", ID: p.Patch}, {Kind: "series", ID: p.Series}, {Kind: "cover", ID: p.Cover}} {
		if s.ID != 0 {
			e.Subjects = append(e.Subjects, s)
		}
	}
	return e
}
