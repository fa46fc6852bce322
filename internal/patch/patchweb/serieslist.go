// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"context"
	"fmt"
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

// workPage is what the template of lists of series needs.
type workPage struct {
	address
	title   string
	about   string
	project project.Project // ID 0: of several
	of      []int64         // the projects
	words   patch.Vocabulary
	members []project.Member // offered as delegates; only to who is logged in
	page    patch.WorkPage
	form    workForm
	order   string
	queue   patch.Queue // Slug "": the list of all series
	queues  []queueLink
	now     clock.Time
	bulk    bool
	bar     bulkBar // with bulk
	saved   savedBar
	view    listLook
}

// workForm is the filter as the visitor wrote it.
type workForm struct {
	Who, Words, Submitter, Delegate, Since, Before, Idle string
	States                                               []string
	Pasted                                               bool // Words have a Message-ID
	markForm
}

// queueLink is a queue in the navigation between them.
type queueLink struct {
	Name, URL, Count string
	Here             bool
}

// whoLanes are the lanes of those who must act.
var whoLanes = map[string][]patch.Lane{
	"":                  patch.OpenLanes(),
	patch.WhoMaintainer: {patch.LaneNew, patch.LaneReady, patch.LaneReview},
	patch.WhoAuthor:     {patch.LaneAuthor},
	patch.WhoCI:         {patch.LaneChecks},
	patch.WhoNobody:     {patch.LaneDone},
	"*":                 nil,
}

func (p *Pages) seriesList(c *web.Call) error {
	pr, err := p.project(c)
	if err != nil {
		return err
	}
	return p.work(c, pr, patch.Queue{Name: "Series"}, projectPath(pr.Linkname)+"series/", []int64{pr.ID})
}

func (p *Pages) queueList(c *web.Call) error {
	pr, err := p.project(c)
	if err != nil {
		return err
	}
	q, err := queueOf(c)
	if err != nil {
		return err
	}
	if q.Personal {
		if err := c.RequireLogin(); err != nil {
			return err
		}
	}
	return p.work(c, pr, q, projectPath(pr.Linkname)+"queue/"+q.Slug+"/", []int64{pr.ID})
}

// queueOf is the queue that an address names.
func queueOf(c *web.Call) (patch.Queue, error) {
	q, ok := patch.FindQueue(c.R.PathValue("queue"))
	if !ok {
		return q, fault.New(fault.NotFound, "there is no such queue")
	}
	return q, nil
}

// ownQueuesPath is where the queues over all projects of a user are.
const ownQueuesPath = "/user/queue/"

// firstOwnQueue is the page behind "All my projects".
func (p *Pages) firstOwnQueue(c *web.Call) error {
	return c.Redirect(http.StatusFound, ownQueuesPath+patch.Queues()[0].Slug+"/")
}

// ownQueue is a queue over the projects that the visitor maintains, or where something is delegated to him.
func (p *Pages) ownQueue(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	q, err := queueOf(c)
	if err != nil {
		return err
	}
	own, err := patch.OwnProjects(c.R.Context(), p.db, c.User.ID)
	if err != nil {
		return err
	}
	return p.work(c, project.Project{}, q, ownQueuesPath+q.Slug+"/", own)
}

// firstQueue is the page behind "Queues".
func (p *Pages) firstQueue(c *web.Call) error {
	pr, err := p.project(c)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusFound, projectPath(pr.Linkname)+"queue/"+patch.Queues()[0].Slug+"/")
}

func projectPath(linkname string) string { return "/project/" + url.PathEscape(linkname) + "/" }

// work shows a list of series of a project, or, if that has no ID, of several.
func (p *Pages) work(c *web.Call, pr project.Project, queue patch.Queue, path string, projects []int64) error {
	ctx := c.R.Context()
	w := workPage{address: address{path: path, query: c.R.URL.Query()}, title: queue.Name, about: queue.About, project: pr, of: projects, queue: queue, now: c.Now, bulk: c.User.ID != 0}
	if w.across() {
		w.title += ", all my projects"
	}
	var err error
	var desk patch.Desk
	if w.bulk {
		if desk, err = patch.ReadDesk(ctx, p.db, patch.DeskQuery{User: c.User.ID, Project: pr.ID, Of: projects, Kind: patch.SavedSeries}); err != nil {
			return err
		}
		w.words, w.members = desk.Words, desk.Members
		if queue.Slug == "" {
			if to := opensWith(&w.address, desk); to != "" {
				return c.Redirect(http.StatusFound, to)
			}
		}
	}
	if !w.bulk {
		if w.words, err = patch.ReadVocabulary(ctx, p.db); err != nil {
			return err
		}
	}
	if to := w.shorter(); to != "" {
		return c.Redirect(http.StatusFound, to)
	}
	q, err := p.workQuery(ctx, &w, c.User)
	if err != nil {
		return err
	}
	if err := p.fillWork(ctx, &w, q, c.User); err != nil {
		return err
	}
	if w.bulk {
		w.bar = bulkBar{words: w.words, members: w.members, one: "series", many: "series", rows: len(w.page.Rows), matching: w.page.Total, seen: c.Now, bundles: desk.Bundles, across: w.across()}
		if queue.Slug == "" {
			w.saved = savedOf(w.address, desk, patch.SavedSeries, pr)
		}
	}
	return c.Render(http.StatusOK, w.meta(&desk.Todo), workView(w))
}

func (w *workPage) meta(todo *int) web.Meta {
	pr := w.project
	meta := web.Meta{Todo: todo, Title: w.title, Project: pr.Linkname, Name: pr.Name, Section: "series", NavHTML: pr.NavHTML, Scripts: listScripts, Feed: w.feed()}
	if w.queue.Slug != "" {
		meta.Section = "queues"
	}
	if w.across() {
		meta.NoIndex = true
	}
	return meta
}

// feed is the feed of the list; queues have none.
func (w *workPage) feed() web.Link {
	if w.queue.Slug != "" || w.across() {
		return web.Link{}
	}
	return w.feedOf("Series", w.project)
}

// across tells whether the page is about several projects.
func (w *workPage) across() bool { return w.project.ID == 0 }

// fillWork reads the series and counts the queues.
func (p *Pages) fillWork(ctx context.Context, w *workPage, q patch.WorkQuery, u account.User) error {
	lanes, err := patch.Lanes(ctx, p.db, w.of)
	if err != nil {
		return err
	}
	count := patch.CountQueues
	if w.across() {
		count = patch.CountOwnQueues
	}
	counts, err := count(ctx, p.db, w.of, u.ID, w.now, lanes)
	if err != nil {
		return err
	}
	w.links(counts, lanes, u)
	if w.page, err = patch.ListWork(ctx, p.db, q, lanes); fault.Is(err, fault.Invalid) && q.Order != "" { // too many to be sorted
		w.order, q.Order, w.note = "-"+patch.OrderDate, "", web.Sentence(fault.UserText(err))
		w.page, err = patch.ListWork(ctx, p.db, q, lanes)
	}
	return err
}

// links are the queues with what is in each.
func (w *workPage) links(counts map[string]int, lanes map[patch.Lane]int, u account.User) {
	base := ownQueuesPath
	if !w.across() {
		base = projectPath(w.project.Linkname) + "queue/"
		open := 0
		for _, l := range patch.OpenLanes() {
			open += lanes[l]
		}
		w.queues = []queueLink{{"All open", projectPath(w.project.Linkname) + "series/", grouped(open), w.queue.Slug == "" && w.form.Who == ""}}
	}
	for _, q := range patch.Queues() {
		if q.Personal && u.ID == 0 {
			continue
		}
		n := grouped(counts[q.Slug])
		if counts[q.Slug] > patch.QueueLimit && (q.Personal || q.Idle()) {
			n = grouped(patch.QueueLimit) + "+"
		}
		w.queues = append(w.queues, queueLink{q.Name, base + q.Slug + "/", n, q.Slug == w.queue.Slug})
	}
	if u.ID != 0 && !w.across() {
		slug := w.queue.Slug
		if slug == "" {
			slug = patch.Queues()[0].Slug
		}
		w.queues = append(w.queues, queueLink{Name: "All my projects", URL: ownQueuesPath + slug + "/"})
	}
}

// workQuery reads the filter of the address. A value that means nothing is as good as absent.
func (p *Pages) workQuery(ctx context.Context, w *workPage, u account.User) (patch.WorkQuery, error) {
	v := w.query
	w.form = workForm{Who: v.Get("who"), Words: v.Get("q"), Submitter: v.Get("submitter"), Delegate: v.Get("delegate"), Since: v.Get("since"), Before: v.Get("before"), Idle: v.Get("idle"), States: v["state"]}
	f := &w.form
	if _, ok := whoLanes[f.Who]; !ok {
		f.Who = ""
	}
	q := patch.WorkQuery{Projects: w.of, Lanes: whoLanes[f.Who], Words: f.Words, Order: workOrder(v.Get("order"))}
	w.order = q.Order
	w.view = p.viewOf(patch.SavedSeries, v, u, false)
	q.PerPage = w.view.perPage
	q.Page, _ = strconv.Atoi(v.Get("page"))
	q.States, f.States = idsAmong(f.States, func(id int64) bool { return w.words.StateName(id) != "" })
	var m patch.Marks
	m, f.markForm = readMarks(v, w.words)
	q.Tags, q.NoTags, q.Checks, q.Comments, q.Version = m.Tags, m.NoTags, m.Checks, m.Comments, m.Version
	q.Since, f.Since = timeOf(w.now, f.Since)
	q.Before, f.Before = timeOf(w.now, f.Before)
	if n, err := strconv.Atoi(f.Idle); err == nil && n > 0 && n <= maxDays {
		q.IdleSince = patch.DaysBefore(w.now, n)
	} else {
		f.Idle = ""
	}
	q.At, q.Back = markOf(v)
	var err error
	if q.Submitters, q.Delegates, err = p.people(ctx, &f.Submitter, f.Delegate); err != nil {
		return q, err
	}
	is, found, err := patch.FindPasted(ctx, p.db, w.of, q.Words)
	if found {
		q.Words, q.Series, f.Pasted = is.Words, append([]int64{}, is.Series...), true // of a patch without a series none is listed
		if f.Who == "" {
			q.Lanes, f.Who = whoLanes["*"], "*"
		}
	}
	if err != nil {
		return q, err
	}
	if w.queue.Slug != "" {
		w.queue.Restrict(&q, u.ID, w.now)
	}
	if w.across() {
		q.Projects = w.queue.Across(w.of)
	}
	return q, nil
}

const maxDays = 36500

func workOrder(order string) string {
	switch strings.TrimPrefix(order, "-") {
	case patch.OrderDate, patch.OrderActive, patch.OrderName, patch.OrderSubmitter, patch.OrderDelegate, patch.OrderVersion, patch.OrderSize, patch.OrderLane,
		patch.OrderTags, patch.OrderCheck, patch.OrderComments:
		return order
	}
	return "-" + patch.OrderDate
}

// idsAmong reads numbers of which ok knows each; nil for none.
func idsAmong(texts []string, ok func(int64) bool) (ids []int64, valid []string) {
	for _, s := range texts {
		if id, err := strconv.ParseInt(s, 10, 64); err == nil && ok(id) && !slices.Contains(ids, id) {
			ids, valid = append(ids, id), append(valid, s)
		}
	}
	return ids, valid
}

// known is s, twice, if it is one of the words, else nothing.
func known(s string, words ...string) (string, string) {
	if slices.Contains(words, s) {
		return s, s
	}
	return "", ""
}

// markOf reads after=DATE.ID or before… of the address.
func markOf(v url.Values) (*patch.Mark, bool) {
	for _, key := range []string{"after", "upto"} {
		date, id, _ := strings.Cut(v.Get(key), ".")
		d, err := strconv.ParseInt(date, 10, 64)
		n, err2 := strconv.ParseInt(id, 10, 64)
		if err == nil && err2 == nil {
			return &patch.Mark{ID: n, Date: clock.Time(d)}, key == "upto"
		}
	}
	return nil, false
}

func markText(m *patch.Mark) string { return fmt.Sprintf("%d.%d", int64(m.Date), m.ID) }

// total says how many series there are.
func (w workPage) total() string {
	switch n := w.page.Total; {
	case n > patch.CountLimit:
		return "more than " + grouped(patch.CountLimit) + " series"
	default:
		return grouped(n) + " series"
	}
}

// matchingSeries is what the filter of a list of series, or of a queue, finds.
func (p *Pages) matchingSeries(c *web.Call, pr project.Project) (patch.Selection, error) {
	words, err := patch.ReadVocabulary(c.R.Context(), p.db)
	if err != nil {
		return patch.Selection{}, err
	}
	w := workPage{address: address{query: c.R.URL.Query()}, project: pr, of: []int64{pr.ID}, words: words, now: c.Now}
	if c.R.PathValue("queue") != "" {
		if w.queue, err = queueOf(c); err != nil {
			return patch.Selection{}, err
		}
	}
	if w.across() {
		if w.of, err = patch.OwnProjects(c.R.Context(), p.db, c.User.ID); err != nil {
			return patch.Selection{}, err
		}
	}
	q, err := p.workQuery(c.R.Context(), &w, c.User)
	return patch.Selection{Work: &q}, err
}
