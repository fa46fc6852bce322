// SPDX-License-Identifier: GPL-2.0-or-later

package project

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/pattern"
)

// Who may set state and delegate of a patch by a hint header of the mail (X-Patchwork-State, X-Patchwork-Delegate).
const (
	HintsAnyone      = "anyone"
	HintsMaintainers = "maintainers"
	HintsNobody      = "nobody"
)

// Project is one project.
type Project struct {
	ID                   int64
	Linkname             string
	Name                 string
	ListID               string
	ListEmail            string
	SubjectMatch         string `db:"subject_match"` // Python regular expression, searched in the subject; empty: every mail
	WebURL               string `db:"web_url"`
	SCMURL               string `db:"scm_url"`
	WebSCMURL            string `db:"webscm_url"`
	ListArchiveURL       string `db:"list_archive_url"`
	ListArchiveURLFormat string `db:"list_archive_url_format"` // {} stands for the bare Message-ID
	CommitURLFormat      string `db:"commit_url_format"`       // {} stands for the commit
	SendNotifications    bool   `db:"send_notifications"`
	UseTags              bool   `db:"use_tags"`
	ShowDependencies     bool   `db:"show_dependencies"`
	AutoSupersede        bool   `db:"auto_supersede"`
	Hints                string // HintsAnyone, HintsMaintainers or HintsNobody
	NavHTML              string `db:"nav_html"` // put into the navigation of the project's pages as it is
}

const columns = `id, linkname, name, listid, listemail, subject_match, web_url, scm_url, webscm_url, list_archive_url, list_archive_url_format,
	commit_url_format, send_notifications, use_tags, show_dependencies, auto_supersede, hints, nav_html`

// All lists the projects by link name.
func All(ctx context.Context, q sqldb.Queryer) ([]Project, error) {
	var out []Project
	if err := q.Select(ctx, &out, "SELECT "+columns+" FROM project ORDER BY linkname"); err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	return out, nil
}

// ByLinkname finds a project by its link name, or by its number if name is one and no link name.
func ByLinkname(ctx context.Context, q sqldb.Queryer, name string) (Project, error) {
	var p Project
	err := With(ctx, q, name, &p)
	return p, err
}

// With is ByLinkname that has something else asked with it, see sqldb.Read.
func With(ctx context.Context, q sqldb.Queryer, name string, p *Project, also ...sqldb.Ask) error {
	asks := append([]sqldb.Ask{{Query: "SELECT " + columns + " FROM project WHERE linkname = ?", Args: []any{name}, Row: p.fill}}, also...)
	err := sqldb.Read(ctx, q, asks...)
	if id, bad := strconv.ParseInt(name, 10, 64); bad == nil && p.ID == 0 && err == nil {
		err = sqldb.Read(ctx, q, sqldb.Ask{Query: "SELECT " + columns + " FROM project WHERE id = ?", Args: []any{id}, Row: p.fill})
	}
	if err != nil {
		return fmt.Errorf("find project %q: %w", name, err)
	}
	if p.ID == 0 {
		return fault.New(fault.NotFound, "no project %q", name)
	}
	return nil
}

// fill takes the columns.
func (p *Project) fill(c *sqldb.Cells) error {
	p.ID, p.Linkname, p.Name, p.ListID, p.ListEmail, p.SubjectMatch, p.WebURL = c.Num(0), c.Text(1), c.Text(2), c.Text(3), c.Text(4), c.Text(5), c.Text(6)
	p.SCMURL, p.WebSCMURL, p.ListArchiveURL, p.ListArchiveURLFormat, p.CommitURLFormat = c.Text(7), c.Text(8), c.Text(9), c.Text(10), c.Text(11)
	p.SendNotifications, p.UseTags, p.ShowDependencies, p.AutoSupersede, p.Hints, p.NavHTML = c.Flag(12), c.Flag(13), c.Flag(14), c.Flag(15), c.Text(16), c.Text(17)
	return nil
}

// Named finds projects by their numbers or link names, the latter without regard to letter case, in one query: name as given → number. One that is not there
// is not in the map. A number counts before a name that looks like one.
func Named(ctx context.Context, q sqldb.Queryer, names []string) (map[string]int64, error) {
	var ids []int64
	var keys []string
	for _, name := range names {
		keys = append(keys, strings.ToLower(name))
		if id, err := strconv.ParseInt(name, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	out := map[string]int64{}
	if len(names) == 0 {
		return out, nil
	}
	var found []struct {
		ID       int64
		Linkname string
	}
	err := q.Select(ctx, &found, "SELECT id, linkname FROM project WHERE LOWER(linkname) IN (?) OR id IN (?)", keys, append(ids, -1))
	if err != nil {
		return nil, fmt.Errorf("find %d projects: %w", len(names), err)
	}
	for i, name := range names {
		for _, p := range found {
			if strconv.FormatInt(p.ID, 10) == name || out[name] == 0 && strings.ToLower(p.Linkname) == keys[i] {
				out[name] = p.ID
			}
		}
	}
	return out, nil
}

// ByIDs reads projects by their ids; those that do not exist are left out.
func ByIDs(ctx context.Context, q sqldb.Queryer, ids []int64) (map[int64]*Project, error) {
	out := map[int64]*Project{}
	err := sqldb.Chunks(ids, func(ids []int64) error {
		var some []*Project
		err := q.Select(ctx, &some, "SELECT "+columns+" FROM project WHERE id IN (?)", ids)
		for _, p := range some {
			out[p.ID] = p
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %d projects: %w", len(ids), err)
	}
	return out, nil
}

// Change sets what is not nil.
type Change struct {
	Linkname, Name, ListID, ListEmail, SubjectMatch             *string
	WebURL, SCMURL, WebSCMURL                                   *string
	ListArchiveURL, ListArchiveURLFormat, CommitURLFormat       *string
	SendNotifications, UseTags, ShowDependencies, AutoSupersede *bool
	Hints, NavHTML                                              *string

	// If is asked in the transaction of Update, after its lock; its error ends the change.
	If func(context.Context, *sqldb.Tx) error
	// Then does in the transaction of Update what follows from it in other domains.
	Then func(ctx context.Context, tx *sqldb.Tx, was, is Project) error
}

// Empty tells that there is nothing to change.
func (c Change) Empty() bool {
	c.If, c.Then = nil, nil
	return reflect.ValueOf(c).IsZero()
}

// Create makes a project; Linkname, Name, ListID and ListEmail are required. A new project sends no notifications and counts tags.
func Create(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, c Change) (Project, error) {
	p := Project{UseTags: true, Hints: HintsMaintainers}
	c.apply(&p)
	if err := by.RequireAdmin("create projects"); err != nil {
		return p, err
	}
	err := save(ctx, db, by, now, "project create", &p, func(tx *sqldb.Tx) (err error) {
		if err := p.valid(); err != nil {
			return err
		}
		if p.ID, err = tx.NextID(ctx, "project"); err != nil {
			return err
		}
		return tx.Insert(ctx, "project", strings.Split(strings.Join(strings.Fields(columns), ""), ","), [][]any{p.row()})
	})
	return p, err
}

// Update changes a project. Administrators may change all of it; its maintainers, where its code and its archive are and whether it shows dependencies.
func Update(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, linkname string, c Change) (Project, error) {
	var p Project
	err := save(ctx, db, by, now, "project update", &p, func(tx *sqldb.Tx) (err error) {
		if err := c.requireAdmin(by); err != nil {
			return err
		}
		if p, err = ByLinkname(ctx, tx, linkname); err != nil {
			return err
		}
		if err := Lock(ctx, tx, []int64{p.ID}); err != nil {
			return err
		}
		if p, err = ByLinkname(ctx, tx, linkname); err != nil { // as it is now that nobody else can change it
			return err
		}
		if err := RequireMaintainer(ctx, tx, by, p); err != nil {
			return err
		}
		if c.If != nil {
			if err := c.If(ctx, tx); err != nil {
				return err
			}
		}
		was := p
		c.apply(&p)
		if err := p.valid(); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE project SET linkname = ?, name = ?, listid = ?, listemail = ?, subject_match = ?, web_url = ?, scm_url = ?,
				webscm_url = ?, list_archive_url = ?, list_archive_url_format = ?, commit_url_format = ?, send_notifications = ?, use_tags = ?,
				show_dependencies = ?, auto_supersede = ?, hints = ?, nav_html = ? WHERE id = ?`, append(p.row()[1:], p.ID)...)
		if err == nil && c.Then != nil {
			err = c.Then(ctx, tx, was, p)
		}
		return err
	})
	return p, err
}

func save(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, verb string, p *Project, write func(*sqldb.Tx) error) error {
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := write(tx); err != nil {
			return err
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: verb, Subject: "project " + p.Linkname})
	})
	if fault.Is(err, fault.Conflict) {
		return fault.New(fault.Conflict, "another project has the link name %q, the name %q, or the list id %q with the same subject match %q", p.Linkname, p.Name, p.ListID, p.SubjectMatch)
	}
	if fault.UserText(err) == "" && err != nil { // what is for users says itself what it is about
		return fmt.Errorf("%s %q: %w", verb, p.Linkname, err)
	}
	return err
}

// Remove deletes a project in the caller's transaction, with its maintainers and rules. Its patches must be gone before; app sees to it.
func Remove(ctx context.Context, tx *sqldb.Tx, p Project) error {
	if _, err := tx.Exec(ctx, "DELETE FROM project WHERE id = ?", p.ID); err != nil {
		return fmt.Errorf("delete project %q: %w", p.Linkname, err)
	}
	return nil
}

func (p *Project) row() []any {
	return []any{p.ID, p.Linkname, p.Name, p.ListID, p.ListEmail, p.SubjectMatch, p.WebURL, p.SCMURL, p.WebSCMURL, p.ListArchiveURL,
		p.ListArchiveURLFormat, p.CommitURLFormat, p.SendNotifications, p.UseTags, p.ShowDependencies, p.AutoSupersede, p.Hints, p.NavHTML}
}

var linknameRE = regexp.MustCompile(`^[\pL\pN_-]+$`)

func (p *Project) valid() error {
	switch {
	case !linknameRE.MatchString(p.Linkname) || utf8.RuneCountInString(p.Linkname) > 255:
		return fault.New(fault.Invalid, "link name %q: want letters, digits, - and _ only", p.Linkname)
	case strings.TrimSpace(p.Name) == "":
		return fault.New(fault.Invalid, "a project needs a name")
	case strings.TrimSpace(p.ListID) == "" || strings.ContainsAny(p.ListID, "<> \t"):
		return fault.New(fault.Invalid, "list id %q: want what stands between < and > in the list's List-Id header", p.ListID)
	case !strings.Contains(p.ListEmail, "@"):
		return fault.New(fault.Invalid, "list address %q: want the address that people send mail to", p.ListEmail)
	case p.Hints != HintsAnyone && p.Hints != HintsMaintainers && p.Hints != HintsNobody:
		return fault.New(fault.Invalid, "hints %q: want anyone, maintainers or nobody", p.Hints)
	}
	if err := p.validLengths(); err != nil {
		return err
	}
	if _, err := pattern.Compile(p.SubjectMatch); err != nil {
		return fault.Wrap(fault.Invalid, err, "subject match %q is no regular expression", p.SubjectMatch)
	}
	return cmp.Or(CheckFormat(p.ListArchiveURLFormat), CheckFormat(p.CommitURLFormat))
}

// CheckFormat is fault.Invalid for what can't be ListArchiveURLFormat or CommitURLFormat.
func CheckFormat(format string) error {
	if strings.ContainsAny(strings.ReplaceAll(format, "{}", ""), "{}") {
		return fault.New(fault.Invalid, "url format %q: only {} is replaced, other braces are not allowed", format)
	}
	return nil
}

func (p *Project) validLengths() error {
	for _, f := range []struct {
		what, value string
		most        int
	}{
		{"name", p.Name, 255}, {"list id", p.ListID, 255}, {"list address", p.ListEmail, 255}, {"subject match", p.SubjectMatch, 64},
		{"web url", p.WebURL, 2000}, {"scm url", p.SCMURL, 2000}, {"web scm url", p.WebSCMURL, 2000}, {"list archive url", p.ListArchiveURL, 2000},
		{"list archive url format", p.ListArchiveURLFormat, 2000}, {"commit url format", p.CommitURLFormat, 2000}, {"nav html", p.NavHTML, 65536},
	} {
		if utf8.RuneCountInString(f.value) > f.most {
			return fault.New(fault.Invalid, "the %s is too long: want at most %d characters", f.what, f.most)
		}
	}
	return nil
}

func (c Change) apply(p *Project) {
	for _, s := range []struct{ dst, v *string }{
		{&p.Linkname, c.Linkname}, {&p.Name, c.Name}, {&p.ListID, c.ListID}, {&p.ListEmail, c.ListEmail}, {&p.SubjectMatch, c.SubjectMatch},
		{&p.WebURL, c.WebURL}, {&p.SCMURL, c.SCMURL}, {&p.WebSCMURL, c.WebSCMURL}, {&p.ListArchiveURL, c.ListArchiveURL},
		{&p.ListArchiveURLFormat, c.ListArchiveURLFormat}, {&p.CommitURLFormat, c.CommitURLFormat}, {&p.Hints, c.Hints}, {&p.NavHTML, c.NavHTML},
	} {
		if s.v != nil {
			*s.dst = *s.v
		}
	}
	for _, b := range []struct{ dst, v *bool }{
		{&p.SendNotifications, c.SendNotifications}, {&p.UseTags, c.UseTags}, {&p.ShowDependencies, c.ShowDependencies}, {&p.AutoSupersede, c.AutoSupersede},
	} {
		if b.v != nil {
			*b.dst = *b.v
		}
	}
}
