// SPDX-License-Identifier: GPL-2.0-or-later

package irc

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/url"
	"regexp"
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

// Target is a channel that is told of a project's events.
type Target struct {
	ID         int64
	Project    int64  `db:"project"`
	Linkname   string // of the project
	URL        string // irc://host[:port]/channel, or ircs:// with TLS
	Nick       string
	Account    string      // to log in with by SASL PLAIN; empty: none
	Password   string      // of Account, never for anybody's eyes
	Template   string      // empty: DefaultTemplate
	Categories string      // kinds of event with blanks between them; empty: all
	Active     bool        // is told
	SentAt     *clock.Time `db:"sent_at"`
	FailedAt   *clock.Time `db:"failed_at"` // nil: the last line arrived
	Error      string      // of the last failure
}

// Kinds are the kinds of event that the target wants; empty: all.
func (t Target) Kinds() []string { return strings.Fields(t.Categories) }

const selectTargets = `SELECT t.id, t.project_id AS project, p.linkname, t.url, t.nick, t.account, t.password, t.template, t.categories, t.active, t.sent_at,
		t.failed_at, t.error FROM irc_target t JOIN project p ON p.id = t.project_id`

// Change sets what is not nil.
type Change struct {
	URL, Nick, Account, Password, Template *string
	Categories                             *[]string
	Active                                 *bool
}

const (
	maxTargets  = 20 // of a project
	maxTemplate = 2000
	defaultNick = "patchwork"
)

// mayManage is fault.Denied unless by maintains the project or is an administrator.
func mayManage(ctx context.Context, q sqldb.Queryer, by account.Actor, projectID int64) error {
	if by.Admin {
		return nil
	}
	ok, err := project.IsMaintainer(ctx, q, projectID, by.User)
	if err == nil && (!ok || by.User == 0) {
		err = fault.New(fault.Denied, "only maintainers of the project manage its notices by IRC")
	}
	return err
}

// List lists the targets of a project; linkname empty means all, for administrators.
func List(ctx context.Context, q sqldb.Queryer, by account.Actor, linkname string) ([]Target, error) {
	query, args := selectTargets+" ORDER BY p.linkname, t.id", []any(nil)
	if linkname == "" {
		if err := by.RequireAdmin("list the notices of all projects"); err != nil {
			return nil, err
		}
	} else {
		p, err := project.ByLinkname(ctx, q, linkname)
		if err != nil {
			return nil, err
		}
		if err := mayManage(ctx, q, by, p.ID); err != nil {
			return nil, err
		}
		query, args = selectTargets+" WHERE t.project_id = ? ORDER BY t.id", []any{p.ID}
	}
	var out []Target
	if err := q.Select(ctx, &out, query, args...); err != nil {
		return nil, fmt.Errorf("list irc targets: %w", err)
	}
	return out, nil
}

func read(ctx context.Context, q sqldb.Queryer, id int64) (Target, error) {
	var t Target
	err := q.Get(ctx, &t, selectTargets+" WHERE t.id = ?", id)
	if fault.Is(err, fault.NotFound) {
		return t, fault.New(fault.NotFound, "there is no irc target %d", id)
	}
	if err != nil {
		return t, fmt.Errorf("read irc target %d: %w", id, err)
	}
	return t, nil
}

// Get reads a target.
func Get(ctx context.Context, q sqldb.Queryer, by account.Actor, id int64) (Target, error) {
	t, err := read(ctx, q, id)
	if err != nil {
		return t, err
	}
	return t, mayManage(ctx, q, by, t.Project)
}

var columns = []string{"id", "project_id", "url", "nick", "account", "password", "template", "categories", "active", "creator_id", "created_at", "error"}

// Create makes a target of a project; URL is required, and kinds are the names that Categories may use.
func Create(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, kinds []string, linkname string, c Change) (t Target, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		p, err := project.ByLinkname(ctx, tx, linkname)
		if err != nil {
			return err
		}
		if err := mayManage(ctx, tx, by, p.ID); err != nil {
			return err
		}
		t = Target{Project: p.ID, Linkname: p.Linkname, Nick: defaultNick, Active: true}
		if err := c.apply(&t, kinds); err != nil {
			return err
		}
		var n int
		if err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM irc_target WHERE project_id = ?", p.ID); err != nil {
			return err
		}
		if n >= maxTargets {
			return fault.New(fault.Conflict, "there are %d already; delete one first", n)
		}
		if t.ID, err = tx.NextID(ctx, "irc_target"); err != nil {
			return err
		}
		err = tx.Insert(ctx, "irc_target", columns, [][]any{{t.ID, t.Project, t.URL, t.Nick, t.Account, t.Password, t.Template, t.Categories, t.Active, sqldb.NullID(by.User), int64(now), ""}})
		if err != nil {
			return t.taken(err)
		}
		return t.audit(ctx, tx, by, now, "irc create")
	})
	return t, wrap(err, "create an irc target")
}

// Update changes a target.
func Update(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, kinds []string, id int64, c Change) (t Target, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		if t, err = Get(ctx, tx, by, id); err != nil {
			return err
		}
		if err := c.apply(&t, kinds); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE irc_target SET url = ?, nick = ?, account = ?, password = ?, template = ?, categories = ?, active = ? WHERE id = ?",
			t.URL, t.Nick, t.Account, t.Password, t.Template, t.Categories, t.Active, t.ID)
		if err != nil {
			return t.taken(err)
		}
		return t.audit(ctx, tx, by, now, "irc update")
	})
	return t, wrap(err, fmt.Sprintf("change irc target %d", id))
}

// Delete deletes a target; lines that wait for it are not said.
func Delete(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, id int64) error {
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		t, err := Get(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM irc_target WHERE id = ?", id); err != nil {
			return err
		}
		return t.audit(ctx, tx, by, now, "irc delete")
	})
	return wrap(err, fmt.Sprintf("delete irc target %d", id))
}

func (t Target) taken(err error) error {
	if fault.Is(err, fault.Conflict) {
		return fault.New(fault.Conflict, "project %q has %s already", t.Linkname, t.URL)
	}
	return err
}

func (t Target) audit(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, verb string) error {
	return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: verb, Subject: "project " + t.Linkname, Detail: strconv.FormatInt(t.ID, 10) + " " + t.URL})
}

func (c Change) apply(t *Target, kinds []string) error {
	for _, s := range []struct{ to, from *string }{{&t.URL, c.URL}, {&t.Nick, c.Nick}, {&t.Account, c.Account}, {&t.Password, c.Password}, {&t.Template, c.Template}} {
		if s.from != nil {
			*s.to = strings.TrimSpace(*s.from)
		}
	}
	if c.Active != nil {
		t.Active = *c.Active
	}
	if c.Categories != nil {
		for _, k := range *c.Categories {
			if !slices.Contains(kinds, k) {
				return fault.New(fault.Invalid, "there is no event %q; there are: %s", k, strings.Join(kinds, ", "))
			}
		}
		t.Categories = strings.Join(*c.Categories, " ")
	}
	return t.valid()
}

var (
	nickRE    = regexp.MustCompile(`^[A-Za-z\[\]\\` + "`" + `_^{|}][A-Za-z0-9\[\]\\` + "`" + `_^{|}-]{0,29}$`) // RFC 2812, 2.3.1, but for the length
	channelRE = regexp.MustCompile(`^[#&+!][^\x00-\x20,:\x7f]{1,99}$`)
)

func (t Target) valid() error {
	if _, err := t.place(); err != nil {
		return err
	}
	switch {
	case !nickRE.MatchString(t.Nick):
		return fault.New(fault.Invalid, "nick %q: want a letter or one of []\\`_^{|}, then up to 29 of them, digits and -", t.Nick)
	case (t.Account == "") != (t.Password == ""):
		return fault.New(fault.Invalid, "to log in both an account and a password are needed")
	case t.Account != "" && !strings.HasPrefix(t.URL, "ircs:"):
		return fault.New(fault.Invalid, "a password is only sent over TLS: want an address that begins with ircs://")
	case utf8.RuneCountInString(t.Account) > 100 || utf8.RuneCountInString(t.Password) > 250 || strings.ContainsAny(t.Account+t.Password, "\x00\r\n"):
		return fault.New(fault.Invalid, "account or password is too long, or has a line end")
	case utf8.RuneCountInString(t.Template) > maxTemplate:
		return fault.New(fault.Invalid, "the template is too long: want at most %d characters", maxTemplate)
	}
	_, err := parseTemplate(t.Template)
	return err
}

// place is where lines go.
type place struct {
	address string // host:port
	host    string
	tls     bool
	channel string
	nick    string
	account string
}

// key names the connection. Who logs in with another password must not get that of one who knows the right one.
func (p place) key(password string) string {
	login := ""
	if p.account != "" {
		login = fmt.Sprintf("%s %x", p.account, sha256.Sum256([]byte(password)))
	}
	return p.address + " " + p.nick + " " + login + " " + strconv.FormatBool(p.tls)
}

// place reads the address. The channel may be written with or without its #, as irker has it.
func (t Target) place() (place, error) {
	wrong := fault.New(fault.Invalid, "address %q: want irc://HOST/CHANNEL, or ircs:// for TLS, with :PORT behind HOST if it is not 6667 or 6697", t.URL)
	u, err := url.Parse(strings.ReplaceAll(t.URL, "#", "%23"))
	if err != nil || len(t.URL) > 500 || u.User != nil || u.RawQuery != "" || u.Hostname() == "" || u.Scheme != "irc" && u.Scheme != "ircs" {
		return place{}, wrong
	}
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: "6667", true: "6697"}[u.Scheme == "ircs"]
	}
	channel := strings.TrimPrefix(u.Path, "/")
	if channel != "" && !strings.ContainsAny(channel[:1], "#&+!") {
		channel = "#" + channel
	}
	if !channelRE.MatchString(channel) || !utf8.ValidString(channel) {
		return place{}, wrong
	}
	return place{address: net.JoinHostPort(u.Hostname(), port), host: u.Hostname(), tls: u.Scheme == "ircs", channel: channel, nick: t.Nick, account: t.Account}, nil
}

func wrap(err error, doing string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
