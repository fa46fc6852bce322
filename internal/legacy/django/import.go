// SPDX-License-Identifier: GPL-2.0-or-later

package django

import (
	"context"
	"fmt"
	"strings"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/patch"
)

// Options say what is imported and how.
type Options struct {
	From     string // sqlite:///PATH
	TimeZone string // TIME_ZONE of the old site; empty is UTC
	DryRun   bool   // read and check everything, write nothing
	// Progress, if set, is called now and then with what is under way and how many of all rows are done.
	Progress func(what string, done, total int64)
}

// Count is how many rows of a table of the source were imported.
type Count struct {
	Table string
	What  string // for people
	Rows  int64
}

// Summary is what an import has done.
type Summary struct {
	Source   string // the file
	Version  string // of the Patchwork it is of
	Imported []Count
	LeftOut  []LeftOut
	Notes    []string // what was changed on the way
}

// Import writes what a Django Patchwork database holds into db, which must have the schema and be empty. It is all or nothing. A source that is not
// there is fault.NotFound; one that can't be imported as it is fault.Invalid, with all the reasons that were found; a db that is not empty fault.Conflict.
func Import(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, opt Options) (Summary, error) {
	if err := by.RequireAdmin("import a database"); err != nil {
		return Summary{}, err
	}
	zone, err := loadZone(opt.TimeZone)
	if err != nil {
		return Summary{}, err
	}
	if err := schema.Require(ctx, db); err != nil {
		return Summary{}, err
	}
	src, err := open(ctx, opt.From)
	if err != nil {
		return Summary{}, err
	}
	defer src.close()
	im := &importer{src: src, zone: zone, now: now, by: by, progress: opt.Progress}
	if err := im.inspect(ctx); err != nil {
		return Summary{}, err
	}
	if opt.DryRun {
		if err := empty(ctx, db); err != nil {
			return Summary{}, err
		}
		return im.summary, im.run(ctx)
	}
	unlock, err := db.Lock(ctx, "migrate")
	if err != nil {
		return Summary{}, err
	}
	defer unlock()
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := empty(ctx, tx); err != nil {
			return err
		}
		im.tx = tx
		return im.run(ctx)
	})
	return im.summary, err
}

// empty is fault.Conflict unless a database is as `pw db sync` leaves it.
func empty(ctx context.Context, q sqldb.Queryer) error {
	for _, t := range []struct{ what, query string }{
		{"projects", "SELECT COUNT(*) FROM (SELECT id FROM project LIMIT 1) x"},
		{"users", "SELECT COUNT(*) FROM (SELECT id FROM user_account LIMIT 1) x"},
		{"patches", "SELECT COUNT(*) FROM (SELECT id FROM patch LIMIT 1) x"},
		{"people", "SELECT COUNT(*) FROM (SELECT id FROM person LIMIT 1) x"},
		{"messages", "SELECT COUNT(*) FROM (SELECT id FROM message LIMIT 1) x"},
		{"events", "SELECT COUNT(*) FROM (SELECT id FROM event LIMIT 1) x"},
	} {
		var n int
		if err := q.Get(ctx, &n, t.query); err != nil {
			return fmt.Errorf("look whether the database is empty: %w", err)
		}
		if n > 0 {
			return fault.New(fault.Conflict, "the database holds %s already, and an import needs a new one: make one, name it by database.url, and run `pw db sync`", t.what)
		}
	}
	return nil
}

// importer is one import at work.
type importer struct {
	src      *source
	tx       *sqldb.Tx // nil: dry run
	zone     *time.Location
	now      clock.Time
	by       account.Actor
	progress func(what string, done, total int64)
	leftOut  []LeftOut
	notes    []string
	version  string
	total    int64

	summary  Summary
	done     int64
	problems []string
	bad      int              // all problems; problems holds the first
	cleaned  int              // texts that lost characters
	lowered  int              // users whose items per page were too many
	hashless int              // patches with a hash but no diff
	highest  map[string]int64 // source table → highest id
	letters  *letters
	facts    facts
	slugs    map[int64]string // state → slug
	places   map[int64]int    // series → dependencies so far
}

// inspect looks at the source as a whole, once.
func (im *importer) inspect(ctx context.Context) (err error) {
	if im.version, err = im.src.version(); err != nil {
		return err
	}
	newer, err := im.src.newerMigrations(ctx)
	if err != nil {
		return err
	}
	if len(newer) > 0 {
		im.notes = append(im.notes, "migrations that this pw does not know, though tables and columns are as known: "+strings.Join(newer, ", "))
	}
	if im.leftOut, err = im.src.leftOut(ctx); err != nil {
		return err
	}
	if im.total, err = im.rows(ctx); err != nil {
		return err
	}
	return im.src.sound(ctx)
}

// run reads everything and, unless it is a dry run, writes it. The transaction may call it again from the start.
func (im *importer) run(ctx context.Context) error {
	im.summary = Summary{Source: im.src.name, Version: im.version, LeftOut: im.leftOut, Notes: append([]string(nil), im.notes...)}
	im.done, im.problems, im.bad, im.cleaned, im.lowered, im.hashless = 0, nil, 0, 0, 0, 0
	im.facts = newFacts()
	im.highest, im.slugs, im.places = map[string]int64{}, map[int64]string{}, map[int64]int{}
	if im.tx != nil {
		if err := im.tx.FreshPlans(ctx); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{im.readLetters, im.people, im.projects, im.mails, im.collections, im.events, im.verdict, im.finish} {
		if err := step(ctx); err != nil {
			if fault.UserText(err) != "" { // it says itself what it is about
				return err
			}
			return fmt.Errorf("import %s: %w", im.src.name, err)
		}
	}
	return nil
}

// maxProblems is how many problems are told one by one.
const maxProblems = 20

func (im *importer) problem(format string, args ...any) {
	im.bad++
	if im.bad <= maxProblems {
		im.problems = append(im.problems, fmt.Sprintf(format, args...))
	}
}

// verdict ends an import whose rows can't all be taken, and sums up what was changed.
func (im *importer) verdict(context.Context) error {
	if im.bad > maxProblems {
		im.problems = append(im.problems, fmt.Sprintf("… and %d more", im.bad-maxProblems))
	}
	if im.bad > 0 {
		return fault.New(fault.Invalid, "%s can't be imported as it is; nothing was written:\n%s", im.src.name, strings.Join(im.problems, "\n"))
	}
	for _, n := range []struct {
		count int
		text  string
	}{
		{im.cleaned, "texts with characters that are no text (NUL, or bytes that are not UTF-8), which were removed or replaced"},
		{im.lowered, fmt.Sprintf("users with more than %d items per page, or none: set to the nearest that is allowed", account.MaxItemsPerPage)},
		{im.hashless, "patches with a hash but no diff: the hash was left out"},
	} {
		if n.count > 0 {
			im.summary.Notes = append(im.summary.Notes, fmt.Sprintf("%s: %d", n.text, n.count))
		}
	}
	return nil
}

// finish makes what follows from the rows: where ids go on, roll-ups, the audit trail.
func (im *importer) finish(ctx context.Context) error {
	if im.tx == nil {
		return nil
	}
	if err := im.reserve(ctx); err != nil {
		return err
	}
	if im.tx.Engine() == sqldb.Postgres { // it knows nothing yet of the rows that the counts below are made from
		if _, err := im.tx.Exec(ctx, "ANALYZE"); err != nil {
			return err
		}
	}
	found, err := patch.Check(ctx, im.tx, true, func(what string) { im.tell("checking: " + what) })
	if err != nil {
		return err
	}
	for _, f := range found {
		if !f.Repaired {
			return fault.New(fault.Internal, "after the import there would be %d %s", f.Rows, f.What)
		}
	}
	return event.Audit(ctx, im.tx, event.Audited{At: im.now, Actor: im.by.User, Via: im.by.Via, Verb: "db migrate", Subject: im.src.name, Detail: "Django Patchwork " + im.version})
}

// idSpaces are where the ids of a table go on here.
var idSpaces = []struct{ table, space string }{
	{"auth_user", "user"}, {"patchwork_person", "person"}, {"patchwork_emailconfirmation", "email_confirmation"}, {"patchwork_project", "project"},
	{"patchwork_state", "state"}, {"patchwork_tag", "tag"}, {"patchwork_delegationrule", "delegation_rule"}, {"patchwork_cover", "cover"},
	{"patchwork_series", "series"}, {"patchwork_patchrelation", "patch_relation"}, {"patchwork_patch", "patch"}, {"patchwork_patchcomment", "patch_comment"},
	{"patchwork_covercomment", "cover_comment"}, {"patchwork_check", "patch_check"}, {"patchwork_bundle", "bundle"}, {"patchwork_event", "event"},
}

// reserve lets new ids begin above all that the old site has ever given.
func (im *importer) reserve(ctx context.Context) error {
	for _, s := range idSpaces {
		last, err := im.src.highest(ctx, s.table)
		if err != nil {
			return err
		}
		if err := im.tx.ReserveIDs(ctx, s.space, max(last, im.highest[s.table])); err != nil {
			return err
		}
	}
	return nil
}

func (im *importer) tell(what string) {
	if im.progress != nil {
		im.progress(what, im.done, im.total)
	}
}
