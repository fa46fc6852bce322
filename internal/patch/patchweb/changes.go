// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

const changesPath = "/user/changes/"

// changeRoutes hangs the pages of changes of many patches into mux, and the form that takes a change back.
func (p *Pages) changeRoutes(mux *http.ServeMux, shell *web.Shell) {
	const path = "/project/{link}/change/{id}/"
	mux.Handle("GET "+path+"{$}", shell.Page(p.changePage))
	mux.Handle("POST "+path+"start/{$}", shell.Page(p.startChange))
	mux.Handle("POST "+path+"cancel/{$}", shell.Page(p.cancelChange))
	mux.Handle("GET "+changesPath+"{$}", shell.Page(p.recentChanges))
	mux.Handle("GET "+changesPath+"{id}/{$}", shell.Page(p.changePage))
	mux.Handle("POST "+changesPath+"{id}/start/{$}", shell.Page(p.startChange))
	mux.Handle("POST "+changesPath+"{id}/cancel/{$}", shell.Page(p.cancelChange))
	mux.Handle("POST "+changesPath+"{id}/undo/{$}", shell.Page(p.undoChange))
}

// changeURL is the page of a change; one of several projects has no link name.
func changeURL(linkname string, id int64) string {
	if linkname == "" {
		return changesPath + strconv.FormatInt(id, 10) + "/"
	}
	return "/project/" + url.PathEscape(linkname) + "/change/" + strconv.FormatInt(id, 10) + "/"
}

// undoPath is the address of the form that takes a change back; empty if there is nothing to take back.
func undoPath(set int64) string {
	if set == 0 {
		return ""
	}
	return changesPath + strconv.FormatInt(set, 10) + "/undo/"
}

// changeView is what the templates need to tell of one change.
type changeView struct {
	set      patch.ChangeSet
	linkname string // of its project; empty: of several
	wants    string
	refused  []*patch.MailRef
	gone     []int64                  // the first of those that are, or can't be as they should
	there    map[int64]*patch.MailRef // those of gone that can be seen
	left     []patch.Left
	by       map[int64]*account.User // who changed those
	links    map[int64]string        // link names of the projects that those are of
	now      clock.Time
	still    bool // the page does not refresh itself
	series   int  // of a draft: that its patches are of
}

func (v changeView) url(rest string) string { return changeURL(v.linkname, v.set.ID) + rest }

// patches is how many are different.
func (v changeView) patches() string {
	if n := v.set.Patches(); n > 0 || v.set.Changed == 0 {
		return grouped(n)
	}
	return "–"
}

// percent is how much of it was looked at.
func (v changeView) percent() int {
	if v.set.Total == 0 {
		return 100
	}
	return v.set.Done * 100 / v.set.Total
}

// which says how many patches of how many series a draft is for.
func (v changeView) which() string {
	if v.series == 0 {
		return grouped(v.set.Total)
	}
	return grouped(v.set.Total) + " of " + grouped(v.series) + " series"
}

func (v changeView) mayUndo() bool { return v.set.MayUndo(v.now) == nil }

// views reads what has to be said of some changes, in three queries.
func (p *Pages) views(c *web.Call, sets []patch.ChangeSet) ([]changeView, error) {
	ctx := c.R.Context()
	words, err := patch.ReadVocabulary(ctx, p.db)
	if err != nil {
		return nil, err
	}
	var users, projects []int64
	for _, s := range sets {
		if d := s.Change().Delegate; d != nil && *d != 0 {
			users = append(users, *d)
		}
		if s.Project != 0 {
			projects = append(projects, s.Project)
		}
	}
	named, err := account.UsersByID(ctx, p.db, distinct(users))
	if err != nil {
		return nil, err
	}
	of, err := project.ByIDs(ctx, p.db, distinct(projects))
	if err != nil {
		return nil, err
	}
	var out []changeView
	said := map[int64]string{}
	for _, s := range slices.Backward(sets) { // an undo comes after what it takes back, so it can say what that was
		v := changeView{set: s, now: c.Now, wants: wants(s.Change(), words, named)}
		switch b := s.Bundle(); {
		case s.Undoes != 0 && said[s.Undoes] != "":
			v.wants = "undo of “" + said[s.Undoes] + "”"
		case s.Undoes != 0:
			v.wants = "undo"
		case b != nil:
			v.wants = "bundle " + shown(b.Name) + ": " + bundleDone[b.What]
			if b.Own && b.What == patch.BundleSet {
				v.wants = "bundle " + shown(b.Name) + ": settings, order or patches changed"
			}
		case s.Series() != nil:
			v.wants = strings.TrimSuffix(seriesDone(*s.Series())+", "+v.wants, ", ")
		case s.Related() != nil:
			v.wants = strings.TrimPrefix(v.wants+", "+map[bool]string{true: "related", false: "taken out of its relation"}[*s.Related()], ", ")
		}
		if pr := of[s.Project]; pr != nil {
			v.linkname = pr.Linkname
		}
		if s.Undoes == 0 {
			said[s.ID] = v.wants
		}
		out = append(out, v)
	}
	slices.Reverse(out)
	return out, nil
}

// view is views for one change; that of an undo says what it takes back, if that is still known.
func (p *Pages) view(c *web.Call, s patch.ChangeSet) (changeView, error) {
	sets := []patch.ChangeSet{s}
	if s.Undoes != 0 {
		of, err := patch.ReadSet(c.R.Context(), p.db, c.Actor(), s.Undoes)
		if err == nil {
			sets = append(sets, of)
		} else if !fault.Is(err, fault.NotFound) {
			return changeView{}, err
		}
	}
	views, err := p.views(c, sets)
	if err != nil {
		return changeView{}, err
	}
	return views[0], nil
}

func distinct(ids []int64) []int64 { return slices.Compact(slices.Sorted(slices.Values(ids))) }

// setOf reads the change that an address names.
func (p *Pages) setOf(c *web.Call) (project.Project, patch.ChangeSet, error) {
	pr, err := p.projectIfAny(c)
	if err != nil {
		return pr, patch.ChangeSet{}, err
	}
	id, err := changeID(c)
	if err != nil {
		return pr, patch.ChangeSet{}, err
	}
	s, err := patch.ReadSet(c.R.Context(), p.db, c.Actor(), id)
	if err == nil && s.Project != pr.ID {
		err = fault.New(fault.NotFound, "there is no such change here")
	}
	return pr, s, err
}

func changeID(c *web.Call) (int64, error) {
	id, err := strconv.ParseInt(c.R.PathValue("id"), 10, 64)
	if err != nil {
		return 0, fault.New(fault.NotFound, "there is no such change")
	}
	return id, nil
}

// refreshEach is after how many seconds the page of a change that is under way looks again.
const refreshEach = "2"

// changePage asks before a change, shows how far it has come, and what became of it.
func (p *Pages) changePage(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	pr, s, err := p.setOf(c)
	if err != nil {
		return err
	}
	v, err := p.view(c, s)
	if err != nil {
		return err
	}
	if err := p.stayed(c, &v); err != nil {
		return err
	}
	if s.State == patch.SetDraft {
		if v.series, err = patch.DraftSeries(c.R.Context(), p.db, s.ID); err != nil {
			return err
		}
	}
	v.still = c.R.URL.Query().Get("refresh") == "no"
	if s.State == patch.SetWaiting && !v.still {
		c.W.Header().Set("Refresh", refreshEach)
	}
	meta := web.Meta{Title: v.title(), Project: pr.Linkname, Name: pr.Name, NavHTML: pr.NavHTML, NoIndex: true}
	return c.Render(http.StatusOK, meta, changeProgress(v))
}

// stayed reads which patches the visitor may not change, which were left alone and by whom they were changed, and the link names of their projects.
func (p *Pages) stayed(c *web.Call, v *changeView) (err error) {
	ctx := c.R.Context()
	if v.set.Refused > 0 {
		if v.refused, err = patch.RefusedOf(ctx, p.db, v.set.ID); err != nil {
			return err
		}
	}
	if v.set.Overtaken > 0 {
		if v.left, err = patch.LeftBy(ctx, p.db, v.set.ID); err != nil {
			return err
		}
	}
	if v.gone = v.set.Gone(); len(v.gone) > 0 {
		if v.there, err = patch.PatchRefs(ctx, p.db, v.gone); err != nil {
			return err
		}
	}
	var projects, users []int64
	for _, r := range v.there {
		projects = append(projects, r.Project)
	}
	for _, r := range v.refused {
		projects = append(projects, r.Project)
	}
	for _, l := range v.left {
		projects = append(projects, l.Project)
		if l.By != 0 {
			users = append(users, l.By)
		}
	}
	if len(projects) == 0 {
		return nil
	}
	if v.by, err = account.UsersByID(ctx, p.db, distinct(users)); err != nil {
		return err
	}
	of, err := project.ByIDs(ctx, p.db, distinct(projects))
	v.links = map[int64]string{}
	for id, pr := range of {
		v.links[id] = pr.Linkname
	}
	return err
}

// startChange begins a change whose actor has said yes.
func (p *Pages) startChange(c *web.Call) error {
	return p.decide(c, func(pr project.Project, id int64) (string, error) {
		s, err := patch.Start(c.R.Context(), p.db, c.Actor(), c.Now, id)
		if err != nil || s.State != patch.SetDone {
			return "", err
		}
		views, err := p.views(c, []patch.ChangeSet{s})
		if err != nil {
			return "", err
		}
		f := web.Flash{Text: outcome(s, views[0].wants), Bad: s.Refused+s.Lost > 0}
		if s.Changed > 0 {
			f.Undo = undoPath(s.ID)
		}
		c.Flash(f)
		return s.Back, nil
	})
}

// cancelChange ends a change that has not ended.
func (p *Pages) cancelChange(c *web.Call) error {
	return p.decide(c, func(pr project.Project, id int64) (string, error) {
		s, err := patch.Cancel(c.R.Context(), p.db, c.Actor(), c.Now, id)
		if err == nil && s.Done == 0 {
			c.Flash(web.Flash{Text: "Nothing was changed"})
			return s.Back, nil
		}
		return "", err
	})
}

// decide does something to the change of an address, and goes to a page, if none is named to that of the change.
func (p *Pages) decide(c *web.Call, f func(pr project.Project, id int64) (to string, err error)) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	if err := parseForm(c); err != nil {
		return err
	}
	pr, s, err := p.setOf(c)
	if err != nil {
		return err
	}
	to, err := f(pr, s.ID)
	if fault.Is(err, fault.Conflict) {
		c.Flash(web.Flash{Text: fault.UserText(err), Bad: true})
	} else if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, web.LocalPath(to, changeURL(pr.Linkname, s.ID)))
}

// undoChange takes a change back.
func (p *Pages) undoChange(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	if err := parseForm(c); err != nil {
		return err
	}
	id, err := changeID(c)
	if err != nil {
		return err
	}
	next := web.LocalPath(c.R.PostForm.Get("next"), changesPath)
	s, err := patch.Undo(c.R.Context(), p.db, c.Actor(), c.Now, id)
	if b := s.Bundle(); b != nil && strings.HasPrefix(next, "/bundle/") { // whose page may be elsewhere now, or gone
		if next = patch.BundlePath(c.User.Username, b.Name); b.What == patch.BundleDeleted {
			next = "/user/bundles/"
		}
	}
	switch {
	case fault.Is(err, fault.Conflict):
		c.Flash(web.Flash{Text: fault.UserText(err), Bad: true})
		return c.Redirect(http.StatusSeeOther, next)
	case err != nil:
		return err
	case s.State == patch.SetWaiting:
		return p.toChange(c, s)
	}
	v, err := p.view(c, s)
	if err != nil {
		return err
	}
	f := web.Flash{Text: outcome(s, v.wants), Bad: s.Refused+s.Overtaken+s.Lost > 0}
	if s.Changed > 0 {
		f.Undo = undoPath(s.ID)
	}
	if s.Overtaken > 0 {
		if err := p.stayed(c, &v); err != nil {
			return err
		}
		f.Links = v.leftLinks()
	}
	c.Flash(f)
	return c.Redirect(http.StatusSeeOther, next)
}

// toChange leads to the page of a change.
func (p *Pages) toChange(c *web.Call, s patch.ChangeSet) error {
	of, err := project.ByIDs(c.R.Context(), p.db, []int64{s.Project})
	if err != nil {
		return err
	}
	linkname := ""
	if pr := of[s.Project]; pr != nil {
		linkname = pr.Linkname
	}
	return c.Redirect(http.StatusSeeOther, changeURL(linkname, s.ID))
}

// recentChanges lists what the visitor changed lately.
func (p *Pages) recentChanges(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	const shown = 50
	sets, err := patch.RecentSets(c.R.Context(), p.db, c.User.ID, shown)
	if err != nil {
		return err
	}
	views, err := p.views(c, sets)
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, web.Meta{Title: "Recent changes", NoIndex: true}, recentView(views))
}
