// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
)

// A patch or cover letter leads to its series by itself. What its mails refer to leads there by rows of series_reference, which go where the mails go,
// so that mails that come later follow a repair.

var leadColumns = []string{"project_id", "msgid", "series_id", "distance", "awaited"}

// lead is one row of series_reference.
type lead struct {
	MsgID    string
	Series   int64 `db:"series_id"`
	Distance int
	Awaited  bool
}

// writeLeads moves the references of the mails that moved.
func (r *regrouping) writeLeads(ctx context.Context) error {
	var ids []int64
	for _, g := range r.series {
		ids = append(ids, g.ID)
	}
	if err := r.loadHeaders(ctx); err != nil {
		return err
	}
	var leads []lead
	if err := r.tx.Select(ctx, &leads, "SELECT msgid, series_id, distance, awaited FROM series_reference WHERE series_id IN (?) AND distance > 0", ids); err != nil {
		return fmt.Errorf("read what leads to series: %w", err)
	}
	var rows [][]any
	for _, l := range leads {
		from, moves := r.series[l.Series], false
		for _, m := range r.movers() {
			if m.to != from && strings.Contains(m.headers, l.MsgID) {
				moves = true
				rows = append(rows, []any{r.project.ID, l.MsgID, m.to.ID, l.Distance, l.Awaited})
			}
		}
		if !moves || from.mentions(l.MsgID) {
			continue
		}
		if _, err := r.tx.Exec(ctx, "DELETE FROM series_reference WHERE project_id = ? AND msgid = ? AND series_id = ?", r.project.ID, l.MsgID, l.Series); err != nil {
			return fmt.Errorf("take back what led to series %d: %w", l.Series, err)
		}
	}
	parents, err := r.parents(ctx)
	if err != nil {
		return err
	}
	u := sqldb.Upsert{Table: "series_reference", Columns: leadColumns, Key: leadColumns[:3]}
	return r.tx.Upsert(ctx, u, firstByKey(append(rows, parents...), 1, 2))
}

// movers are all mails that moved.
func (r *regrouping) movers() []*member {
	out := append([]*member(nil), r.moved...)
	for _, g := range r.series {
		if g.cover != nil && g.cover.to != nil {
			out = append(out, g.cover)
		}
	}
	return out
}

func (g *group) members() []*member {
	var out []*member
	for _, m := range g.patches {
		out = append(out, m)
	}
	if g.cover != nil {
		out = append(out, g.cover)
	}
	return out
}

// mentions tells whether a mail of the series refers to a Message-ID.
func (g *group) mentions(msgid string) bool {
	for _, m := range g.members() {
		if strings.Contains(m.headers, msgid) {
			return true
		}
	}
	return false
}

func (r *regrouping) loadHeaders(ctx context.Context) error {
	byMessage := map[int64]*member{}
	var messages []int64
	for _, g := range r.series {
		for _, m := range g.members() {
			byMessage[m.message] = m
			messages = append(messages, m.message)
		}
	}
	return scanChunks(ctx, r.tx, messages, "SELECT message_id, headers FROM message_body WHERE message_id IN (?)", func(x *sqlx.Rows) error {
		var id int64
		var headers string
		err := x.Scan(&id, &headers)
		byMessage[id].headers = headers
		return err
	})
}

// parents are rows for the mails that the patches of changed series answer, unless they are of the series themselves.
func (r *regrouping) parents(ctx context.Context) ([][]any, error) {
	var leads []lead
	var msgids []string
	for _, g := range r.sorted() {
		own := map[string]bool{"": true}
		for _, m := range g.members() {
			own[m.msgid] = true
		}
		for _, m := range g.members() {
			if g.changed && m.number > 0 && !own[m.inReplyTo] {
				leads, msgids = append(leads, lead{MsgID: m.inReplyTo, Series: g.ID}), append(msgids, m.inReplyTo)
			}
		}
	}
	here, err := mailstore.Lookup(ctx, r.tx, r.project.ID, msgids)
	var rows [][]any
	for _, l := range leads {
		rows = append(rows, []any{r.project.ID, l.MsgID, l.Series, 1, here[l.MsgID] == nil})
	}
	return rows, err
}

// bequests give rows of a series to its heir: what the heir has already goes (of the series, of the heir), the rest changes hands (to the heir, of the series).
var bequests = []struct{ drop, give string }{
	{`DELETE FROM series_reference WHERE series_id = ? AND EXISTS (SELECT 1 FROM (SELECT msgid FROM series_reference WHERE series_id = ?) h WHERE h.msgid = series_reference.msgid)`,
		"UPDATE series_reference SET series_id = ? WHERE series_id = ?"},
	{`DELETE FROM series_need WHERE series_id = ? AND EXISTS (SELECT 1 FROM (SELECT kind, value FROM series_need WHERE series_id = ?) h
			WHERE h.kind = series_need.kind AND h.value = series_need.value)`,
		"UPDATE series_need SET series_id = ? WHERE series_id = ?"},
	{`DELETE FROM series_metadata WHERE series_id = ? AND EXISTS (SELECT 1 FROM (SELECT name FROM series_metadata WHERE series_id = ?) h WHERE h.name = series_metadata.name)`,
		"UPDATE series_metadata SET series_id = ? WHERE series_id = ?"},
	{`DELETE FROM series_look WHERE series_id = ? AND EXISTS (SELECT 1 FROM (SELECT user_id FROM series_look WHERE series_id = ?) h WHERE h.user_id = series_look.user_id)`,
		"UPDATE series_look SET series_id = ? WHERE series_id = ?"},
	{`DELETE FROM series_dependency WHERE series_id = ? AND EXISTS (SELECT 1 FROM (SELECT depends_on_id FROM series_dependency WHERE series_id = ?) h
			WHERE h.depends_on_id = series_dependency.depends_on_id)`,
		"UPDATE series_dependency SET series_id = ? WHERE series_id = ?"},
	{`DELETE FROM series_dependency WHERE depends_on_id = ? AND EXISTS (SELECT 1 FROM (SELECT series_id FROM series_dependency WHERE depends_on_id = ?) h
			WHERE h.series_id = series_dependency.series_id)`,
		"UPDATE series_dependency SET depends_on_id = ? WHERE depends_on_id = ?"},
	{`DELETE FROM series_kin WHERE series_id = ? AND EXISTS (SELECT 1 FROM (SELECT other_id, sign FROM series_kin WHERE series_id = ?) h
			WHERE h.other_id = series_kin.other_id AND h.sign = series_kin.sign)`,
		"UPDATE series_kin SET series_id = ? WHERE series_id = ?"},
	{`DELETE FROM series_kin WHERE other_id = ? AND EXISTS (SELECT 1 FROM (SELECT series_id, sign FROM series_kin WHERE other_id = ?) h
			WHERE h.series_id = series_kin.series_id AND h.sign = series_kin.sign)`,
		"UPDATE series_kin SET other_id = ? WHERE other_id = ?"},
}

// bequeath gives what is known of a series that will be removed to the heir, as far as that does not know it already.
func (r *regrouping) bequeath(ctx context.Context, g, heir *group) error {
	for _, b := range bequests {
		if _, err := r.tx.Exec(ctx, b.drop, g.ID, heir.ID); err != nil {
			return err
		}
		if _, err := r.tx.Exec(ctx, b.give, heir.ID, g.ID); err != nil {
			return err
		}
	}
	for _, query := range []string{
		"UPDATE series_need SET target_id = ? WHERE target_id = ?",
		"UPDATE series SET previous_id = ? WHERE previous_id = ?",
		"UPDATE patch_superseded SET by_series_id = ? WHERE by_series_id = ?",
	} {
		if _, err := r.tx.Exec(ctx, query, heir.ID, g.ID); err != nil {
			return err
		}
	}
	for _, query := range []string{ // nothing is its own predecessor
		"DELETE FROM series_dependency WHERE series_id = ? AND depends_on_id = ?",
		"DELETE FROM series_kin WHERE series_id = ? AND other_id = ?",
		"UPDATE series_need SET target_id = NULL WHERE series_id = ? AND target_id = ?",
		"UPDATE series SET previous_id = NULL, previous_by = NULL WHERE id = ? AND previous_id = ?",
	} {
		if _, err := r.tx.Exec(ctx, query, heir.ID, heir.ID); err != nil {
			return err
		}
	}
	return nil
}
