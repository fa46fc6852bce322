// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"context"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/trailer"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
)

// desk is where the letters of one project are decided about, one after the other.
type desk struct {
	tx      *sqldb.Tx
	book    *patch.Rulebook
	persons *account.Persons
	hints   hints
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
	number := 1
	if l.subject.Numbered {
		number = l.subject.Number
	}
	n := patch.NewPatch{Message: l.message, Parent: d.parent(l), Name: l.subject.Name, Diff: l.diff, Charset: l.charset, Hash: l.hash,
		Files: l.files, PullURL: l.pullURL, Series: s, Number: number}
	if d.hints.follow(l) {
		n.State = d.book.StateNamed(l.mail.Message.Header.Get("X-Patchwork-State"))
		n.Delegate = d.hints.users[fold.Key(delegateHint(l.mail.Message.Header))]
	}
	if err := d.in.AddPatch(ctx, n); err != nil {
		return err
	}
	l.end(patch.KindPatch, "")
	return d.depend(ctx, l, s)
}

func (d *desk) takeCover(ctx context.Context, l *letter) error {
	if err := d.sign(ctx, l); err != nil {
		return err
	}
	s := d.in.SeriesByReference(l.mail.MsgID)
	if s == nil || s.Cover != 0 || s.Version != l.subject.Version && s.Version != 1 {
		var err error
		if s, err = d.in.NewSeries(ctx, l.sender.ID, l.date, l.subject.Version, l.subject.Total, nil); err != nil {
			return err
		}
	}
	d.in.Own(l.mail.MsgID, s)
	if err := d.in.AddCover(ctx, l.message, d.parent(l), l.subject.Name, s); err != nil {
		return err
	}
	l.end(patch.KindCover, "")
	return d.depend(ctx, l, s)
}

func (d *desk) takeComment(ctx context.Context, l *letter) error {
	t, parent, ok := d.in.TargetOf(l.references)
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
	return d.in.AddComment(ctx, l.message, parent, t)
}

// sign finds the sender and writes the message that will be stored.
func (d *desk) sign(ctx context.Context, l *letter) (err error) {
	if l.sender, err = d.persons.Sender(ctx, d.tx, l.from.Email, l.from.Name); err != nil {
		return err
	}
	l.message = &mailstore.Message{MsgID: l.mail.MsgID, Submitter: l.sender.ID, Date: l.date, Subject: fold.Cut(l.draft.subject, 1000),
		Mail: l.mail.ID, Headers: l.headers, Content: l.content}
	if id := l.mail.Message.ID(); len(id) > mailstore.KeyLimit {
		l.message.LongID = id
	}
	if len(l.references) > 0 {
		l.message.InReplyTo = l.references[0]
	}
	return nil
}

// parent is the nearest mail of the thread that is here.
func (d *desk) parent(l *letter) *mailstore.Message {
	for _, ref := range l.references {
		if m := d.in.Known(ref); m != nil {
			return m
		}
	}
	return nil
}

// seriesOfPatch finds the series a patch belongs to, or begins one.
func (d *desk) seriesOfPatch(ctx context.Context, l *letter) (*patch.Series, error) {
	if !l.subject.Numbered {
		s, err := d.in.NewSeries(ctx, l.sender.ID, l.date, l.subject.Version, 1, nil)
		if err == nil {
			d.in.Own(l.mail.MsgID, s)
		}
		return s, err
	}
	s := d.pick(l)
	if s == nil {
		var err error
		if s, err = d.in.NewSeries(ctx, l.sender.ID, l.date, l.subject.Version, l.subject.Total, l.references); err != nil {
			return nil, err
		}
	}
	d.in.Own(l.mail.MsgID, s)
	return s, nil
}

// pick chooses the series of a numbered patch: the one that waits for its Message-ID, then the one that the nearest of its references
// leads to, then the newest that its sender began around the same time with the same version and total, unless both are threads. Nil: none fits.
func (d *desk) pick(l *letter) *patch.Series {
	if s := d.in.SeriesByReference(l.mail.MsgID); s != nil && d.fits(l, s, "") {
		return s
	}
	for _, ref := range l.references {
		if s := d.in.SeriesByReference(ref); s != nil && d.fits(l, s, ref) {
			return s
		}
	}
	var best *patch.Series
	d.in.EachSeries(func(s *patch.Series) {
		apart := s.Date.Sub(l.date).Abs()
		if len(l.references) > 0 && s.Threaded() {
			return // one of its references would have led there
		}
		if s.Submitter != l.sender.ID || s.Version != l.subject.Version || s.Total != l.subject.Total || apart > seriesWindow || s.Has(l.subject.Number) {
			return
		}
		if best == nil || s.Date > best.Date || s.Date == best.Date && s.ID > best.ID {
			best = s
		}
	})
	return best
}

// fits tells whether a patch may join the series that ref led to (empty: its own Message-ID). The number must be free and the version the
// same; but a patch may name another version than what was sent in the same run of git-send-email, and one that names none follows its
// cover letter. A patch whose direct parent is the cover may differ in total.
func (d *desk) fits(l *letter, s *patch.Series, ref string) bool {
	if s.Has(l.subject.Number) {
		return false
	}
	m := d.in.Known(ref)
	toCover := m != nil && m.Kind == patch.KindCover
	if s.Version != l.subject.Version {
		sameRun := stem(ref) != "" && stem(ref) == stem(l.mail.MsgID)
		unversioned := l.subject.Version == 1 && !slices.Contains(l.subject.Prefixes, "v1")
		if !sameRun && !(unversioned && toCover && l.date.Sub(m.Date).Abs() <= seriesWindow) {
			return false
		}
	}
	return s.Total == l.subject.Total || len(l.references) > 0 && ref == l.references[0] && toCover
}

// depend records the series that the text says must be applied first, as far as they are here.
func (d *desk) depend(ctx context.Context, l *letter, s *patch.Series) error {
	for _, dep := range l.depends {
		var id int64
		var err error
		if dep.Kind == trailer.SeriesID {
			id, err = d.in.SeriesNumbered(ctx, dep.Series)
		} else if t, _, ok := d.in.TargetOf([]string{mailstore.Key(dep.Value)}); ok {
			id, err = d.in.SeriesOf(ctx, t)
		}
		if err != nil {
			return err
		}
		if id != 0 {
			d.in.DependOn(s, id)
		}
	}
	return nil
}

var _ ingress.Claimer = (*Claimer)(nil)
