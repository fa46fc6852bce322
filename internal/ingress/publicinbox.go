// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"patchwork.example/pw/internal/base/fault"
)

// PublicInbox is an archive of public-inbox: of version 2, which is a git repository per epoch, or of version 1, which is one.
type PublicInbox struct {
	location string // as written: a directory or the address of one
	opt      PublicInboxOptions
	mirrored bool // all epochs were fetched by this process
}

// PublicInboxOptions are what an archive is read with.
type PublicInboxOptions struct {
	ListID   string // overrides the list headers; empty: none
	Cache    string // the directory that archives elsewhere are mirrored to
	MailSize int    // bytes; of a larger mail only the beginning is kept, as broken
	Every    time.Duration
	Rescan   bool // reads from the beginning, whatever was read before
}

// OpenPublicInbox names an archive by its directory, or by an address of http, https or git.
func OpenPublicInbox(location string, opt PublicInboxOptions) (*PublicInbox, error) {
	if _, err := parseLocation(location); err != nil {
		return nil, err
	}
	return &PublicInbox{location: location, opt: opt}, nil
}

// Name implements Followed.
func (p *PublicInbox) Name() string { return p.location }

// Kind implements Followed.
func (p *PublicInbox) Kind() string { return "public-inbox" }

func (p *PublicInbox) every() time.Duration { return p.opt.Every }

// otherReader is how long an import waits for another process that reads the same source.
const otherReader = 15 * time.Second

// ImportPublicInbox takes in what is new in an archive since it was last read, by this command or by a process that follows it. total is told how
// many commits there are to read; after is called with the running totals after each commit to the database.
func (in *Intake) ImportPublicInbox(ctx context.Context, p *PublicInbox, total func(int), after func(Summary)) (Summary, error) {
	unlock, err := in.lockSource(ctx, p, otherReader)
	if fault.Is(err, fault.Unavailable) && ctx.Err() == nil {
		return Summary{}, fault.Wrap(fault.Unavailable, err, "%s can't be read now, perhaps because another pw reads it", p.location)
	}
	if err != nil {
		return Summary{}, err
	}
	defer unlock()
	return in.readPublicInbox(ctx, p, total, after)
}

func (p *PublicInbox) round(ctx context.Context, in *Intake, log *slog.Logger) error {
	unlock, err := in.lockSource(ctx, p, 0)
	if err != nil {
		return err
	}
	defer unlock()
	now, err := in.state(ctx, p)
	if err != nil {
		return err
	}
	if now.Error == "" && in.clock.Now().Sub(now.CheckedAt) < p.opt.Every/2 { // another process has just done it
		return nil
	}
	sum, err := in.readPublicInbox(ctx, p, func(int) {}, func(Summary) {})
	if sum.Mails > 0 {
		log.Info("took in mail", "mails", sum.Mails, "known", sum.Known)
	}
	return err
}

func (in *Intake) readPublicInbox(ctx context.Context, p *PublicInbox, total func(int), after func(Summary)) (Summary, error) {
	sum := Summary{Outcomes: map[string]int{}}
	before, err := in.state(ctx, p)
	if err != nil {
		return sum, err
	}
	if p.opt.Rescan {
		before.Position = ""
	}
	source, err := p.open(ctx, before.Position, total)
	if err != nil {
		return sum, err
	}
	defer source.close()
	done := 0
	sum, err = in.Import(ctx, source, func(s Summary) {
		if err := in.advance(ctx, p, source.marks.stored(s.Mails), s.Mails-done); err != nil {
			source.fail(err)
		}
		done = s.Mails
		after(s)
	})
	if err != nil {
		return sum, err
	}
	if err := in.advance(ctx, p, source.marks.stored(sum.Mails), 0); err != nil { // what comes after the last mail
		return sum, err
	}
	p.opt.Rescan = false // was done
	return sum, in.readToEnd(ctx, p)
}

// epoch is one repository of an archive.
type epoch struct{ name, dir string }

// inboxSource reads the new mails of all epochs, one after the other.
type inboxSource struct {
	opt     PublicInboxOptions
	marks   *marks
	removed map[string]bool // blobs that the archive's keeper took out again
	open    func(gitRange) (*gitChanges, *gitBlobs, error)
	stop    context.CancelFunc

	failMu sync.Mutex
	failed error

	mu      sync.Mutex // of Next and close
	ranges  []gitRange
	parts   []string // their epochs
	changes *gitChanges
	blobs   *gitBlobs
	mails   int
}

// open finds out what is new. The epochs, and where each ends, are those of this moment.
func (p *PublicInbox) open(ctx context.Context, position string, total func(int)) (*inboxSource, error) {
	epochs, err := p.epochs(ctx)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	s := &inboxSource{opt: p.opt, marks: startMarks(position), removed: map[string]bool{}, stop: stop}
	s.open = func(r gitRange) (*gitChanges, *gitBlobs, error) {
		changes, err := r.changes(ctx)
		if err != nil {
			return nil, nil, err
		}
		blobs, err := openBlobs(ctx, r.dir)
		if err != nil {
			changes.close()
		}
		return changes, blobs, err
	}
	n, err := s.plan(ctx, epochs)
	if err != nil {
		stop()
		return nil, err
	}
	total(n)
	return s, nil
}

// plan finds the new range of each epoch and counts the commits.
func (s *inboxSource) plan(ctx context.Context, epochs []epoch) (commits int, err error) {
	reached := s.marks.parts()
	for _, e := range epochs {
		r, err := newRange(ctx, e.dir, reached[e.name])
		if err != nil {
			return 0, fmt.Errorf("epoch %s: %w", e.name, err)
		}
		if r.tip == r.from {
			continue
		}
		n, err := r.count(ctx)
		if err != nil {
			return 0, err
		}
		if err := r.removed(ctx, s.removed); err != nil {
			return 0, err
		}
		commits += n
		s.ranges, s.parts = append(s.ranges, r), append(s.parts, e.name)
	}
	return commits, nil
}

// newRange is what follows after from. If the history was written anew since, as it is when a mail is purged, it is all of it: what is known changes nothing.
func newRange(ctx context.Context, dir, from string) (gitRange, error) {
	tip, err := gitTip(ctx, dir)
	if err != nil || tip == "" || tip == from {
		return gitRange{dir: dir, from: tip, tip: tip}, err
	}
	follows := isObject(from)
	if follows {
		if follows, err = gitAnswers(ctx, dir, "merge-base", "--is-ancestor", from, tip); err != nil {
			return gitRange{}, err
		}
	}
	if !follows {
		from = ""
	}
	return gitRange{dir: dir, from: from, tip: tip}, nil
}

// Next implements Source.
func (s *inboxSource) Next() (Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if err := s.failure(); err != nil {
			return Delivery{}, err
		}
		if s.changes == nil {
			if len(s.ranges) == 0 {
				return Delivery{}, io.EOF
			}
			var err error
			if s.changes, s.blobs, err = s.open(s.ranges[0]); err != nil {
				return Delivery{}, err
			}
		}
		ch, finished, err := s.changes.next()
		if finished != "" {
			s.marks.set(s.mails, s.parts[0], finished)
		}
		switch {
		case errors.Is(err, io.EOF):
			s.marks.set(s.mails, s.parts[0], s.ranges[0].tip)
			s.blobs.close()
			s.changes, s.ranges, s.parts = nil, s.ranges[1:], s.parts[1:]
		case err != nil:
			return Delivery{}, err
		case mailPath.MatchString(ch.path) && !s.removed[ch.blob]:
			return s.mail(ch.blob)
		}
	}
}

func (s *inboxSource) mail(blob string) (Delivery, error) {
	raw, cut, err := s.blobs.read(blob, s.opt.MailSize)
	if err != nil {
		return Delivery{}, err
	}
	s.mails++
	return Delivery{Raw: raw, Via: "public-inbox", ListID: s.opt.ListID, Cut: cut}, nil
}

// fail makes reading end with an error.
func (s *inboxSource) fail(err error) {
	s.failMu.Lock()
	defer s.failMu.Unlock()
	s.failed = err
}

func (s *inboxSource) failure() error {
	s.failMu.Lock()
	defer s.failMu.Unlock()
	return s.failed
}

// close ends the processes; one who is in Next is woken up by that.
func (s *inboxSource) close() {
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes != nil {
		s.changes.close()
		s.blobs.close()
		s.changes, s.ranges = nil, nil
	}
}

// sortedEpochs gives numbered epochs in their order.
func sortedEpochs(dirs map[int]string) []epoch {
	var out []epoch
	for _, n := range slices.Sorted(maps.Keys(dirs)) {
		out = append(out, epoch{fmt.Sprint(n), dirs[n]})
	}
	return out
}
