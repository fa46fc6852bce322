// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/project"
)

// DeleteMessage removes a message from a project for good, with the raw mails it came in, and leaves a tombstone so that neither replay nor
// import brings it back. Of a patch goes all that hangs on it (diff, checks, tags, places in bundles); replies to it are kept as pending.
// msgid is the key form. An administrator or a maintainer of the project may.
func DeleteMessage(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, p project.Project, msgid, reason string) error {
	return moderate(ctx, db, by, now, "message delete", p, msgid, func(tx *sqldb.Tx, m *mailstore.Message) error {
		if err := removeSatellites(ctx, tx, m); err != nil {
			return err
		}
		if err := mailstore.Remove(ctx, tx, m.ID); err != nil {
			return err
		}
		if _, err := mailstore.Purge(ctx, tx, p.ID, m.MsgID, strings.TrimSuffix("deleted: "+reason, ": ")); err != nil {
			return err
		}
		return mailstore.Bury(ctx, tx, mailstore.Tombstone{Project: p.ID, MsgID: m.MsgID, Kind: "deleted", At: now, Actor: by.User, Reason: reason})
	})
}

// HideMessage withholds a message from every reader, or shows it again; nothing is removed. Its series tells of its other mails only, and is withheld itself
// if there are none.
func HideMessage(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, p project.Project, msgid, reason string, hide bool) error {
	verb := "message hide"
	if !hide {
		verb = "message show again"
	}
	return moderate(ctx, db, by, now, verb, p, msgid, func(tx *sqldb.Tx, m *mailstore.Message) error {
		if err := mailstore.SetHidden(ctx, tx, m.ID, hide); err != nil {
			return err
		}
		series, err := withholdSatellite(ctx, tx, m, hide)
		if err != nil {
			return err
		}
		if err := refreshFor(ctx, tx, series); err != nil {
			return err
		}
		if err := retriageOfMessage(ctx, tx, m.ID); err != nil {
			return err
		}
		if !hide {
			return mailstore.Unbury(ctx, tx, mailstore.Ref{Project: p.ID, MsgID: m.MsgID})
		}
		return mailstore.Bury(ctx, tx, mailstore.Tombstone{Project: p.ID, MsgID: m.MsgID, Kind: "hidden", At: now, Actor: by.User, Reason: reason})
	})
}

// moderate runs a verb on a message: permission, lock, the change, its line in the audit trail, in one transaction.
func moderate(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, verb string, p project.Project, msgid string, change func(*sqldb.Tx, *mailstore.Message) error) error {
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := mayMaintain(ctx, tx, by, p, verb); err != nil {
			return err
		}
		if err := project.Lock(ctx, tx, []int64{p.ID}); err != nil {
			return err
		}
		found, err := mailstore.Lookup(ctx, tx, p.ID, []string{msgid})
		if err != nil {
			return err
		}
		m := found[msgid]
		if m == nil {
			return fault.New(fault.NotFound, "project %q has no message %s", p.Linkname, msgid)
		}
		if err := change(tx, m); err != nil {
			return err
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: verb, Subject: msgid, Detail: "project " + p.Linkname})
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", verb, msgid, err)
	}
	return nil
}

func mayMaintain(ctx context.Context, tx *sqldb.Tx, by account.Actor, p project.Project, verb string) error {
	if by.Admin {
		return nil
	}
	all, err := project.MaintainerIDs(ctx, tx)
	if err != nil {
		return err
	}
	if by.User == 0 || !all[p.ID][by.User] {
		return fault.New(fault.Denied, "only a maintainer of %q may do this: %s", p.Linkname, verb)
	}
	return nil
}

func removeSatellites(ctx context.Context, tx *sqldb.Tx, m *mailstore.Message) error {
	switch m.Kind {
	case KindPatch:
		return removePatch(ctx, tx, m)
	case KindCover:
		return removeCover(ctx, tx, m)
	case KindComment:
		return removeComment(ctx, tx, m)
	}
	return nil
}

func removePatch(ctx context.Context, tx *sqldb.Tx, m *mailstore.Message) error {
	var p struct{ ID, Series, Related int64 }
	err := tx.Get(ctx, &p, "SELECT id, COALESCE(series_id, 0) AS series, COALESCE(related_id, 0) AS related FROM patch WHERE message_id = ?", m.ID)
	if err != nil {
		return fmt.Errorf("find the patch of %s: %w", m.MsgID, err)
	}
	if err := orphan(ctx, tx, m, "SELECT message_id FROM patch_comment WHERE patch_id = ?", p.ID); err != nil {
		return err
	}
	was, err := facadeOf(ctx, tx, p.Series)
	if err != nil {
		return err
	}
	if _, err := withholdSatellite(ctx, tx, m, true); err != nil { // it counts no more
		return err
	}
	if err := forgetWords(ctx, tx, []int64{p.ID}); err != nil {
		return err
	}
	for _, query := range []string{
		"DELETE FROM patch_comment WHERE patch_id = ?",
		"DELETE FROM patch_diff WHERE patch_id = ?",
		"DELETE FROM patch_tag WHERE patch_id = ?",
		"DELETE FROM patch_check_latest WHERE patch_id = ?",
		"DELETE FROM patch_check WHERE patch_id = ?",
		"DELETE FROM bundle_patch WHERE patch_id = ?",
		"DELETE FROM state_notice WHERE patch_id = ?",
		"DELETE FROM patch_superseded WHERE patch_id = ?",
		"DELETE FROM change_row WHERE patch_id = ?",
		"DELETE FROM withheld WHERE kind = 'patch' AND id = ?",
		"DELETE FROM patch WHERE id = ?",
	} {
		if _, err := tx.Exec(ctx, query, p.ID); err != nil {
			return fmt.Errorf("remove patch %d: %w", p.ID, err)
		}
	}
	if err := event.Forget(ctx, tx, event.Subject{Kind: "patch", ID: p.ID}, nil); err != nil {
		return err
	}
	if err := settleRelation(ctx, tx, p.Related); err != nil {
		return err
	}
	if err := keepReference(ctx, tx, m, p.Series); err != nil {
		return err
	}
	if err := was.refresh(ctx, tx); err != nil {
		return err
	}
	return retriage(ctx, tx, []int64{p.Series})
}

// keepReference lets later mails that answer a removed one still find its series.
func keepReference(ctx context.Context, tx *sqldb.Tx, m *mailstore.Message, series int64) error {
	if series == 0 {
		return nil
	}
	u := sqldb.Upsert{Table: "series_reference", Columns: []string{"project_id", "msgid", "series_id", "distance", "awaited"}, Key: []string{"project_id", "msgid", "series_id"}}
	return tx.Upsert(ctx, u, [][]any{{m.Project, m.MsgID, series, 1, false}})
}

// settleRelation ends a relation that has fewer than two patches left.
func settleRelation(ctx context.Context, tx *sqldb.Tx, id int64) error {
	if id == 0 {
		return nil
	}
	var n int64
	err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM patch WHERE related_id = ?", id)
	if err != nil || n > 1 {
		return err
	}
	for _, query := range []string{
		"UPDATE change_row SET later = TRUE WHERE later = FALSE AND patch_id IN (SELECT id FROM patch WHERE related_id = ?)",
		"UPDATE patch SET related_id = NULL WHERE related_id = ?",
		"DELETE FROM patch_relation WHERE id = ?",
	} {
		if _, err := tx.Exec(ctx, query, id); err != nil {
			return fmt.Errorf("settle relation %d: %w", id, err)
		}
	}
	return nil
}

// recountSeries makes a series' roll-ups true again: those of the patches that are shown.
func recountSeries(ctx context.Context, tx *sqldb.Tx, id int64) error {
	if id == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, "UPDATE series SET received = (SELECT COUNT(*) FROM patch p WHERE p.series_id = ? AND "+shownPatch+`),
		state_id = (SELECT CASE WHEN MIN(p.state_id) = MAX(p.state_id) THEN MIN(p.state_id) END FROM patch p WHERE p.series_id = ? AND `+shownPatch+") WHERE id = ?", id, id, id)
	if err != nil {
		return fmt.Errorf("recount series %d: %w", id, err)
	}
	return nil
}

func removeCover(ctx context.Context, tx *sqldb.Tx, m *mailstore.Message) error {
	var c struct{ ID, Series int64 }
	err := tx.Get(ctx, &c, "SELECT c.id, COALESCE(s.id, 0) AS series FROM cover c LEFT JOIN series s ON s.cover_id = c.id WHERE c.message_id = ?", m.ID)
	if err != nil {
		return fmt.Errorf("find the cover of %s: %w", m.MsgID, err)
	}
	if err := orphan(ctx, tx, m, "SELECT message_id FROM cover_comment WHERE cover_id = ?", c.ID); err != nil {
		return err
	}
	was, err := facadeOf(ctx, tx, c.Series)
	if err != nil {
		return err
	}
	if _, err := withholdSatellite(ctx, tx, m, true); err != nil { // it counts no more
		return err
	}
	for _, query := range []string{
		"DELETE FROM cover_comment WHERE cover_id = ?",
		"UPDATE series SET cover_id = NULL WHERE cover_id = ?",
		"DELETE FROM cover_tag WHERE cover_id = ?",
		"DELETE FROM withheld WHERE kind = 'cover' AND id = ?",
		"DELETE FROM cover WHERE id = ?",
	} {
		if _, err := tx.Exec(ctx, query, c.ID); err != nil {
			return fmt.Errorf("remove cover %d: %w", c.ID, err)
		}
	}
	if err := was.refresh(ctx, tx); err != nil {
		return err
	}
	if err := keepReference(ctx, tx, m, c.Series); err != nil {
		return err
	}
	if err := retagSeries(ctx, tx, c.Series); err != nil {
		return err
	}
	if err := retriage(ctx, tx, []int64{c.Series}); err != nil {
		return err
	}
	return event.Forget(ctx, tx, event.Subject{Kind: "cover", ID: c.ID}, nil)
}

func removeComment(ctx context.Context, tx *sqldb.Tx, m *mailstore.Message) error {
	var c struct{ ID, Patch, Cover int64 }
	err := tx.Get(ctx, &c, `SELECT id, patch_id AS patch, 0 AS cover FROM patch_comment WHERE message_id = ?
		UNION ALL SELECT id, 0 AS patch, cover_id AS cover FROM cover_comment WHERE message_id = ?`, m.ID, m.ID)
	if err != nil {
		return fmt.Errorf("find the comment %s: %w", m.MsgID, err)
	}
	on, about := "patch", event.Subject{Kind: "patch", ID: c.Patch}
	if c.Cover != 0 {
		on, about = "cover", event.Subject{Kind: "cover", ID: c.Cover}
	}
	if err := removeComments(ctx, tx, on, []int64{c.ID}); err != nil {
		return err
	}
	if err := retag(ctx, tx, []int64{c.Patch}, []int64{c.Cover}); err != nil {
		return err
	}
	if err := retriageOf(ctx, tx, []int64{c.Patch}, []int64{c.Cover}, nil); err != nil {
		return err
	}
	return event.Forget(ctx, tx, about, func(kind, payload string) bool {
		var p Payload
		return json.Unmarshal([]byte(payload), &p) == nil && p.Comment == c.ID
	})
}

// removeComments removes comments on patches or covers ("patch", "cover"); not their messages, tags and events.
func removeComments(ctx context.Context, tx *sqldb.Tx, on string, ids []int64) error {
	query := "DELETE FROM patch_comment WHERE id IN (?)"
	if on == "cover" {
		query = "DELETE FROM cover_comment WHERE id IN (?)"
	}
	return sqldb.Chunks(ids, func(ids []int64) error {
		if _, err := tx.Exec(ctx, query, ids); err != nil {
			return fmt.Errorf("remove %d comments: %w", len(ids), err)
		}
		return nil
	})
}

// orphan turns the comments that query finds back into pending messages that wait for m.
func orphan(ctx context.Context, tx *sqldb.Tx, m *mailstore.Message, query string, id int64) error {
	var ids []int64
	if err := tx.Select(ctx, &ids, query, id); err != nil {
		return fmt.Errorf("find the replies to %s: %w", m.MsgID, err)
	}
	return mailstore.Orphan(ctx, tx, m, ids)
}
