// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/project"
)

// Scope is the series that are to be grouped anew, with all others of the same threads, and their mails.
type Scope struct {
	Project project.Project
	Series  []int64
	Mails   []ScopeMail // patches and cover letters in the order they came
}

// ScopeMail is a patch or cover letter of a Scope.
type ScopeMail struct {
	Message int64
	Mail    int64 // 0: the mail it came in is not stored
	MsgID   string
}

// Planned is a series as it should be.
type Planned struct {
	Series                 // version, total and what else the mails say of it
	Cover   string         // Message-ID; empty: none
	Numbers map[string]int // Message-ID → number
}

const (
	maxScopeSeries = 200
	maxScopeMails  = 3000
)

// ErrMoved says that mail came in, or somebody repaired, between a plan and its execution.
var ErrMoved = errors.New("the series changed meanwhile")

// ScopeOf finds what is to be grouped anew with some series. An administrator or a maintainer of the project may.
func ScopeOf(ctx context.Context, tx *sqldb.Tx, by account.Actor, series []int64) (Scope, error) {
	var sc Scope
	var err error
	if sc.Project, err = projectOf(ctx, tx, series); err != nil {
		return sc, err
	}
	if err := ForRepair(ctx, tx, by, sc.Project, "series reparse"); err != nil {
		return sc, err
	}
	const ofThreads = `SELECT DISTINCT p.series_id FROM message m JOIN patch p ON p.message_id = m.id WHERE m.thread_id IN (?) AND p.series_id IS NOT NULL
		UNION SELECT s.id FROM message m JOIN cover c ON c.message_id = m.id JOIN series s ON s.cover_id = c.id WHERE m.thread_id IN (?)`
	sc.Series = slices.Clone(series)
	var threads []int64
	err = tx.Select(ctx, &threads, `SELECT DISTINCT m.thread_id FROM message m JOIN patch p ON p.message_id = m.id WHERE p.series_id IN (?)
		UNION SELECT m.thread_id FROM message m JOIN cover c ON c.message_id = m.id JOIN series s ON s.cover_id = c.id WHERE s.id IN (?)`, series, series)
	if err == nil && len(threads) > 0 {
		var more []int64
		err = tx.Select(ctx, &more, ofThreads, threads, threads)
		sc.Series = append(sc.Series, more...)
	}
	if err != nil {
		return sc, fmt.Errorf("find the threads of series: %w", err)
	}
	slices.Sort(sc.Series)
	if sc.Series = slices.Compact(sc.Series); len(sc.Series) > maxScopeSeries {
		return sc, fault.New(fault.TooLarge, "their threads hold %d series, more than %d: repair them by merge, split and move", len(sc.Series), maxScopeSeries)
	}
	return sc, sc.load(ctx, tx)
}

func (sc *Scope) load(ctx context.Context, tx *sqldb.Tx) error {
	for _, query := range []string{
		"SELECT m.id, COALESCE(m.mail_id, 0), m.msgid FROM patch p JOIN message m ON m.id = p.message_id WHERE p.series_id IN (?)",
		"SELECT m.id, COALESCE(m.mail_id, 0), m.msgid FROM series s JOIN cover c ON c.id = s.cover_id JOIN message m ON m.id = c.message_id WHERE s.id IN (?)",
	} {
		err := scanChunks(ctx, tx, sc.Series, query, func(rows *sqlx.Rows) error {
			var m ScopeMail
			err := rows.Scan(&m.Message, &m.Mail, &m.MsgID)
			sc.Mails = append(sc.Mails, m)
			return err
		})
		if err != nil {
			return fmt.Errorf("read the mails of series: %w", err)
		}
	}
	slices.SortFunc(sc.Mails, func(a, b ScopeMail) int { return cmp.Compare(a.Message, b.Message) })
	if len(sc.Mails) > maxScopeMails {
		return fault.New(fault.TooLarge, "their threads hold %d patches, more than %d: repair them by merge, split and move", len(sc.Mails), maxScopeMails)
	}
	return nil
}

// Unmake removes the mails of a scope and what was made of them, as if they had not come yet. It is meant for a transaction that is rolled back: comments,
// checks and roll-ups are not looked after.
func Unmake(ctx context.Context, tx *sqldb.Tx, sc Scope) error {
	var messages []int64
	for _, m := range sc.Mails {
		messages = append(messages, m.Message)
	}
	err := sqldb.Chunks(messages, func(ids []int64) error {
		for _, query := range []string{"DELETE FROM patch WHERE message_id IN (?)", "DELETE FROM cover WHERE message_id IN (?)"} {
			if _, err := tx.Exec(ctx, query, ids); err != nil {
				return err
			}
		}
		return nil
	})
	for _, query := range []string{"DELETE FROM series_reference WHERE series_id IN (?)", "DELETE FROM series_need WHERE series_id IN (?)", "DELETE FROM series_look WHERE series_id IN (?)",
		"DELETE FROM series WHERE id IN (?)"} {
		if err == nil {
			_, err = tx.Exec(ctx, query, sc.Series)
		}
	}
	for _, id := range messages {
		if err == nil {
			err = mailstore.Remove(ctx, tx, id)
		}
	}
	if err != nil {
		return fmt.Errorf("unmake %d series: %w", len(sc.Series), err)
	}
	return nil
}

// GroupingOf reads how the mails of a scope are grouped now. One that is neither patch nor cover letter of a series is fault.Conflict.
func GroupingOf(ctx context.Context, tx *sqldb.Tx, sc Scope) ([]Planned, error) {
	var msgids []string
	for _, m := range sc.Mails {
		msgids = append(msgids, m.MsgID)
	}
	plans := map[int64]*Planned{}
	found := map[string]bool{}
	note := func(number bool) func(*sqlx.Rows) error {
		return func(rows *sqlx.Rows) error {
			var series int64
			var msgid string
			var n int
			err := rows.Scan(&series, &msgid, &n)
			if plans[series] == nil {
				plans[series] = &Planned{Numbers: map[string]int{}}
			}
			if found[msgid] = true; number {
				plans[series].Numbers[msgid] = n
			} else {
				plans[series].Cover = msgid
			}
			return err
		}
	}
	err := sqldb.Chunks(msgids, func(ids []string) error {
		err := tx.Each(ctx, note(true), `SELECT p.series_id, m.msgid, p.number FROM message m JOIN patch p ON p.message_id = m.id
			WHERE m.project_id = ? AND m.msgid IN (?) AND p.number IS NOT NULL`, sc.Project.ID, ids)
		if err != nil {
			return err
		}
		return tx.Each(ctx, note(false), `SELECT s.id, m.msgid, 0 FROM message m JOIN cover c ON c.message_id = m.id JOIN series s ON s.cover_id = c.id
			WHERE m.project_id = ? AND m.msgid IN (?)`, sc.Project.ID, ids)
	})
	if err != nil {
		return nil, fmt.Errorf("read how mails are grouped: %w", err)
	}
	for _, id := range msgids {
		if !found[id] {
			return nil, fault.New(fault.Conflict, "by today's rules %s would be no patch or cover letter of a series: repair it by merge, split and move", id)
		}
	}
	var series []*Series
	if err := tx.Select(ctx, &series, "SELECT "+seriesColumns+" FROM series s WHERE s.id IN (?) ORDER BY s.id", slices.Collect(maps.Keys(plans))); err != nil {
		return nil, fmt.Errorf("read series: %w", err)
	}
	var out []Planned
	for _, s := range series {
		plans[s.ID].Series = *s
		out = append(out, *plans[s.ID])
	}
	return out, nil
}

// OthersIn finds the series of a plan that are there already, outside the scope.
func OthersIn(ctx context.Context, q sqldb.Queryer, sc Scope, plan []Planned) ([]int64, error) {
	var ids []int64
	for _, p := range plan {
		if !slices.Contains(sc.Series, p.ID) {
			ids = append(ids, p.ID)
		}
	}
	found, err := read(ctx, q, ids, "SELECT s.id, COALESCE(s.project_id, 0) AS project FROM series s WHERE "+byID, func(s *SeriesRef) int64 { return s.ID })
	if err != nil {
		return nil, fmt.Errorf("look for series that take part: %w", err)
	}
	maps.DeleteFunc(found, func(_ int64, s *SeriesRef) bool { return s.Project != sc.Project.ID })
	return slices.Sorted(maps.Keys(found)), nil
}

// Regroup groups the mails of a scope as planned. Patches and cover letters keep their ids; each planned series becomes that of the old ones
// which has most of its mails. If the scope is not what it was, it is ErrMoved, of kind fault.Conflict.
func Regroup(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, sc Scope, plan []Planned, dry bool) (Repaired, error) {
	subject := fmt.Sprintf("series %d", sc.Series[0])
	return regroup(ctx, db, by, now, "series reparse", subject, fmt.Sprintf("%d mails of %d series", len(sc.Mails), len(sc.Series)), dry, sc.Series, func(r *regrouping) error {
		byID := map[string]*member{}
		at := map[string]*group{}
		for _, g := range r.sorted() {
			for _, m := range g.members() {
				byID[m.msgid], at[m.msgid] = m, g
			}
		}
		for _, m := range sc.Mails {
			if byID[m.MsgID] == nil {
				return fault.Wrap(fault.Conflict, ErrMoved, "%s is not where it was", m.MsgID)
			}
		}
		if len(byID) != len(sc.Mails) {
			return fault.Wrap(fault.Conflict, ErrMoved, "there are %d mails instead of %d", len(byID), len(sc.Mails))
		}
		return r.follow(ctx, plan, byID, at)
	})
}

// follow carries out a plan.
func (r *regrouping) follow(ctx context.Context, plan []Planned, mails map[string]*member, at map[string]*group) error {
	targets, err := r.match(ctx, plan, at)
	if err != nil {
		return err
	}
	for _, g := range r.series {
		g.patches, g.cover = map[int]*member{}, nil
	}
	heirs := map[*group]map[*group]int{}
	for i, p := range plan {
		to := targets[i]
		if to.Version != p.Version || to.Total != p.Total {
			to.Version, to.Total, to.changed = p.Version, p.Total, true
		}
		to.ChangeID, to.BaseCommit, to.Run = p.ChangeID, p.BaseCommit, p.Run
		for msgid, number := range p.Numbers {
			r.place(mails[msgid], at[msgid], to, number)
			countTo(heirs, at[msgid], to)
		}
		if p.Cover != "" {
			r.place(mails[p.Cover], at[p.Cover], to, 0)
			countTo(heirs, at[p.Cover], to)
		}
	}
	for from, to := range heirs {
		from.heir = slices.MaxFunc(slices.Collect(maps.Keys(to)), func(a, b *group) int { return cmp.Or(cmp.Compare(to[a], to[b]), cmp.Compare(b.ID, a.ID)) })
	}
	return nil
}

func countTo(n map[*group]map[*group]int, from, to *group) {
	if n[from] == nil {
		n[from] = map[*group]int{}
	}
	n[from][to]++
}

// place puts a mail where the plan has it.
func (r *regrouping) place(m *member, from, to *group, number int) {
	moves := from != to || m.number != number
	if moves {
		m.to, from.changed, to.changed = to, true, true
	}
	if number == 0 {
		to.cover = m
		return
	}
	m.number, to.patches[number] = number, m
	if moves {
		r.moved = append(r.moved, m)
	}
}

// match finds for each planned series the old one that has most of its mails, the largest agreements first; the rest are new.
func (r *regrouping) match(ctx context.Context, plan []Planned, at map[string]*group) ([]*group, error) {
	type pair struct {
		plan, common int
		g            *group
	}
	var pairs []pair
	for i, p := range plan {
		common := map[*group]int{}
		for msgid := range p.Numbers {
			common[at[msgid]]++
		}
		if p.Cover != "" {
			common[at[p.Cover]]++
		}
		for g, n := range common {
			pairs = append(pairs, pair{i, n, g})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.common, a.common), cmp.Compare(a.g.ID, b.g.ID), cmp.Compare(a.plan, b.plan))
	})
	out, taken := make([]*group, len(plan)), map[*group]bool{}
	for _, p := range pairs {
		if out[p.plan] == nil && !taken[p.g] {
			out[p.plan], taken[p.g] = p.g, true
		}
	}
	var err error
	for i, p := range plan {
		if out[i] == nil {
			like := &group{Series: p.Series}
			if out[i], err = r.begin(ctx, like); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
