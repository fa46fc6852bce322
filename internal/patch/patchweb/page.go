// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// mailPage is what the templates of patch and cover pages need.
type mailPage struct {
	project  project.Project
	words    patch.Vocabulary
	members  []project.Member
	mail     patch.Mail
	name     string
	patch    *patch.Detail // nil: a cover letter
	comments []*patch.Comment
	series   *patch.SeriesDetail // nil: none
	chain    patch.Chain
	siblings []*patch.Row
	checks   []patch.CheckRow
	files    []*diffFile
	cut      bool
	mayEdit  bool
}

// inSeries tells whether there is more of the series than this mail.
func (p mailPage) inSeries() bool {
	return p.series != nil && (p.series.Total > 1 || p.series.Received > 1 || p.series.CoverMsgID != "")
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
	meta := web.Meta{Title: shown(page.name), Project: pr.Linkname, Name: pr.Name, NavHTML: pr.NavHTML}
	return c.Render(http.StatusOK, meta, mailView(page))
}

func (p *Pages) read(c *web.Call, pr project.Project, message int64, kind string) (mailPage, error) {
	ctx := c.R.Context()
	page := mailPage{project: pr}
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
		page.files, page.cut = diffView(d.Diff, d.Charset)
		if page.checks, err = patch.NewestChecks(ctx, p.db, d.ID); err != nil {
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
	if err := p.readSeries(c, &page, series); err != nil {
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
	page.siblings, err = patch.InSeries(c.R.Context(), p.db, id)
	return err
}

// readRights finds out whether the visitor may change the patch, and if so what delegates there are.
func (p *Pages) readRights(c *web.Call, page *mailPage) (err error) {
	if c.User.ID == 0 || page.patch == nil {
		return nil
	}
	if page.members, err = project.MembersOf(c.R.Context(), p.db, page.project.ID); err != nil {
		return err
	}
	page.mayEdit, err = patch.MayEdit(c.R.Context(), p.db, c.Actor(), page.patch.ID)
	return err
}

// updatePatch changes one patch from the form on its page.
func (p *Pages) updatePatch(c *web.Call) error {
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
	if m.Kind != patch.KindPatch {
		return fault.New(fault.NotFound, "this Message-ID is no patch")
	}
	if err := parseForm(c); err != nil {
		return err
	}
	d, err := patch.ReadPatch(c.R.Context(), p.db, m.ID)
	if err != nil {
		return err
	}
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
	c.Flash(web.Flash{Text: "Patch updated"})
	return c.Redirect(http.StatusSeeOther, patch.PagePath(pr.Linkname, patch.KindPatch, m.MsgID))
}

// seriesPage is what the template of a series needs.
type seriesPage struct {
	project  project.Project
	words    patch.Vocabulary
	series   *patch.SeriesDetail
	patches  []*patch.Row
	cover    *patch.CoverDetail // nil: none
	comments []*patch.Comment   // on the cover letter
	chain    patch.Chain
	mayUndo  bool // that newer versions superseded its patches
}

func (p *Pages) series(c *web.Call) error {
	pr, err := p.project(c)
	if err != nil {
		return err
	}
	ctx := c.R.Context()
	id, err := strconv.ParseInt(c.R.PathValue("id"), 10, 64)
	if err != nil {
		return fault.New(fault.NotFound, "there is no such series")
	}
	s := seriesPage{project: pr}
	if s.series, err = patch.ReadSeries(ctx, p.db, id); err != nil {
		return err
	}
	if s.series.Project != pr.ID {
		return fault.New(fault.NotFound, "there is no series %d in %s", id, pr.Name)
	}
	if s.words, err = patch.ReadVocabulary(ctx, p.db); err != nil {
		return err
	}
	if s.patches, err = patch.InSeries(ctx, p.db, id); err != nil {
		return err
	}
	if s.series.CoverMessage != 0 {
		if s.cover, err = patch.ReadCover(ctx, p.db, s.series.CoverMessage); err != nil {
			return err
		}
		if s.comments, err = patch.Comments(ctx, p.db, patch.Target{Cover: s.cover.ID}); err != nil {
			return err
		}
	}
	if s.chain, err = patch.ReadChain(ctx, p.db, &s.series.Series); err != nil {
		return err
	}
	if s.chain.Superseded > 0 {
		if s.mayUndo, err = patch.MayEditSeries(ctx, p.db, c.Actor(), id); err != nil {
			return err
		}
	}
	meta := web.Meta{Title: shown(s.series.Name), Project: pr.Linkname, Name: pr.Name, NavHTML: pr.NavHTML}
	return c.Render(http.StatusOK, meta, seriesView(s))
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
	id, err := strconv.ParseInt(c.R.PathValue("id"), 10, 64)
	if err != nil {
		return fault.New(fault.NotFound, "there is no such series")
	}
	s, err := patch.ReadSeries(c.R.Context(), p.db, id)
	if err != nil {
		return err
	}
	if s.Project != pr.ID {
		return fault.New(fault.NotFound, "there is no series %d in %s", id, pr.Name)
	}
	done, err := patch.Unsupersede(c.R.Context(), p.db, c.Actor(), c.Now, id)
	if err != nil {
		return err
	}
	if done.Patches == 0 {
		return fault.New(fault.Denied, "you may not change these patches: only their submitter, their delegate and the maintainers of %s may", pr.Name)
	}
	c.Flash(web.Flash{Text: fmt.Sprintf("%d of its patches have their old state again", done.Patches)})
	return c.Redirect(http.StatusSeeOther, seriesURL(pr.Linkname, id))
}

// seriesRedirect leads /series/7/ to the page of the series in its project.
func (p *Pages) seriesRedirect(c *web.Call) error {
	id, err := strconv.ParseInt(c.R.PathValue("id"), 10, 64)
	if err != nil {
		return fault.New(fault.NotFound, "there is no such series")
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

// archiveURL is where the list's archive shows a mail; empty: the project has none.
func archiveURL(pr project.Project, msgid string) string {
	if pr.ListArchiveURLFormat == "" {
		return ""
	}
	return safeLink(strings.ReplaceAll(pr.ListArchiveURLFormat, "{}", url.PathEscape(strings.Trim(msgid, "<>"))))
}

func commitURL(pr project.Project, commit string) string {
	if pr.CommitURLFormat == "" {
		return ""
	}
	return safeLink(strings.ReplaceAll(pr.CommitURLFormat, "{}", url.PathEscape(commit)))
}

// safeLink is the address if it leads to the web and nowhere else, else empty: addresses come by mail.
func safeLink(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}

// headerLines are the stored headers with their encoded words decoded, for people.
func headerLines(headers string) string {
	var b strings.Builder
	for _, f := range mailmsg.Parse([]byte(headers + "\n\n")).Header {
		b.WriteString(f.Name + ": " + visible(mailmsg.Decode(f.Value)) + "\n")
	}
	return b.String()
}

// reply prepares the answer to a mail of the page; that to a patch quotes its diff too.
func (p mailPage) reply(m patch.Mail) patchmail.Reply {
	text := ""
	if p.patch != nil && m.Message == p.patch.Message {
		part := mailmsg.Part{Type: "text/plain", Charset: p.patch.Charset, Body: p.patch.Diff[:min(len(p.patch.Diff), maxQuoted)]}
		text, _ = part.Text()
	}
	return replyTo(p.project, m, text)
}

// maxQuoted is how much of a mail a reply can quote at most, in bytes: a mailto: address holds no more.
const maxQuoted = 8000

func replyTo(pr project.Project, m patch.Mail, diff string) patchmail.Reply {
	m.Content = fold.Cut(m.Content, maxQuoted)
	return patchmail.NewReply(&m, pr.ListEmail, diff)
}
