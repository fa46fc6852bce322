// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"context"
	"errors"
	"fmt"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
)

// regroupTries is how often a plan is made anew because mail came in before it could be carried out, or other series take part in it.
const regroupTries = 10

// Regroup forgets how some series, and all others of their threads, came about, and groups their mails by today's rules, as if they came now in the
// order they came. Patches keep their ids, states, checks and comments. First the mails are taken in anew in a transaction that is rolled back, to see
// which series they make; then the patches that are there are put into such series.
func (c *Claimer) Regroup(ctx context.Context, db *sqldb.DB, by account.Actor, series []int64, dry bool) (patch.Repaired, error) {
	for try := 1; ; try++ {
		scope, plan, err := c.plan(ctx, db, by, series)
		var others []int64
		if err == nil {
			others, err = patch.OthersIn(ctx, db, scope, plan)
		}
		if err != nil {
			return patch.Repaired{}, fmt.Errorf("series reparse: %w", err)
		}
		if len(others) > 0 { // some mails would join them: their own mails are to be decided about in their order, too
			if try == regroupTries {
				return patch.Repaired{}, fault.New(fault.Conflict, "series reparse: series %d and others take part: repair them by merge, split and move", others[0])
			}
			series = append(scope.Series, others...)
			continue
		}
		done, err := patch.Regroup(ctx, db, by, c.clock.Now(), scope, plan, dry)
		if errors.Is(err, patch.ErrMoved) && try < regroupTries {
			continue
		}
		return done, err
	}
}

// maxRegroup is how many bytes of mail are held in memory at once.
const maxRegroup = 256 << 20

// plan finds out how the mails would be grouped today.
func (c *Claimer) plan(ctx context.Context, db *sqldb.DB, by account.Actor, series []int64) (scope patch.Scope, plan []patch.Planned, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		if scope, err = patch.ScopeOf(ctx, tx, by, series); err != nil {
			return err
		}
		mails, err := c.mailsOf(ctx, tx, scope)
		if err != nil {
			return err
		}
		if err := patch.Unmake(ctx, tx, scope); err != nil {
			return err
		}
		for i := range mails { // one by one, as they came
			if _, err := c.Claim(ctx, tx, mails[i:i+1]); err != nil {
				return err
			}
		}
		if plan, err = patch.GroupingOf(ctx, tx, scope); err != nil {
			return err
		}
		return errShown
	})
	if errors.Is(err, errShown) {
		err = nil
	}
	return scope, plan, err
}

// mailsOf reads and prepares the mails of a scope.
func (c *Claimer) mailsOf(ctx context.Context, tx *sqldb.Tx, scope patch.Scope) ([]ingress.Mail, error) {
	var out []ingress.Mail
	size := int64(0)
	for _, m := range scope.Mails {
		if m.Mail == 0 {
			return nil, fault.New(fault.Conflict, "%s is here without the mail it came in: repair the series by merge, split and move", m.MsgID)
		}
		rows, err := mailstore.Mails(ctx, tx, []int64{m.Mail})
		if err != nil {
			return nil, err
		}
		if size += rows[0].Size; size > maxRegroup {
			return nil, fault.New(fault.TooLarge, "the mails of their threads have more than %d bytes: repair the series by merge, split and move", maxRegroup)
		}
		raw, err := mailstore.Raw(ctx, tx, m.Mail, max(rows[0].Size, 1))
		if fault.Is(err, fault.NotFound) {
			return nil, fault.New(fault.Conflict, "the bytes of %s are no longer kept: repair the series by merge, split and move", m.MsgID)
		}
		if err != nil {
			return nil, err
		}
		mail := ingress.Mail{ID: m.Mail, Message: mailmsg.Parse(raw), MsgID: m.MsgID, ListID: rows[0].ListID, Project: scope.Project.ID, Via: rows[0].Via,
			SHA256: rows[0].SHA256, ReceivedAt: rows[0].ReceivedAt}
		mail.Prepared = c.Prepare(mail.Message, mail.ReceivedAt)
		out = append(out, mail)
	}
	return out, nil
}
