// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/format/subject"
	"patchwork.example/pw/internal/format/trailer"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
)

// Claimer claims every mail of a project's list.
type Claimer struct {
	clock clock.Clock
	last  atomic.Pointer[project.Router] // the projects as they were when a batch was last claimed
}

// New makes a claimer; the clock dates mails that have no usable date.
func New(c clock.Clock) *Claimer { return &Claimer{clock: c} }

// Prepare implements ingress.Claimer.
func (c *Claimer) Prepare(m *mailmsg.Message, received clock.Time) any { return c.draft(m, received) }

// letter is a mail with all that is known of it when it is decided about.
type letter struct {
	*draft
	mail    *ingress.Mail
	project *project.Project
	subject subject.Subject
	from    mailmsg.Address
	run     run
	sender  *account.Person // set when it is stored
	message *mailstore.Message
	outcome *ingress.Outcome
}

// Claim implements ingress.Claimer.
func (c *Claimer) Claim(ctx context.Context, tx *sqldb.Tx, mails []ingress.Mail) ([]ingress.Outcome, error) {
	d, outcomes, letters, err := c.begin(ctx, tx, mails)
	if err != nil {
		return nil, err
	}
	letters = slices.DeleteFunc(letters, func(l *letter) bool { return l.outcome.Known })
	return outcomes, c.takeAll(ctx, d, letters)
}

// begin finds the projects of mails, locks them, and reads what is needed for all of them. In a pipeline, where each question that must wait for another's answer takes time, it supposes that
// the projects are still what they were.
func (c *Claimer) begin(ctx context.Context, tx *sqldb.Tx, mails []ingress.Mail) (d desk, outcomes []ingress.Outcome, letters []*letter, err error) {
	if last := c.last.Load(); last != nil && tx.Pipelined() {
		d, outcomes, letters, err = lockAndLoad(ctx, tx, last, mails)
		if err != nil || d.router != nil && d.router.Same(last) {
			return d, outcomes, letters, err
		}
	}
	router, err := sqldb.Remember(ctx, tx, "project.Router", func() (*project.Router, error) { return project.LoadRouter(ctx, tx) })
	if err != nil {
		return d, nil, nil, err
	}
	c.last.Store(router)
	return lockAndLoad(ctx, tx, router, mails)
}

// lockAndLoad finds the projects of mails by a router, locks them, and reads what is needed for all of them, only then: what another process took in before us must be seen.
func lockAndLoad(ctx context.Context, tx *sqldb.Tx, router *project.Router, mails []ingress.Mail) (d desk, outcomes []ingress.Outcome, letters []*letter, err error) {
	outcomes = make([]ingress.Outcome, len(mails))
	for i := range mails {
		if l := address(router, &mails[i], &outcomes[i]); l != nil {
			letters = append(letters, l)
		}
	}
	known := func(ctx context.Context) error { return markKnown(ctx, tx, mails, outcomes) }
	if len(letters) == 0 {
		return d, outcomes, nil, known(ctx)
	}
	d.tx = tx
	addresses := make([]string, len(letters))
	for i, l := range letters {
		addresses[i] = l.from.Email
	}
	err = tx.Together(ctx,
		func(ctx context.Context) error { return project.Lock(ctx, tx, projectsOf(letters)) },
		func(ctx context.Context) (err error) {
			if tx.Pipelined() {
				d.router, err = project.LoadRouter(ctx, tx)
			}
			return err
		},
		known,
		func(ctx context.Context) (err error) {
			d.book, err = sqldb.Remember(ctx, tx, "patch.Rulebook", func() (*patch.Rulebook, error) { return patch.LoadRulebook(ctx, tx) })
			return err
		},
		func(ctx context.Context) (err error) {
			d.persons, err = account.LoadPersons(ctx, tx, addresses)
			return err
		})
	return d, outcomes, letters, err
}

// address finds the project of a mail and who sent it; nil if that is the end of it, with the outcome set.
func address(router *project.Router, m *ingress.Mail, o *ingress.Outcome) *letter {
	d := m.Prepared.(*draft)
	lists := d.lists
	if m.ListID != "" {
		lists = []string{m.ListID}
	}
	p := router.Route(lists, d.subject)
	if m.Project != 0 {
		p = router.ByID(m.Project)
	} else if len(lists) == 0 { // sent straight to us, as git-send-email does
		p = router.RouteByAddress(m.Recipients, d.subject)
	}
	switch {
	case p == nil && m.Project != 0:
		*o = ingress.Outcome{Kind: mailstore.Unrouted, Reason: "the project it was sent to is gone"}
		return nil
	case p == nil && len(lists) == 0:
		*o = ingress.Outcome{Kind: mailstore.Unrouted, Reason: "it has no List-Id, X-Mailing-List or X-list header that could be read, and was not sent to the address of a list"}
		return nil
	case p == nil:
		*o = ingress.Outcome{Kind: mailstore.Unrouted, Reason: fmt.Sprintf("no project for the list %s", strings.Join(lists, " or "))}
		return nil
	}
	o.Project = p.ID
	if d.ignored != "" {
		o.Kind, o.Reason = mailstore.Ignored, "its "+d.ignored+" header says so"
		return nil
	}
	from, err := m.Message.Author(p.ListEmail)
	if err != nil {
		o.Kind, o.Reason = mailstore.Broken, "its sender can't be read: "+err.Error()
		return nil
	}
	return &letter{draft: d, mail: m, project: p, subject: subject.Parse(d.subject, p.Linkname), from: from, run: runOf(m.MsgID), outcome: o}
}

func projectsOf(letters []*letter) []int64 {
	var ids []int64
	for _, l := range letters {
		ids = append(ids, l.project.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// markKnown finds the mails whose bytes were taken in before for the same project, or for none and the same list.
func markKnown(ctx context.Context, tx *sqldb.Tx, mails []ingress.Mail, outcomes []ingress.Outcome) error {
	sums := make([]mailstore.Sum, len(mails))
	for i := range mails {
		sums[i] = mails[i].Sum()
	}
	seen, err := mailstore.SeenBefore(ctx, tx, sums...)
	if err != nil {
		return err
	}
	inBatch := map[string]bool{}
	for i := range mails {
		o, m := &outcomes[i], &mails[i]
		self := fmt.Sprintf("%x %d %s", m.SHA256, o.Project, m.ListID)
		o.Known = inBatch[self]
		inBatch[self] = true
		for _, s := range seen[m.SHA256] {
			switch {
			case s.ID == m.ID: // it is being taken in again
			case o.Project != 0:
				o.Known = o.Known || s.Project == o.Project
			default: // a project may have been given to it by hand
				o.Known = o.Known || s.ListID == m.ListID
			}
		}
		if o.Known && o.Kind == "" {
			o.Kind = mailstore.Duplicate
		}
	}
	return nil
}

// takeAll decides about the letters project by project, in the order they came, and writes what follows.
func (c *Claimer) takeAll(ctx context.Context, d desk, letters []*letter) (err error) {
	if len(letters) == 0 {
		return nil
	}
	if d.hints, err = loadHints(ctx, d.tx, letters); err != nil {
		return err
	}
	slices.SortStableFunc(letters, func(a, b *letter) int { return cmp.Compare(a.project.ID, b.project.ID) })
	for len(letters) > 0 {
		n := 1
		for n < len(letters) && letters[n].project.ID == letters[0].project.ID {
			n++
		}
		if err := d.work(ctx, letters[:n], c.clock.Now()); err != nil {
			return err
		}
		letters = letters[n:]
	}
	return d.persons.Save(ctx, d.tx)
}

// seriesWindow is how far apart, by their Date headers, the mails of one series may be that nothing but their markers holds together.
const seriesWindow = 20 * time.Minute

// wanted is what must be known to decide about the letters.
func wanted(letters []*letter, persons *account.Persons) patch.Wanted {
	var w patch.Wanted
	ids := map[string]bool{}
	for _, l := range letters {
		w.Own = append(w.Own, l.mail.MsgID)
		for _, ref := range l.references {
			ids[ref] = true
		}
		l.wantLinks(&w, ids)
		if p := persons.Find(l.from.Email); p != nil && !l.subject.Reply {
			w.Names = append(w.Names, patch.NameKey(p.ID, l.subject.Name))
		}
		if !l.subject.Numbered {
			continue
		}
		if l.run.stem != "" {
			w.Runs = append(w.Runs, patch.RunKey(l.run.stem))
		}
		if p := persons.Find(l.from.Email); p != nil && !slices.Contains(w.Submitters, p.ID) {
			w.Submitters = append(w.Submitters, p.ID)
		}
		w.Spans = append(w.Spans, patch.Span{From: l.date.Add(-seriesWindow), To: l.date.Add(seriesWindow)})
	}
	for _, own := range w.Own {
		delete(ids, own)
	}
	for id := range ids {
		w.References = append(w.References, id)
	}
	w.Runs, w.Names = unique(w.Runs), unique(w.Names)
	return w
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// wantLinks adds what the text of a letter names.
func (l *letter) wantLinks(w *patch.Wanted, ids map[string]bool) {
	for _, n := range l.needs() {
		switch n.Kind {
		case patch.NeedMessage, patch.NeedSupersedes:
			ids[n.Value] = true
		case patch.NeedChange:
			w.Changes = append(w.Changes, n.Value)
		case patch.NeedPatch:
			w.GitIDs = append(w.GitIDs, n.Value)
		case patch.NeedSeries:
			id, _ := strconv.ParseInt(n.Value, 10, 64)
			w.Series = append(w.Series, id)
		}
	}
	if c := l.draft.links.ChangeID; c != "" {
		w.Changes = append(w.Changes, c, fmt.Sprintf("%s:v%d", c, l.subject.Version))
	}
	if l.gitID != "" {
		w.GitIDs = append(w.GitIDs, l.gitID)
	}
}

// needs are the series that the text says must be applied first, or that it replaces.
func (l *letter) needs() []patch.Need {
	var out []patch.Need
	for _, d := range l.depends {
		if d.Kind == trailer.SeriesID {
			out = append(out, patch.Need{Kind: patch.NeedSeries, Value: strconv.FormatInt(d.Series, 10)})
		} else {
			out = append(out, patch.Need{Kind: patch.NeedMessage, Value: mailstore.Key(d.Value)})
		}
	}
	add := func(kind string, values []string) {
		for _, v := range values {
			out = append(out, patch.Need{Kind: kind, Value: v})
		}
	}
	add(patch.NeedChange, l.draft.links.Changes)
	add(patch.NeedPatch, l.draft.links.PatchIDs)
	for _, id := range l.draft.links.Supersedes {
		add(patch.NeedSupersedes, []string{mailstore.Key(id)})
	}
	return out
}

func (l *letter) links() patch.Links {
	return patch.Links{ChangeID: l.draft.links.ChangeID, BaseCommit: l.draft.links.BaseCommit, Needs: l.needs()}
}

// hints are what the headers X-Patchwork-State and X-Patchwork-Delegate need to be followed.
type hints struct {
	maintainers map[int64]map[int64]bool // by project
	users       map[string]int64         // by folded address
}

// loadHints asks the database only if a mail has such a header.
func loadHints(ctx context.Context, tx *sqldb.Tx, letters []*letter) (hints, error) {
	var h hints
	var emails []string
	asked := false
	for _, l := range letters {
		header := l.mail.Message.Header
		if header.Has("X-Patchwork-Delegate") {
			emails = append(emails, fold.Key(delegateHint(header)))
		}
		asked = asked || header.Has("X-Patchwork-Delegate") || header.Has("X-Patchwork-State")
	}
	if !asked {
		return h, nil
	}
	var err error
	if h.maintainers, err = project.MaintainerIDs(ctx, tx); err != nil {
		return h, err
	}
	h.users, err = account.UsersByEmail(ctx, tx, emails)
	return h, err
}

// delegateHint is the address in X-Patchwork-Delegate, which may stand alone or as `Name <address>`.
func delegateHint(h mailmsg.Header) string {
	value := h.Get("X-Patchwork-Delegate")
	if a, err := mailmsg.ParseFrom(value); err == nil {
		return a.Email
	}
	return value
}

// follow tells whether the hints of a letter's sender count in its project.
func (h hints) follow(l *letter) bool {
	switch l.project.Hints {
	case project.HintsAnyone:
		return true
	case project.HintsMaintainers:
		return l.sender.User != 0 && h.maintainers[l.project.ID][l.sender.User]
	}
	return false
}
