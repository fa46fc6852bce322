// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
)

// BulkChange tells what a change of many patches did, or would do, by their ids.
type BulkChange struct {
	DryRun    bool    `json:"dry_run"`
	Changed   []int64 `json:"changed"`
	Unchanged []int64 `json:"unchanged"` // they were so before
	Refused   []int64 `json:"refused"`   // only of a dry run: else one that may not be changed refuses all
}

func patchFields() []rest.Field {
	return []rest.Field{
		{Name: "state", Required: true, Doc: "slug or name"},
		{Name: "delegate", Type: rest.Number, Null: true, Required: true, Doc: "number of a user who maintains the project; null: nobody"},
		{Name: "archived", Type: rest.Bool},
		{Name: "commit_ref", Max: patch.MaxRef, Null: true, Doc: "the commit that the patch became; null or empty: none"},
		{Name: "pull_url", Max: patch.MaxRef, Null: true, Doc: "null or empty: none"},
		{Name: "related", Type: rest.Numbers, Doc: "numbers of patches that join its relation; an empty list takes it out of its own"},
	}
}

func bulkFields() []rest.Field {
	out := []rest.Field{
		{Name: "ids", Type: rest.Numbers, Max: patch.MaxChanged, Doc: "numbers of the patches; without them the address must have a filter"},
		{Name: "dry_run", Type: rest.Bool, Doc: "tell what would change, and change nothing"},
	}
	for _, f := range patchFields() {
		if f.Required = false; f.Name != "related" {
			out = append(out, f)
		}
	}
	return out
}

// changePatch changes a patch. Who may not is told so before the body is looked at.
func (f *face) changePatch(whole bool) func(*rest.Call) error {
	return func(c *rest.Call) error {
		id, err := c.ID("id")
		if err != nil {
			return err
		}
		ctx := c.R.Context()
		refs, err := patch.ReadRefs(ctx, f.db, patch.RefIDs{Patches: []int64{id}})
		if err != nil {
			return err
		}
		if refs.Patches[id] == nil {
			return fault.New(fault.NotFound, "there is no patch %d", id)
		}
		if may, err := patch.MayEdit(ctx, f.db, c.Actor(), id); err != nil || !may {
			return refusal(err, id)
		}
		change, err := f.patchChange(c, refs.Patches[id].Project, whole)
		if err != nil {
			return err
		}
		change.AllOrNone = true
		change.If = c.Precondition(func(ctx context.Context, q sqldb.Queryer) (any, error) { return f.patchDetail(ctx, q, c, id) })
		if _, err := patch.Update(ctx, f.db, c.Actor(), c.Now, []int64{id}, change); err != nil {
			return updateError(err)
		}
		d, err := f.patchDetail(ctx, f.db, c, id)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, d)
	}
}

// refusal is err, or that one may not change a patch.
func refusal(err error, id int64) error {
	if err != nil {
		return err
	}
	return fault.New(fault.Denied, "patch %d is not yours to change", id)
}

// updateError says what Patchwork 3.2 says.
func updateError(err error) error {
	if fault.Is(err, fault.Denied) && fault.UserText(err) == patch.NotMaintained {
		return rest.Forbidden(patch.NotMaintained)
	}
	return byField(err)
}

// patchChange reads what a body wants to be changed of a patch of a project.
func (f *face) patchChange(c *rest.Call, project int64, whole bool) (patch.Change, error) {
	b, err := c.Body()
	if err != nil {
		return patch.Change{}, err
	}
	if whole {
		b.Require("state", "delegate")
	}
	change, err := f.commonChange(c, b)
	if err != nil {
		return change, err
	}
	if change.Delegate != nil {
		if err := f.mayDelegate(c, b, project, *change.Delegate); err != nil {
			return change, err
		}
	}
	if err := f.readRelated(c, b, &change); err != nil {
		return change, err
	}
	return change, b.Err()
}

// commonChange reads what can be changed of one patch as of many.
func (f *face) commonChange(c *rest.Call, b *rest.Body) (patch.Change, error) {
	change := patch.Change{Archived: b.Bool("archived"), CommitRef: refText(b, "commit_ref"), PullURL: refText(b, "pull_url")}
	if id, _, ok := b.Key("delegate"); ok {
		change.Delegate = &id
	}
	if v, sent := b.Value("state", false); sent && v == "" {
		b.Wrong("state", "This field may not be null.")
		return change, nil
	}
	return change, f.readState(c, b, &change)
}

// refText reads a text that null or nothing takes away.
func refText(b *rest.Body, name string) *string {
	text, null := b.NullText(name, patch.MaxRef)
	if null {
		text = new(string)
	}
	if text != nil {
		*text = strings.TrimSpace(*text)
	}
	return text
}

// mayDelegate notes what is wrong with a delegate: he must exist and maintain the project.
func (f *face) mayDelegate(c *rest.Call, b *rest.Body, to, delegate int64) error {
	if delegate == 0 {
		return nil
	}
	ctx := c.R.Context()
	users, err := account.UsersByID(ctx, f.db, []int64{delegate})
	if err != nil {
		return err
	}
	u := users[delegate]
	if u == nil {
		b.NoSuchKey("delegate", delegate)
		return nil
	}
	is, err := project.IsMaintainer(ctx, f.db, to, delegate)
	if err != nil || is {
		return err
	}
	of, err := project.ByIDs(ctx, f.db, []int64{to})
	if err != nil || of[to] == nil {
		return err
	}
	b.Wrong("delegate", "User '%s' is not a maintainer for project '%s'", u.Username, of[to].Name)
	return nil
}

// readRelated reads the patches that are to be related; all must exist.
func (f *face) readRelated(c *rest.Call, b *rest.Body, change *patch.Change) error {
	if v, ok := b.Value("related", false); ok && b.IsForm() && v == "" {
		b.Wrong("related", "This field may not be null.")
		return nil
	}
	ids := b.Keys("related")
	if ids == nil {
		return nil
	}
	change.Related = ids
	return f.mustExist(c, b, "related", *ids)
}

// mustExist notes which of the patches that a field names does not exist.
func (f *face) mustExist(c *rest.Call, b *rest.Body, name string, ids []int64) error {
	refs, err := patch.ReadRefs(c.R.Context(), f.db, patch.RefIDs{Patches: unique(slices.Clone(ids))})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if refs.Patches[id] == nil {
			b.NoSuchKey(name, id)
			return nil
		}
	}
	return nil
}

// changePatches changes many patches in one transaction, or tries to.
func (f *face) changePatches(c *rest.Call) error {
	if err := c.RequireUser(); err != nil {
		return err
	}
	q, none, _, err := f.patchQuery(c)
	if err != nil {
		return err
	}
	b, err := c.Body()
	if err != nil {
		return err
	}
	ids := b.Keys("ids")
	change, err := f.bulkChange(c, b, ids, none || q.Selects())
	if err != nil {
		return err
	}
	var done patch.Changed
	switch {
	case ids == nil && none:
	case ids == nil:
		done, err = patch.UpdateFound(c.R.Context(), f.db, c.Actor(), c.Now, q, change)
	default:
		done, err = patch.Update(c.R.Context(), f.db, c.Actor(), c.Now, *ids, change)
	}
	if len(done.Denied) > 0 && fault.Is(err, fault.Denied) {
		return rest.Forbidden("You may not change " + numbers("patch", "patches", done.Denied) + "; nothing was changed.")
	}
	if err != nil {
		return updateError(err)
	}
	return c.JSON(http.StatusOK, bulkAnswer(done, change.DryRun))
}

// bulkChange reads the body of a change of many patches, which names them by ids if the address does not by a filter. A filter that is there but selects nothing, as
// archived=maybe, is none: all patches of the site are more than anybody means.
func (f *face) bulkChange(c *rest.Call, b *rest.Body, ids *[]int64, selects bool) (patch.Change, error) {
	change, err := f.commonChange(c, b)
	if err != nil {
		return change, err
	}
	change.AllOrNone = true
	dry := b.Bool("dry_run")
	change.DryRun = dry != nil && *dry
	switch {
	case b.Has("related"):
		b.Wrong("related", "Patches are related one at a time.")
	case ids != nil && filtered(c):
		b.Wrong("ids", "Give either ids or a filter in the address.")
	case ids != nil && len(*ids) == 0, !b.Has("ids") && !selects:
		b.Wrong("ids", "Give the ids of patches, or a filter in the address.")
	case ids != nil:
		if err := f.mustExist(c, b, "ids", *ids); err != nil {
			return change, err
		}
	}
	return change, b.Err()
}

// filtered tells whether the address has a filter.
func filtered(c *rest.Call) bool {
	values := c.R.URL.Query()
	return slices.ContainsFunc(patchParams(), func(p rest.Param) bool { return values.Has(p.Name) })
}

func bulkAnswer(done patch.Changed, dry bool) BulkChange {
	out := BulkChange{DryRun: dry, Changed: []int64{}, Unchanged: []int64{}, Refused: []int64{}}
	for _, id := range done.Found {
		switch {
		case slices.Contains(done.Denied, id):
			out.Refused = append(out.Refused, id)
		case slices.Contains(done.IDs, id):
			out.Changed = append(out.Changed, id)
		default:
			out.Unchanged = append(out.Unchanged, id)
		}
	}
	return out
}

// numbers names things by their numbers, the first twenty of them.
func numbers(one, many string, ids []int64) string {
	const shown = 20
	var out []string
	for _, id := range ids[:min(len(ids), shown)] {
		out = append(out, fmt.Sprint(id))
	}
	text := strings.Join(out, ", ")
	if len(ids) > shown {
		text += fmt.Sprintf(" and %d more", len(ids)-shown)
	}
	if len(ids) == 1 {
		return one + " " + text
	}
	return many + " " + text
}
