// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"net/http"
	"strconv"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

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
