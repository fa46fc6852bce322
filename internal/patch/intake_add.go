// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/mailstore"
)

// NewPatch is a mail that was found to be a patch. Message lacks only what AddPatch gives it: ID, Project, Kind and Thread.
type NewPatch struct {
	Message  *mailstore.Message
	Parent   *mailstore.Message // the known message it answers; nil: none
	Name     string
	Diff     []byte // nil: a pull request
	Charset  string // of Diff when it is not UTF-8
	Hash     string
	Files    []string // that the diff touches
	PullURL  string
	State    int64   // 0: the initial one
	Delegate int64   // 0: by the delegation rules
	Series   *Series // nil: none
	Number   int     // in the series; 0 is not attached
}

// AddPatch stores a patch: its delegate by the rules unless given, its tags, its place in the series, the events that follow, and the
// replies that waited for it.
func (in *Intake) AddPatch(ctx context.Context, n NewPatch) error {
	if err := in.addMessage(ctx, n.Message, n.Parent, KindPatch); err != nil {
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
	in.targets[n.Message.ID] = Target{Patch: id}
	in.event(EventPatchCreated, Payload{Patch: id}, event.Subject{Kind: "patch", ID: id})
	in.announce(n.Series)
	attached := n.Series != nil && n.Number > 0
	in.new.patches = append(in.new.patches, patchRow{NewPatch: n, id: id, attached: attached})
	in.new.count(n.State, n.Delegate)
	in.countTags(id, n.Message.Content)
	if attached {
		in.attach(n.Series, id, n.Number, n.Name, n.State)
	}
	return in.attachWaiting(ctx, n.Message)
}

// attach puts a patch in its series and raises what that completes: each patch once all its predecessors are here, the series once, when
// the last of its numbers comes.
func (in *Intake) attach(s *Series, id int64, number int, name string, state int64) {
	before := s.complete()
	s.attach(id, number, name, state)
	for _, done := range s.completedBy(number) {
		in.event(EventPatchCompleted, Payload{Patch: done, Series: s.ID}, event.Subject{Kind: "patch", ID: done}, event.Subject{Kind: "series", ID: s.ID})
	}
	if !before && s.complete() {
		in.event(EventSeriesCompleted, Payload{Series: s.ID}, event.Subject{Kind: "series", ID: s.ID})
	}
}

// AddCover stores a cover letter and gives it to its series.
func (in *Intake) AddCover(ctx context.Context, m, parent *mailstore.Message, name string, s *Series) error {
	if err := in.addMessage(ctx, m, parent, KindCover); err != nil {
		return err
	}
	id, err := in.tx.NextID(ctx, "cover")
	if err != nil {
		return err
	}
	in.targets[m.ID] = Target{Cover: id}
	in.coverNames[m.ID] = name
	in.new.covers = append(in.new.covers, []any{id, m.ID, in.project.ID, m.Submitter, int64(m.Date), name})
	s.setCover(id, name)
	in.announce(s)
	in.event(EventCoverCreated, Payload{Cover: id}, event.Subject{Kind: "cover", ID: id})
	return in.attachWaiting(ctx, m)
}

// AddComment stores a comment on t.
func (in *Intake) AddComment(ctx context.Context, m, parent *mailstore.Message, t Target) error {
	if err := in.addMessage(ctx, m, parent, KindComment); err != nil {
		return err
	}
	if err := in.comment(ctx, m, t); err != nil {
		return err
	}
	return in.attachWaiting(ctx, m)
}

// AddPending keeps a reply whose parent is not here yet; references are key forms, nearest first.
func (in *Intake) AddPending(ctx context.Context, m *mailstore.Message, references []string) error {
	if err := in.addMessage(ctx, m, nil, mailstore.Pending); err != nil {
		return err
	}
	for i, ref := range references {
		in.waiting[ref] = append(in.waiting[ref], m)
		in.new.waiting = append(in.new.waiting, mailstore.Waiting{Message: m, MsgID: ref, Distance: i})
	}
	return nil
}

// NewSeries makes a series and lets its references (key forms) lead to it, as far as they do not lead elsewhere. Its event is raised with those
// of its first mail.
func (in *Intake) NewSeries(ctx context.Context, submitter int64, date clock.Time, version, total int, references []string) (*Series, error) {
	id, err := in.tx.NextID(ctx, "series")
	if err != nil {
		return nil, err
	}
	s := &Series{ID: id, Project: in.project.ID, Date: date, Submitter: submitter, Version: version, Total: total, dirty: true, unannounced: true}
	in.series[id] = s
	for _, ref := range references {
		in.Refer(ref, s)
	}
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

// Refer lets the Message-ID (key form) of an ancestor of its mails lead to a series, unless it leads to one already.
func (in *Intake) Refer(msgid string, s *Series) {
	if in.byRef[msgid] == nil {
		in.byRef[msgid] = s
		awaited := in.messages[msgid] == nil
		in.new.references[msgid] = reference{series: s.ID, awaited: awaited}
		s.awaits = s.awaits || awaited
	}
}

// Own lets the Message-ID of one of its own mails (key form) lead to a series, wherever it led before.
func (in *Intake) Own(msgid string, s *Series) {
	in.byRef[msgid] = s
	in.new.references[msgid] = reference{series: s.ID}
}

// DependOn records that a series needs another one of the project to be applied first. A series can't depend on itself.
func (in *Intake) DependOn(s *Series, other int64) {
	if s.ID != other {
		in.new.dependencies = append(in.new.dependencies, [2]int64{s.ID, other})
	}
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
	in.messages[m.MsgID] = m
	in.new.messages = append(in.new.messages, m)
	return nil
}

func (in *Intake) comment(ctx context.Context, m *mailstore.Message, t Target) error {
	kind, category, payload := "patch", EventPatchCommentCreated, Payload{Patch: t.Patch}
	if t.Patch == 0 {
		kind, category, payload = "cover", EventCoverCommentCreated, Payload{Cover: t.Cover}
	}
	id, err := in.tx.NextID(ctx, kind+"_comment")
	if err != nil {
		return err
	}
	payload.Comment = id
	in.targets[m.ID] = t
	row := []any{id, m.ID, t.Patch + t.Cover, m.Submitter, int64(m.Date), addressed(m.Headers)}
	if t.Patch != 0 {
		in.new.patchComments = append(in.new.patchComments, row)
		in.countTags(t.Patch, m.Content)
	} else {
		in.new.coverComments = append(in.new.coverComments, row)
	}
	in.event(category, payload, event.Subject{Kind: kind, ID: t.Patch + t.Cover})
	return nil
}

// attachWaiting makes comments of the replies that waited for m, and of those that waited for them.
func (in *Intake) attachWaiting(ctx context.Context, m *mailstore.Message) error {
	for _, w := range in.waiting[m.MsgID] {
		if w.Kind != mailstore.Pending {
			continue
		}
		w.Kind = KindComment
		in.joinThreads(w.Thread, m.Thread)
		in.new.attached = append(in.new.attached, w)
		if err := in.comment(ctx, w, in.targets[m.ID]); err != nil {
			return err
		}
		if err := in.attachWaiting(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// joinThreads makes one thread of two: what answered a reply that waited belongs to the thread of its parent.
func (in *Intake) joinThreads(from, to int64) {
	if from == to {
		return
	}
	in.new.threads = append(in.new.threads, [2]int64{from, to})
	for _, m := range in.messages {
		if m.Thread == from {
			m.Thread = to
		}
	}
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

func (in *Intake) countTags(patch int64, text string) {
	if !in.project.UseTags {
		return
	}
	in.book.counter.count(text, func(tag int64, hits int) { in.new.tags[[2]int64{patch, tag}] += hits })
}

func (in *Intake) event(kind string, payload Payload, subjects ...event.Subject) {
	in.new.events = append(in.new.events, event.Event{Kind: kind, Project: in.project.ID, At: in.now, Subjects: subjects, Payload: payload})
}

func equalFold(a, b string) bool { return fold.Key(a) == fold.Key(b) }
