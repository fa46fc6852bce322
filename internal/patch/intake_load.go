// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
)

// loader fills an Intake.
type loader struct {
	*Intake
	w     Wanted
	all   []string        // Message-IDs
	owner map[int64]int64 // message of a patch or cover → id of its series
	ids   []int64         // series that are known by their id
	cover []int64         // covers whose series are needed
	git   []gitPatch

	leading []leading
	asked   []int64 // series of which all is asked at once
	parts   []memberRow
}

// leading is a row of series_reference.
type leading struct {
	msgid    string
	series   int64
	distance int
	awaited  bool
}

// gitPatch is a patch by what git patch-id makes of it.
type gitPatch struct {
	GitID  string `db:"git_patch_id"`
	Series int64  `db:"series_id"`
}

// waiting finds what waits for the mails. A waiting reply that finds its parent may itself be waited for, and a comment that moves takes with it those that
// answer it.
func (l *loader) waiting(ctx context.Context) error {
	seen := map[int64]*mailstore.Message{}
	var threads []int64
	for msgids := l.w.Own; len(msgids) > 0; {
		next, err := l.waitingFor(ctx, msgids, seen)
		if err != nil {
			return err
		}
		msgids = nil
		for _, m := range next {
			switch m.Kind {
			case mailstore.Pending:
				msgids = append(msgids, m.MsgID)
			case KindComment:
				threads = append(threads, m.Thread)
			}
		}
	}
	if len(threads) == 0 {
		return nil
	}
	comments, err := mailstore.InThreads(ctx, l.tx, threads, KindComment)
	if err != nil {
		return err
	}
	var msgids []string
	for _, m := range comments {
		if seen[m.ID] == nil {
			seen[m.ID], l.messages[m.MsgID] = m, m
		}
		l.answers[m.InReplyTo] = append(l.answers[m.InReplyTo], seen[m.ID])
		msgids = append(msgids, m.MsgID)
	}
	_, err = l.waitingFor(ctx, msgids, seen)
	return err
}

// waitingFor adds what waits for msgids and gives those messages that were not seen before.
func (l *loader) waitingFor(ctx context.Context, msgids []string, seen map[int64]*mailstore.Message) (next []*mailstore.Message, err error) {
	found, err := mailstore.WaitingFor(ctx, l.tx, l.project.ID, msgids)
	for _, w := range found {
		m := seen[w.Message.ID]
		if m == nil {
			m = w.Message
			seen[m.ID], l.messages[m.MsgID] = m, m
			next = append(next, m)
		}
		w.Message = m
		l.Intake.waiting[w.MsgID] = append(l.Intake.waiting[w.MsgID], w)
	}
	return next, err
}

// targets finds what replies to the known messages comment on, the names of known covers, and the series of patches and covers.
func (l *loader) targets(ctx context.Context) error {
	byKind := map[string][]int64{}
	for _, m := range l.messages {
		byKind[m.Kind] = append(byKind[m.Kind], m.ID)
	}
	queries := []struct{ kind, query string }{
		{KindPatch, "SELECT message_id, id, 0, '', COALESCE(series_id, 0), 0, NULLIF(TRUE, TRUE), FALSE FROM patch WHERE message_id IN (?)"},
		{KindCover, "SELECT c.message_id, 0, c.id, c.name, COALESCE(s.id, 0), 0, NULLIF(TRUE, TRUE), FALSE FROM cover c LEFT JOIN series s ON s.cover_id = c.id WHERE c.message_id IN (?)"},
		{KindComment, "SELECT c.message_id, c.patch_id, 0, '', COALESCE(p.series_id, 0), c.id, c.addressed, c.automatic FROM patch_comment c JOIN patch p ON p.id = c.patch_id WHERE c.message_id IN (?)"},
		{KindComment, "SELECT c.message_id, 0, c.cover_id, '', COALESCE(s.id, 0), c.id, c.addressed, c.automatic FROM cover_comment c LEFT JOIN series s ON s.cover_id = c.cover_id WHERE c.message_id IN (?)"},
	}
	for len(byKind[KindPatch])+len(byKind[KindCover])+len(byKind[KindComment]) > 0 { // once, but for a thread of thousands
		var together []string
		var lists []any
		for _, q := range queries {
			if ids := byKind[q.kind]; len(ids) > 0 {
				together, lists = append(together, q.query), append(lists, ids[:min(len(ids), sqldb.MaxList/len(queries))])
			}
		}
		if err := l.tx.Each(ctx, l.target, strings.Join(together, " UNION ALL "), lists...); err != nil {
			return err
		}
		for kind, ids := range byKind {
			byKind[kind] = ids[min(len(ids), sqldb.MaxList/len(queries)):]
		}
	}
	return nil
}

func (l *loader) target(rows *sqlx.Rows) error {
	var message, series, comment int64
	var t Target
	var name string
	var addressed *bool
	var automatic bool
	if err := rows.Scan(&message, &t.Patch, &t.Cover, &name, &series, &comment, &addressed, &automatic); err != nil {
		return err
	}
	l.Intake.targets[message], l.seriesOf[t] = t, series
	if comment != 0 {
		l.places[message] = place{comment, addressed, automatic}
		return nil
	}
	if t.Cover != 0 {
		l.coverNames[message] = name
	}
	if series != 0 {
		l.owner[message] = series
		l.ids = append(l.ids, series)
	} else if t.Cover != 0 {
		l.cover = append(l.cover, t.Cover)
	}
	return nil
}

func (l *loader) known(ctx context.Context) (err error) {
	l.messages, err = mailstore.Lookup(ctx, l.tx, l.project.ID, l.all)
	return err
}

func (l *loader) buried(ctx context.Context) (err error) {
	l.graves, err = mailstore.Tombstones(ctx, l.tx, l.project.ID, l.w.Own)
	return err
}

// bare reads series whose ids, or what else they are named by, were found before: a row of a series is wide, so it is read once.
const bare = "SELECT " + seriesColumns + " FROM series s WHERE "

// seriesByRef finds the series whose mails refer to one of the mails, or were sent by its run.
func (l *loader) seriesByRef(ctx context.Context) error {
	refs := append(append([]string(nil), l.all...), l.w.Runs...)
	return sqldb.Chunks(refs, func(refs []string) error {
		return l.tx.Each(ctx, func(rows *sqlx.Rows) error {
			var r leading
			err := rows.Scan(&r.msgid, &r.distance, &r.awaited, &r.series)
			l.leading, l.ids = append(l.leading, r), append(l.ids, r.series)
			return err
		}, referring, l.project.ID, refs)
	})
}

const referring = "SELECT msgid, distance, awaited, series_id FROM series_reference WHERE project_id = ? AND msgid IN (?)"

func (l *loader) seriesByChange(ctx context.Context) error {
	var changes []string
	for _, c := range l.w.Changes {
		id, _ := cutVersion(c)
		changes = append(changes, id)
	}
	return sqldb.Chunks(changes, func(changes []string) error {
		return l.seriesRows(ctx, bare+"s.project_id = ? AND s.change_id IN (?)", l.project.ID, changes)
	})
}

// seriesByID reads what the steps before have named and not read.
func (l *loader) seriesByID(ctx context.Context) error {
	var missing []int64
	for _, id := range l.wanted() {
		if l.Intake.series[id] == nil {
			missing = append(missing, id)
		}
	}
	return sqldb.Chunks(missing, func(ids []int64) error {
		return l.seriesRows(ctx, bare+byID, ids)
	})
}

func (l *loader) seriesByCover(ctx context.Context) error {
	return sqldb.Chunks(l.cover, func(ids []int64) error { return l.seriesRows(ctx, bare+"s.cover_id IN (?)", ids) })
}

// byID names no project: SQLite would rather read all series of one than many ids.
const byID = "s.id IN (?)"

// maxNear is how many series that began close to the mails of a batch are looked at, the newest: a clock that has stopped gives all mails of a sender one date.
func (in *Intake) maxNear() int { return 100 + 4*in.mails }

// near finds the series that began close to a mail of the same sender.
func (l *loader) near(ctx context.Context) error {
	for _, span := range joined(l.w.Spans) {
		err := sqldb.Chunks(l.w.Submitters, func(people []int64) error {
			return l.tx.Each(ctx, func(rows *sqlx.Rows) error {
				var id int64
				err := rows.Scan(&id)
				l.ids = append(l.ids, id)
				return err
			}, "SELECT id FROM series WHERE submitter_id IN (?) AND date BETWEEN ? AND ? AND project_id = ? ORDER BY date DESC, id DESC LIMIT ?", people, int64(span.From), int64(span.To),
				l.project.ID, l.maxNear())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// joined makes one of spans that touch. A mail with a date of long ago must not make one span of all the years between.
func joined(spans []Span) (out []Span) {
	spans = slices.SortedFunc(slices.Values(spans), func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	for _, s := range spans {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// link makes pointers of ids.
func (l *loader) link() {
	for message, id := range l.owner {
		l.owners[message] = l.Intake.series[id]
	}
	for _, r := range l.leading {
		if s := l.Intake.series[r.series]; s != nil {
			l.refs[r.msgid] = append(l.refs[r.msgid], &reference{series: s, distance: r.distance, awaited: r.awaited})
		}
	}
	for _, g := range l.git {
		if s := l.Intake.series[g.Series]; s != nil && !slices.Contains(l.Intake.gitIDs[g.GitID], s) {
			l.Intake.gitIDs[g.GitID] = append(l.Intake.gitIDs[g.GitID], s)
		}
	}
	for _, s := range l.Intake.series {
		if s.Cover != 0 {
			l.byCover[s.Cover] = s
		}
	}
	l.linkMembers()
}

func (l *loader) seriesRows(ctx context.Context, query string, args ...any) error {
	return l.tx.Each(ctx, func(rows *sqlx.Rows) error {
		s := &Series{}
		if err := rows.StructScan(s); err != nil {
			return err
		}
		if l.Intake.series[s.ID] == nil && s.Project == l.project.ID {
			s.loaded()
			l.Intake.series[s.ID] = s
		}
		return nil
	}, query, args...)
}

// gitIDs finds the series that have patches with the same content, the newest first. The expressions keep PostgreSQL, while it has no statistics, from reading all patches backwards, or
// all of the project, for fewer rows than several contents seem to have.
func (l *loader) gitIDs(ctx context.Context) error {
	return sqldb.Chunks(l.w.GitIDs, func(ids []string) error {
		return l.tx.Each(ctx, func(rows *sqlx.Rows) error {
			var g gitPatch
			err := rows.StructScan(&g)
			l.git, l.ids = append(l.git, g), append(l.ids, g.Series)
			return err
		}, sameContent, ids, l.project.ID, l.maxKin())
	})
}

const sameContent = "SELECT git_patch_id, series_id FROM patch WHERE git_patch_id IN (?) AND project_id + 0 = ? AND COALESCE(series_id, 0) > 0 ORDER BY id + 0 DESC LIMIT ?"

// members reads in one query the patches of series, how much of what their mails refer to is not here, and the tags of their cover letters. link puts them where they belong.
func (l *loader) members(ctx context.Context) error { return l.membersOf(ctx, l.wanted()) }

// others does so for series that were found by something else than their id.
func (l *loader) others(ctx context.Context) error {
	var ids []int64
	for id := range l.Intake.series {
		if _, asked := slices.BinarySearch(l.asked, id); !asked {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if err := l.membersOf(ctx, ids); err != nil {
		return err
	}
	return l.loadKin(ctx, ids)
}

func (l *loader) membersOf(ctx context.Context, series []int64) error {
	return sqldb.Chunks(series, func(series []int64) error {
		query, lists := membersOf, []any{series, series}
		if l.project.UseTags {
			query, lists = query+tagsOfCovers, append(lists, series)
		}
		return l.tx.Each(ctx, l.member, query, lists...)
	})
}

// wanted are the series that the first steps have named.
func (l *loader) wanted() []int64 {
	if l.asked == nil {
		l.asked = append(slices.Clone(l.ids), l.w.Series...)
		slices.Sort(l.asked)
		l.asked = slices.Compact(l.asked)
	}
	return l.asked
}

// Rows of members begin with what they are: 0 a patch, 1 how much is awaited, 2 a tag.
const (
	membersOf = `SELECT 0, series_id, id, number, CASE WHEN number = 1 THEN name ELSE '' END FROM patch WHERE series_id IN (?) AND number IS NOT NULL
		UNION ALL SELECT 1, series_id, 0, COUNT(*), '' FROM series_reference WHERE series_id IN (?) AND awaited = TRUE GROUP BY series_id`
	tagsOfCovers = " UNION ALL SELECT 2, t.cover_id, t.tag_id, t.hits, '' FROM series s JOIN cover_tag t ON t.cover_id = s.cover_id WHERE s.id IN (?)"
)

// memberRow is a row of members.
type memberRow struct {
	what, n int
	of, id  int64
	name    string
}

func (l *loader) member(rows *sqlx.Rows) error {
	var m memberRow
	err := rows.Scan(&m.what, &m.of, &m.id, &m.n, &m.name)
	l.parts = append(l.parts, m)
	return err
}

// linkMembers gives series their patches.
func (l *loader) linkMembers() {
	for _, s := range l.Intake.series {
		s.numbers = map[int]int64{}
	}
	for _, m := range l.parts {
		s := l.Intake.series[m.of]
		switch {
		case m.what == 2:
			addHits(l.Intake.coverTags, m.of, m.id, m.n)
		case s == nil: // it is of another project
		case m.what == 1:
			s.awaits = m.n
		default:
			if s.numbers[m.n] = m.id; m.n == 1 {
				s.firstName = m.name
			}
		}
	}
}
