// SPDX-License-Identifier: GPL-2.0-or-later

package webhookapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
	"patchwork.example/pw/internal/webhook"
)

// Words finds the names that hooks may use.
type Words func(ctx context.Context) (webhook.Words, error)

type face struct {
	db    *sqldb.DB
	words Words
}

// Routes hangs the API into mux.
func Routes(mux *http.ServeMux, shell *rest.Shell, db *sqldb.DB, words Words) {
	f := &face{db: db, words: words}
	for _, r := range f.routes() {
		shell.Route(mux, r)
	}
}

// routes are of API 1.4 only.
func (f *face) routes() []rest.Route {
	const list = "/projects/{project}/webhooks/"
	route := func(path string, methods map[string]rest.Op) rest.Route {
		return rest.Route{Path: path, Since: rest.V14, Tag: "webhooks", Methods: methods}
	}
	return []rest.Route{
		route(list, map[string]rest.Op{
			"GET":  {Do: f.list, Doc: "The webhooks of a project", Answer: []Webhook{}, Paged: true},
			"POST": {Do: f.create, Doc: "Makes a webhook; its secret is in the answer, this once", Body: fields(true), Answer: created{}, Status: http.StatusCreated},
		}),
		route(list+"{id}/", map[string]rest.Op{
			"GET":    {Do: f.get, Doc: "A webhook", Answer: Webhook{}},
			"PATCH":  {Do: f.change(false), Doc: "Changes a webhook", Body: fields(false), Answer: Webhook{}},
			"PUT":    {Do: f.change(true), Doc: "Changes a webhook", Body: fields(true), Answer: Webhook{}},
			"DELETE": {Do: f.remove, Doc: "Deletes a webhook", Status: http.StatusNoContent},
		}),
		route(list+"{id}/ping/", map[string]rest.Op{"POST": {Do: f.ping, Doc: "Sends a test message", Answer: Delivery{}, Status: http.StatusAccepted}}),
		route(list+"{id}/deliveries/", map[string]rest.Op{"GET": {Do: f.deliveries, Doc: "What was and will be sent", Answer: []Delivery{}, Paged: true}}),
		route(list+"{id}/deliveries/{delivery}/", map[string]rest.Op{"GET": {Do: f.delivery, Doc: "A message with all that was sent and answered", Answer: DeliveryDetail{}}}),
		route(list+"{id}/deliveries/{delivery}/skip/", map[string]rest.Op{"POST": {Do: f.skip, Doc: "Gives up a message that waits, so that what comes after it is sent", Answer: Delivery{}}}),
		route(list+"{id}/deliveries/{delivery}/redeliver/", map[string]rest.Op{"POST": {Do: f.redeliver, Doc: "Sends a message again", Answer: Delivery{}, Status: http.StatusAccepted}}),
	}
}

// fields are those of a hook that a body may have; whole: the address is required.
func fields(whole bool) []rest.Field {
	return []rest.Field{
		{Name: "url", Doc: "address that is told", Max: maxURL, Required: whole},
		{Name: "secret", Doc: "key of the signature; empty: a new one is made", Max: maxSecret},
		{Name: "events", Type: rest.Texts, Doc: "categories of events; empty: all"},
		{Name: "states", Type: rest.Texts, Doc: "only of patches that came into one of these states"},
		{Name: "check_states", Type: rest.Texts, Doc: "only of checks with one of these states"},
		{Name: "check_contexts", Type: rest.Texts, Doc: "only of checks with one of these contexts"},
		{Name: "tags", Type: rest.Texts, Doc: "only of patches with one of these tags"},
		{Name: "active", Type: rest.Bool, Doc: "false: nothing is sent"},
	}
}

const maxURL, maxSecret = 2000, 255 // characters

// place is what an address names.
type place struct {
	project project.Project
	hook    webhook.Hook
}

// project finds the project of an address, by number or link name. Who may not see its hooks learns that there is such a project, which is public.
func (f *face) project(c *rest.Call) (project.Project, error) {
	return project.ByLinkname(c.R.Context(), f.db, c.R.PathValue("project"))
}

// at finds the hook of an address. One of another project is not there.
func (f *face) at(c *rest.Call) (place, error) {
	p, err := f.project(c)
	if err != nil {
		return place{}, err
	}
	id, err := number(c, "id")
	if err != nil {
		return place{}, err
	}
	h, err := webhook.Get(c.R.Context(), f.db, c.Actor(), id)
	if err != nil {
		return place{}, err
	}
	if h.Project != p.ID {
		return place{}, fault.New(fault.NotFound, "project %q has no webhook %d", p.Linkname, id)
	}
	return place{p, h}, nil
}

func number(c *rest.Call, name string) (int64, error) {
	n, err := strconv.ParseInt(c.R.PathValue(name), 10, 64)
	if err != nil || n < 1 {
		return 0, fault.New(fault.NotFound, "%q is no number", c.R.PathValue(name))
	}
	return n, nil
}

func (f *face) list(c *rest.Call) error {
	p, err := f.project(c)
	if err != nil {
		return err
	}
	hooks, err := webhook.List(c.R.Context(), f.db, c.Actor(), p.Linkname)
	if err != nil {
		return err
	}
	page, err := c.Page(len(hooks))
	if err != nil {
		return err
	}
	hooks = hooks[min(page.Offset, len(hooks)):min(page.Offset+page.Limit, len(hooks))]
	out, err := f.wire(c.R.Context(), f.db, c, p, hooks...)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

func (f *face) get(c *rest.Call) error {
	at, err := f.at(c)
	if err != nil {
		return err
	}
	return f.show(c, http.StatusOK, at.project, at.hook)
}

func (f *face) show(c *rest.Call, status int, p project.Project, h webhook.Hook) error {
	out, err := f.wire(c.R.Context(), f.db, c, p, h)
	if err != nil {
		return err
	}
	return c.JSON(status, out[0])
}

// ifHook compares a hook with If-Match.
func (f *face) ifHook(c *rest.Call, at place) func(context.Context, *sqldb.Tx) error {
	return c.Precondition(func(ctx context.Context, q sqldb.Queryer) (any, error) {
		h, err := webhook.Get(ctx, q, c.Actor(), at.hook.ID)
		if err != nil {
			return nil, err
		}
		out, err := f.wire(ctx, q, c, at.project, h)
		if err != nil {
			return nil, err
		}
		return out[0], nil
	})
}

// create answers with the secret, this once.
func (f *face) create(c *rest.Call) error {
	p, err := f.project(c)
	if err != nil {
		return err
	}
	if _, err := webhook.List(c.R.Context(), f.db, c.Actor(), p.Linkname); err != nil { // before the body is looked at
		return err
	}
	change, err := readChange(c, "url")
	if err != nil {
		return err
	}
	words, err := f.words(c.R.Context())
	if err != nil {
		return err
	}
	h, secret, err := webhook.Create(c.R.Context(), f.db, c.Actor(), c.Now, words, p.Linkname, change)
	if err != nil {
		return byField(err)
	}
	out, err := f.wire(c.R.Context(), f.db, c, p, h)
	if err != nil {
		return err
	}
	return c.Created(hookURL(c, p, h.ID), created{Webhook: out[0], Secret: secret})
}

// change answers PATCH, and PUT, for which url is required.
func (f *face) change(whole bool) func(*rest.Call) error {
	return func(c *rest.Call) error {
		at, err := f.at(c)
		if err != nil {
			return err
		}
		var required []string
		if whole {
			required = []string{"url"}
		}
		change, err := readChange(c, required...)
		if err != nil {
			return err
		}
		words, err := f.words(c.R.Context())
		if err != nil {
			return err
		}
		change.If = f.ifHook(c, at)
		h, err := webhook.Update(c.R.Context(), f.db, c.Actor(), c.Now, words, at.hook.ID, change)
		if err != nil {
			return byField(err)
		}
		return f.show(c, http.StatusOK, at.project, h)
	}
}

// readChange takes the fields of a hook from the body; all others are read-only and ignored.
func readChange(c *rest.Call, required ...string) (webhook.Change, error) {
	b, err := c.Body()
	if err != nil {
		return webhook.Change{}, err
	}
	b.Require(required...)
	change := webhook.Change{URL: b.Text("url", maxURL), Secret: b.Text("secret", maxSecret), Categories: b.Texts("events"), States: b.Texts("states"),
		CheckStates: b.Texts("check_states"), CheckContexts: b.Texts("check_contexts"), Tags: b.Texts("tags"), Active: b.Bool("active")}
	return change, b.Err()
}

// byField says beside which field an error belongs.
func byField(err error) error {
	if field := webhook.FieldOf(err); field != "" {
		return rest.FieldErrors{field: {fault.UserText(err)}}
	}
	return err
}

func (f *face) remove(c *rest.Call) error {
	at, err := f.at(c)
	if err != nil {
		return err
	}
	if err := webhook.Delete(c.R.Context(), f.db, c.Actor(), c.Now, at.hook.ID, f.ifHook(c, at)); err != nil {
		return err
	}
	return c.NoContent()
}

func (f *face) ping(c *rest.Call) error {
	at, err := f.at(c)
	if err != nil {
		return err
	}
	d, err := webhook.Ping(c.R.Context(), f.db, c.Actor(), c.Now, at.hook.ID)
	if err != nil {
		return err
	}
	out := wireDelivery(c, at, d)
	c.W.Header().Set("Location", out.URL)
	return c.JSON(http.StatusAccepted, out)
}

func (f *face) deliveries(c *rest.Call) error {
	at, err := f.at(c)
	if err != nil {
		return err
	}
	total, err := webhook.CountDeliveries(c.R.Context(), f.db, c.Actor(), at.hook.ID)
	if err != nil {
		return err
	}
	page, err := c.Page(total)
	if err != nil {
		return err
	}
	found, err := webhook.Deliveries(c.R.Context(), f.db, c.Actor(), at.hook.ID, page.Offset, page.Limit)
	if err != nil {
		return err
	}
	out := []Delivery{}
	for _, d := range found {
		out = append(out, wireDelivery(c, at, d))
	}
	return c.JSON(http.StatusOK, out)
}

func (f *face) delivery(c *rest.Call) error {
	at, err := f.at(c)
	if err != nil {
		return err
	}
	id, err := number(c, "delivery")
	if err != nil {
		return err
	}
	d, attempts, err := webhook.GetDelivery(c.R.Context(), f.db, c.Actor(), at.hook.ID, id)
	if err != nil {
		return err
	}
	out := DeliveryDetail{Delivery: wireDelivery(c, at, d), Body: string(d.Body), History: []Attempt{}}
	for _, a := range attempts {
		out.History = append(out.History, wireAttempt(a))
	}
	return c.JSON(http.StatusOK, out)
}

func (f *face) redeliver(c *rest.Call) error {
	return f.changes(c, webhook.Redeliver, http.StatusAccepted)
}

func (f *face) skip(c *rest.Call) error { return f.changes(c, webhook.Skip, http.StatusOK) }

// changes does a verb to the delivery of an address and answers with it.
func (f *face) changes(c *rest.Call, verb func(context.Context, *sqldb.DB, account.Actor, clock.Time, int64, int64) error, status int) error {
	at, err := f.at(c)
	if err != nil {
		return err
	}
	id, err := number(c, "delivery")
	if err != nil {
		return err
	}
	if err := verb(c.R.Context(), f.db, c.Actor(), c.Now, at.hook.ID, id); err != nil {
		return err
	}
	d, _, err := webhook.GetDelivery(c.R.Context(), f.db, c.Actor(), at.hook.ID, id)
	if err != nil {
		return err
	}
	return c.JSON(status, wireDelivery(c, at, d))
}

// wire makes the wire types of hooks of one project.
func (f *face) wire(ctx context.Context, q sqldb.Queryer, c *rest.Call, p project.Project, hooks ...webhook.Hook) ([]Webhook, error) {
	var ids []int64
	for _, h := range hooks {
		if h.Creator != 0 {
			ids = append(ids, h.Creator)
		}
	}
	users, err := account.UsersByID(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	out := []Webhook{}
	for _, h := range hooks {
		out = append(out, wireHook(c, p, h, users[h.Creator]))
	}
	return out, nil
}

func hookURL(c *rest.Call, p project.Project, id int64) string {
	return fmt.Sprintf("%s/projects/%d/webhooks/%d/", c.API, p.ID, id)
}
