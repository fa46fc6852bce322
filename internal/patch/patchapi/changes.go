// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"net/http"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/rest"
)

// ChangeSet is a change of one or many patches, of a series or of a bundle, as it can be taken back.
type ChangeSet struct {
	ID        int64   `json:"id"`
	URL       string  `json:"url"`
	Date      string  `json:"date"`
	Via       string  `json:"via" doc:"web, api, cli"`
	Project   *int64  `json:"project" doc:"number; null: patches of several"`
	State     string  `json:"state" doc:"draft, waiting, done, cancelled, failed"`
	What      string  `json:"what" doc:"patches, relation, series (its version or metadata), bundle-create, bundle-add, bundle-remove, bundle-set (its patches or their order), bundle-rename, bundle-publish, bundle-unpublish, bundle-move (to another project), bundle-delete, undo"`
	Bundle    *int64  `json:"bundle" doc:"number of the bundle that was changed"`
	Series    *int64  `json:"series" doc:"number of the series whose version or metadata were changed"`
	Total     int     `json:"total" doc:"patches to be looked at; a series or a bundle itself counts as one"`
	Done      int     `json:"done" doc:"of them were"`
	Changed   int     `json:"changed" doc:"are different now"`
	Refused   int     `json:"refused" doc:"are not yours to change"`
	Overtaken int     `json:"overtaken" doc:"were left alone by an undo, because somebody changed them since"`
	Lost      int     `json:"lost" doc:"are gone, or can't be as they should"`
	Undoes    *int64  `json:"undoes" doc:"number of the change that this one takes back"`
	UndoneBy  *int64  `json:"undone_by" doc:"number of the change that takes this one back"`
	Until     *string `json:"undo_until" doc:"until when it can be taken back; null: it can't be"`
}

// ChangeDetail is a change alone.
type ChangeDetail struct {
	ChangeSet
	Gone      []int64     `json:"gone" doc:"the numbers of the first 20 patches that are gone, or can't be as they should"`
	LeftAlone []LeftAlone `json:"left_alone" doc:"the first 20 patches that an undo left alone, because somebody changed them since"`
}

// LeftAlone is a patch that an undo left alone.
type LeftAlone struct {
	ID        int64   `json:"id"`
	URL       string  `json:"url"`
	Name      string  `json:"name"`
	ChangedBy *string `json:"changed_by" doc:"name of the user who did; null: a new version, the command line, or it is not known"`
}

// recentChanges is how many changes a list has.
const recentChanges = 50

func (f *face) changeRoutes() []rest.Route {
	const path = "/changes/"
	return []rest.Route{
		{Path: path, Since: rest.V14, Tag: "changes", Methods: map[string]rest.Op{
			"GET": {Do: f.listChanges, Doc: "List your last 50 changes of a day, the latest first", Answer: []ChangeSet{}}}},
		{Path: path + "{id}/", Since: rest.V14, Tag: "changes", Methods: map[string]rest.Op{
			"GET": {Do: f.getChange, Doc: "Show a change of yours", Answer: ChangeDetail{}}}},
		{Path: path + "{id}/undo/", Since: rest.V14, Tag: "changes", Methods: map[string]rest.Op{
			"POST": {Do: f.undoChange, Doc: "Take a change of yours back, which is a change of its own (201): a patch that somebody changed since is left alone, whole. Ten minutes after it, and twice, it is 409",
				Answer: ChangeDetail{}, Status: http.StatusCreated}}},
	}
}

func (f *face) listChanges(c *rest.Call) error {
	if err := c.RequireUser(); err != nil {
		return err
	}
	sets, err := patch.RecentSets(c.R.Context(), f.db, c.User.ID, recentChanges)
	if err != nil {
		return err
	}
	out := []ChangeSet{}
	for _, s := range sets {
		out = append(out, wireChange(c, s))
	}
	return c.JSON(http.StatusOK, out)
}

func (f *face) getChange(c *rest.Call) error {
	id, err := c.ID("id")
	if err != nil {
		return err
	}
	if err := c.RequireUser(); err != nil {
		return err
	}
	s, err := patch.ReadSet(c.R.Context(), f.db, c.Actor(), id)
	if err != nil {
		return err
	}
	return f.sendChange(c, http.StatusOK, s)
}

// sendChange answers with a change alone.
func (f *face) sendChange(c *rest.Call, status int, s patch.ChangeSet) error {
	d := ChangeDetail{wireChange(c, s), append([]int64{}, s.Gone()...), []LeftAlone{}}
	if s.Overtaken > 0 {
		left, err := patch.LeftBy(c.R.Context(), f.db, s.ID)
		if err != nil {
			return err
		}
		var ids []int64
		for _, l := range left {
			ids = append(ids, l.By)
		}
		users, err := account.UsersByID(c.R.Context(), f.db, ids)
		if err != nil {
			return err
		}
		for _, l := range left {
			w := LeftAlone{ID: l.ID, URL: rest.Address(c.API, patchesPath, l.ID, "/"), Name: l.Name}
			if u := users[l.By]; u != nil {
				w.ChangedBy = &u.Username
			}
			d.LeftAlone = append(d.LeftAlone, w)
		}
	}
	return c.JSON(status, d)
}

func (f *face) undoChange(c *rest.Call) error {
	id, err := c.ID("id")
	if err != nil {
		return err
	}
	if err := c.RequireUser(); err != nil {
		return err
	}
	s, err := patch.Undo(c.R.Context(), f.db, c.Actor(), c.Now, id)
	if err != nil {
		return err
	}
	c.W.Header().Set("Location", changeURL(c, s.ID))
	return f.sendChange(c, http.StatusCreated, s)
}

func changeURL(c *rest.Call, id int64) string { return rest.Address(c.API, "/changes/", id, "/") }

func wireChange(c *rest.Call, s patch.ChangeSet) ChangeSet {
	w := ChangeSet{ID: s.ID, URL: changeURL(c, s.ID), Date: rest.Date(s.At), Via: s.Via, Project: idOrNil(s.Project), State: s.State, What: s.What(), Total: s.Total, Done: s.Done,
		Changed: s.Changed, Refused: s.Refused, Overtaken: s.Overtaken, Lost: s.Lost, Undoes: idOrNil(s.Undoes), UndoneBy: idOrNil(s.UndoneBy)}
	if b := s.Bundle(); b != nil {
		w.Bundle = &b.ID
	}
	if e := s.Series(); e != nil {
		w.Series = &e.ID
	}
	if s.MayUndo(c.Now) == nil {
		until := s.Finished.Add(patch.UndoWindow)
		w.Until = rest.DateOrNil((*clock.Time)(&until))
	}
	return w
}

func idOrNil(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}
