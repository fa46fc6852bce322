// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/project"
)

// Kinds of message in this domain.
const (
	KindPatch   = "patch"
	KindCover   = "cover"
	KindComment = "comment"
)

// Rulebook is what an intake needs to know of a site: states, tags and delegation rules. It is loaded once per transaction.
type Rulebook struct {
	states  []State
	counter counter
	rules   map[int64][]Rule // by project
}

// LoadRulebook reads states, tags and delegation rules. A site without states is fault.Conflict.
func LoadRulebook(ctx context.Context, q sqldb.Queryer) (*Rulebook, error) {
	b := &Rulebook{rules: map[int64][]Rule{}}
	var err error
	if b.states, err = States(ctx, q); err != nil {
		return nil, err
	}
	if len(b.states) == 0 {
		return nil, fault.New(fault.Conflict, "there are no patch states: make one with `pw admin state create`")
	}
	tags, err := Tags(ctx, q)
	if err != nil {
		return nil, err
	}
	b.counter = newCounter(tags)
	rules, err := Rules(ctx, q, "")
	for _, r := range rules {
		b.rules[r.ProjectID] = append(b.rules[r.ProjectID], r)
	}
	return b, err
}

// StateNamed finds a state by its name without regard to letter case, as the X-Patchwork-State header has it; 0: none.
func (b *Rulebook) StateNamed(name string) int64 {
	for _, s := range b.states {
		if equalFold(s.Name, name) {
			return s.ID
		}
	}
	return 0
}

// slug is the slug of a state, empty for one that does not exist.
func (b *Rulebook) slug(id int64) string {
	for _, s := range b.states {
		if s.ID == id {
			return s.Slug
		}
	}
	return ""
}

// Wanted says what an Intake must know before it decides: the Message-IDs (key form) of the mails and of all they refer to,
// who sent them, and between which dates series may have begun that they belong to by their markers.
type Wanted struct {
	Own        []string
	References []string
	Submitters []int64
	From, To   clock.Time
}

// Target is what a comment belongs to.
type Target struct {
	Patch int64 // either this
	Cover int64 // or this
}

// Intake is the working set of one transaction: all that is known about the mails of one project, and what they add. Its methods decide
// in memory; Write writes everything with multi-row statements. The project's row must be locked (project.Lock).
type Intake struct {
	tx      *sqldb.Tx
	book    *Rulebook
	project project.Project
	now     clock.Time

	messages   map[string]*mailstore.Message // by key form of the Message-ID
	graves     map[string]string             // tombstones: key form → kind
	targets    map[int64]Target              // message → what a reply to it comments on
	coverNames map[int64]string              // message → name, for covers
	series     map[int64]*Series
	byRef      map[string]*Series
	waiting    map[string][]*mailstore.Message // reference → pending messages that wait for it

	new added
}

// LoadIntake reads what the decisions about a batch of mails need, in a fixed number of queries.
func LoadIntake(ctx context.Context, tx *sqldb.Tx, book *Rulebook, p project.Project, now clock.Time, w Wanted) (*Intake, error) {
	in := &Intake{tx: tx, book: book, project: p, now: now, targets: map[int64]Target{}, coverNames: map[int64]string{}, series: map[int64]*Series{}, byRef: map[string]*Series{},
		waiting: map[string][]*mailstore.Message{}, new: newAdded()}
	all := append(append([]string(nil), w.Own...), w.References...)
	steps := []func() error{
		func() (err error) { in.messages, err = mailstore.Lookup(ctx, tx, p.ID, all); return err },
		func() (err error) { in.graves, err = mailstore.Tombstones(ctx, tx, p.ID, w.Own); return err },
		func() error { return in.loadWaiting(ctx, w.Own) },
		func() error { return in.loadSeries(ctx, all, w) },
		func() error { return in.loadTargets(ctx) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, fmt.Errorf("load what is known for %s: %w", p.Linkname, err)
		}
	}
	return in, nil
}

// Known is the message with this key form of a Message-ID, nil if there is none.
func (in *Intake) Known(msgid string) *mailstore.Message { return in.messages[msgid] }

// Buried is the kind of the tombstone of a Message-ID, empty if there is none.
func (in *Intake) Buried(msgid string) string { return in.graves[msgid] }

// TargetOf finds what a comment with these references (key forms, nearest first) belongs to, and the message it answers. ok is false when
// none of them is known.
func (in *Intake) TargetOf(references []string) (t Target, parent *mailstore.Message, ok bool) {
	for _, ref := range references {
		if m := in.messages[ref]; m != nil {
			if t, ok = in.targets[m.ID]; ok {
				return t, m, true
			}
		}
	}
	return Target{}, nil, false
}

// SeriesByReference is the series that a Message-ID (key form) is known to lead to, nil if none.
func (in *Intake) SeriesByReference(msgid string) *Series { return in.byRef[msgid] }

// CoverNamed tells whether one of the references is a cover letter of this name.
func (in *Intake) CoverNamed(name string, references []string) bool {
	for _, ref := range references {
		if m := in.messages[ref]; m != nil && m.Kind == KindCover && in.coverNames[m.ID] == name {
			return true
		}
	}
	return false
}

// EachSeries calls f for every series in the working set.
func (in *Intake) EachSeries(f func(*Series)) {
	for _, s := range in.series {
		f(s)
	}
}

// loadWaiting follows the chain: a waiting reply that finds its parent may itself be waited for.
func (in *Intake) loadWaiting(ctx context.Context, msgids []string) error {
	seen := map[int64]*mailstore.Message{}
	for len(msgids) > 0 {
		found, err := mailstore.WaitingFor(ctx, in.tx, in.project.ID, msgids)
		if err != nil {
			return err
		}
		msgids = nil
		for _, w := range found {
			m := seen[w.Message.ID]
			if m == nil {
				m = w.Message
				seen[m.ID] = m
				in.messages[m.MsgID] = m
				msgids = append(msgids, m.MsgID)
			}
			in.waiting[w.MsgID] = append(in.waiting[w.MsgID], m)
		}
	}
	return nil
}

func (in *Intake) loadSeries(ctx context.Context, msgids []string, w Wanted) error {
	err := sqldb.Chunks(msgids, func(msgids []string) error {
		return in.eachSeriesRow(ctx, "SELECT r.msgid AS ref, r.awaited AS awaits, "+seriesColumns+` FROM series_reference r JOIN series s ON s.id = r.series_id
			WHERE r.project_id = ? AND r.msgid IN (?)`, in.project.ID, msgids)
	})
	if err != nil {
		return err
	}
	err = sqldb.Chunks(w.Submitters, func(people []int64) error {
		return in.eachSeriesRow(ctx, "SELECT '' AS ref, EXISTS (SELECT 1 FROM series_reference r WHERE r.series_id = s.id AND r.awaited = TRUE) AS awaits, "+seriesColumns+` FROM series s WHERE s.submitter_id IN (?) AND s.date BETWEEN ? AND ? AND s.project_id = ?`,
			people, int64(w.From), int64(w.To), in.project.ID)
	})
	if err != nil {
		return err
	}
	return in.loadNumbers(ctx)
}

func (in *Intake) eachSeriesRow(ctx context.Context, query string, args ...any) error {
	return in.tx.Each(ctx, func(rows *sqlx.Rows) error {
		var r struct {
			Ref    string
			Awaits bool
			Series
		}
		if err := rows.StructScan(&r); err != nil {
			return err
		}
		s := in.series[r.ID]
		if s == nil {
			s = &r.Series
			in.series[s.ID] = s
		}
		s.awaits = s.awaits || r.Awaits
		if r.Ref != "" {
			in.byRef[r.Ref] = s
		}
		return nil
	}, query, args...)
}

func (in *Intake) loadNumbers(ctx context.Context) error {
	ids := make([]int64, 0, len(in.series))
	for id, s := range in.series {
		s.numbers = map[int]int64{}
		ids = append(ids, id)
	}
	return sqldb.Chunks(ids, func(ids []int64) error {
		return in.tx.Each(ctx, func(rows *sqlx.Rows) error {
			var series, id int64
			var number int
			var name string
			if err := rows.Scan(&series, &number, &id, &name); err != nil {
				return err
			}
			s := in.series[series]
			s.numbers[number] = id
			if number == 1 {
				s.firstName = name
			}
			return nil
		}, "SELECT series_id, number, id, CASE WHEN number = 1 THEN name ELSE '' END FROM patch WHERE series_id IN (?) AND number IS NOT NULL", ids)
	})
}

// loadTargets finds what replies to the known messages comment on, and the names of known covers.
func (in *Intake) loadTargets(ctx context.Context) error {
	byKind := map[string][]int64{}
	for _, m := range in.messages {
		byKind[m.Kind] = append(byKind[m.Kind], m.ID)
	}
	queries := []struct{ kind, query string }{
		{KindPatch, "SELECT message_id, id, 0, '' FROM patch WHERE message_id IN (?)"},
		{KindCover, "SELECT message_id, 0, id, name FROM cover WHERE message_id IN (?)"},
		{KindComment, "SELECT message_id, patch_id, 0, '' FROM patch_comment WHERE message_id IN (?)"},
		{KindComment, "SELECT message_id, 0, cover_id, '' FROM cover_comment WHERE message_id IN (?)"},
	}
	for _, q := range queries {
		err := sqldb.Chunks(byKind[q.kind], func(ids []int64) error {
			return in.tx.Each(ctx, func(rows *sqlx.Rows) error {
				var message int64
				var t Target
				var name string
				if err := rows.Scan(&message, &t.Patch, &t.Cover, &name); err != nil {
					return err
				}
				in.targets[message] = t
				in.coverNames[message] = name
				return nil
			}, q.query, ids)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
