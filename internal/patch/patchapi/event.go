// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
)

// Event is an event.
type Event struct {
	ID       int64         `json:"id"`
	Category string        `json:"category"`
	Project  *rest.Project `json:"project"`
	Date     string        `json:"date"`
	Actor    *rest.User    `json:"actor"`
	Payload  any           `json:"payload"`         // one of the types below
	Pos      *int64        `json:"pos" since:"1.4"` // its place in the order that readers go by, see event.Relay; nil: it has none yet

	Facts Facts `json:"-"`
}

// Facts are what filters ask of an event; what does not apply is empty.
type Facts struct {
	OfPatch      bool     // it is about a patch or a comment on one
	State        string   // the slug of the state that a patch is in now, of a change of state
	CheckState   string   // of a new check
	CheckContext string   // of a new check
	Tags         []string // names of the tags that the patch has when the event is read
}

// The payloads, by category.
type (
	CoverPayload struct {
		Cover *Cover `json:"cover"`
	}
	PatchPayload struct {
		Patch *Patch `json:"patch"`
	}
	SeriesPayload struct {
		Series *Series `json:"series"`
	}
	VersionPayload struct {
		Series   *Series `json:"series"`
		Previous *int    `json:"previous_version"`
		Current  *int    `json:"current_version"`
	}
	// MetadataPayload has the names that changed; null: there was, or is, none.
	MetadataPayload struct {
		Series   *Series            `json:"series"`
		Previous map[string]*string `json:"previous_metadata"`
		Current  map[string]*string `json:"current_metadata"`
	}

	CompletedPayload struct {
		Patch  *Patch  `json:"patch"`
		Series *Series `json:"series"`
	}
	StatePayload struct {
		Patch    *Patch `json:"patch"`
		Previous string `json:"previous_state"`
		Current  string `json:"current_state"`
	}
	DelegatePayload struct {
		Patch    *Patch     `json:"patch"`
		Previous *rest.User `json:"previous_delegate"`
		Current  *rest.User `json:"current_delegate"`
	}
	ArchivedPayload struct {
		Patch    *Patch `json:"patch"`
		Previous bool   `json:"previous_archived"`
		Current  bool   `json:"current_archived"`
	}
	CommitPayload struct {
		Patch    *Patch  `json:"patch"`
		Previous *string `json:"previous_commit_ref"`
		Current  *string `json:"current_commit_ref"`
	}
	PullURLPayload struct {
		Patch    *Patch  `json:"patch"`
		Previous *string `json:"previous_pull_url"`
		Current  *string `json:"current_pull_url"`
	}
	// RelationPayload never says more than that: nor does Patchwork 3.2.
	RelationPayload struct {
		Patch    *Patch `json:"patch"`
		Previous any    `json:"previous_relation"`
		Current  any    `json:"current_relation"`
	}
	CheckPayload struct {
		Patch *Patch `json:"patch"`
		Check *Check `json:"check"`
	}
	PatchCommentPayload struct {
		Patch   *Patch   `json:"patch"`
		Comment *Comment `json:"comment"`
	}
	CoverCommentPayload struct {
		Cover   *Cover   `json:"cover"`
		Comment *Comment `json:"comment"`
	}
	PatchAddressedPayload struct {
		PatchCommentPayload
		Previous *bool `json:"previous_addressed"`
		Current  *bool `json:"current_addressed"`
	}
	CoverAddressedPayload struct {
		CoverCommentPayload
		Previous *bool `json:"previous_addressed"`
		Current  *bool `json:"current_addressed"`
	}
)

// Events makes events in their order, in nine queries however many there are. One whose objects are hidden or deleted is left out, and so is one
// of a kind that is not of this domain, or whose payload can't be read.
func (a Addresses) Events(ctx context.Context, q sqldb.Queryer, stored []event.Stored) ([]*Event, error) {
	m := &maker{Addresses: a, payloads: make([]patch.Payload, len(stored))}
	if err := m.load(ctx, q, stored); err != nil {
		return nil, fmt.Errorf("make %d events: %w", len(stored), err)
	}
	var out []*Event
	for i, s := range stored {
		if e := m.event(s, m.payloads[i]); e != nil {
			out = append(out, e)
		}
	}
	return out, nil
}

// maker holds what a batch of events needs.
type maker struct {
	Addresses
	payloads []patch.Payload
	projects map[int64]*project.Project
	users    map[int64]*account.User
	refs     *patch.Refs
}

func (m *maker) load(ctx context.Context, q sqldb.Queryer, stored []event.Stored) (err error) {
	var ids patch.RefIDs
	var projects, users []int64
	for i, s := range stored {
		p := &m.payloads[i]
		if !slices.Contains(patch.EventKinds(), s.Kind) {
			continue
		}
		if json.Unmarshal([]byte(s.Payload), p) != nil {
			*p = patch.Payload{} // it names nothing; one bad row must not hold up all events after it
			continue
		}
		projects = add(projects, s.Project)
		users = add(add(add(users, s.Actor), p.PreviousDelegate), p.CurrentDelegate)
		ids.Patches, ids.Covers = add(ids.Patches, p.Patch), add(ids.Covers, p.Cover)
		ids.Series, ids.Checks = add(ids.Series, p.Series), add(ids.Checks, p.Check)
		if onCover(s.Kind) {
			ids.CoverComments = add(ids.CoverComments, p.Comment)
		} else {
			ids.PatchComments = add(ids.PatchComments, p.Comment)
		}
	}
	if m.projects, err = project.ByIDs(ctx, q, unique(projects)); err != nil {
		return err
	}
	if m.users, err = account.UsersByID(ctx, q, unique(users)); err != nil {
		return err
	}
	for _, list := range []*[]int64{&ids.Patches, &ids.Covers, &ids.Series, &ids.Checks, &ids.PatchComments, &ids.CoverComments} {
		*list = unique(*list)
	}
	m.refs, err = patch.ReadRefs(ctx, q, ids)
	return err
}

func add(ids []int64, id int64) []int64 {
	if id == 0 {
		return ids
	}
	return append(ids, id)
}

func unique(ids []int64) []int64 {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// event makes one, nil if something it is about is gone.
func (m *maker) event(s event.Stored, p patch.Payload) *Event {
	pr := m.projects[s.Project]
	if pr == nil || !slices.Contains(patch.EventKinds(), s.Kind) {
		return nil
	}
	has := func(id int64, there bool) bool { return id == 0 || there }
	if !has(p.Patch, m.refs.Patches[p.Patch] != nil) || !has(p.Cover, m.refs.Covers[p.Cover] != nil) || !has(p.Series, m.refs.Series[p.Series] != nil) ||
		!has(p.Check, m.refs.Checks[p.Check] != nil) || !has(p.Comment, m.comment(s.Kind, p) != nil) {
		return nil
	}
	payload := m.payload(s.Kind, pr, p)
	if payload == nil {
		return nil
	}
	e := &Event{ID: s.ID, Category: s.Kind, Project: m.Addresses.project(pr), Date: rest.Date(s.At), Actor: rest.EmbedUser(m.API, m.users[s.Actor]), Payload: payload}
	if s.Pos != 0 {
		e.Pos = &s.Pos
	}
	e.Facts = Facts{OfPatch: p.Patch != 0, State: p.CurrentState, Tags: m.refs.Tags[p.Patch]}
	if c := m.refs.Checks[p.Check]; c != nil {
		e.Facts.CheckState, e.Facts.CheckContext = m.check(c).State, c.Context
	}
	return e
}

// onCover tells whether a kind of event is about a comment on a cover letter.
func onCover(kind string) bool {
	return kind == patch.EventCoverCommentCreated || kind == patch.EventCoverCommentAddressed
}

func (m *maker) comment(kind string, p patch.Payload) *patch.MailRef {
	if onCover(kind) {
		return m.refs.CoverComments[p.Comment]
	}
	return m.refs.PatchComments[p.Comment]
}

// payload makes what is in the event; nil if it names no object of the sort that its kind is about.
func (m *maker) payload(kind string, pr *project.Project, p patch.Payload) any {
	switch kind {
	case patch.EventSeriesCreated, patch.EventSeriesCompleted, patch.EventSeriesVersion, patch.EventSeriesMetadata:
		if s := m.refs.Series[p.Series]; s != nil {
			return ofSeries(kind, m.series(pr, s), p)
		}
		return nil
	case patch.EventCoverCreated, patch.EventCoverCommentCreated, patch.EventCoverCommentAddressed:
		if ref := m.refs.Covers[p.Cover]; ref != nil {
			return m.ofCover(kind, pr, m.cover(pr, ref), p)
		}
		return nil
	}
	if ref := m.refs.Patches[p.Patch]; ref != nil {
		return m.ofPatch(kind, pr, m.patch(pr, ref), p)
	}
	return nil
}

func ofSeries(kind string, about *Series, p patch.Payload) any {
	switch kind {
	case patch.EventSeriesVersion:
		return VersionPayload{about, p.PreviousVersion, p.CurrentVersion}
	case patch.EventSeriesMetadata:
		return MetadataPayload{about, p.PreviousMetadata, p.CurrentMetadata}
	}
	return SeriesPayload{about}
}

func (m *maker) ofCover(kind string, pr *project.Project, about *Cover, p patch.Payload) any {
	if kind == patch.EventCoverCreated {
		return CoverPayload{about}
	}
	r := m.refs.CoverComments[p.Comment]
	if r == nil {
		return nil
	}
	on := CoverCommentPayload{about, m.Addresses.comment(pr, "covers", r)}
	if kind == patch.EventCoverCommentAddressed {
		return CoverAddressedPayload{on, p.PreviousAddressed, p.CurrentAddressed}
	}
	return on
}

func (m *maker) ofPatch(kind string, pr *project.Project, about *Patch, p patch.Payload) any {
	switch kind {
	case patch.EventPatchCreated:
		return PatchPayload{about}
	case patch.EventPatchCompleted:
		if s := m.refs.Series[p.Series]; s != nil {
			return CompletedPayload{about, m.series(pr, s)}
		}
	case patch.EventPatchStateChanged:
		return StatePayload{about, p.PreviousState, p.CurrentState}
	case patch.EventPatchDelegated:
		return DelegatePayload{about, rest.EmbedUser(m.API, m.users[p.PreviousDelegate]), rest.EmbedUser(m.API, m.users[p.CurrentDelegate])}
	case patch.EventPatchArchived:
		now := p.Archived != nil && *p.Archived
		return ArchivedPayload{about, !now, now}
	case patch.EventPatchCommit:
		return CommitPayload{about, orNil(p.PreviousCommit), orNil(p.CurrentCommit)}
	case patch.EventPatchPullURL:
		return PullURLPayload{about, orNil(p.PreviousPullURL), orNil(p.CurrentPullURL)}
	case patch.EventPatchRelation:
		return RelationPayload{Patch: about}
	case patch.EventCheckCreated, patch.EventCheckUpdated:
		if c := m.refs.Checks[p.Check]; c != nil {
			return CheckPayload{about, m.check(c)}
		}
	case patch.EventPatchCommentCreated, patch.EventPatchCommentAddressed:
		r := m.refs.PatchComments[p.Comment]
		if r == nil {
			return nil
		}
		on := PatchCommentPayload{about, m.Addresses.comment(pr, "patches", r)}
		if kind == patch.EventPatchCommentAddressed {
			return PatchAddressedPayload{on, p.PreviousAddressed, p.CurrentAddressed}
		}
		return on
	}
	return nil
}
