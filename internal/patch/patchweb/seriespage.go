// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// seriesPage is what the template of a series needs.
type seriesPage struct {
	project   project.Project
	base      string // of the site
	words     patch.Vocabulary
	series    *patch.SeriesDetail
	patches   []*patch.Row
	cover     *patch.CoverDetail // nil: none
	comments  []*patch.SeriesComment
	flat      bool // comments by date
	chain     patch.Chain
	editions  []patch.Edition // all versions
	visitor   account.Actor
	members   []project.Member
	bundles   []patch.Bundle // of the visitor
	maintains bool           // the visitor maintains the project
	stand     patch.Stand
}

func (p *Pages) series(c *web.Call) error {
	pr, err := p.project(c)
	if err != nil {
		return err
	}
	s := seriesPage{project: pr, base: c.Base(), visitor: c.Actor(), flat: isFlat(c)}
	if s.series, err = p.seriesOf(c, pr); err != nil {
		return err
	}
	if err := p.readSeriesPage(c.R.Context(), &s); err != nil {
		return err
	}
	p.look(c, s.editions, s.series.ID)
	if err := p.readSeriesRights(c, &s); err != nil {
		return err
	}
	meta := web.Meta{Title: s.title(), Project: pr.Linkname, Name: pr.Name, NavHTML: pr.NavHTML, Feed: web.Link{Text: "What happens to this series", Path: eventsURL(pr.Linkname, "series", s.series.ID)}}
	return c.Render(http.StatusOK, meta, seriesView(s))
}

// seriesNumber reads a series' id in the path.
func seriesNumber(c *web.Call) (int64, error) {
	id, err := strconv.ParseInt(c.R.PathValue("id"), 10, 64)
	if err != nil {
		return 0, fault.New(fault.NotFound, "there is no such series")
	}
	return id, nil
}

// seriesOf reads the series that an address names.
func (p *Pages) seriesOf(c *web.Call, pr project.Project) (*patch.SeriesDetail, error) {
	id, err := seriesNumber(c)
	if err != nil {
		return nil, err
	}
	s, err := patch.ReadSeries(c.R.Context(), p.db, id)
	if err == nil && s.Project != pr.ID {
		err = fault.New(fault.NotFound, "there is no series %d in %s", id, pr.Name)
	}
	return s, err
}

func (p *Pages) readSeriesPage(ctx context.Context, s *seriesPage) (err error) {
	if s.words, err = patch.ReadVocabulary(ctx, p.db); err != nil {
		return err
	}
	if s.patches, err = patch.InSeries(ctx, p.db, s.series.ID); err != nil {
		return err
	}
	if s.series.CoverMessage != 0 {
		if s.cover, err = patch.ReadCover(ctx, p.db, s.series.CoverMessage); err != nil {
			return err
		}
	}
	if s.comments, err = patch.SeriesComments(ctx, p.db, s.series.ID); err != nil {
		return err
	}
	if s.stand, err = patch.StandOf(ctx, p.db, s.series.ID); err != nil {
		return err
	}
	if s.chain, err = patch.ReadChain(ctx, p.db, &s.series.Series); err != nil {
		return err
	}
	if s.editions, err = patch.Editions(ctx, p.db, s.series.ID, s.visitor.User); err != nil {
		return err
	}
	return nil
}

// readSeriesRights finds out what the visitor may do here.
func (p *Pages) readSeriesRights(c *web.Call, s *seriesPage) (err error) {
	if s.visitor.User == 0 {
		return nil
	}
	if s.members, err = project.MembersOf(c.R.Context(), p.db, s.project.ID); err != nil {
		return err
	}
	s.maintains = slices.ContainsFunc(s.members, func(m project.Member) bool { return m.ID == s.visitor.User })
	s.bundles, err = p.ownBundles(c, s.project.ID)
	return err
}

// mayAll tells whether there is something to change, and the visitor may change all of it.
func (s seriesPage) mayAll() bool { return len(s.patches) > 0 && s.mayUndo() }

// bar is what the form for all patches of the series needs; who may not change them has no members to choose from.
func (s seriesPage) bar() bulkBar {
	b := bulkBar{words: s.words, bundles: s.bundles}
	if s.mayAll() {
		b.members = append([]project.Member{}, s.members...)
	}
	return b
}

func (s seriesPage) patchIDs() (ids []int64) {
	for _, r := range s.patches {
		ids = append(ids, r.ID)
	}
	return ids
}

// mayUndo tells whether the visitor may change all patches of the series.
func (s seriesPage) mayUndo() bool {
	return !slices.ContainsFunc(s.patches, func(r *patch.Row) bool { return !patch.EditsPatch(s.visitor, s.maintains, s.userOf(r), r.Delegate) })
}

// userOf is the user who sent a patch, as far as the series knows; 0: none.
func (s seriesPage) userOf(r *patch.Row) int64 {
	if r.Submitter == s.series.Submitter {
		return s.series.SubmitterUser
	}
	return 0
}

// commands are what people take from here to where they work.
func (s seriesPage) commands() []command {
	return append(idCommands(s.firstMsgID()), seriesCommands(s.base, s.series.ID)...)
}

// firstMsgID is the Message-ID of the cover letter, else of the first patch.
func (s seriesPage) firstMsgID() string {
	switch {
	case s.cover != nil:
		return s.cover.MsgID
	case len(s.patches) > 0:
		return s.patches[0].MsgID
	}
	return ""
}

// talk is the comments of all patches and of the cover letter as one thread. What they are on stands above them as a line.
func (s seriesPage) talk() talk {
	t := talk{flat: s.flat, where: " on the series", more: len(s.comments) > patch.MaxSeriesComments}
	var boxes []*mailBox
	about := func(kind, msgid, name string, date clock.Time) {
		boxes = append(boxes, &mailBox{mail: patch.Mail{MsgID: msgid, Date: date}, title: name, page: patch.PagePath(s.project.Linkname, kind, msgid), stub: true})
	}
	if !s.flat {
		if s.cover != nil {
			about(patch.KindCover, s.cover.MsgID, s.cover.Name, s.cover.Date)
		}
		for _, r := range s.patches {
			about(patch.KindPatch, r.MsgID, r.Name, r.Date)
		}
	}
	for _, c := range s.comments[:min(len(s.comments), patch.MaxSeriesComments)] {
		boxes = append(boxes, s.box(c))
	}
	t.boxes = answered(inThread(boxes, s.flat))
	return t
}

// box is a comment with the form of who may mark it.
func (s seriesPage) box(c *patch.SeriesComment) *mailBox {
	b := &mailBox{mail: c.Mail, id: fmt.Sprintf("m%d", c.Message), title: c.Subject, html: textHTML(c.Content), files: filesOf(s.project.Linkname, &c.Mail), reply: replyTo(s.project, c.Mail, ""), headers: headersURL(s.project.Linkname, c.MsgID), comment: c.ID, addressed: c.Addressed}
	if s.maintains || s.visitor.Admin {
		b.sender = personURL(s.project.Linkname, c.Submitter)
	}
	kind, msgid, delegate := patch.KindCover, s.series.CoverMsgID, int64(0)
	if c.Patch != 0 {
		at := slices.IndexFunc(s.patches, func(r *patch.Row) bool { return r.ID == c.Patch })
		if at < 0 {
			return b // it came this moment
		}
		kind, msgid, delegate = patch.KindPatch, s.patches[at].MsgID, s.patches[at].Delegate
	}
	on := patch.PagePath(s.project.Linkname, kind, msgid)
	b.page = on + "#" + strconv.FormatInt(c.ID, 10)
	if patch.MarksComment(s.visitor, s.maintains, c.User, s.series.SubmitterUser, delegate) {
		b.action, b.back = on, strconv.FormatInt(s.series.ID, 10)
	}
	return b
}

// unsupersede gives the patches of a series back the states they had when a newer version came.
func (p *Pages) unsupersede(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	pr, err := p.project(c)
	if err != nil {
		return err
	}
	s, err := p.seriesOf(c, pr)
	if err != nil {
		return err
	}
	done, err := patch.Unsupersede(c.R.Context(), p.db, c.Actor(), c.Now, s.ID)
	if err != nil {
		return err
	}
	if done.Patches == 0 {
		return fault.New(fault.Denied, "you may not change these patches: only their submitter, their delegate and the maintainers of %s may", pr.Name)
	}
	c.Flash(web.Flash{Text: fmt.Sprintf("%d of its patches have their old state again", done.Patches), Undo: undoPath(done.Set)})
	return c.Redirect(http.StatusSeeOther, seriesURL(pr.Linkname, s.ID))
}

// seriesRedirect leads /series/7/ to the page of the series in its project.
func (p *Pages) seriesRedirect(c *web.Call) error {
	id, err := seriesNumber(c)
	if err != nil {
		return err
	}
	s, err := patch.ReadSeries(c.R.Context(), p.db, id)
	if err != nil {
		return err
	}
	all, err := project.All(c.R.Context(), p.db)
	if err != nil {
		return err
	}
	for _, pr := range all {
		if pr.ID == s.Project {
			return c.Redirect(http.StatusFound, seriesURL(pr.Linkname, id))
		}
	}
	return fault.New(fault.NotFound, "there is no series %d", id)
}
