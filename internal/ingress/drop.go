// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"context"
	"fmt"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/project"
)

// Drop gives mails that nobody has a use for the outcome "dropped", in one transaction; with purge their bytes are removed. Mails that are a patch, cover
// letter or comment are skipped, and said so. An administrator may, and a maintainer for the mails of his projects.
func (in *Intake) Drop(ctx context.Context, by account.Actor, ids []int64, reason string, purge bool) ([]Retried, error) {
	if strings.TrimSpace(reason) == "" {
		return nil, fault.New(fault.Invalid, "say why the mails are dropped")
	}
	var out []Retried
	err := in.db.Tx(ctx, func(tx *sqldb.Tx) error {
		rows, err := mailstore.LockMails(ctx, tx, ids)
		if err != nil {
			return err
		}
		if err := mayHandle(ctx, tx, by, append(projectsOf(rows), 0)...); err != nil {
			return err
		}
		out = make([]Retried, len(rows))
		var dropped []mailstore.Mail
		var gone []int64
		for i, row := range rows {
			o := Outcome{Kind: mailstore.Dropped, Reason: reason, Project: row.Project}
			out[i] = Retried{Mail: row, Outcome: o}
			if out[i].Skipped, err = dropOne(ctx, tx, row, purge); err != nil {
				return err
			}
			if out[i].Skipped == "" {
				row.Outcome, row.Reason = o.Kind, o.Reason
				dropped, gone = append(dropped, row), append(gone, row.ID)
			}
		}
		return in.writeDrop(ctx, tx, by, dropped, gone, purge)
	})
	if err != nil {
		return nil, fmt.Errorf("drop %d mails: %w", len(ids), err)
	}
	return out, nil
}

// dropOne removes the message of a reply that waits; of any other message it tells that it stays.
func dropOne(ctx context.Context, tx *sqldb.Tx, row mailstore.Mail, purge bool) (string, error) {
	if row.Outcome == mailstore.Deleted || row.Outcome == mailstore.Dropped && !purge {
		return "it was " + row.Outcome + " before", nil
	}
	if row.Project == 0 {
		return "", nil
	}
	if err := project.Lock(ctx, tx, []int64{row.Project}); err != nil {
		return "", err
	}
	found, err := mailstore.Lookup(ctx, tx, row.Project, []string{row.MsgID})
	made := found[row.MsgID]
	switch {
	case err != nil || made == nil || made.Mail != row.ID:
		return "", err
	case made.Kind == mailstore.Pending:
		return "", mailstore.Remove(ctx, tx, made.ID)
	}
	return fmt.Sprintf("it is a %s: `pw admin message delete` removes it", made.Kind), nil
}

func (in *Intake) writeDrop(ctx context.Context, tx *sqldb.Tx, by account.Actor, dropped []mailstore.Mail, ids []int64, purge bool) error {
	if len(dropped) == 0 {
		return nil
	}
	if err := mailstore.Settle(ctx, tx, dropped); err != nil {
		return err
	}
	verb := "ingress drop"
	if purge {
		verb = "ingress drop and purge"
		if err := mailstore.PurgeRaw(ctx, tx, ids); err != nil {
			return err
		}
	}
	return in.audit(ctx, tx, by, verb, len(ids), strings.Trim(fmt.Sprint(ids), "[]")+": "+dropped[0].Reason)
}
