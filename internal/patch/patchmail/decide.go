// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
)

// desk is where the letters of one project are decided about, one after the other.
type desk struct {
	tx      *sqldb.Tx
	book    *patch.Rulebook
	persons *account.Persons
	hints   hints
	router  *project.Router // as it is behind the lock; nil: not asked
	in      *patch.Intake
}

func (d *desk) work(ctx context.Context, letters []*letter, now clock.Time) (err error) {
	d.in, err = patch.LoadIntake(ctx, d.tx, d.book, *letters[0].project, now, wanted(letters, d.persons))
	if err != nil {
		return err
	}
	for _, l := range letters {
		if err := d.take(ctx, l); err != nil {
			return fmt.Errorf("take in %s: %w", l.mail.MsgID, err)
		}
	}
	for _, l := range letters {
		if l.message != nil && l.outcome.Kind == mailstore.Pending && l.message.Kind != mailstore.Pending {
			l.outcome.Kind, l.outcome.Reason = patch.KindComment, "its parent came later"
		}
	}
	return d.in.Write(ctx)
}

// take decides what a letter is and stores it.
func (d *desk) take(ctx context.Context, l *letter) error {
	if known := d.in.Known(l.mail.MsgID); known != nil {
		l.end(mailstore.Duplicate, fmt.Sprintf("message %d has the same Message-ID", known.ID))
		return nil
	}
	if kind := d.in.Buried(l.mail.MsgID); kind != "" {
		l.end(mailstore.Deleted, "a message with this Message-ID was "+kind+" on purpose")
		return nil
	}
	if l.content == "" && l.diff == nil {
		l.end(mailstore.Ignored, "it holds neither text nor a diff")
		return nil
	}
	switch {
	case !l.subject.Reply && (l.diff != nil || l.pullURL != ""):
		return d.takePatch(ctx, l)
	case !l.subject.Reply && l.subject.Numbered && l.subject.Number == 0 && !d.in.CoverNamed(l.subject.Name, l.references):
		return d.takeCover(ctx, l)
	}
	return d.takeComment(ctx, l)
}

func (l *letter) end(kind, reason string) { l.outcome.Kind, l.outcome.Reason = kind, reason }

func (d *desk) takePatch(ctx context.Context, l *letter) error {
	if err := d.sign(ctx, l); err != nil {
		return err
	}
	s, err := d.seriesOfPatch(ctx, l)
	if err != nil {
		return err
	}
	n := patch.NewPatch{Message: l.message, References: l.references, Name: l.subject.Name, Diff: l.diff, Charset: l.charset, Hash: l.hash, GitID: l.gitID,
		Files: l.files, PullURL: l.pullURL, Series: s, Number: 1, Version: l.subject.Version, Total: 1, Links: l.links()}
	if l.subject.Numbered {
		n.Number, n.Total = l.subject.Number, l.subject.Total
	}
	if d.hints.follow(l) {
		n.State = d.book.StateNamed(l.mail.Message.Header.Get("X-Patchwork-State"))
		n.Delegate = d.hints.users[fold.Key(delegateHint(l.mail.Message.Header))]
	}
	l.end(patch.KindPatch, "")
	return d.in.AddPatch(ctx, n)
}

func (d *desk) takeCover(ctx context.Context, l *letter) error {
	if err := d.sign(ctx, l); err != nil {
		return err
	}
	s := d.pickForCover(l)
	if s == nil {
		var err error
		if s, err = d.in.NewSeries(ctx, l.sender.ID, l.date, l.subject.Version, l.subject.Total); err != nil {
			return err
		}
	}
	d.noteRun(l, s)
	l.end(patch.KindCover, "")
	return d.in.AddCover(ctx, patch.NewCover{Message: l.message, References: l.references, Name: l.subject.Name, Series: s,
		Version: l.subject.Version, Total: l.subject.Total, Links: l.links()})
}

func (d *desk) takeComment(ctx context.Context, l *letter) error {
	t, distance, ok := d.in.TargetOf(l.references)
	if !ok && len(l.references) == 0 {
		l.end(mailstore.Ignored, "it is neither a patch nor a cover letter and answers no mail")
		return nil
	}
	if err := d.sign(ctx, l); err != nil {
		return err
	}
	if !ok {
		l.end(mailstore.Pending, "none of the mails it answers is here")
		return d.in.AddPending(ctx, l.message, l.references)
	}
	l.end(patch.KindComment, "")
	return d.in.AddComment(ctx, l.message, l.references, t, distance, l.automatic())
}

// sign finds the sender and writes the message that will be stored.
func (d *desk) sign(ctx context.Context, l *letter) (err error) {
	if l.sender, err = d.persons.Sender(ctx, d.tx, l.from.Email, l.from.Name); err != nil {
		return err
	}
	l.message = &mailstore.Message{MsgID: l.mail.MsgID, Submitter: l.sender.ID, Date: l.date, Subject: fold.Cut(l.draft.subject, 1000),
		Mail: l.mail.ID, Headers: l.headers, Content: l.content, Attached: l.attached}
	if id := l.mail.Message.ID(); len(id) > mailstore.KeyLimit {
		l.message.LongID = id
	}
	if len(l.references) > 0 {
		l.message.InReplyTo = l.references[0]
	}
	return nil
}

var _ ingress.Claimer = (*Claimer)(nil)
