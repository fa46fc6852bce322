// SPDX-License-Identifier: GPL-2.0-or-later

package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/project"
)

// Words are the names that categories and filters may use.
type Words struct {
	Kinds       []string // of events
	States      []string // slugs
	CheckStates []string
	Tags        []string
}

// Change sets what is not nil. An empty Secret means that nothing is signed.
type Change struct {
	URL, Secret                              *string
	Categories                               *[]string
	States, CheckStates, CheckContexts, Tags *[]string
	Active                                   *bool
	Creator                                  *string // user name

	// If is asked in the transaction that changes a hook, after its lock; its error ends the change.
	If func(context.Context, *sqldb.Tx) error
}

const (
	maxHooks   = 100 // per project, and of the site
	maxURL     = 2000
	maxList    = 100  // items of a filter
	maxPattern = 255  // characters of an item
	maxPending = 1e5  // deliveries that may wait for one hook
	maxBody    = 1e6  // bytes of a delivery
	maxReason  = 1000 // characters of an error that is kept
)

// mayManage is fault.Denied unless by is a maintainer of the hooks' project or an administrator. Project 0 is the site, which is only for the latter.
func mayManage(ctx context.Context, q sqldb.Queryer, by account.Actor, projectID int64) error {
	if by.Admin {
		return nil
	}
	if projectID == 0 || by.User == 0 {
		return by.RequireAdmin("manage the webhooks of the site")
	}
	ok, err := project.IsMaintainer(ctx, q, projectID, by.User)
	if err == nil && !ok {
		err = fault.New(fault.Denied, "only maintainers of the project manage its webhooks")
	}
	return err
}

// List lists the hooks of a project by their numbers; linkname empty means those of the site.
func List(ctx context.Context, q sqldb.Queryer, by account.Actor, linkname string) ([]Hook, error) {
	query, args := selectHooks+" WHERE w.project_id IS NULL ORDER BY w.id", []any(nil)
	var of int64
	if linkname != "" {
		p, err := project.ByLinkname(ctx, q, linkname)
		if err != nil {
			return nil, err
		}
		of = p.ID
		query, args = selectHooks+" WHERE w.project_id = ? ORDER BY w.id", []any{p.ID}
	}
	if err := mayManage(ctx, q, by, of); err != nil {
		return nil, err
	}
	var rows []hookRow
	if err := q.Select(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("list webhooks: %w", err)
	}
	return hooks(rows)
}

// All lists all hooks, those of the site first; for administrators.
func All(ctx context.Context, q sqldb.Queryer, by account.Actor) ([]Hook, error) {
	if err := by.RequireAdmin("list all webhooks"); err != nil {
		return nil, err
	}
	var rows []hookRow
	if err := q.Select(ctx, &rows, selectHooks+" ORDER BY linkname, w.id"); err != nil {
		return nil, fmt.Errorf("list webhooks: %w", err)
	}
	return hooks(rows)
}

// Get reads a hook.
func Get(ctx context.Context, q sqldb.Queryer, by account.Actor, id int64) (Hook, error) {
	h, err := read(ctx, q, id)
	if err != nil {
		return h, err
	}
	return h, mayManage(ctx, q, by, h.Project)
}

// Create makes a hook of a project, or of the site if linkname is empty; URL is required. Without a Secret one is made. It is given back here and
// nowhere else.
func Create(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, w Words, linkname string, c Change) (h Hook, secret string, err error) {
	if c.Secret == nil {
		made := newSecret()
		c.Secret = &made
	}
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		h = Hook{Active: true, Creator: by.User, CreatedAt: now, Linkname: linkname}
		if linkname != "" {
			p, err := project.ByLinkname(ctx, tx, linkname)
			if err != nil {
				return err
			}
			h.Project, h.Linkname = p.ID, p.Linkname
			if err := project.Lock(ctx, tx, []int64{p.ID}); err != nil { // so that the number of hooks is true
				return err
			}
		}
		if err := mayManage(ctx, tx, by, h.Project); err != nil {
			return err
		}
		if err := c.apply(ctx, tx, w, &h); err != nil {
			return err
		}
		if err := roomForAnother(ctx, tx, h.Project); err != nil {
			return err
		}
		if h.ID, err = tx.NextID(ctx, "webhook"); err != nil {
			return err
		}
		if err := insert(ctx, tx, h); err != nil {
			return err
		}
		return h.audit(ctx, tx, by, now, "webhook create", "")
	})
	if err != nil {
		return Hook{}, "", fmt.Errorf("create a webhook: %w", err)
	}
	h, err = read(ctx, db, h.ID)
	return h, *c.Secret, err
}

func roomForAnother(ctx context.Context, tx *sqldb.Tx, projectID int64) error {
	var n int
	if err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM webhook WHERE COALESCE(project_id, 0) = ?", projectID); err != nil {
		return err
	}
	if n >= maxHooks {
		return fault.New(fault.Conflict, "there are %d webhooks already; delete one first", n)
	}
	return nil
}

func insert(ctx context.Context, tx *sqldb.Tx, h Hook) error {
	filters, err := json.Marshal(h.Filter)
	if err != nil {
		return err
	}
	return tx.Insert(ctx, "webhook", []string{"id", "project_id", "url", "secret", "categories", "filters", "active", "creator_id", "created_at", "pending", "failures", "disabled_reason"},
		[][]any{{h.ID, sqldb.NullID(h.Project), h.URL, h.Secret, strings.Join(h.Categories, " "), string(filters), h.Active, sqldb.NullID(h.Creator), int64(h.CreatedAt), 0, 0, ""}})
}

// Update changes a hook. Switching it on forgets its failures; switching it off, or another address, cancels nothing that was sent already.
func Update(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, w Words, id int64, c Change) (h Hook, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		if h, err = lock(ctx, tx, id); err != nil {
			return err
		}
		if err := mayManage(ctx, tx, by, h.Project); err != nil {
			return err
		}
		if c.If != nil {
			if err := c.If(ctx, tx); err != nil {
				return err
			}
		}
		if err := c.apply(ctx, tx, w, &h); err != nil {
			return err
		}
		if c.Active != nil && *c.Active {
			h.Failures, h.FailingSince, h.DisabledAt, h.DisabledReason = 0, nil, nil, ""
		}
		filters, err := json.Marshal(h.Filter)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE webhook SET url = ?, secret = ?, categories = ?, filters = ?, active = ?, creator_id = ?, failures = ?, failing_since = ?,
				disabled_at = ?, disabled_reason = ? WHERE id = ?`,
			h.URL, h.Secret, strings.Join(h.Categories, " "), string(filters), h.Active, sqldb.NullID(h.Creator), h.Failures, orNull(h.FailingSince),
			orNull(h.DisabledAt), h.DisabledReason, h.ID)
		if err != nil {
			return err
		}
		return h.audit(ctx, tx, by, now, "webhook update", "")
	})
	if err != nil {
		return h, fmt.Errorf("change webhook %d: %w", id, err)
	}
	return read(ctx, db, id)
}

// Delete deletes a hook with all its deliveries; jobs that are under way for it end quietly. See Change.If for what unless is; nil: always.
func Delete(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, id int64, unless func(context.Context, *sqldb.Tx) error) error {
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		h, err := lock(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := mayManage(ctx, tx, by, h.Project); err != nil {
			return err
		}
		if unless != nil {
			if err := unless(ctx, tx); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "DELETE FROM webhook WHERE id = ?", id); err != nil {
			return err
		}
		return h.audit(ctx, tx, by, now, "webhook delete", "")
	})
	if err != nil {
		return fmt.Errorf("delete webhook %d: %w", id, err)
	}
	return nil
}

func (h Hook) audit(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, verb, detail string) error {
	of := "the site"
	if h.Linkname != "" {
		of = "project " + h.Linkname
	}
	if detail == "" {
		detail = h.URL
	}
	return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: verb, Subject: "webhook " + strconv.FormatInt(h.ID, 10) + " of " + of, Detail: detail})
}

func orNull(t *clock.Time) any {
	if t == nil {
		return nil
	}
	return int64(*t)
}

func (c Change) apply(ctx context.Context, q sqldb.Queryer, w Words, h *Hook) error {
	for _, list := range []struct {
		to   *[]string
		from *[]string
	}{{&h.Categories, c.Categories}, {&h.Filter.States, c.States}, {&h.Filter.CheckStates, c.CheckStates}, {&h.Filter.CheckContexts, c.CheckContexts}, {&h.Filter.Tags, c.Tags}} {
		if list.from != nil {
			*list.to = tidy(*list.from)
		}
	}
	if c.URL != nil {
		h.URL = strings.TrimSpace(*c.URL)
	}
	if c.Secret != nil {
		h.Secret = *c.Secret
	}
	if c.Active != nil {
		h.Active = *c.Active
	}
	if c.Creator != nil {
		u, err := account.UserByName(ctx, q, *c.Creator)
		if err != nil {
			return err
		}
		h.Creator = u.ID
	}
	return h.valid(w)
}

// tidy takes out what is empty or there twice, and keeps the order.
func tidy(list []string) []string {
	var out []string
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// fieldError says which field of a Change is wrong.
type fieldError struct {
	field string
	error
}

func (f *fieldError) Unwrap() error { return f.error }

// FieldOf names the field of the API that an error of Create or Update is about: url, secret, events, …; empty if it is about none.
func FieldOf(err error) string {
	var f *fieldError
	if errors.As(err, &f) {
		return f.field
	}
	return ""
}

func (h *Hook) valid(w Words) error {
	if err := validURL(h.URL); err != nil {
		return &fieldError{"url", err}
	}
	if err := validSecret(h.Secret); err != nil {
		return &fieldError{"secret", err}
	}
	for _, list := range []struct {
		field, what  string
		given, known []string
	}{{"events", "event", h.Categories, w.Kinds}, {"states", "state", h.Filter.States, w.States}, {"check_states", "check state", h.Filter.CheckStates, w.CheckStates}, {"tags", "tag", h.Filter.Tags, w.Tags}} {
		for _, s := range list.given {
			if !slices.Contains(list.known, s) {
				return &fieldError{list.field, fault.New(fault.Invalid, "there is no %s %q; there are: %s", list.what, s, strings.Join(list.known, ", "))}
			}
		}
	}
	return h.Filter.validContexts()
}

func (f Filter) validContexts() error {
	wrong := func(text string, args ...any) error {
		return &fieldError{"check_contexts", fault.New(fault.Invalid, text, args...)}
	}
	if len(f.CheckContexts) > maxList {
		return wrong("%d check contexts are too many: want at most %d", len(f.CheckContexts), maxList)
	}
	for _, s := range f.CheckContexts {
		if utf8.RuneCountInString(s) > maxPattern {
			return wrong("check context %q: want a name of at most %d characters, in which * stands for any", s, maxPattern)
		}
	}
	return nil
}

func validURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return fault.New(fault.Invalid, "a webhook needs the address that is to be told")
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || len(address) > maxURL:
		return fault.New(fault.Invalid, "address %q: want http:// or https://, a host, and at most %d bytes", address, maxURL)
	case u.User != nil:
		return fault.New(fault.Invalid, "the address must hold no user name or password: everybody who may see the webhook would see them")
	case u.Fragment != "":
		return fault.New(fault.Invalid, "the address must have no part after #: it is not sent")
	}
	return nil
}
