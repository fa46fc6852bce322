// SPDX-License-Identifier: GPL-2.0-or-later

package webhookweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
	"patchwork.example/pw/internal/webhook"
)

const (
	perPage = 50 // deliveries
	maxForm = 64 << 10
)

// Words finds the names that hooks may use.
type Words func(ctx context.Context) (webhook.Words, error)

type face struct {
	db    *sqldb.DB
	words Words
}

// Routes hangs the pages into mux.
func Routes(mux *http.ServeMux, shell *web.Shell, db *sqldb.DB, words Words) {
	f := &face{db: db, words: words}
	for _, base := range []string{"/project/{link}/webhooks/", "/admin/webhooks/"} {
		page := func(method, path string, do func(*web.Call, place) error) {
			mux.Handle(method+" "+base+path+"{$}", shell.Page(f.within(do)))
		}
		page("GET", "", f.list)
		page("POST", "", f.create)
		page("GET", "{id}/", f.show)
		page("POST", "{id}/", f.update)
		page("POST", "{id}/delete/", f.remove)
		page("POST", "{id}/ping/", f.ping)
		page("GET", "{id}/deliveries/{delivery}/", f.delivery)
		page("POST", "{id}/deliveries/{delivery}/redeliver/", f.redeliver)
		page("POST", "{id}/deliveries/{delivery}/skip/", f.skip)
	}
}

// place is whose hooks a page is about.
type place struct {
	project *project.Project // nil: the site
	words   webhook.Words
}

func (p place) linkname() string {
	if p.project == nil {
		return ""
	}
	return p.project.Linkname
}

// path is the address of the list, or of what follows it.
func (p place) path(rest ...any) string {
	base := "/admin/webhooks/"
	if p.project != nil {
		base = "/project/" + url.PathEscape(p.project.Linkname) + "/webhooks/"
	}
	for _, r := range rest {
		base += fmt.Sprint(r) + "/"
	}
	return base
}

func (p place) meta(title string) web.Meta {
	m := web.Meta{Title: title, NoIndex: true, Section: "webhooks"}
	if p.project != nil {
		m.Project, m.Name, m.NavHTML = p.project.Linkname, p.project.Name, p.project.NavHTML
	}
	return m
}

// within finds whose hooks the address means, and reads the form before anything is asked of the database.
func (f *face) within(do func(*web.Call, place) error) func(*web.Call) error {
	return func(c *web.Call) error {
		if err := readForm(c); err != nil {
			return err
		}
		if err := c.RequireLogin(); err != nil {
			return err
		}
		var at place
		if link := c.R.PathValue("link"); link != "" {
			p, err := project.ByLinkname(c.R.Context(), f.db, link)
			if err != nil {
				return err
			}
			at.project = &p
		}
		var err error
		if at.words, err = f.words(c.R.Context()); err != nil {
			return err
		}
		return do(c, at)
	}
}

func readForm(c *web.Call) error {
	if c.R.Method != http.MethodPost {
		return nil
	}
	c.R.Body = http.MaxBytesReader(c.W, c.R.Body, maxForm)
	err := c.R.ParseForm()
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return fault.Wrap(fault.TooLarge, err, "a form may have %d bytes", maxForm)
	}
	return fault.Wrap(fault.Invalid, err, "the form can't be read")
}

func (f *face) list(c *web.Call, at place) error {
	return f.listWith(c, at, http.StatusOK, form{Active: true}, "")
}

// listWith shows the list with a form to make another hook, filled in, and what is wrong with it.
func (f *face) listWith(c *web.Call, at place, status int, filled form, problem string) error {
	hooks, err := webhook.List(c.R.Context(), f.db, c.Actor(), at.linkname())
	if err != nil {
		return err
	}
	return c.Render(status, at.meta("Webhooks"), listView(at, hooks, filled, problem, c.User.IsAdmin))
}

// create shows the secret in its answer: it is told nowhere else, and must not wait in a cookie.
func (f *face) create(c *web.Call, at place) error {
	filled := readHook(c)
	change := filled.change()
	if filled.Secret == "" && !filled.Unsigned {
		change.Secret = nil
	}
	h, secret, err := webhook.Create(c.R.Context(), f.db, c.Actor(), c.Now, at.words, at.linkname(), change)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return f.listWith(c, at, http.StatusBadRequest, filled, fault.UserText(err))
	}
	if err != nil {
		return err
	}
	return c.Render(http.StatusCreated, at.meta("Webhook made"), createdView(at, h, secret))
}

// hook finds the hook of an address. One of another project is not there.
func (f *face) hook(c *web.Call, at place) (webhook.Hook, error) {
	id, err := strconv.ParseInt(c.R.PathValue("id"), 10, 64)
	if err != nil {
		return webhook.Hook{}, fault.New(fault.NotFound, "there is no such webhook")
	}
	h, err := webhook.Get(c.R.Context(), f.db, c.Actor(), id)
	if err == nil && h.Linkname != at.linkname() {
		err = fault.New(fault.NotFound, "there is no such webhook here")
	}
	return h, err
}

func (f *face) show(c *web.Call, at place) error {
	h, err := f.hook(c, at)
	if err != nil {
		return err
	}
	return f.showWith(c, at, http.StatusOK, h, formOf(h), "")
}

func (f *face) showWith(c *web.Call, at place, status int, h webhook.Hook, filled form, problem string) error {
	total, err := webhook.CountDeliveries(c.R.Context(), f.db, c.Actor(), h.ID)
	if err != nil {
		return err
	}
	pages := max(1, (total+perPage-1)/perPage)
	page, _ := strconv.Atoi(c.R.URL.Query().Get("page")) // what is no number is the first
	page = min(max(page, 1), pages)
	deliveries, err := webhook.Deliveries(c.R.Context(), f.db, c.Actor(), h.ID, (page-1)*perPage, perPage)
	if err != nil {
		return err
	}
	next, err := webhook.FirstPending(c.R.Context(), f.db, c.Actor(), h.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	pager := web.Pager{Page: page, Pages: pages, Path: at.path(h.ID)}
	return c.Render(status, at.meta("Webhook"), hookView(at, h, next, filled, problem, deliveries, pager))
}

func (f *face) update(c *web.Call, at place) error {
	h, err := f.hook(c, at)
	if err != nil {
		return err
	}
	filled := readHook(c)
	change := filled.change()
	if filled.Secret == "" && !filled.Unsigned { // as it was
		change.Secret = nil
	}
	_, err = webhook.Update(c.R.Context(), f.db, c.Actor(), c.Now, at.words, h.ID, change)
	if fault.Is(err, fault.Invalid) {
		return f.showWith(c, at, http.StatusBadRequest, h, filled, fault.UserText(err))
	}
	return f.done(c, err, "Webhook changed", at.path(h.ID))
}

// done goes on to a page that says what happened.
func (f *face) done(c *web.Call, err error, said, path string) error {
	if err != nil {
		return err
	}
	c.Flash(web.Flash{Text: said})
	return c.Redirect(http.StatusSeeOther, path)
}

func (f *face) remove(c *web.Call, at place) error {
	h, err := f.hook(c, at)
	if err != nil {
		return err
	}
	return f.done(c, webhook.Delete(c.R.Context(), f.db, c.Actor(), c.Now, h.ID, nil), "Webhook deleted", at.path())
}

func (f *face) ping(c *web.Call, at place) error {
	h, err := f.hook(c, at)
	if err != nil {
		return err
	}
	d, err := webhook.Ping(c.R.Context(), f.db, c.Actor(), c.Now, h.ID)
	return f.done(c, err, "A ping is on its way. Reload this page to see how it went", at.path(h.ID, "deliveries", d.ID))
}

func (f *face) deliveryNumber(c *web.Call) (int64, error) {
	id, err := strconv.ParseInt(c.R.PathValue("delivery"), 10, 64)
	if err != nil {
		return 0, fault.New(fault.NotFound, "there is no such delivery")
	}
	return id, nil
}

func (f *face) delivery(c *web.Call, at place) error {
	h, err := f.hook(c, at)
	if err != nil {
		return err
	}
	id, err := f.deliveryNumber(c)
	if err != nil {
		return err
	}
	d, attempts, err := webhook.GetDelivery(c.R.Context(), f.db, c.Actor(), h.ID, id)
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, at.meta(fmt.Sprintf("Delivery %d", d.ID)), deliveryView(at, h, d, attempts))
}

func (f *face) redeliver(c *web.Call, at place) error {
	h, err := f.hook(c, at)
	if err != nil {
		return err
	}
	id, err := f.deliveryNumber(c)
	if err != nil {
		return err
	}
	err = webhook.Redeliver(c.R.Context(), f.db, c.Actor(), c.Now, h.ID, id)
	return f.done(c, err, "It is sent again. Reload this page to see how it went", at.path(h.ID, "deliveries", id))
}

func (f *face) skip(c *web.Call, at place) error {
	h, err := f.hook(c, at)
	if err != nil {
		return err
	}
	id, err := f.deliveryNumber(c)
	if err != nil {
		return err
	}
	err = webhook.Skip(c.R.Context(), f.db, c.Actor(), c.Now, h.ID, id)
	return f.done(c, err, "Skipped; what comes after it is sent now", at.path(h.ID, "deliveries", id))
}

// form is what one fills in.
type form struct {
	URL, Secret            string
	Unsigned, Active       bool
	Events, States, Checks []string
	Contexts               string // with commas
	Tags                   []string
}

func formOf(h webhook.Hook) form {
	return form{URL: h.URL, Unsigned: !h.HasSecret(), Active: h.Active, Events: h.Categories, States: h.Filter.States, Checks: h.Filter.CheckStates,
		Contexts: strings.Join(h.Filter.CheckContexts, ", "), Tags: h.Filter.Tags}
}

func readHook(c *web.Call) form {
	p := c.R.PostForm
	return form{URL: p.Get("url"), Secret: p.Get("secret"), Unsigned: p.Get("unsigned") != "", Active: p.Get("active") != "", Events: p["events"], States: p["states"],
		Checks: p["check_states"], Contexts: p.Get("check_contexts"), Tags: p["tags"]}
}

func (f form) change() webhook.Change {
	contexts := strings.Split(f.Contexts, ",")
	secret := f.Secret
	if f.Unsigned {
		secret = ""
	}
	return webhook.Change{URL: &f.URL, Secret: &secret, Active: &f.Active, Categories: &f.Events, States: &f.States, CheckStates: &f.Checks, CheckContexts: &contexts, Tags: &f.Tags}
}
