// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// Happening is what is known of an event beside what it holds itself. What does not apply is empty.
type Happening struct {
	Event    int64
	Title    string // of the patch, cover letter or series
	URL      string // of its page
	Actor    string // user name of who did it
	Delegate string // user name, or nobody
	Check    string // result of a check
	Context  string // of a check
}

// Describer tells of events at a site with a base address, in a fixed number of queries; one whose objects are hidden or gone it leaves out.
type Describer func(ctx context.Context, q sqldb.Queryer, base string, events []event.Stored) ([]Happening, error)

// eventsURL is the address of the feed of what happens in a project; about is "", "patch" or "series".
func eventsURL(linkname, about string, id int64) string {
	path := strings.TrimSuffix(projectPath(linkname), "/") + "/events.atom"
	if about == "" {
		return path
	}
	return path + "?" + about + "=" + strconv.FormatInt(id, 10)
}

// eventFilter is what a feed of events is about.
type eventFilter struct {
	kind  string
	about map[string][]int64 // nil: everything
	what  string             // in words
	page  string             // the path of its page
}

// mostOfSeries is how many patches of a series a feed of it follows.
const mostOfSeries = 500

// eventFilter reads the filter of the address. Other than in lists nonsense is an error: a feed that follows something else than was meant would not be noticed.
func (p *Pages) eventFilter(ctx context.Context, pr project.Project, v url.Values) (f eventFilter, err error) {
	f = eventFilter{kind: v.Get("category"), what: "what happens", page: projectPath(pr.Linkname) + "list/"}
	switch {
	case f.kind != "" && !slices.Contains(patch.EventKinds(), f.kind):
		return f, fault.New(fault.Invalid, "there are no events of the category %q; there are %s", f.kind, strings.Join(patch.EventKinds(), ", "))
	case v.Get("series") != "" && v.Get("patch") != "":
		return f, fault.New(fault.Invalid, "a feed is of a series or of a patch, not of both")
	case v.Get("series") != "":
		err = p.followSeries(ctx, pr, &f, v.Get("series"))
	case v.Get("patch") != "":
		err = p.followPatch(ctx, pr, &f, v.Get("patch"))
	}
	return f, err
}

// followSeries makes the filter one of a series, its cover letter and its patches.
func (p *Pages) followSeries(ctx context.Context, pr project.Project, f *eventFilter, text string) error {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fault.New(fault.Invalid, "%q is not the number of a series", text)
	}
	s, err := patch.ReadSeries(ctx, p.db, id)
	if err != nil {
		return err
	}
	if s.Project != pr.ID {
		return fault.New(fault.NotFound, "there is no series %d in %s", id, pr.Name)
	}
	patches, err := patch.PatchesOf(ctx, p.db, id)
	if err != nil {
		return err
	}
	f.about = map[string][]int64{"series": {id}}
	for _, one := range patches[:min(len(patches), mostOfSeries)] {
		f.about["patch"] = append(f.about["patch"], one.ID)
	}
	if s.Cover != 0 {
		f.about["cover"] = []int64{s.Cover}
	}
	f.what, f.page = shown(s.Name), seriesURL(pr.Linkname, id)
	return nil
}

// followPatch makes the filter one of a patch.
func (p *Pages) followPatch(ctx context.Context, pr project.Project, f *eventFilter, text string) error {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fault.New(fault.Invalid, "%q is not the number of a patch", text)
	}
	at, err := patch.PlaceOf(ctx, p.db, patch.KindPatch, id)
	if err != nil {
		return err
	}
	if at.Project != pr.Linkname {
		return fault.New(fault.NotFound, "there is no patch %d in %s", id, pr.Name)
	}
	f.about, f.what, f.page = map[string][]int64{"patch": {id}}, fmt.Sprint("patch ", id), patch.PagePath(pr.Linkname, patch.KindPatch, at.MsgID)
	return nil
}

// untold are the events that a feed has only if they are asked for: of each patch they say again what its series says.
var untold = []string{patch.EventPatchCompleted}

// eventFeed answers with what happened last in a project, whoever asks.
func (p *Pages) eventFeed(c *web.Call) error {
	ctx, v := c.R.Context(), c.R.URL.Query()
	pr, err := p.project(c)
	if err != nil {
		return err
	}
	f, err := p.eventFilter(ctx, pr, v)
	if err != nil {
		return err
	}
	stored, err := event.Newest(ctx, p.db, pr.ID, f.kind, untold, f.about, feedLengthOf(v))
	if err != nil {
		return err
	}
	entries, err := p.eventEntries(c, pr, stored)
	if err != nil {
		return err
	}
	var filter []chip
	at := address{path: eventsURL(pr.Linkname, "", 0), query: url.Values{}}
	for _, key := range []string{"category", "patch", "series"} {
		if v.Get(key) != "" {
			at.query.Set(key, v.Get(key))
		}
	}
	if f.kind != "" {
		filter = []chip{{Text: f.kind}}
	}
	return sendFeed(c, feedTitle(pr, f.what, filter), at.here(), f.page, entries)
}

// eventEntries makes entries of events, but of those whose objects are not shown.
func (p *Pages) eventEntries(c *web.Call, pr project.Project, stored []event.Stored) ([]feedEntry, error) {
	ctx := c.R.Context()
	told, err := p.opt.Describe(ctx, p.db, c.Base(), stored)
	if err != nil {
		return nil, err
	}
	words, err := patch.ReadVocabulary(ctx, p.db)
	if err != nil {
		return nil, err
	}
	payloads := map[int64]patch.Payload{}
	var ids patch.RefIDs
	for _, e := range stored {
		var of patch.Payload
		if json.Unmarshal([]byte(e.Payload), &of) != nil {
			continue // nobody can tell of it
		}
		payloads[e.ID] = of
		mailsOf(e.Kind, of, &ids)
	}
	mails, err := patch.ReadOpenings(ctx, p.db, ids, summaryRead)
	if err != nil {
		return nil, err
	}
	known := map[int64]Happening{}
	for _, h := range told {
		known[h.Event] = h
	}
	var entries []feedEntry
	for _, e := range stored {
		h, ok := known[e.ID]
		if !ok {
			continue
		}
		happened := whatHappened(e.Kind, payloads[e.ID], h, words)
		out := entry(c, siteTag(c, "event", e.ID), strings.ToUpper(happened[:1])+happened[1:]+" - "+shown(h.Title), "", shownIfAny(h.Actor), e.At, e.At)
		if out.Link.Href = h.URL; strings.HasPrefix(e.Kind, "series-") { // the API has their list
			out.Link.Href = c.Base() + seriesURL(pr.Linkname, payloads[e.ID].Series)
		}
		if m, ok := mailOf(e.Kind, payloads[e.ID], mails); ok {
			out.Author, out.Summary = &feedPerson{person(m.SubmitterName, m.SubmitterMail)}, summary(m.Text)
		}
		entries = append(entries, out)
	}
	return entries, nil
}

func shownIfAny(name string) string {
	if name == "" {
		return ""
	}
	return shown(name)
}

// mailsOf adds the mail that an event is the coming of.
func mailsOf(kind string, of patch.Payload, to *patch.RefIDs) {
	switch kind {
	case patch.EventPatchCreated:
		to.Patches = append(to.Patches, of.Patch)
	case patch.EventCoverCreated:
		to.Covers = append(to.Covers, of.Cover)
	case patch.EventPatchCommentCreated:
		to.PatchComments = append(to.PatchComments, of.Comment)
	case patch.EventCoverCommentCreated:
		to.CoverComments = append(to.CoverComments, of.Comment)
	}
}

// mailOf is that mail, if there is one.
func mailOf(kind string, of patch.Payload, mails patch.Openings) (m patch.Opening, ok bool) {
	switch kind {
	case patch.EventPatchCreated:
		m, ok = mails.Patches[of.Patch]
	case patch.EventCoverCreated:
		m, ok = mails.Covers[of.Cover]
	case patch.EventPatchCommentCreated:
		m, ok = mails.PatchComments[of.Comment]
	case patch.EventCoverCommentCreated:
		m, ok = mails.CoverComments[of.Comment]
	}
	return m, ok
}

var happenings = map[string]string{patch.EventPatchCreated: "new patch", patch.EventCoverCreated: "new cover letter", patch.EventSeriesCreated: "new series", patch.EventSeriesCompleted: "series complete",
	patch.EventPatchCompleted: "patch and all before it are here", patch.EventPatchCommentCreated: "new comment", patch.EventCoverCommentCreated: "new comment", patch.EventPatchRelation: "related patches changed"}

// whatHappened says an event in words, those of pages.
func whatHappened(kind string, of patch.Payload, h Happening, words patch.Vocabulary) string {
	set := patch.Change{}
	users := map[int64]*account.User{of.CurrentDelegate: {Username: h.Delegate}}
	switch kind {
	case patch.EventPatchStateChanged:
		return "state: " + stateOf(words, of.CurrentState) + ", was " + stateOf(words, of.PreviousState)
	case patch.EventPatchDelegated:
		set.Delegate = &of.CurrentDelegate
	case patch.EventPatchArchived:
		set.Archived = of.Archived
	case patch.EventPatchCommit:
		set.CommitRef = &of.CurrentCommit
	case patch.EventPatchPullURL:
		set.PullURL = &of.CurrentPullURL
	case patch.EventCheckCreated, patch.EventCheckUpdated:
		return "check " + shown(h.Context) + ": " + h.Check
	case patch.EventPatchCommentAddressed, patch.EventCoverCommentAddressed:
		return addressedNow(of.CurrentAddressed)
	case patch.EventSeriesVersion, patch.EventSeriesMetadata:
		return seriesNow(of)
	}
	if text := wants(set, words, users); text != "" {
		return text
	}
	if text := happenings[kind]; text != "" {
		return text
	}
	return kind
}

// seriesNow says what was set of a series itself.
func seriesNow(of patch.Payload) string {
	e := patch.SeriesEdit{Version: of.CurrentVersion}
	for name := range of.CurrentMetadata {
		e.Metadata = append(e.Metadata, name)
	}
	slices.Sort(e.Metadata)
	return seriesDone(e)
}

// addressedNow says what a comment asks for.
func addressedNow(addressed *bool) string {
	switch {
	case addressed == nil:
		return "comment needs no action"
	case *addressed:
		return "comment addressed"
	}
	return "comment needs action"
}

// stateOf is the name of a state; of one that is gone what it was called in addresses.
func stateOf(words patch.Vocabulary, slug string) string {
	for _, s := range words.States {
		if s.Slug == slug {
			return s.Name
		}
	}
	if slug == "" {
		return "none"
	}
	return slug
}
