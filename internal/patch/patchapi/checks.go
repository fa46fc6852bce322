// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/rest"
)

// CheckDetail is a check of a patch.
type CheckDetail struct {
	ID          int64     `json:"id"`
	URL         string    `json:"url"`
	User        rest.User `json:"user"`
	Date        string    `json:"date"`
	State       string    `json:"state" enum:"pending,success,warning,fail"`
	TargetURL   *string   `json:"target_url"`
	Context     string    `json:"context"`
	Description *string   `json:"description"`
}

const checksPath = "/patches/{id}/checks/"

func (f *face) checkRoutes() []rest.Route {
	texts := []rest.Field{
		{Name: "state", Required: true, Enum: patch.CheckStates(), Doc: "its number from 0 to 3 is taken, too"},
		{Name: "target_url", Max: patch.MaxCheckURL, Null: true, Doc: "where the report is"},
		{Name: "description", Max: patch.MaxCheckDescription, Null: true},
	}
	return []rest.Route{
		{Path: checksPath, Tag: "checks", Methods: map[string]rest.Op{
			"GET": {Do: f.listChecks, Doc: "List the checks of a patch, superseded ones too", Answer: []CheckDetail{}, Paged: true, Query: []rest.Param{
				{Name: "user", Repeated: true, Doc: "number or name"},
				{Name: "state", Repeated: true, Enum: patch.CheckStates(), Doc: "or their numbers from 0 to 3"},
				{Name: "context", Repeated: true},
				{Name: "since", Type: rest.Instant, Doc: "from then on"}, {Name: "before", Type: rest.Instant},
				{Name: "order", Doc: strings.Join(patch.CheckOrders(), ", ") + "; with a minus in reverse"}, rest.CursorParam,
			}},
			"POST": {Do: f.postCheck, Doc: "Report a check of a patch", Answer: CheckDetail{}, Status: http.StatusCreated, Scope: account.ScopeChecks, Body: append(texts,
				rest.Field{Name: "context", Max: patch.MaxCheckContext, Doc: "what was checked: letters, digits, - and _; else \"" + patch.DefaultContext + "\""},
				rest.Field{Name: "upsert", Type: rest.Bool, Since: rest.V14, Doc: "change your newest check of this context, if there is one (200), instead of adding one"})},
		}},
		{Path: checksPath + "{check}/", Tag: "checks", Methods: map[string]rest.Op{
			"GET":   {Do: f.getCheck, Doc: "Show a check", Answer: CheckDetail{}},
			"PATCH": {Do: f.changeCheck, Doc: "Change a check", Since: rest.V14, Answer: CheckDetail{}, Body: texts},
		}},
	}
}

func (f *face) listChecks(c *rest.Call) error {
	id, err := c.ID("id")
	if err != nil {
		return err
	}
	q := patch.CheckQuery{Patch: id, Slice: patch.Slice{Order: order(c, patch.CheckOrders()...)}}
	none, err := f.checkFilters(c, &q)
	if err != nil {
		return err
	}
	if err := patch.HasPatch(c.R.Context(), f.db, id); err != nil {
		return err
	}
	found, err := lister[patch.TestResult]{&q.Slice, none,
		func() (int, error) { return patch.CountChecks(c.R.Context(), f.db, q) },
		func() ([]patch.TestResult, error) { return patch.ListChecks(c.R.Context(), f.db, q) },
		func(r patch.TestResult) patch.Mark { return patch.Mark{ID: r.ID, Date: r.Date} }}.read(c)
	if err != nil {
		return err
	}
	out, err := f.checks(c.R.Context(), f.db, c, found...)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// checkFilters reads the filters; none tells that nothing can match.
func (f *face) checkFilters(c *rest.Call, q *patch.CheckQuery) (none bool, err error) {
	fs := c.Filters()
	if q.Users, err = f.users(c, fs, "user"); err != nil {
		return false, err
	}
	states, err := texts(fs, "state")
	if err != nil {
		return false, err
	}
	for _, s := range states {
		state, err := patch.CheckState(s)
		if err != nil {
			fs.Impossible()
		}
		q.States = append(q.States, int64(state))
	}
	if q.Contexts, err = texts(fs, "context"); err != nil {
		return false, err
	}
	q.Since, q.Before = fs.Time("since"), fs.Time("before")
	return fs.None(), nil
}

func (f *face) getCheck(c *rest.Call) error {
	found, err := f.checkAt(c)
	if err != nil {
		return err
	}
	return f.showCheck(c, http.StatusOK, found)
}

// checkAt reads the check that the address names.
func (f *face) checkAt(c *rest.Call) (patch.TestResult, error) {
	id, err := c.ID("id")
	if err != nil {
		return patch.TestResult{}, err
	}
	check, err := c.ID("check")
	if err != nil {
		return patch.TestResult{}, err
	}
	return patch.ReadCheck(c.R.Context(), f.db, id, check)
}

// ifCheck compares a check with If-Match.
func (f *face) ifCheck(c *rest.Call, seen patch.TestResult) func(context.Context, *sqldb.Tx) error {
	return c.Precondition(func(ctx context.Context, q sqldb.Queryer) (any, error) {
		check, err := patch.ReadCheck(ctx, q, seen.Patch, seen.ID)
		if err != nil {
			return nil, err
		}
		out, err := f.checks(ctx, q, c, check)
		if err != nil {
			return nil, err
		}
		return out[0], nil
	})
}

func (f *face) showCheck(c *rest.Call, status int, check patch.TestResult) error {
	out, err := f.checks(c.R.Context(), f.db, c, check)
	if err != nil {
		return err
	}
	return c.JSON(status, out[0])
}

// checks makes the wire types, with one query for all users.
func (f *face) checks(ctx context.Context, q sqldb.Queryer, c *rest.Call, found ...patch.TestResult) ([]CheckDetail, error) {
	var ids []int64
	for _, r := range found {
		ids = add(ids, r.User)
	}
	users, err := account.UsersByID(ctx, q, unique(ids))
	if err != nil {
		return nil, err
	}
	out := []CheckDetail{}
	for _, r := range found {
		out = append(out, CheckDetail{ID: r.ID, URL: checkURL(c, r), User: checkUser(c, users[r.User]), Date: rest.Date(r.Date), State: checkStateName(r.State),
			TargetURL: r.TargetURL, Context: r.Context, Description: r.Description})
	}
	return out, nil
}

func checkURL(c *rest.Call, r patch.TestResult) string {
	return fmt.Sprintf("%s/patches/%d/checks/%d/", c.API, r.Patch, r.ID)
}

// checkUser is who reported a check. One who was deleted since is user 0: clients such as pwclient read his name without asking whether there is one.
func checkUser(c *rest.Call, u *account.User) rest.User {
	if u == nil {
		u = &account.User{Username: "deleted"}
	}
	return *rest.EmbedUser(c.API, u)
}

// postCheck answers 201 with a new check, 200 with one that was changed. Who may not is told so before the body is looked at, and in Patchwork 3.2 in the
// same words whether he is logged in or not.
func (f *face) postCheck(c *rest.Call) error {
	id, err := c.ID("id")
	if err != nil {
		return err
	}
	if err := patch.MayReport(c.R.Context(), f.db, c.Actor(), id); err != nil {
		return rest.PermissionDenied(err)
	}
	n, err := readCheck(c)
	if err != nil {
		return err
	}
	made, added, err := patch.PostCheck(c.R.Context(), f.db, c.Actor(), c.Now, id, n)
	if err != nil {
		return byField(err)
	}
	status := http.StatusOK
	if added {
		c.W.Header().Set("Location", checkURL(c, made))
		status = http.StatusCreated
	}
	return f.showCheck(c, status, made)
}

func readCheck(c *rest.Call) (patch.NewCheck, error) {
	b, err := c.Body()
	if err != nil {
		return patch.NewCheck{}, err
	}
	var n patch.NewCheck
	if state := checkState(b); state != nil {
		n.State = *state
	} else if !b.Has("state") {
		b.Wrong("state", "A check must have a state.")
	}
	n.Context = checkContext(b)
	n.TargetURL, n.Description = checkText(b, "target_url", patch.MaxCheckURL), checkText(b, "description", patch.MaxCheckDescription)
	note(b, patch.ValidTarget(n.TargetURL))
	if c.Version >= rest.V14 {
		upsert := b.Bool("upsert")
		n.Replace = upsert != nil && *upsert
	}
	return n, b.Err()
}

// checkState reads the field state, nil if it was not sent or is wrong.
func checkState(b *rest.Body) *int {
	v, ok := b.Value("state", false)
	if !ok {
		return nil
	}
	var word string
	switch v := v.(type) {
	case nil:
		b.Wrong("state", "This field may not be null.")
		return nil
	case string:
		word = v
	case json.Number:
		word = v.String()
	default:
		b.Wrong("state", "%s is not a valid choice.", `"`+fmt.Sprint(v)+`"`)
		return nil
	}
	state, err := patch.CheckState(word)
	if err != nil {
		note(b, err)
		return nil
	}
	return &state
}

// checkContext reads the field context. An empty one in a form is not sent.
func checkContext(b *rest.Body) string {
	text := b.Text("context", patch.MaxCheckContext)
	if text == nil {
		return patch.DefaultContext
	}
	context := strings.TrimSpace(*text)
	if context == "" && b.IsForm() {
		return patch.DefaultContext
	}
	note(b, patch.ValidContext(context))
	return context
}

// checkText reads a text without the blanks around it, nil for none.
func checkText(b *rest.Body, name string, most int) *string {
	text, _ := b.NullText(name, most)
	if text != nil {
		*text = strings.TrimSpace(*text)
	}
	return text
}

func (f *face) changeCheck(c *rest.Call) error {
	check, err := f.checkAt(c)
	if err != nil {
		return err
	}
	if err := patch.MayChangeCheck(c.R.Context(), f.db, c.Actor(), check); err != nil {
		return rest.PermissionDenied(err)
	}
	b, err := c.Body()
	if err != nil {
		return err
	}
	change := patch.CheckChange{State: checkState(b)}
	if b.Has("target_url") {
		text := checkText(b, "target_url", patch.MaxCheckURL)
		note(b, patch.ValidTarget(text))
		change.TargetURL = &text
	}
	if b.Has("description") {
		text := checkText(b, "description", patch.MaxCheckDescription)
		change.Description = &text
	}
	if err := b.Err(); err != nil {
		return err
	}
	change.If = f.ifCheck(c, check)
	check, err = patch.UpdateCheck(c.R.Context(), f.db, c.Actor(), c.Now, check.Patch, check.ID, change)
	if err != nil {
		return byField(err)
	}
	return f.showCheck(c, http.StatusOK, check)
}
