// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
)

// Reparse reads the stored mails of a project again, with today's parser.
type Reparse struct {
	DB      *sqldb.DB
	Intake  *ingress.Intake
	Claimer *Claimer
	Project project.Project
	Since   clock.Time // received at or after; 0: all
	Apply   bool       // write what differs; else only tell
	Limits  ingress.Limits
}

// Finding is one difference between what is stored and what today's parser makes of the mail.
type Finding struct {
	Mail  int64 // its number
	MsgID string
	Kind  string // of message, or the outcome of a mail that no message was made of
	patch.Difference
	Kept bool // it is only told: a patch or cover letter stays one whatever is read today
}

// Progress is told after each batch; with Apply its findings are committed.
type Progress struct {
	Mails    int // of the batch
	Findings []Finding
}

var errShown = errors.New("shown")

// Run reads the mails in the order they came, in batches, and tells what differs. With Apply each batch is a transaction, and one more for mails that are taken
// in once more (see ingress.Retry): it can be stopped at any time and run again. An administrator or a maintainer of the project may.
func (r Reparse) Run(ctx context.Context, by account.Actor, after func(Progress)) error {
	walk := mailstore.NewWalk(r.DB, mailstore.Among{Project: r.Project.ID, Since: r.Since})
	for {
		ids, err := walk.Next(ctx, r.Limits.BatchMails)
		if err != nil || len(ids) == 0 {
			return err
		}
		rows, err := mailstore.Mails(ctx, r.DB, ids)
		if err != nil {
			return err
		}
		for len(rows) > 0 {
			n, size := 0, int64(0)
			for n < len(rows) && (n == 0 || size+rows[n].Size <= int64(r.Limits.BatchBytes)) {
				size += rows[n].Size
				n++
			}
			findings, err := r.batch(ctx, by, rows[:n])
			if err != nil {
				return fmt.Errorf("read the mails %d to %d again: %w", rows[0].ID, rows[n-1].ID, err)
			}
			after(Progress{n, findings})
			rows = rows[n:]
		}
	}
}

// reread is one batch.
type reread struct {
	Reparse
	by       account.Actor
	now      clock.Time
	letters  []*letter
	rows     []mailstore.Mail // of letters
	findings []Finding
	again    []int64 // mails to be taken in once more
}

func (r Reparse) batch(ctx context.Context, by account.Actor, rows []mailstore.Mail) ([]Finding, error) {
	raws, err := mailstore.Raws(ctx, r.DB, rows)
	if err != nil {
		return nil, err
	}
	router, err := project.LoadRouter(ctx, r.DB)
	if err != nil {
		return nil, err
	}
	b := &reread{Reparse: r, by: by, now: r.Claimer.clock.Now()}
	for _, row := range rows {
		raw, kept := raws[row.ID]
		if !kept || row.Outcome == mailstore.Dropped || row.Outcome == mailstore.Duplicate || row.Outcome == mailstore.Deleted {
			continue
		}
		b.read(router, row, raw)
	}
	err = r.DB.Tx(ctx, func(tx *sqldb.Tx) error {
		findings, again := len(b.findings), len(b.again)
		if err := b.compare(ctx, tx); err != nil {
			b.findings, b.again = b.findings[:findings], b.again[:again] // it may be run again
			return err
		}
		if !r.Apply {
			return errShown
		}
		return nil
	})
	if err != nil && !errors.Is(err, errShown) {
		return nil, err
	}
	return b.findings, b.retake(ctx)
}

// read makes a letter of a mail. One that today's parser does not even begin with is left as it is.
func (b *reread) read(router *project.Router, row mailstore.Mail, raw []byte) {
	defer func() {
		if p := recover(); p != nil {
			b.keep(row, "reading", fmt.Sprintf("it panics: %v", p))
		}
	}()
	if row.Outcome == mailstore.Ignored || row.Outcome == mailstore.Broken {
		b.again = append(b.again, row.ID)
		return
	}
	m := &ingress.Mail{ID: row.ID, Message: mailmsg.Parse(raw), MsgID: row.MsgID, ListID: row.ListID, Project: b.Project.ID, Via: row.Via, ReceivedAt: row.ReceivedAt}
	if id := mailstore.Key(m.Message.ID()); id != "" && id != row.MsgID {
		b.keep(row, "message-id", id)
	}
	m.Prepared = b.Claimer.Prepare(m.Message, row.ReceivedAt)
	var o ingress.Outcome
	l := address(router, m, &o)
	if l == nil {
		b.keep(row, "outcome", o.Kind)
		return
	}
	b.letters, b.rows = append(b.letters, l), append(b.rows, row)
}

func (b *reread) keep(row mailstore.Mail, field, is string) {
	was := row.Outcome
	if field == "message-id" {
		was = row.MsgID
	}
	b.findings = append(b.findings, Finding{Mail: row.ID, MsgID: row.MsgID, Kind: row.Outcome, Difference: patch.Difference{Field: field, Was: was, Is: is}, Kept: true})
}

// compare finds what differs and, in case this is committed, writes it.
func (b *reread) compare(ctx context.Context, tx *sqldb.Tx) error {
	if err := tx.FreshPlans(ctx); err != nil {
		return err
	}
	if err := patch.ForRepair(ctx, tx, b.by, b.Project, "ingress reparse"); err != nil {
		return err
	}
	stored, err := b.stored(ctx, tx)
	if err != nil {
		return err
	}
	addresses := make([]string, len(b.letters))
	for i, l := range b.letters {
		addresses[i] = l.from.Email
	}
	persons, err := account.LoadPersons(ctx, tx, addresses)
	if err != nil {
		return err
	}
	var amendments []patch.Amendment
	for i, l := range b.letters {
		s := stored[l.mail.MsgID]
		if s == nil || s.Message.Mail != l.mail.ID {
			continue
		}
		a, err := b.compareOne(ctx, tx, b.rows[i], l, s, persons)
		if err != nil {
			return err
		}
		if len(a.Fields) > 0 {
			amendments = append(amendments, a)
		}
	}
	if err := persons.Save(ctx, tx); err != nil {
		return err
	}
	return patch.Amend(ctx, tx, b.by, b.now, b.Project, amendments)
}

func (b *reread) stored(ctx context.Context, tx *sqldb.Tx) (map[string]*patch.Stored, error) {
	ids := make([]string, len(b.letters))
	for i, l := range b.letters {
		ids[i] = l.mail.MsgID
	}
	found, err := mailstore.Lookup(ctx, tx, b.Project.ID, ids)
	if err != nil {
		return nil, err
	}
	var messages []*mailstore.Message
	for _, m := range found {
		messages = append(messages, m)
	}
	byID, err := patch.ReadStored(ctx, tx, messages)
	out := map[string]*patch.Stored{}
	for _, s := range byID {
		out[s.Message.MsgID] = s
	}
	return out, err
}

// compareOne decides between three ways: the message gets other words, the mail is taken in once more, or it is only told what it would be today.
func (b *reread) compareOne(ctx context.Context, tx *sqldb.Tx, row mailstore.Mail, l *letter, s *patch.Stored, persons *account.Persons) (patch.Amendment, error) {
	anew, err := readAnew(ctx, tx, l, s.Message)
	if err != nil {
		return patch.Amendment{}, err
	}
	if anew {
		b.again = append(b.again, row.ID)
		return patch.Amendment{}, nil
	}
	if is := l.form(); s.Message.Kind == patch.KindPatch && is != patch.KindPatch || s.Message.Kind == patch.KindCover && is != patch.KindCover {
		b.keep(row, "kind", is)
		return patch.Amendment{}, nil
	}
	to := l.reading()
	if p := persons.Find(to.Email); p != nil {
		to.Submitter = p.ID
	}
	a := patch.Amendment{Stored: s, To: to, Fields: s.Compare(to)}
	for _, d := range a.Fields {
		b.findings = append(b.findings, Finding{Mail: row.ID, MsgID: row.MsgID, Kind: s.Message.Kind, Difference: d})
		if d.Field == "submitter" {
			p, err := persons.Sender(ctx, tx, l.from.Email, l.from.Name)
			if err != nil {
				return a, err
			}
			a.To.Submitter = p.ID
		}
	}
	return a, nil
}

// form is what a letter looks like by itself; what it answers is not asked.
func (l *letter) form() string {
	switch {
	case l.content == "" && l.diff == nil:
		return mailstore.Ignored
	case !l.subject.Reply && (l.diff != nil || l.pullURL != ""):
		return patch.KindPatch
	case !l.subject.Reply && l.subject.Numbered && l.subject.Number == 0:
		return patch.KindCover
	}
	return patch.KindComment
}

// reading is a letter as the core compares it.
func (l *letter) reading() patch.Reading {
	r := patch.Reading{Email: fold.Cut(l.from.Email, 255), Date: l.date, Subject: fold.Cut(l.draft.subject, 1000), Headers: l.headers, Content: l.content, Attached: attachedText(l.attached),
		ActionRequired: l.mail.Message.Header.Has("X-Patchwork-Action-Required"), Name: l.subject.Name, Hash: l.hash, GitID: l.gitID, PullURL: l.pullURL, Charset: l.charset, Diff: l.diff,
		Automatic: l.automatic()}
	if len(l.references) > 0 {
		r.InReplyTo = l.references[0]
	}
	return r
}

func attachedText(files []mailstore.Attachment) string {
	text, _ := mailstore.PackAttachments(files).(string)
	return text
}

// readAnew tells whether a mail that became a comment, or a reply that waits, should be taken in once more: it looks like a patch or cover letter today, or
// answers other mails.
func readAnew(ctx context.Context, tx *sqldb.Tx, l *letter, made *mailstore.Message) (bool, error) {
	switch form := l.form(); {
	case made.Kind == patch.KindComment:
		return form == patch.KindPatch, nil // a cover letter may well be a comment: see CoverNamed
	case made.Kind != mailstore.Pending:
		return false, nil
	case form != patch.KindComment:
		return true, nil
	}
	waits, err := mailstore.WaitsFor(ctx, tx, made.ID)
	return err == nil && !slices.Equal(waits, l.references), err
}

// Release implements ingress.Releaser.
func (c *Claimer) Release(ctx context.Context, tx *sqldb.Tx, m *ingress.Mail, made *mailstore.Message) (bool, error) {
	router, err := project.LoadRouter(ctx, tx)
	if err != nil {
		return false, err
	}
	var o ingress.Outcome
	l := address(router, m, &o)
	if l == nil {
		return false, nil
	}
	anew, err := readAnew(ctx, tx, l, made)
	if err != nil || !anew || made.Kind != patch.KindComment {
		return anew, err
	}
	return true, patch.GiveUpComment(ctx, tx, made)
}

// retake takes in what is to be taken in once more, and tells of those whose outcome is another one.
func (b *reread) retake(ctx context.Context) error {
	if len(b.again) == 0 {
		return nil
	}
	how := ingress.Again{Reread: true, DryRun: !b.Apply}
	return b.Intake.Retry(ctx, b.by, b.again, how, func(done []ingress.Retried) {
		for _, d := range done {
			if d.Skipped == "" && (d.Changed() || d.Released) {
				b.findings = append(b.findings, Finding{Mail: d.Mail.ID, MsgID: d.Mail.MsgID, Kind: d.Mail.Outcome,
					Difference: patch.Difference{Field: "outcome", Was: d.Mail.Outcome, Is: d.Outcome.Kind}})
			}
		}
	})
}

var _ ingress.Releaser = (*Claimer)(nil)
