// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// mailPage is what the templates of patch and cover pages need.
type mailPage struct {
	project   project.Project
	base      string // of the site
	words     patch.Vocabulary
	members   []project.Member
	mail      patch.Mail
	name      string
	patch     *patch.Detail // nil: a cover letter
	comments  []*patch.Comment
	flat      bool                // comments by date
	series    *patch.SeriesDetail // nil: none
	chain     patch.Chain
	siblings  []*patch.Row
	editions  []patch.Edition // all versions of the series, for who is logged in
	checks    []patch.CheckRow
	older     []patch.CheckRow // than those
	related   []*patch.RelatedPatch
	diff      *diffPage      // nil: none
	bundles   []patch.Bundle // of the visitor
	visitor   account.Actor
	mayEdit   bool
	maintains bool // the visitor maintains the project
}

// inSeries tells whether there is more of the series than this mail.
func (p mailPage) inSeries() bool {
	return p.series != nil && (p.series.Total > 1 || p.series.Received > 1 || p.series.CoverMsgID != "")
}

// feed is the feed of what happens to the patch, or to the series of a cover letter.
func (p mailPage) feed() web.Link {
	switch {
	case p.patch != nil:
		return web.Link{Text: "What happens to this patch", Path: eventsURL(p.project.Linkname, "patch", p.patch.ID)}
	case p.series != nil:
		return web.Link{Text: "What happens to this series", Path: eventsURL(p.project.Linkname, "series", p.series.ID)}
	}
	return web.Link{}
}

func (p *Pages) patch(c *web.Call) error { return p.mailOf(c, patch.KindPatch) }

func (p *Pages) cover(c *web.Call) error { return p.mailOf(c, patch.KindCover) }

// mailOf answers an address below /patch/ or /cover/: the page or a download. The address of the other kind is sent on to where it belongs.
func (p *Pages) mailOf(c *web.Call, kind string) error {
	pr, err := p.project(c)
	if err != nil {
		return err
	}
	t := parseTarget(c.R.URL.EscapedPath())
	m, err := p.locate(c.R.Context(), pr.ID, t)
	if err != nil {
		return err
	}
	switch {
	case m.Kind != patch.KindPatch && m.Kind != patch.KindCover:
		return fault.New(fault.NotFound, "this Message-ID is neither a patch nor a cover letter")
	case m.Kind != kind:
		to := patch.PagePath(pr.Linkname, m.Kind, m.MsgID)
		if t.download != "" {
			to += t.download + "/"
		}
		return c.Redirect(http.StatusFound, withQuery(to, c))
	case t.download != "":
		return p.download(c, pr, m, t.download)
	case !strings.HasSuffix(c.R.URL.EscapedPath(), "/"):
		return c.Redirect(http.StatusMovedPermanently, withQuery(c.R.URL.EscapedPath()+"/", c))
	}
	page, err := p.read(c, pr, m.ID, kind)
	if err != nil {
		return err
	}
	meta := web.Meta{Title: shown(page.name), Project: pr.Linkname, Name: pr.Name, NavHTML: pr.NavHTML, Scripts: []string{"diff.js"}, Feed: page.feed()}
	return c.Render(http.StatusOK, meta, mailPageView(page))
}

func (p *Pages) read(c *web.Call, pr project.Project, message int64, kind string) (mailPage, error) {
	ctx := c.R.Context()
	page := mailPage{project: pr, base: c.Base(), visitor: c.Actor(), flat: isFlat(c)}
	var err error
	if page.words, err = patch.ReadVocabulary(ctx, p.db); err != nil {
		return page, err
	}
	t, series := patch.Target{}, int64(0)
	if kind == patch.KindPatch {
		if page.patch, err = patch.ReadPatch(ctx, p.db, message); err != nil {
			return page, err
		}
		d := page.patch
		page.mail, page.name, t.Patch, series = d.Mail, d.Name, d.ID, d.Series
		if page.checks, page.older, err = patch.Checks(ctx, p.db, d.ID); err != nil {
			return page, err
		}
	} else {
		d, err := patch.ReadCover(ctx, p.db, message)
		if err != nil {
			return page, err
		}
		page.mail, page.name, t.Cover, series = d.Mail, d.Name, d.ID, d.Series
	}
	if page.comments, err = patch.Comments(ctx, p.db, t); err != nil {
		return page, err
	}
	if page.patch != nil {
		if page.diff, err = newDiffPage(c, p.palette, page.patch, page.comments, pr.Linkname, false); err != nil {
			return page, err
		}
	}
	if err := p.readSeries(c, &page, series); err != nil {
		return page, err
	}
	if err := p.readRelated(c, &page); err != nil {
		return page, err
	}
	return page, p.readRights(c, &page)
}

func (p *Pages) readSeries(c *web.Call, page *mailPage, id int64) (err error) {
	if id == 0 {
		return nil
	}
	if page.series, err = patch.ReadSeries(c.R.Context(), p.db, id); err != nil {
		return err
	}
	if page.chain, err = patch.ReadChain(c.R.Context(), p.db, &page.series.Series); err != nil {
		return err
	}
	if page.siblings, err = patch.InSeries(c.R.Context(), p.db, id); err != nil || c.User.ID == 0 {
		return err
	}
	if page.editions, err = patch.Editions(c.R.Context(), p.db, id, c.User.ID); err != nil {
		return err
	}
	p.look(c, page.editions, id)
	return nil
}

// readRights finds out what the visitor may do here, and what delegates there are.
func (p *Pages) readRights(c *web.Call, page *mailPage) (err error) {
	if c.User.ID == 0 {
		return nil
	}
	if page.members, err = project.MembersOf(c.R.Context(), p.db, page.project.ID); err != nil {
		return err
	}
	page.maintains = c.User.IsAdmin || slices.ContainsFunc(page.members, func(m project.Member) bool { return m.ID == c.User.ID })
	if page.patch == nil {
		return nil
	}
	page.bundles, err = p.ownBundles(c, page.project.ID)
	page.mayEdit = patch.EditsPatch(page.visitor, page.maintains, page.mail.User, page.patch.Delegate)
	return err
}

// postMail does what a form on the page of a patch or cover letter asks for.
func (p *Pages) postMail(kind string) func(*web.Call) error {
	return func(c *web.Call) error {
		if err := c.RequireLogin(); err != nil {
			return err
		}
		pr, err := p.project(c)
		if err != nil {
			return err
		}
		m, err := p.locate(c.R.Context(), pr.ID, parseTarget(c.R.URL.EscapedPath()))
		if err != nil {
			return err
		}
		if m.Kind != kind {
			return fault.New(fault.NotFound, "this Message-ID is no %s", kind)
		}
		if err := parseForm(c); err != nil {
			return err
		}
		to := patch.PagePath(pr.Linkname, kind, wholeID(m))
		if kind == patch.KindCover {
			d, err := patch.ReadCover(c.R.Context(), p.db, m.ID)
			if err != nil {
				return err
			}
			return p.markComment(c, to, patch.Target{Cover: d.ID})
		}
		d, err := patch.ReadPatch(c.R.Context(), p.db, m.ID)
		if err != nil {
			return err
		}
		switch form := c.R.PostForm; {
		case form.Has("comment"):
			return p.markComment(c, to, patch.Target{Patch: d.ID})
		case form.Has("relate"), form.Has("unrelate"):
			return p.relate(c, pr, to, d)
		}
		return p.updatePatch(c, pr, to, d)
	}
}

// updatePatch changes one patch from the form on its page.
func (p *Pages) updatePatch(c *web.Call, pr project.Project, to string, d *patch.Detail) error {
	dropUnchanged(c.R.PostForm)
	change, err := parseChange(c.R.PostForm)
	if err != nil {
		return err
	}
	done, err := patch.Update(c.R.Context(), p.db, c.Actor(), c.Now, []int64{d.ID}, change)
	if err != nil {
		return err
	}
	if len(done.Refused) > 0 {
		return fault.New(fault.Denied, "you may not change this patch: only its submitter, its delegate and the maintainers of %s may", pr.Name)
	}
	c.Flash(web.Flash{Text: "Patch updated", Undo: undoPath(done.Set)})
	return c.Redirect(http.StatusSeeOther, to)
}

// delegates are who the patch can be delegated to, and who it is delegated to, should he maintain the project no more.
func (p mailPage) delegates() []project.Member {
	now := p.patch.Delegate
	if now == 0 || slices.ContainsFunc(p.members, func(m project.Member) bool { return m.ID == now }) {
		return p.members
	}
	return append(slices.Clip(p.members), project.Member{ID: now, Username: p.patch.DelegateName})
}

// was is what the form of the patch shows before anything is chosen in it, as the form would send it.
func (p mailPage) was() string {
	delegate := ""
	if p.patch.Delegate != 0 {
		delegate = strconv.FormatInt(p.patch.Delegate, 10)
	}
	return url.Values{"state": {strconv.FormatInt(p.patch.State, 10)}, "delegate": {delegate}, "archived": {strconv.FormatBool(p.patch.Archived)}}.Encode()
}

// dropUnchanged takes out of a form what its user left as it was shown: somebody else may have changed it since.
func dropUnchanged(form url.Values) {
	was, _ := url.ParseQuery(form.Get("was")) // what can't be read says nothing
	for name := range was {
		if form.Get(name) == was.Get(name) {
			form.Del(name)
		}
	}
}
