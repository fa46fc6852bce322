// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/format/trailer"
	"patchwork.example/pw/internal/mailstore"
)

// place is a comment as it is stored.
type place struct {
	id        int64
	addressed *bool
	automatic bool
}

// commentRow is a comment to be written.
type commentRow struct {
	id        int64
	message   *mailstore.Message
	target    Target
	addressed any
	automatic bool // a program sent it
}

// AddComment stores a comment on t; the distance is that of the mail it is attached by among its references (key forms, nearest first). automatic: a program sent it.
func (in *Intake) AddComment(ctx context.Context, m *mailstore.Message, references []string, t Target, distance int, automatic bool) error {
	parent := in.messages[references[distance]]
	if err := in.addMessage(ctx, m, parent, KindComment); err != nil {
		return err
	}
	in.await(m, references, distance)
	in.answers[parent.MsgID] = append(in.answers[parent.MsgID], m)
	if err := in.comment(ctx, m, t, addressed(m.Headers), automatic); err != nil {
		return err
	}
	return in.attachWaiting(ctx, m)
}

// AddPending keeps a reply whose parent is not here yet; references are key forms, nearest first.
func (in *Intake) AddPending(ctx context.Context, m *mailstore.Message, references []string) error {
	if err := in.addMessage(ctx, m, nil, mailstore.Pending); err != nil {
		return err
	}
	in.await(m, references, len(references))
	return in.attachWaiting(ctx, m)
}

// await notes what a new message waits for: the references nearer than the one it is attached by, and for a comment that one too.
func (in *Intake) await(m *mailstore.Message, references []string, distance int) {
	in.near[m.ID] = distance
	for i, ref := range references {
		if i > distance || i == distance && m.Kind != KindComment {
			break
		}
		w := mailstore.Waiting{Message: m, MsgID: ref, Distance: i}
		if i < distance {
			in.waiting[ref] = append(in.waiting[ref], w)
		}
		in.new.waiting = append(in.new.waiting, w)
	}
}

// nearest is the distance of the nearest reference that is here, len(references) if none is.
func (in *Intake) nearest(references []string) int {
	for i, ref := range references {
		if in.messages[ref] != nil {
			return i
		}
	}
	return len(references)
}

// attachWaiting does what was put off until m came: pending replies become comments, and those that wait for them; comments that were attached by a farther
// reference move; threads are joined.
func (in *Intake) attachWaiting(ctx context.Context, m *mailstore.Message) error {
	target, placed := in.targets[m.ID]
	for _, w := range in.waiting[m.MsgID] {
		if near, ok := in.near[w.Message.ID]; ok && near <= w.Distance {
			continue // meanwhile it found a nearer one
		}
		var err error
		switch {
		case w.Message.Kind == KindComment && placed:
			in.settle(w, m)
			err = in.move(ctx, w.Message, target)
		case w.Message.Kind == mailstore.Pending && placed:
			err = in.takeUp(ctx, w, m)
		case w.Message.Kind == KindPatch || w.Message.Kind == KindCover:
			in.settle(w, m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// takeUp makes a comment of a pending reply.
func (in *Intake) takeUp(ctx context.Context, w mailstore.Waiting, parent *mailstore.Message) error {
	m := w.Message
	m.Kind = KindComment
	in.new.attached = append(in.new.attached, m)
	in.settle(w, parent)
	if err := in.comment(ctx, m, in.targets[parent.ID], addressed(m.Headers), in.automatic(m)); err != nil {
		return err
	}
	return in.attachWaiting(ctx, m)
}

// settle notes that what a message waited for is here.
func (in *Intake) settle(w mailstore.Waiting, parent *mailstore.Message) {
	in.near[w.Message.ID] = w.Distance
	in.new.settled[w.Message.ID] = w.Message
	in.joinThreads(w.Message.Thread, parent.Thread)
	if w.Message.Kind == KindComment {
		in.answers[parent.MsgID] = append(in.answers[parent.MsgID], w.Message)
	}
}

// move makes a comment one on another patch or cover letter, and with it those that answer it. It ends as if the mails had come in their order: the
// event of the old place is forgotten.
func (in *Intake) move(ctx context.Context, m *mailstore.Message, to Target) error {
	from := in.targets[m.ID]
	if from == to {
		return nil
	}
	in.countTags(from, m.Content, -1)
	addressed, automatic := in.unplace(m)
	if err := in.comment(ctx, m, to, addressed, automatic); err != nil {
		return err
	}
	answers := slices.Clone(in.answers[m.MsgID])
	for _, w := range in.waiting[m.MsgID] {
		answers = append(answers, w.Message)
	}
	for _, c := range answers {
		if c.Kind == KindComment && in.targets[c.ID] == from {
			if err := in.move(ctx, c, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// unplace takes a comment from where it is, and gives whether it was addressed, and whether a program sent it.
func (in *Intake) unplace(m *mailstore.Message) (addressed any, automatic bool) {
	if i := slices.IndexFunc(in.new.comments, func(c *commentRow) bool { return c.message == m }); i >= 0 {
		c := in.new.comments[i]
		in.new.comments = slices.Delete(in.new.comments, i, i+1)
		in.new.events = slices.DeleteFunc(in.new.events, func(e event.Event) bool { return isCommentEvent(e.Kind, e.Payload.(Payload), c.target, c.id) })
		return c.addressed, c.automatic
	}
	p := in.places[m.ID]
	in.new.unplaced = append(in.new.unplaced, &commentRow{id: p.id, message: m, target: in.targets[m.ID]})
	if p.addressed == nil {
		return nil, p.automatic
	}
	return *p.addressed, p.automatic
}

func isCommentEvent(kind string, p Payload, on Target, comment int64) bool {
	want := EventPatchCommentCreated
	if on.Patch == 0 {
		want = EventCoverCommentCreated
	}
	return kind == want && p.Comment == comment
}

// joinThreads makes one thread of two: what answers a mail belongs to its thread.
func (in *Intake) joinThreads(a, b int64) {
	if a, b = in.thread(a), in.thread(b); a != b {
		in.threads[a] = b
	}
}

// thread is what a thread was joined to.
func (in *Intake) thread(id int64) int64 {
	for {
		next, ok := in.threads[id]
		if !ok {
			return id
		}
		id = next
	}
}

// comment makes a comment of a message.
func (in *Intake) comment(ctx context.Context, m *mailstore.Message, t Target, addressed any, automatic bool) error {
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
	in.new.comments = append(in.new.comments, &commentRow{id: id, message: m, target: t, addressed: addressed, automatic: automatic})
	in.countTags(t, m.Content, 1)
	in.event(category, payload, event.Subject{Kind: kind, ID: t.Patch + t.Cover})
	return nil
}

// automatic tells whether a program sent a mail that had to wait.
func (in *Intake) automatic(m *mailstore.Message) bool {
	return Automatic(m.Headers, m.Content, in.project.ListEmail)
}

// Automatic tells whether a program sent the mail with a header and a text, and it is no answer for that: that a pull request was merged is one. listEmail is the address of
// its list, which may stand in its From.
func Automatic(header, text, listEmail string) bool {
	if trailer.Merged(text) {
		return false
	}
	m := mailmsg.Parse([]byte(strings.TrimRight(header, "\n") + "\n\n"))
	author, _ := m.Author(listEmail)
	return m.Automatic(author)
}

func (in *Intake) writeThreads(ctx context.Context) error {
	stored := func(m *mailstore.Message) bool { return !in.new.fresh[m.ID] }
	attached := slices.DeleteFunc(slices.Clone(in.new.attached), func(m *mailstore.Message) bool { return !stored(m) })
	if err := mailstore.Attached(ctx, in.tx, attached, KindComment, "its parent came later"); err != nil {
		return err
	}
	byDistance := map[int][]int64{}
	for _, m := range in.new.settled {
		if !stored(m) {
			continue
		}
		from := in.near[m.ID]
		if m.Kind == KindComment && from > 0 {
			from++ // the reference it is attached by stays listed
		}
		byDistance[from] = append(byDistance[from], m.ID)
	}
	for from, ids := range byDistance {
		if err := mailstore.StopWaiting(ctx, in.tx, ids, from); err != nil {
			return err
		}
	}
	joined := map[int64][]int64{}
	for id := range in.threads {
		if !in.new.fresh[id] { // a thread is called like its first message
			joined[in.thread(id)] = append(joined[in.thread(id)], id)
		}
	}
	for to, from := range joined {
		if err := mailstore.JoinThreads(ctx, in.tx, from, to); err != nil {
			return err
		}
	}
	return nil
}

func (in *Intake) writeComments(ctx context.Context) error {
	if err := in.removeUnplaced(ctx); err != nil {
		return err
	}
	var onPatches, onCovers [][]any
	for _, c := range in.new.comments {
		row := []any{c.id, c.message.ID, c.target.Patch + c.target.Cover, c.message.Submitter, int64(c.message.Date), c.addressed, c.automatic}
		if c.target.Patch != 0 {
			onPatches = append(onPatches, row)
		} else {
			onCovers = append(onCovers, row)
		}
	}
	if err := in.tx.Insert(ctx, "patch_comment", []string{"id", "message_id", "patch_id", "submitter_id", "date", "addressed", "automatic"}, onPatches); err != nil {
		return err
	}
	return in.tx.Insert(ctx, "cover_comment", []string{"id", "message_id", "cover_id", "submitter_id", "date", "addressed", "automatic"}, onCovers)
}

// removeUnplaced removes comments from where they were, with their events.
func (in *Intake) removeUnplaced(ctx context.Context) error {
	for _, on := range []string{"patch", "cover"} {
		gone := map[int64]bool{}
		var ids, subjects []int64
		for _, c := range in.new.unplaced {
			if (c.target.Patch != 0) == (on == "patch") {
				gone[c.id] = true
				ids, subjects = append(ids, c.id), append(subjects, c.target.Patch+c.target.Cover)
			}
		}
		if len(ids) == 0 {
			continue
		}
		if err := removeComments(ctx, in.tx, on, ids); err != nil {
			return err
		}
		err := event.ForgetAll(ctx, in.tx, on, subjects, func(_, payload string) bool {
			var p Payload
			return json.Unmarshal([]byte(payload), &p) == nil && gone[p.Comment]
		})
		if err != nil {
			return err
		}
	}
	return nil
}
