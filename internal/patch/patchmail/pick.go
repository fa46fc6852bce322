// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"context"
	"slices"

	"patchwork.example/pw/internal/patch"
)

// seriesOfPatch finds the series a patch belongs to, or begins one.
func (d *desk) seriesOfPatch(ctx context.Context, l *letter) (*patch.Series, error) {
	if !l.subject.Numbered {
		return d.in.NewSeries(ctx, l.sender.ID, l.date, l.subject.Version, 1)
	}
	s := d.pick(l)
	if s != nil {
		if len(l.references) > 0 {
			d.in.Refer(l.references[0], s, 1)
		}
	} else {
		var err error
		if s, err = d.in.NewSeries(ctx, l.sender.ID, l.date, l.subject.Version, l.subject.Total); err != nil {
			return nil, err
		}
		for i, ref := range l.references {
			if i == 0 || d.in.Owner(ref) == nil {
				d.in.Refer(ref, s, i+1)
			}
		}
	}
	d.noteRun(l, s)
	return s, nil
}

// noteRun lets the run that sent a mail lead to its series.
func (d *desk) noteRun(l *letter, s *patch.Series) {
	if l.run.stem == "" {
		return
	}
	d.in.Refer(patch.RunKey(l.run.stem), s, 0)
	s.Run = max(s.Run, l.runKind())
}

// pick chooses the series of a numbered patch: the one that waits for its Message-ID, then the one that the nearest of its references
// leads to, then one that was sent by the same run of git-send-email or b4, then the newest that its sender began around the same time with the same
// version and total. Nil: none fits.
func (d *desk) pick(l *letter) *patch.Series {
	for _, lead := range d.in.Leads(l.mail.MsgID) {
		if d.fits(l, lead.Series, "") {
			return lead.Series
		}
	}
	for _, ref := range l.references {
		for _, lead := range d.in.Leads(ref) {
			if d.fits(l, lead.Series, ref) {
				return lead.Series
			}
		}
	}
	if s := d.ofRun(l, func(s *patch.Series) bool { return !s.Has(l.subject.Number) }); s != nil {
		return s
	}
	return d.byMarkers(l, func(s *patch.Series) bool {
		// With references on both sides one of them would have led there.
		return !s.Has(l.subject.Number) && !(len(l.references) > 0 && s.Closed())
	})
}

// pickForCover chooses the series of a cover letter among those without one: that whose patches answer it, the nearest first, then one that was sent by
// the same run, then the newest that its sender began around the same time with the same version and total and whose patches answer nothing. Nil: none.
func (d *desk) pickForCover(l *letter) *patch.Series {
	for _, sameVersion := range []bool{true, false} {
		for _, lead := range d.in.Leads(l.mail.MsgID) {
			s := lead.Series
			follows := s.Version == 1 && lead.Distance == 1 && s.Date.Sub(l.date).Abs() <= seriesWindow
			if s.Cover == 0 && (s.Version == l.subject.Version || !sameVersion && follows) {
				return s
			}
		}
	}
	free := func(s *patch.Series) bool { return s.Cover == 0 }
	if s := d.ofRun(l, free); s != nil {
		return s
	}
	return d.byMarkers(l, func(s *patch.Series) bool { return free(s) && !s.Threaded && !s.Awaits() })
}

// ofRun finds the series of the same sender and total that was sent by the same run, one of the same version first.
func (d *desk) ofRun(l *letter, ok func(*patch.Series) bool) (found *patch.Series) {
	if l.run.stem == "" {
		return nil
	}
	for _, lead := range d.in.Leads(patch.RunKey(l.run.stem)) {
		s := lead.Series
		switch {
		case s.Submitter != l.sender.ID || s.Total != l.subject.Total || !ok(s):
		case s.Version == l.subject.Version:
			return s
		case found == nil:
			found = s
		}
	}
	return found
}

// byMarkers finds the newest series of the same sender, version and total around the same time, unless the Message-IDs show that each was begun by a run of
// its own.
func (d *desk) byMarkers(l *letter, ok func(*patch.Series) bool) (best *patch.Series) {
	d.in.EachSeries(func(s *patch.Series) {
		if s.Submitter != l.sender.ID || s.Version != l.subject.Version || s.Total != l.subject.Total || s.Date.Sub(l.date).Abs() > seriesWindow || !ok(s) || d.otherRun(l, s) {
			return
		}
		if best == nil || s.Date > best.Date || s.Date == best.Date && s.ID > best.ID {
			best = s
		}
	})
	return best
}

// otherRun tells whether the runs that sent a mail and the first mails of a series are different ones, and one of them at least sent several mails: those
// belong together. People who send each mail by a run of its own are no exception.
func (d *desk) otherRun(l *letter, s *patch.Series) bool {
	mine := l.runKind()
	return min(mine, s.Run) >= patch.LoneRun && max(mine, s.Run) == patch.FirstRun && !d.sameRun(l, s)
}

func (l *letter) runKind() int {
	switch {
	case l.run.stem == "":
		return patch.NoRun
	case !l.run.begins(l.subject.Number):
		return patch.InRun
	case l.run.place == 1:
		return patch.LoneRun
	}
	return patch.FirstRun
}

func (d *desk) sameRun(l *letter, s *patch.Series) bool {
	return l.run.stem != "" && slices.ContainsFunc(d.in.Leads(patch.RunKey(l.run.stem)), func(lead patch.Lead) bool { return lead.Series == s })
}

// fits tells whether a patch may join the series that ref led to (empty: its own Message-ID). The number must be free and the version the
// same; but a patch may name another version than what was sent in the same run of git-send-email, and one that names none follows its
// cover letter. A patch that answers the cover letter, or what answers it, may differ in total.
func (d *desk) fits(l *letter, s *patch.Series, ref string) bool {
	if s.Has(l.subject.Number) {
		return false
	}
	m := d.in.Known(ref)
	toCover := m != nil && m.Kind == patch.KindCover && d.in.Owner(ref) == s
	if s.Version != l.subject.Version {
		unversioned := l.subject.Version == 1 && !slices.Contains(l.subject.Prefixes, "v1")
		if !d.sameRun(l, s) && !(unversioned && toCover && l.date.Sub(m.Date).Abs() <= seriesWindow) {
			return false
		}
	}
	return s.Total == l.subject.Total || toCover
}
