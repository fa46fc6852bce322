// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"slices"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/mailstore"
)

// NewPatch is a mail that was found to be a patch. Message lacks only what AddPatch gives it: ID, Project, Kind and Thread.
type NewPatch struct {
	Message    *mailstore.Message
	References []string // key forms, nearest first
	Name       string
	Diff       []byte // nil: a pull request
	Charset    string // of Diff when it is not UTF-8
	Hash       string
	GitID      string   // what git patch-id --stable makes of Diff; empty: nothing
	Files      []string // that the diff touches
	PullURL    string
	State      int64   // 0: the initial one
	Delegate   int64   // 0: by the delegation rules
	Series     *Series // nil: none
	Number     int     // in the series; 0 is not attached
	Version    int
	Total      int
	Links      Links
}

// AddPatch stores a patch: its delegate by the rules unless given, its tags, its place in the series, the events that follow, and the
// replies that waited for it.
func (in *Intake) AddPatch(ctx context.Context, n NewPatch) error {
	if err := in.addInThread(ctx, n.Message, n.References, KindPatch); err != nil {
		return err
	}
	id, err := in.tx.NextID(ctx, "patch")
	if err != nil {
		return err
	}
	if n.State == 0 {
		n.State = in.book.states[0].ID
	}
	if n.Delegate == 0 && n.Diff != nil {
		n.Delegate = delegateFor(in.book.rules[in.project.ID], n.Files)
	}
	t := Target{Patch: id}
	in.targets[n.Message.ID], in.seriesOf[t] = t, 0
	in.event(EventPatchCreated, Payload{Patch: id}, event.Subject{Kind: "patch", ID: id})
	in.announce(n.Series)
	attached := n.Series != nil && n.Number > 0
	in.new.patches = append(in.new.patches, patchRow{NewPatch: n, id: id, attached: attached})
	in.new.count(n.State, n.Delegate)
	in.countTags(t, n.Message.Content, 1)
	switch {
	case attached:
		in.attach(n, id)
	case n.Series != nil:
		in.Refer(n.Message.MsgID, n.Series, 1)
	}
	return in.attachWaiting(ctx, n.Message)
}

// attach puts a patch in its series and raises what that completes: each patch once all its predecessors are here, the series once, when
// the last of its numbers comes.
func (in *Intake) attach(n NewPatch, id int64) {
	s, before := n.Series, n.Series.complete()
	in.owners[n.Message.ID], in.seriesOf[Target{Patch: id}] = s, s.ID
	s.Threaded = s.Threaded || len(n.References) > 0
	s.join(n.Number, n.Message, n.Version, n.Total, n.Links)
	s.attach(id, n.Number, n.Name, n.State)
	in.inherit(id, s)
	in.declare(s, n.Links.Needs)
	in.relateMail(n.Message, s, n.Number, n.References)
	if n.GitID != "" && !slices.Contains(in.gitIDs[n.GitID], s) {
		for _, other := range in.gitIDs[n.GitID] {
			in.relate(s, other, SignContent)
		}
		in.gitIDs[n.GitID] = append(in.gitIDs[n.GitID], s)
	}
	in.new.grown[s.ID] = true
	for _, done := range s.completedBy(n.Number) {
		in.event(EventPatchCompleted, Payload{Patch: done, Series: s.ID}, event.Subject{Kind: "patch", ID: done}, event.Subject{Kind: "series", ID: s.ID})
	}
	in.complete(s, before)
}

// complete raises the event of a series that was not complete before and is now, unless it was raised already.
func (in *Intake) complete(s *Series, before bool) {
	if before || s.Completed || !s.complete() {
		return
	}
	s.Completed = true
	in.event(EventSeriesCompleted, Payload{Series: s.ID}, event.Subject{Kind: "series", ID: s.ID})
}

// NewCover is a mail that was found to be a cover letter; see NewPatch.
type NewCover struct {
	Message    *mailstore.Message
	References []string
	Name       string
	Series     *Series
	Version    int
	Total      int
	Links      Links
}

// AddCover stores a cover letter and gives it to its series.
func (in *Intake) AddCover(ctx context.Context, n NewCover) error {
	m, s := n.Message, n.Series
	if err := in.addInThread(ctx, m, n.References, KindCover); err != nil {
		return err
	}
	id, err := in.tx.NextID(ctx, "cover")
	if err != nil {
		return err
	}
	t := Target{Cover: id}
	in.targets[m.ID], in.owners[m.ID], in.byCover[id] = t, s, s
	in.coverNames[m.ID] = n.Name
	in.new.covers = append(in.new.covers, []any{id, m.ID, in.project.ID, m.Submitter, int64(m.Date), n.Name, nameFold(n.Name)})
	before := s.complete()
	s.join(0, m, n.Version, n.Total, n.Links)
	s.setCover(id, n.Name)
	if s.Cover == id {
		in.seriesOf[t] = s.ID
	}
	in.declare(s, n.Links.Needs)
	in.relateMail(m, s, 0, n.References)
	in.announce(s)
	in.event(EventCoverCreated, Payload{Cover: id}, event.Subject{Kind: "cover", ID: id})
	in.complete(s, before)
	in.countTags(t, m.Content, 1)
	return in.attachWaiting(ctx, m)
}

// NewSeries makes a series. Its event is raised with those of its first mail, which also says the rest of it.
func (in *Intake) NewSeries(ctx context.Context, submitter int64, date clock.Time, version, total int) (*Series, error) {
	id, err := in.tx.NextID(ctx, "series")
	if err != nil {
		return nil, err
	}
	s := &Series{ID: id, Project: in.project.ID, Date: date, Submitter: submitter, Version: version, Total: total, numbers: map[int]int64{}, dirty: true, unwritten: true, unannounced: true}
	in.series[id] = s
	return s, nil
}

// announce raises the event of a new series, once: after that of the patch, but before that of the cover letter which begins it, the order
// in which Patchwork 3.2 has them.
func (in *Intake) announce(s *Series) {
	if s != nil && s.unannounced {
		s.unannounced = false
		in.event(EventSeriesCreated, Payload{Series: s.ID}, event.Subject{Kind: "series", ID: s.ID})
	}
}

// reference says that mails of a series refer to another one; see the table series_reference.
type reference struct {
	series         *Series
	distance       int
	awaited, dirty bool
}

// Refer lets the Message-ID (key form) of an ancestor of its mails lead to a series, or the key of the run that sent it (distance 0).
func (in *Intake) Refer(msgid string, s *Series, distance int) {
	if in.Owner(msgid) == s {
		return
	}
	for _, r := range in.refs[msgid] {
		if r.series == s {
			if distance < r.distance {
				r.distance, r.dirty = distance, true
			}
			return
		}
	}
	r := &reference{series: s, distance: distance, awaited: distance > 0 && in.messages[msgid] == nil, dirty: true}
	if r.awaited {
		s.awaits++
	}
	in.refs[msgid] = append(in.refs[msgid], r)
}

// addInThread adds a patch or cover letter to the thread of the nearest of its references that is here.
func (in *Intake) addInThread(ctx context.Context, m *mailstore.Message, references []string, kind string) error {
	var parent *mailstore.Message
	distance := in.nearest(references)
	if distance < len(references) {
		parent = in.messages[references[distance]]
	}
	if err := in.addMessage(ctx, m, parent, kind); err != nil {
		return err
	}
	in.await(m, references, distance)
	return nil
}

func (in *Intake) addMessage(ctx context.Context, m, parent *mailstore.Message, kind string) error {
	id, err := in.tx.NextID(ctx, "message")
	if err != nil {
		return err
	}
	m.ID, m.Project, m.Kind, m.Thread = id, in.project.ID, kind, id
	if parent != nil {
		m.Thread = parent.Thread
	}
	for _, r := range in.refs[m.MsgID] {
		if r.awaited {
			r.awaited, r.dirty = false, true
			r.series.awaits--
		}
	}
	in.messages[m.MsgID] = m
	in.new.fresh[id] = true
	in.new.messages = append(in.new.messages, m)
	return nil
}

// addressed is false, "still to be addressed", for a mail with an X-Patchwork-Action-Required header, whatever its value; else null.
func addressed(headers string) any {
	for line := range strings.Lines(headers) {
		name, _, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(name, "X-Patchwork-Action-Required") {
			return false
		}
	}
	return nil
}

func (in *Intake) event(kind string, payload Payload, subjects ...event.Subject) {
	in.new.events = append(in.new.events, event.Event{Kind: kind, Project: in.project.ID, At: in.now, Subjects: subjects, Payload: payload})
}

func equalFold(a, b string) bool { return fold.Key(a) == fold.Key(b) }
