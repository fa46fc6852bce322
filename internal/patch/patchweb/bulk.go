// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// bulkBar is what the controls for the selected rows of a list need.
type bulkBar struct {
	words     patch.Vocabulary
	members   []project.Member
	bundles   []patch.Bundle // own ones of the project
	one, many string         // what a row is: "patch", "patches"
	rows      int            // on the page
	matching  int            // what the filter finds
	more      bool           // it may find more
	seen      clock.Time     // when that was
	across    bool           // of several projects: no bundle can have them
}

// offersAll tells whether there is more than the page, and not more than one change can be for.
func (b bulkBar) offersAll() bool {
	return b.more && b.matching < patch.MaxSelected || b.matching > b.rows && b.matching <= patch.MaxSelected && !b.more
}

// offered is the number of all that match, if it is known; what that is if it is not what will be changed.
func (b bulkBar) offered() string {
	switch {
	case b.more:
		return ""
	case b.many == "series":
		return " " + grouped(b.matching) + " series"
	}
	return " " + grouped(b.matching)
}

// maxOffered is how many of his bundles a user can choose from on a page.
const maxOffered = 100

// ownBundles are the bundles of the visitor in a project, by name.
func (p *Pages) ownBundles(c *web.Call, in int64) ([]patch.Bundle, error) {
	return patch.ListBundles(c.R.Context(), p.db, patch.BundleQuery{By: c.Actor(), Owners: []int64{c.User.ID}, Projects: []int64{in},
		Slice: patch.Slice{Order: []string{"name"}, Limit: maxOffered}})
}

// matching finds what the filter of an address finds.
type matching func(c *web.Call, pr project.Project) (patch.Selection, error)

// matchingPatches is what the filter of a patch list finds.
func (p *Pages) matchingPatches(c *web.Call, pr project.Project) (patch.Selection, error) {
	v := c.R.URL.Query()
	words, people, err := patch.ReadWords(c.R.Context(), p.db, v.Get("submitter"), v.Get("delegate"))
	if err != nil {
		return patch.Selection{}, err
	}
	q, err := p.query(c.R.Context(), &listPage{address: address{query: v}, project: pr, words: words, people: people, now: c.Now}, c.User)
	return patch.Selection{Found: &q}, err
}

// bulk does something to the selected rows of a list, or to all that match, and goes back to the list as it was.
func (p *Pages) bulk(all matching) func(*web.Call) error {
	return func(c *web.Call) error {
		if err := c.RequireLogin(); err != nil {
			return err
		}
		pr, err := p.projectIfAny(c)
		if err != nil {
			return err
		}
		if err := parseForm(c); err != nil {
			return err
		}
		to, err := p.act(c, pr, all)
		if text := fault.UserText(err); text != "" { // told there, so that he keeps his place
			c.Flash(web.Flash{Text: text, Bad: true})
		} else if err != nil {
			return err
		}
		if to == "" {
			to = origin(c)
		}
		return c.Redirect(http.StatusSeeOther, to)
	}
}

// origin is the page that a form was on: that of its address, unless the form says otherwise.
func origin(c *web.Call) string {
	return web.LocalPath(c.R.PostForm.Get("next"), c.R.URL.RequestURI())
}

// act does what the form says; to is the page where that goes on, empty for the one he comes from.
func (p *Pages) act(c *web.Call, pr project.Project, all matching) (to string, err error) {
	form := c.R.PostForm
	change, err := parseChange(form)
	if err != nil {
		return "", err
	}
	action := strings.ToLower(form.Get("action"))
	if action == "update" && change.Empty() && form.Get("name") != "" { // Enter in that field presses the first button
		action = "create"
	}
	r := patch.Request{Project: pr.ID, Change: change, Back: origin(c), Ask: action == "ask"}
	if err := p.selected(c, pr, all, &r); err != nil {
		return "", err
	}
	switch action {
	case "", "update", "ask":
		return p.changeMany(c, pr, r)
	case "create", "add", "remove":
		return "", p.bundleUp(c, action, r.Selection)
	}
	return "", fault.New(fault.Invalid, "there is no such thing to do with patches")
}

// selected reads which rows are meant.
func (p *Pages) selected(c *web.Call, pr project.Project, all matching, r *patch.Request) (err error) {
	form := c.R.PostForm
	match, _ := strconv.Atoi(form.Get("match"))
	if !r.Ask && match <= 0 {
		r.Patches, r.Series = numbered("patch_id:", form), numbered("series_id:", form)
		return nil
	}
	r.Selection, err = all(c, pr)
	r.Seen = match
	if at, err := strconv.ParseInt(form.Get("seen"), 10, 64); err == nil && at > 0 {
		r.Arrived = min(clock.Time(at), c.Now)
	}
	return err
}

// numbered are the numbers that the names of ticked boxes have behind a prefix.
func numbered(prefix string, form url.Values) (ids []int64) {
	for key := range form {
		if number, ok := strings.CutPrefix(key, prefix); ok {
			if id, err := strconv.ParseInt(number, 10, 64); err == nil {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

func (p *Pages) changeMany(c *web.Call, pr project.Project, r patch.Request) (to string, err error) {
	s, done, err := patch.ChangeMany(c.R.Context(), p.db, c.Actor(), c.Now, r)
	if err != nil {
		return "", err
	}
	if s.State != patch.SetDone {
		return changeURL(pr.Linkname, s.ID), nil
	}
	f, err := p.flashOf(c, s.ID, done)
	if err != nil {
		return "", err
	}
	c.Flash(f)
	return "", nil
}

// flashOf tells what an update did, and to what.
func (p *Pages) flashOf(c *web.Call, set int64, done patch.Changed) (web.Flash, error) {
	if done.Patches == 0 {
		return flashText(done, ""), nil
	}
	s, err := patch.ReadSet(c.R.Context(), p.db, c.Actor(), set)
	if err != nil {
		return web.Flash{}, err
	}
	views, err := p.views(c, []patch.ChangeSet{s})
	if err != nil {
		return web.Flash{}, err
	}
	return flashText(done, views[0].wants), nil
}

// flashText begins with the words of Patchwork 3.2; what is what the patches became.
func flashText(done patch.Changed, what string) web.Flash {
	f := web.Flash{Text: updated(done.Patches, what), Bad: len(done.Refused)+len(done.Gone)+len(done.GoneSeries) > 0, Undo: undoPath(done.Set)}
	var names []string
	for _, name := range done.Refused[:min(3, len(done.Refused))] {
		names = append(names, "'"+shown(name)+"'")
	}
	if len(names) > 0 {
		f.Text += ". You don't have permissions to edit patch " + strings.Join(names, ", ")
	}
	if more := len(done.Refused) - len(names); more > 0 {
		f.Text += fmt.Sprintf(" and %d more", more)
	}
	f.Text += gone("Patch", "Patches", done.Gone) + gone("Series", "Series", done.GoneSeries)
	return f
}

// gone says which of what was selected is not there any more: by number, as nothing else is known of it.
func gone(one, many string, ids []int64) string {
	switch len(ids) {
	case 0:
		return ""
	case 1:
		return ". " + one + " " + numbers(ids, 1) + " is gone"
	}
	return ". " + many + " " + numbers(ids, len(ids)) + " are gone"
}

// numbers names the first of several things by number, and counts the others.
func numbers(ids []int64, of int) string {
	const named = 5
	var out []string
	for _, id := range ids[:min(named, len(ids))] {
		out = append(out, fmt.Sprint(id))
	}
	last := len(out) - 1
	switch more := of - len(out); {
	case more > 0:
		return fmt.Sprintf("%s and %s more", strings.Join(out, ", "), grouped(more))
	case last == 0:
		return out[0]
	}
	return strings.Join(out[:last], ", ") + " and " + out[last]
}

// updated counts the patches that are different; what is what they became, empty: it is not said.
func updated(n int, what string) string {
	switch {
	case n == 0:
		return "No patches updated"
	case what == "":
		return counted(n) + " updated"
	}
	return counted(n) + " updated (" + what + ")"
}

// bundleUp makes a bundle of patches, or adds them to one, or takes them out.
func (p *Pages) bundleUp(c *web.Call, action string, sel patch.Selection) error {
	ctx, form := c.R.Context(), c.R.PostForm
	name, id := strings.TrimSpace(form.Get("name")), int64(0)
	if action != "create" {
		id, _ = strconv.ParseInt(form.Get("bundle_id"), 10, 64)
	}
	switch {
	case action == "create" && name == "":
		return fault.New(fault.Invalid, "No bundle name was specified")
	case action != "create" && id == 0:
		return fault.New(fault.Invalid, "No bundle was selected")
	}
	ids, err := sel.IDs(ctx, p.db, patch.MaxBundlePatches+1)
	if err == nil && len(ids) == 0 {
		err = fault.New(fault.Invalid, "No patches selected; nothing updated")
	}
	if err != nil {
		return err
	}
	var lost []int64
	if action != "remove" {
		if ids, lost, err = patch.Shown(ctx, p.db, ids); err != nil {
			return err
		}
		if len(ids) == 0 {
			return fault.New(fault.Invalid, "Nothing updated%s", gone("Patch", "Patches", lost))
		}
	}
	tell := func(f web.Flash) {
		f.Text, f.Bad = f.Text+gone("Patch", "Patches", lost), f.Bad || len(lost) > 0
		c.Flash(f)
	}
	switch action {
	case "create":
		b, err := patch.CreateBundle(ctx, p.db, c.Actor(), c.Now, patch.BundleChange{Name: &name, Patches: &ids})
		if err == nil {
			tell(web.Flash{Text: fmt.Sprintf("Bundle %s created with %s", shown(b.Name), counted(len(ids))), Undo: undoPath(b.Set)})
		}
		return err
	case "add":
		done, err := patch.AddToBundle(ctx, p.db, c.Actor(), c.Now, id, ids)
		if err == nil {
			tell(added(done))
		}
		return err
	}
	done, err := patch.RemoveFromBundle(ctx, p.db, c.Actor(), c.Now, id, ids)
	if err == nil {
		c.Flash(web.Flash{Text: fmt.Sprintf("%s removed from bundle %s", counted(done.Patches), shown(done.Bundle.Name)), Undo: undoPath(done.Set)})
	}
	return err
}

func added(done patch.Added) web.Flash {
	f := web.Flash{Text: fmt.Sprintf("%s added to bundle %s", counted(done.Patches), shown(done.Bundle.Name)), Bad: len(done.Already) > 0, Undo: undoPath(done.Set)}
	for _, name := range done.Already[:min(3, len(done.Already))] {
		f.Text += fmt.Sprintf(". Patch '%s' already in bundle %s", shown(name), shown(done.Bundle.Name))
	}
	if more := len(done.Already) - 3; more > 0 {
		f.Text += fmt.Sprintf(", and %d more", more)
	}
	return f
}

// counted is a number of patches.
func counted(n int) string {
	if n == 1 {
		return "1 patch"
	}
	return grouped(n) + " patches"
}

// parseChange reads state, delegate and archived; "*" or nothing means no change, an empty delegate takes the patch off everybody.
func parseChange(form url.Values) (patch.Change, error) {
	var c patch.Change
	number := func(key string) (*int64, error) {
		s := form.Get(key)
		if !form.Has(key) || s == "*" || s == "" && key != "delegate" {
			return nil, nil
		}
		if s == "" {
			return new(int64), nil
		}
		id, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s %q is no number", key, s)
		}
		return &id, nil
	}
	var err error
	if c.State, err = number("state"); err != nil {
		return c, err
	}
	if c.Delegate, err = number("delegate"); err != nil {
		return c, err
	}
	switch a := strings.ToLower(form.Get("archived")); a {
	case "", "*":
	case "true", "false":
		yes := a == "true"
		c.Archived = &yes
	default:
		return c, fault.New(fault.Invalid, "archived %q: want true or false", a)
	}
	return c, nil
}
