// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/project"
)

// Again says how stored mails are taken in once more.
type Again struct {
	Project int64  // take them into this project, whatever their headers say; 0: the one they have, else what their headers say
	ListID  string // take them as sent to this list; empty: as they came
	Force   bool   // those that were dropped on purpose, too
	DryRun  bool   // say what would happen, change nothing
	Reread  bool   // replies that wait for their parent, too; and a Releaser may give up what it made of a mail
}

// Retried is what became of one mail.
type Retried struct {
	Mail    mailstore.Mail // as it was, without its bytes
	Outcome Outcome        // what it is now
	Skipped string         // why nothing was done; empty: it was taken in again
	// Released: what had been made of it was given up before.
	Released bool
}

// Changed tells whether the mail has another outcome now.
func (r Retried) Changed() bool {
	return r.Skipped == "" && (r.Outcome.Kind != r.Mail.Outcome || r.Outcome.Project != r.Mail.Project)
}

// Releaser is a Claimer that can give up what it made of a mail, so that the mail can be claimed anew. It answers false if the mail
// should stay what it is. The message itself is removed by the caller.
type Releaser interface {
	Release(ctx context.Context, tx *sqldb.Tx, m *Mail, made *mailstore.Message) (bool, error)
}

var errDry = errors.New("dry run")

// Retry takes stored mails in once more, on the same way as new ones, in batches that are a transaction each; after is called for each of them once it is
// committed. A mail keeps its number; one that is part of a project already is skipped, and said so. The audit trail gets a line per
// batch. An administrator may, and a maintainer for the mails of his projects.
func (in *Intake) Retry(ctx context.Context, by account.Actor, ids []int64, how Again, after func([]Retried)) error {
	mails, err := mailstore.Mails(ctx, in.db, ids)
	if err != nil {
		return err
	}
	if err := mayHandle(ctx, in.db, by, append(projectsOf(mails), how.Project)...); err != nil {
		return err
	}
	for len(mails) > 0 {
		n := in.batchOf(mails)
		done, err := in.retry(ctx, by, mails[:n], how)
		if err != nil {
			return fmt.Errorf("take in again: %w", err)
		}
		after(done)
		mails = mails[n:]
	}
	return nil
}

// batchOf is how many of the mails fit into one batch.
func (in *Intake) batchOf(mails []mailstore.Mail) int {
	size := int64(0)
	for n, m := range mails {
		if size += m.Size; n > 0 && (n == in.limits.BatchMails || size > int64(in.limits.BatchBytes)) {
			return n
		}
	}
	return len(mails)
}

// reader is one batch of a Retry. mails[i] is made of rows[which[i]].
type reader struct {
	in    *Intake
	by    account.Actor
	how   Again
	out   []Retried
	which []int
	mails []Mail
	given map[int64]*mailstore.Message // mail → message that was given up
}

func (in *Intake) retry(ctx context.Context, by account.Actor, rows []mailstore.Mail, how Again) ([]Retried, error) {
	raws, err := mailstore.Raws(ctx, in.db, rows)
	if err != nil {
		return nil, err
	}
	r := &reader{in: in, by: by, how: how, out: make([]Retried, len(rows))}
	for i, row := range rows {
		r.out[i].Mail = row
		raw, kept := raws[row.ID]
		if r.out[i].Skipped = r.unfit(row, kept); r.out[i].Skipped == "" {
			r.which, r.mails = append(r.which, i), append(r.mails, r.prepare(row, raw))
		}
	}
	return r.out, r.run(ctx)
}

// unfit tells why a mail can't be taken in again; empty: it can.
func (r *reader) unfit(row mailstore.Mail, kept bool) string {
	switch {
	case !kept:
		return "its bytes are no longer kept"
	case row.Outcome == mailstore.Dropped && !r.how.Force:
		return "it was dropped on purpose; it takes force to bring it back"
	case row.Outcome == mailstore.Broken && strings.HasPrefix(row.Reason, tooLarge):
		return "only its beginning is kept, because it was too large"
	case row.Outcome == mailstore.Pending && !r.how.Reread:
		return "it waits for the mail it answers, and becomes a comment by itself when that comes"
	}
	return ""
}

func (r *reader) prepare(row mailstore.Mail, raw []byte) Mail {
	m := Mail{ID: row.ID, ListID: row.ListID, Project: row.Project, Via: row.Via, SHA256: row.SHA256, ReceivedAt: row.ReceivedAt, size: row.Size}
	if r.how.Project != 0 {
		m.Project = r.how.Project
	} else if r.how.ListID != "" {
		m.ListID, m.Project = r.how.ListID, 0
	}
	m.read(raw, mailmsg.Parse, r.in.claimers)
	return m
}

// run stores the batch, or mail by mail if one of them spoils it.
func (r *reader) run(ctx context.Context) error {
	if len(r.mails) == 0 {
		return nil
	}
	err := r.once(ctx)
	if err == nil || len(r.mails) == 1 || fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Denied) {
		return r.failed(ctx, err)
	}
	which, mails := r.which, r.mails
	for i := range mails {
		r.which, r.mails = which[i:i+1], mails[i:i+1]
		if err := r.failed(ctx, r.once(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// failed keeps a mail that made a domain fail, with the new reason.
func (r *reader) failed(ctx context.Context, err error) error {
	if err == nil || len(r.mails) != 1 || fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Denied) {
		return err
	}
	r.mails[0].spoiled = err.Error()
	if err := r.once(ctx); err != nil {
		return fmt.Errorf("mail %d: %w", r.mails[0].ID, err)
	}
	return nil
}

func (r *reader) once(ctx context.Context) error {
	err := r.in.db.Tx(ctx, func(tx *sqldb.Tx) (err error) {
		defer func() {
			if p := recover(); p != nil { // as in Intake.once
				err = fault.New(fault.Internal, "panic: %v", p)
			}
		}()
		if err := tx.FreshPlans(ctx); err != nil {
			return err
		}
		if err := r.take(ctx, tx); err != nil {
			return err
		}
		if r.how.DryRun {
			return errDry
		}
		return nil
	})
	if errors.Is(err, errDry) {
		return nil
	}
	return err
}

// take does the work in one transaction. Rows are locked first: two who try the same mail must not both take it in.
func (r *reader) take(ctx context.Context, tx *sqldb.Tx) error {
	ids := make([]int64, len(r.mails))
	for i := range r.mails {
		ids[i] = r.mails[i].ID
	}
	rows, err := mailstore.LockMails(ctx, tx, ids)
	if err != nil {
		return err
	}
	if err := mayHandle(ctx, tx, r.by, append(projectsOf(rows), r.how.Project)...); err != nil {
		return err
	}
	var fit []int
	r.given = map[int64]*mailstore.Message{}
	for i := range r.mails {
		o := &r.out[r.which[i]]
		if *o = (Retried{Mail: rows[i]}); o.Mail.Outcome == mailstore.Dropped && !r.how.Force {
			o.Skipped = "it was dropped meanwhile"
		} else if o.Skipped, err = r.release(ctx, tx, &r.mails[i], rows[i]); err != nil {
			return err
		}
		if o.Skipped == "" {
			fit = append(fit, i)
		}
	}
	return r.settle(ctx, tx, rows, fit)
}

// release finds the message that was made of a mail. If there is one and it stays, it tells why.
func (r *reader) release(ctx context.Context, tx *sqldb.Tx, m *Mail, row mailstore.Mail) (string, error) {
	if row.Project == 0 {
		return "", nil
	}
	if r.how.Reread { // what is read and then changed must not change meanwhile
		if err := project.Lock(ctx, tx, []int64{row.Project}); err != nil {
			return "", err
		}
	}
	found, err := mailstore.Lookup(ctx, tx, row.Project, []string{row.MsgID})
	made := found[row.MsgID]
	if err != nil || made == nil || made.Mail != row.ID {
		return "", err
	}
	if r.how.Reread && m.spoiled == "" {
		for who, c := range r.in.claimers {
			releaser, ok := c.(Releaser)
			if !ok {
				continue
			}
			m.Prepared = m.prepared[who]
			if gone, err := releaser.Release(ctx, tx, m, made); err != nil {
				return "", err
			} else if gone {
				r.given[row.ID] = made
				return "", mailstore.Remove(ctx, tx, made.ID)
			}
		}
	}
	return fmt.Sprintf("it is a %s already: message %d", made.Kind, made.ID), nil
}

// settle asks the claimers about the mails that fit and writes what they say.
func (r *reader) settle(ctx context.Context, tx *sqldb.Tx, rows []mailstore.Mail, fit []int) error {
	if len(fit) == 0 {
		return nil
	}
	mails := make([]Mail, len(fit))
	for k, i := range fit {
		mails[k] = r.mails[i]
	}
	outcomes, err := r.in.claim(ctx, tx, mails)
	if err != nil {
		return err
	}
	for _, made := range r.given {
		if err := joinAgain(ctx, tx, made); err != nil {
			return err
		}
	}
	var changed []mailstore.Mail
	var told []string
	for k, i := range fit {
		o := outcomes[k]
		if o.Known {
			o.Kind, o.Reason = mailstore.Duplicate, "the same bytes were taken in before"
		}
		if mails[k].spoiled != "" {
			o.Project = rows[i].Project
		}
		done := &r.out[r.which[i]]
		done.Outcome, done.Released = o, r.given[rows[i].ID] != nil
		row := rows[i]
		row.ListID, row.Project, row.MsgID, row.Outcome, row.Reason = mails[k].ListID, o.Project, mails[k].MsgID, o.Kind, o.Reason
		if was := rows[i]; row.ListID != was.ListID || row.Project != was.Project || row.MsgID != was.MsgID || row.Outcome != was.Outcome || row.Reason != was.Reason {
			changed = append(changed, row)
		}
		if done.Changed() {
			told = append(told, fmt.Sprintf("%d %s → %s", row.ID, done.Mail.Outcome, o.Kind))
		}
	}
	if err := mailstore.Settle(ctx, tx, changed); err != nil || len(told) == 0 {
		return err
	}
	return r.in.audit(ctx, tx, r.by, "ingress retry", len(told), strings.Join(told, ", "))
}

// joinAgain keeps together the thread that a message which was given up had begun: it is called like the message.
func joinAgain(ctx context.Context, tx *sqldb.Tx, made *mailstore.Message) error {
	if made.Thread != made.ID {
		return nil
	}
	found, err := mailstore.Lookup(ctx, tx, made.Project, []string{made.MsgID})
	if now := found[made.MsgID]; err == nil && now != nil {
		err = mailstore.JoinThreads(ctx, tx, []int64{made.Thread}, now.Thread)
	}
	return err
}

func (in *Intake) audit(ctx context.Context, tx *sqldb.Tx, by account.Actor, verb string, mails int, detail string) error {
	return event.Audit(ctx, tx, event.Audited{At: in.clock.Now(), Actor: by.User, Via: by.Via, Verb: verb, Subject: fmt.Sprintf("%d mails", mails), Detail: detail})
}

func projectsOf(rows []mailstore.Mail) []int64 {
	out := make([]int64, len(rows))
	for i, row := range rows {
		out[i] = row.Project
	}
	return out
}

// mayHandle wants an administrator, or a maintainer of all the projects; mail of no project is the administrators' affair.
func mayHandle(ctx context.Context, q sqldb.Queryer, by account.Actor, projects ...int64) error {
	if by.Admin {
		return nil
	}
	all, err := project.MaintainerIDs(ctx, q)
	if err != nil {
		return err
	}
	for i, p := range projects {
		last := i == len(projects)-1 // the project to be routed to, if any
		if by.User == 0 || !all[p][by.User] && !(p == 0 && last) {
			return fault.New(fault.Denied, "only an administrator, or a maintainer of its project, may handle a stored mail")
		}
	}
	return nil
}
