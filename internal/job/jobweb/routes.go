// SPDX-License-Identifier: GPL-2.0-or-later

package jobweb

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/web"
)

const (
	home      = "/admin/jobs/"
	pageRows  = 100
	formBytes = 64 << 10
)

// Subject is what the target of a job is.
type Subject struct {
	Text    string
	Address string // of its page; empty: it has none
}

// Subjects finds what targets are; of those that it leaves out the target itself is shown.
type Subjects func(ctx context.Context, by account.Actor, targets []string) (map[string]Subject, error)

// face holds what the pages need.
type face struct {
	db       *sqldb.DB
	subjects Subjects
}

// Routes registers the pages. They are for administrators: others are told so, visitors are asked to log in.
func Routes(mux *http.ServeMux, shell *web.Shell, db *sqldb.DB, subjects Subjects) {
	f := &face{db: db, subjects: subjects}
	mux.Handle("GET "+home+"{$}", shell.Page(f.list))
	mux.Handle("GET "+home+"{id}/{$}", shell.Page(f.show))
	mux.Handle("POST "+home+"retry/{$}", shell.Page(f.change("will run again", job.Retry)))
	mux.Handle("POST "+home+"cancel/{$}", shell.Page(f.change("cancelled", job.Cancel)))
}

// overview is what the list shows.
type overview struct {
	Now     clock.Time
	Pulse   job.Pulse
	Kinds   []kindCounts
	Workers []job.Worker
	Works   []job.Work
	Query   job.Query
	Names   []string // kinds to choose from
	Jobs    []job.Job
	About   map[string]Subject // by target
	More    string             // address of the jobs that follow; empty: none
}

// kindCounts is a row of the table of numbers; the columns are shownStates.
type kindCounts struct {
	Kind string
	Jobs []int64
}

var shownStates = []string{job.Waiting, job.Blocked, job.Queued, job.Running, job.Dead}

func (f *face) list(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	q, err := parseQuery(c.R.URL.Query())
	if err != nil {
		return err
	}
	o := overview{Now: c.Now, Query: q}
	q.Limit = pageRows + 1
	if o.Jobs, err = job.List(c.R.Context(), f.db, c.Actor(), q); err != nil {
		return err
	}
	if len(o.Jobs) > pageRows {
		o.Jobs = o.Jobs[:pageRows]
		next := q
		next.Before = o.Jobs[pageRows-1].ID
		o.More = address(next)
	}
	if err := f.fill(c, &o); err != nil {
		return err
	}
	return c.Render(http.StatusOK, web.Meta{Title: "Jobs", NoIndex: true}, listPage(o))
}

// fill reads what stands above the list.
func (f *face) fill(c *web.Call, o *overview) (err error) {
	ctx := c.R.Context()
	if o.About, err = f.about(c, o.Jobs...); err != nil {
		return err
	}
	if o.Pulse, err = job.TakePulse(ctx, f.db, o.Now); err != nil {
		return err
	}
	if o.Workers, err = job.Workers(ctx, f.db); err != nil {
		return err
	}
	if o.Works, err = job.Works(ctx, f.db); err != nil {
		return err
	}
	counts, err := job.Counts(ctx, f.db)
	if err != nil {
		return err
	}
	o.Kinds = table(counts)
	for _, k := range o.Kinds {
		o.Names = append(o.Names, k.Kind)
	}
	return nil
}

// about finds what the targets of jobs are.
func (f *face) about(c *web.Call, jobs ...job.Job) (map[string]Subject, error) {
	var targets []string
	for _, j := range jobs {
		if j.Target != "" && !slices.Contains(targets, j.Target) {
			targets = append(targets, j.Target)
		}
	}
	if len(targets) == 0 {
		return nil, nil
	}
	return f.subjects(c.R.Context(), c.Actor(), targets)
}

// table makes a row per kind of counts, which are sorted by kind.
func table(counts []job.Count) (rows []kindCounts) {
	for _, n := range counts {
		if len(rows) == 0 || rows[len(rows)-1].Kind != n.Kind {
			rows = append(rows, kindCounts{n.Kind, make([]int64, len(shownStates))})
		}
		for i, s := range shownStates {
			if s == n.State {
				rows[len(rows)-1].Jobs[i] = n.Jobs
			}
		}
	}
	return rows
}

// parseQuery reads the filter of an address or a form.
func parseQuery(v url.Values) (job.Query, error) {
	q := job.Query{State: v.Get("state"), Kind: v.Get("kind"), Target: v.Get("target")}
	if text := v.Get("before"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return q, fault.New(fault.Invalid, "before=%q is no number of a job", text)
		}
		q.Before = n
	}
	return q, nil
}

// address is that of the list with a filter.
func address(q job.Query) string {
	v := url.Values{}
	for name, text := range map[string]string{"state": q.State, "kind": q.Kind, "target": q.Target} {
		if text != "" {
			v.Set(name, text)
		}
	}
	if q.Before > 0 {
		v.Set("before", strconv.FormatInt(q.Before, 10))
	}
	if len(v) == 0 {
		return home
	}
	return home + "?" + v.Encode()
}

func (f *face) show(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	id, err := strconv.ParseInt(c.R.PathValue("id"), 10, 64)
	if err != nil {
		return fault.New(fault.NotFound, "there is no job %q", c.R.PathValue("id"))
	}
	j, err := job.Get(c.R.Context(), f.db, c.Actor(), id)
	if err != nil {
		return err
	}
	about, err := f.about(c, j)
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, web.Meta{Title: fmt.Sprintf("Job %d", id), NoIndex: true}, jobPage(j, about[j.Target]))
}

// verb is job.Retry or job.Cancel.
type verb func(context.Context, *sqldb.DB, account.Actor, clock.Time, job.Query) (int64, error)

// change makes a page of a verb: the form holds the id of a job, or the filter of the list.
func (f *face) change(done string, do verb) func(*web.Call) error {
	return func(c *web.Call) error {
		if err := c.RequireLogin(); err != nil {
			return err
		}
		c.R.Body = http.MaxBytesReader(c.W, c.R.Body, formBytes)
		if err := c.R.ParseForm(); err != nil {
			return fault.New(fault.Invalid, "the form can't be read")
		}
		q, err := parseQuery(c.R.PostForm)
		if err != nil {
			return err
		}
		back := address(q)
		if text := c.R.PostForm.Get("id"); text != "" {
			id, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return fault.New(fault.NotFound, "there is no job %q", text)
			}
			q, back = job.Query{IDs: []int64{id}}, fmt.Sprintf("%s%d/", home, id)
		}
		n, err := do(c.R.Context(), f.db, c.Actor(), c.Now, q)
		if err != nil {
			return err
		}
		jobs := "jobs"
		if n == 1 {
			jobs = "job"
		}
		c.Flash(web.Flash{Text: fmt.Sprintf("%d %s %s.", n, jobs, done)})
		return c.Redirect(http.StatusSeeOther, back)
	}
}
