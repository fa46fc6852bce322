// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// triager makes series_triage and triage_count true.
type triager struct {
	tx           *sqldb.Tx
	learns       bool           // reads itself what states and tags mean
	open, author map[int64]bool // states
	reviews      map[int64]bool // tags
	bots         map[int64]bool // persons of whom is said whether they are programs
	found        map[int64]*facts
	patches      map[int64]*memberFacts
	stored       map[int64]storedStand
	authors      map[int64]int64 // of patches that were not read
	dry          bool            // only counts what is wrong
	checks       bool            // what is not known is not wrong
	wrong        int64
}

// memberFacts are a patch on the way to the facts of its series.
type memberFacts struct {
	ID        int64
	Series    int64
	Submitter int64
	Date      clock.Time
	State     int64
	Delegate  int64
	Archived  bool
	reviewed  bool
}

type storedStand struct {
	Series  int64 `db:"series_id"`
	Project int64 `db:"project_id"`
	Stand
	Others  int // as in facts; -1: not known
	Waiting int
}

// maxTriaged is how many series are looked at in one statement: a series has a hundred patches at times, whose ids are listed.
const maxTriaged = 64

// retriage finds out anew where series stand, and keeps the counters. It comes last in a transaction: whoever changes a check waits for the rows it locks. Ids of 0
// and of series that are gone are welcome.
func retriage(ctx context.Context, tx *sqldb.Tx, series []int64) error {
	series = unique(nonzero(series))
	if len(series) == 0 {
		return nil
	}
	return (&triager{tx: tx, learns: true}).pieces(ctx, series)
}

// pieces does any number of series.
func (t *triager) pieces(ctx context.Context, series []int64) error {
	for piece := range slices.Chunk(series, maxTriaged) {
		if err := t.piece(ctx, piece); err != nil {
			return fmt.Errorf("find out where %d series stand: %w", len(piece), err)
		}
	}
	return nil
}

func newTriager(tx *sqldb.Tx, words Vocabulary) *triager {
	t := &triager{tx: tx}
	t.learn(words)
	return t
}

func (t *triager) learn(words Vocabulary) {
	t.open, t.author, t.reviews, t.bots = map[int64]bool{}, map[int64]bool{}, map[int64]bool{}, words.bots
	for _, s := range words.States {
		t.open[s.ID] = s.ActionRequired
		t.author[s.ID] = slices.Contains(authorStates, s.Slug)
	}
	for _, g := range words.Tags {
		t.reviews[g.ID] = slices.Contains(reviewTags, strings.ToLower(g.Name))
	}
}

// readWords reads what states and tags mean: behind the lock, since who changes that looks at all series again.
func (t *triager) readWords(ctx context.Context, _ []int64) error {
	if !t.learns {
		return nil
	}
	words, err := ReadVocabulary(ctx, t.tx)
	t.learn(words)
	return err
}

// piece does some series in five queries, or six, and writes what changed.
func (t *triager) piece(ctx context.Context, ids []int64) error {
	t.begin()
	if err := t.read(ctx, ids); err != nil {
		return err
	}
	return t.write(ctx, ids)
}

func (t *triager) begin() {
	t.found, t.patches, t.stored, t.authors = map[int64]*facts{}, map[int64]*memberFacts{}, map[int64]storedStand{}, nil
}

// read finds out all of some series. The rows that are there are locked first, so that of two who change one series at a time the second sees what the first did.
func (t *triager) read(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	return t.tx.Together(ctx, append([]func(context.Context) error{of(ids, t.readStored), of(ids, t.readWords)}, t.readings(ids)...)...)
}

// readings are the steps that read all that stands of series follow from.
func (t *triager) readings(ids []int64) []func(context.Context) error {
	return []func(context.Context) error{of(ids, t.readSeries), of(ids, t.readPatches), of(ids, t.readMarks), of(ids, t.readComments)}
}

// of is a step for some rows, of which there may be none.
func of(ids []int64, step func(context.Context, []int64) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if len(ids) == 0 {
			return nil
		}
		return step(ctx, ids)
	}
}

func newFacts() *facts {
	return &facts{states: map[int64]int{}, tags: map[int64]int{}, delegates: map[int64]bool{}}
}

const standColumns = "lane, date, active_at, newer, patches, open, reviewed, comments, unaddressed, pending, success, warning, fail, states, tags, delegates"

func (t *triager) readStored(ctx context.Context, ids []int64) error {
	var rows []storedStand
	err := t.tx.Select(ctx, &rows, "SELECT series_id, project_id, "+standColumns+", others, waiting FROM series_triage WHERE series_id IN (?) ORDER BY series_id"+t.tx.LockRows(), ids)
	for _, r := range rows {
		t.stored[r.Series] = r
	}
	return err
}

func (t *triager) readSeries(ctx context.Context, ids []int64) error {
	return t.tx.Each(ctx, func(rows *sqlx.Rows) error {
		var id, cover int64
		f := newFacts()
		err := rows.Scan(&id, &f.project, &f.submitter, &f.Date, &f.total, &f.received, &f.part, &f.Newer, &cover, &f.ActiveAt)
		f.cover, f.ActiveAt = cover != 0, max(f.ActiveAt, f.Date)
		t.found[id] = f
		return err
	}, `SELECT s.id, COALESCE(s.project_id, 0), s.submitter_id, s.date, s.total, s.received, `+isPart("s")+`,
			EXISTS (SELECT 1 FROM series n WHERE n.previous_id = s.id AND NOT `+isPart("n")+`)
				OR `+isPart("s")+` AND EXISTS (SELECT 1 FROM series n WHERE n.previous_id = s.previous_id AND n.date >= s.date AND NOT `+isPart("n")+`),
			COALESCE(m.id, 0), COALESCE(m.date, 0)
		FROM series s LEFT JOIN cover c ON c.id = s.cover_id LEFT JOIN message m ON m.id = c.message_id AND m.hidden = FALSE WHERE s.id IN (?)`, ids)
}

// isPart is Series.part for a row of series.
func isPart(row string) string {
	return fmt.Sprintf("(COALESCE(%[1]s.previous_by, 0) = %[2]d AND %[1]s.received < %[1]s.total)", row, SignResend)
}

func (t *triager) readPatches(ctx context.Context, ids []int64) error {
	var list []*memberFacts
	err := t.tx.Select(ctx, &list, `SELECT p.id, p.series_id AS series, p.submitter_id AS submitter, p.date, COALESCE(p.state_id, 0) AS state, COALESCE(p.delegate_id, 0) AS delegate, p.archived
		FROM patch p JOIN message m ON m.id = p.message_id AND m.hidden = FALSE WHERE p.series_id IN (?)`, ids)
	for _, p := range list {
		if t.found[p.Series] != nil {
			t.patches[p.ID] = p
		}
	}
	return err
}

// readMarks reads tags and checks of the patches.
func (t *triager) readMarks(ctx context.Context, ids []int64) error {
	return t.tx.Each(ctx, func(rows *sqlx.Rows) error {
		var patch, key int64
		var check bool
		var n int
		err := rows.Scan(&patch, &check, &key, &n)
		t.mark(patch, check, key, n)
		return err
	}, `SELECT t.patch_id, FALSE, t.tag_id, t.hits FROM patch p JOIN patch_tag t ON t.patch_id = p.id WHERE p.series_id IN (?)
		UNION ALL SELECT c.patch_id, TRUE, c.state, COUNT(*) FROM patch p JOIN patch_check_latest c ON c.patch_id = p.id WHERE p.series_id IN (?) GROUP BY c.patch_id, c.state`, ids, ids)
}

func (t *triager) mark(patch int64, check bool, key int64, n int) {
	p := t.patches[patch]
	if p == nil { // it is hidden
		return
	}
	f := t.found[p.Series]
	switch {
	case !check:
		f.tags[key]++
		p.reviewed = p.reviewed || t.reviews[key]
	case p.Archived:
	case key == checkPending:
		f.Pending += n
	case key == checkSuccess:
		f.Success += n
	case key == checkWarning:
		f.Warning += n
	case key == checkFail:
		f.Fail += n
	}
}

func (t *triager) readComments(ctx context.Context, ids []int64) error {
	return t.tx.Each(ctx, func(rows *sqlx.Rows) error {
		var series int64
		var by int64
		var automatic bool
		var n, others, unaddressed int
		var last clock.Time
		err := rows.Scan(&series, &by, &automatic, &n, &others, &unaddressed, &last)
		if f := t.found[series]; f != nil {
			f.Comments, f.Unaddressed, f.ActiveAt = f.Comments+n, f.Unaddressed+unaddressed, max(f.ActiveAt, last)
			if !t.program(by, automatic) {
				f.others += others
			}
		}
		return err
	}, `SELECT p.series_id, c.submitter_id, c.automatic, COUNT(*), SUM(CASE WHEN c.submitter_id <> p.submitter_id THEN 1 ELSE 0 END), SUM(CASE WHEN c.addressed = FALSE THEN 1 ELSE 0 END), MAX(c.date)
			FROM patch p JOIN patch_comment c ON c.patch_id = p.id JOIN message m ON m.id = c.message_id AND m.hidden = FALSE WHERE p.series_id IN (?)
			GROUP BY p.series_id, c.submitter_id, c.automatic
		UNION ALL SELECT s.id, c.submitter_id, c.automatic, COUNT(*), SUM(CASE WHEN c.submitter_id <> s.submitter_id THEN 1 ELSE 0 END), SUM(CASE WHEN c.addressed = FALSE THEN 1 ELSE 0 END), MAX(c.date)
			FROM series s JOIN cover_comment c ON c.cover_id = s.cover_id JOIN message m ON m.id = c.message_id AND m.hidden = FALSE WHERE s.id IN (?)
			GROUP BY s.id, c.submitter_id, c.automatic`, ids, ids)
}

// program tells whether a comment was sent by a program: as an administrator has said of its sender, else as the mail tells.
func (t *triager) program(submitter int64, automatic bool) bool {
	if bot, said := t.bots[submitter]; said {
		return bot
	}
	return automatic
}

// add counts the patches, when their tags are known.
func (t *triager) add() {
	for _, p := range t.patches {
		f := t.found[p.Series]
		f.Patches++
		f.states[p.State]++
		f.ActiveAt = max(f.ActiveAt, p.Date)
		if p.Archived {
			continue
		}
		open, waits := t.open[p.State], t.author[p.State]
		if open {
			f.Open++
		}
		if open && p.reviewed {
			f.Reviewed++
		}
		if waits {
			f.waiting++
		}
		if (open || waits) && p.Delegate != 0 {
			f.delegates[p.Delegate] = true
		}
	}
}

var standRow = []string{"series_id", "project_id", "lane", "date", "active_at", "newer", "patches", "open", "reviewed", "comments", "unaddressed", "pending", "success", "warning", "fail",
	"states", "tags", "delegates", "others", "waiting"}

type laneCount struct {
	project int64
	lane    Lane
}

// write writes what is different, and what series are no more.
func (t *triager) write(ctx context.Context, ids []int64) error {
	t.add()
	counts := map[laneCount]int{}
	var rows [][]any
	var gone []int64
	for _, id := range ids {
		f, old, was := t.found[id], storedStand{}, false
		if old, was = t.stored[id]; was {
			counts[laneCount{old.Project, old.Lane}]--
		}
		switch {
		case f == nil && was:
			gone = append(gone, id)
		case f != nil:
			is := storedStand{id, f.project, f.stand(), f.others, f.waiting}
			if t.checks && old.Others < 0 {
				old.Others, old.Waiting = is.Others, is.Waiting
			}
			counts[laneCount{f.project, is.Lane}]++
			if !was || is != old {
				rows = append(rows, is.row())
			}
		}
	}
	t.wrong += int64(len(rows) + len(gone))
	if t.dry {
		return nil
	}
	if len(gone) > 0 {
		if _, err := t.tx.Exec(ctx, "DELETE FROM series_triage WHERE series_id IN (?)", gone); err != nil {
			return err
		}
	}
	if err := t.tx.Upsert(ctx, sqldb.Upsert{Table: "series_triage", Columns: standRow, Key: standRow[:1], Replace: standRow[1:]}, rows); err != nil {
		return err
	}
	return countLanes(ctx, t.tx, counts)
}

func (s storedStand) row() []any {
	return []any{s.Series, s.Project, int(s.Lane), int64(s.Date), int64(s.ActiveAt), s.Newer, s.Patches, s.Open, s.Reviewed, s.Comments, s.Unaddressed, s.Pending, s.Success, s.Warning, s.Fail,
		s.States, s.Tags, s.Delegates, s.Others, s.Waiting}
}

func countLanes(ctx context.Context, tx *sqldb.Tx, counts map[laneCount]int) error {
	var rows [][]any
	for k, n := range counts {
		if n != 0 {
			rows = append(rows, []any{k.project, int(k.lane), n})
		}
	}
	slices.SortFunc(rows, func(a, b []any) int {
		return cmp.Or(cmp.Compare(a[0].(int64), b[0].(int64)), cmp.Compare(a[1].(int), b[1].(int)))
	})
	u := sqldb.Upsert{Table: "triage_count", Columns: []string{"project_id", "lane", "series"}, Key: []string{"project_id", "lane"}, Add: []string{"series"}}
	return tx.Upsert(ctx, u, rows)
}

// retriageOf is retriage for the series of these patches and cover letters, and these series. Ids of 0 are passed over.
func retriageOf(ctx context.Context, tx *sqldb.Tx, patches, covers, series []int64) error {
	more, err := seriesOf(ctx, tx, patches, covers)
	if err != nil {
		return err
	}
	return retriage(ctx, tx, append(more, series...))
}

// seriesOf are the series of these patches and cover letters. Ids of 0 are passed over.
func seriesOf(ctx context.Context, tx *sqldb.Tx, patches, covers []int64) (series []int64, err error) {
	for _, of := range []struct {
		query string
		ids   []int64
	}{
		{"SELECT DISTINCT series_id FROM patch WHERE id IN (?) AND series_id IS NOT NULL", nonzero(patches)},
		{"SELECT id FROM series WHERE cover_id IN (?)", nonzero(covers)},
	} {
		err := sqldb.Chunks(unique(of.ids), func(ids []int64) error {
			var some []int64
			err := tx.Select(ctx, &some, of.query, ids)
			series = append(series, some...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find the series: %w", err)
		}
	}
	return series, nil
}

// retriageOfMessage is retriage for the series that a message belongs to.
func retriageOfMessage(ctx context.Context, tx *sqldb.Tx, message int64) error {
	var on struct{ Patch, Cover int64 }
	err := tx.Get(ctx, &on, `SELECT COALESCE(MAX(o.patch), 0) AS patch, COALESCE(MAX(o.cover), 0) AS cover FROM (
		SELECT id AS patch, 0 AS cover FROM patch WHERE message_id = ? UNION ALL SELECT 0, id FROM cover WHERE message_id = ?
		UNION ALL SELECT patch_id, 0 FROM patch_comment WHERE message_id = ? UNION ALL SELECT 0, cover_id FROM cover_comment WHERE message_id = ?) o`,
		message, message, message, message)
	if err != nil {
		return fmt.Errorf("find what message %d belongs to: %w", message, err)
	}
	return retriageOf(ctx, tx, []int64{on.Patch}, []int64{on.Cover}, nil)
}

// checkTriage looks at all series, a slice at a time.
func checkTriage(ctx context.Context, tx *sqldb.Tx, repair bool) ([]Finding, error) {
	words, err := ReadVocabulary(ctx, tx)
	if err != nil {
		return nil, err
	}
	t := newTriager(tx, words)
	t.dry, t.checks = !repair, true
	for _, all := range []string{"SELECT id FROM series WHERE id > ? ORDER BY id LIMIT ?", "SELECT series_id FROM series_triage WHERE series_id > ? AND NOT EXISTS (SELECT 1 FROM series s WHERE s.id = series_triage.series_id) ORDER BY series_id LIMIT ?"} {
		for last := int64(0); ; {
			var ids []int64
			if err := tx.Select(ctx, &ids, all, last, maxTriaged); err != nil {
				return nil, fmt.Errorf("list series: %w", err)
			}
			if len(ids) == 0 {
				break
			}
			if err := t.piece(ctx, ids); err != nil {
				return nil, fmt.Errorf("find out where series stand: %w", err)
			}
			last = ids[len(ids)-1]
		}
	}
	var out []Finding
	if t.wrong > 0 {
		out = append(out, Finding{What: "series that stand elsewhere than is noted", Rows: t.wrong, Repairable: true, Repaired: repair})
	}
	return out, nil
}

// lanesAnew counts the series per project and lane.
const lanesAnew = "SELECT project_id, lane, COUNT(*) AS n FROM series_triage GROUP BY project_id, lane"

// laneProbes come after checkTriage.
var laneProbes = []probe{
	{"counts of series per lane that are wrong", `SELECT COUNT(*) FROM (` + lanesAnew + `) l LEFT JOIN triage_count c ON c.project_id = l.project_id AND c.lane = l.lane
		WHERE COALESCE(c.series, 0) <> l.n`, recountLanes},
	{"counts of series per lane where there are none", `SELECT COUNT(*) FROM triage_count c LEFT JOIN (` + lanesAnew + `) l ON l.project_id = c.project_id AND l.lane = c.lane
		WHERE c.series <> 0 AND l.n IS NULL`, recountLanes},
}

var recountLanes = []string{"DELETE FROM triage_count", "INSERT INTO triage_count (project_id, lane, series) SELECT project_id, lane, n FROM (" + lanesAnew + ") l"}
