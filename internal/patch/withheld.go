// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/mailstore"
)

// What is hidden is in withheld, and lists leave out what is there: the table is small, and their walks stay within their indexes. A NOT EXISTS would be made a
// join, for which PostgreSQL reads whole tables.
const (
	shownPatch  = "p.id NOT IN (SELECT w.id FROM withheld w WHERE w.kind = 'patch')"
	shownSeries = "s.id NOT IN (SELECT w.id FROM withheld w WHERE w.kind = 'series')"
)

// shownIn is the same for the table x of a finder.
func shownIn(kind string) string {
	return "x.id NOT IN (SELECT w.id FROM withheld w WHERE w.kind = '" + kind + "')"
}

// withhold puts an object among the withheld, or takes it out, and tells whether that changed anything.
func withhold(ctx context.Context, tx *sqldb.Tx, kind string, id int64, hide bool) (bool, error) {
	var n int
	err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM withheld WHERE kind = ? AND id = ?", kind, id)
	if err != nil || n > 0 == hide {
		return false, err
	}
	if hide {
		return true, tx.Insert(ctx, "withheld", []string{"kind", "id"}, [][]any{{kind, id}})
	}
	_, err = tx.Exec(ctx, "DELETE FROM withheld WHERE kind = ? AND id = ?", kind, id)
	return true, err
}

// withholdSatellite does it with the patch or cover letter that a message is, and counts it no more, or again. It returns its series, 0: none.
func withholdSatellite(ctx context.Context, tx *sqldb.Tx, m *mailstore.Message, hide bool) (series int64, err error) {
	query := "SELECT c.id, COALESCE(s.id, 0) AS series, 0 AS state, 0 AS delegate, FALSE AS archived FROM cover c LEFT JOIN series s ON s.cover_id = c.id WHERE c.message_id = ?"
	switch m.Kind {
	case KindPatch:
		query = `SELECT id, COALESCE(series_id, 0) AS series, COALESCE(state_id, 0) AS state, COALESCE(delegate_id, 0) AS delegate, archived
			FROM patch WHERE message_id = ?`
	case KindCover:
	default:
		return 0, nil
	}
	var x struct {
		ID, Series, State, Delegate int64
		Archived                    bool
	}
	if err := tx.Get(ctx, &x, query, m.ID); err != nil {
		return 0, fmt.Errorf("find the %s of %s: %w", m.Kind, m.MsgID, err)
	}
	changed, err := withhold(ctx, tx, m.Kind, x.ID, hide)
	if err != nil || !changed {
		return x.Series, err
	}
	n := 1
	if hide {
		n = -1
	}
	if m.Kind == KindCover {
		return x.Series, countListed(ctx, tx, m.Project, listedCount{covers: n})
	}
	return x.Series, countPatches(ctx, tx, map[countKey]shift{{m.Project, x.State, x.Delegate, x.Archived}: {patches: int64(n), arrivals: 1}})
}

// seriesMail is a mail of a series. Number 0 is the cover letter.
type seriesMail struct {
	ID        int64 // of the patch
	Number    int
	Name      string
	Date      clock.Time
	Submitter int64
	Hidden    bool
}

// facade is a series with its mails, of which it must show only what is not hidden.
type facade struct {
	ID, Project int64
	Name        string
	Date        clock.Time
	Submitter   int64
	mails       []seriesMail // the cover letter, then patches by number
}

// facadeOf reads it; id 0 is no series.
func facadeOf(ctx context.Context, tx *sqldb.Tx, id int64) (*facade, error) {
	f := &facade{}
	if id == 0 {
		return f, nil
	}
	err := tx.Get(ctx, f, "SELECT id, COALESCE(project_id, 0) AS project, COALESCE(name, '') AS name, date, submitter_id AS submitter FROM series WHERE id = ?", id)
	if err != nil {
		return nil, fmt.Errorf("read series %d: %w", id, err)
	}
	err = tx.Select(ctx, &f.mails, `SELECT 0 AS number, c.name, c.date, c.submitter_id AS submitter, m.hidden, 0 AS id
			FROM series s JOIN cover c ON c.id = s.cover_id JOIN message m ON m.id = c.message_id WHERE s.id = ?
		UNION ALL SELECT COALESCE(p.number, 1), p.name, p.date, p.submitter_id, m.hidden, p.id FROM patch p JOIN message m ON m.id = p.message_id WHERE p.series_id = ?
		ORDER BY 1, 6`, id, id)
	if err != nil {
		return nil, fmt.Errorf("read the mails of series %d: %w", id, err)
	}
	return f, nil
}

func (f *facade) shown() (out []seriesMail) {
	for _, m := range f.mails {
		if !m.Hidden {
			out = append(out, m)
		}
	}
	return out
}

// nameAfter is what a series is called after these mails: the cover letter, else the first patch.
func nameAfter(mails []seriesMail) string {
	if len(mails) > 0 && mails[0].Number == 0 {
		return fold.Cut(withoutPrefix(mails[0].Name), 255)
	}
	if len(mails) > 0 && mails[0].Number == 1 {
		return mails[0].Name
	}
	return ""
}

// nameOf is what a series shows as its name: one that a user gave it stays, one that it has of a mail is that of a mail that is shown. was is the series
// before a mail was removed.
func (f *facade) nameOf(was *facade) string {
	for _, m := range slices.Concat(was.mails, f.mails) {
		if f.Name == "" || m.Number < 2 && f.Name == nameAfter([]seriesMail{m}) {
			return nameAfter(f.shown())
		}
	}
	return f.Name
}

// becoming is what the series shows when it tells of the mails that it shows, of which there is at least one.
func (f *facade) becoming(was *facade) facade {
	shown := f.shown()
	out := facade{ID: f.ID, Project: f.Project, Name: f.nameOf(was), Date: shown[0].Date, Submitter: shown[0].Submitter}
	for _, m := range shown {
		out.Date = min(out.Date, m.Date)
	}
	return out
}

// refresh makes a series tell of the mails that it shows only, after some were hidden, shown again or removed: sender and date, name, roll-ups. One that
// shows none is withheld itself. was is the series as it was before.
func (was *facade) refresh(ctx context.Context, tx *sqldb.Tx) error {
	if was.ID == 0 {
		return nil
	}
	f, err := facadeOf(ctx, tx, was.ID)
	if err != nil {
		return err
	}
	if err := recountSeries(ctx, tx, f.ID); err != nil {
		return err
	}
	shown := f.shown()
	if len(shown) > 0 {
		s := f.becoming(was)
		_, err = tx.Exec(ctx, "UPDATE series SET name = ?, name_fold = ?, date = ?, submitter_id = ? WHERE id = ?",
			sqldb.NullText(s.Name), sqldb.NullText(nameFold(s.Name)), int64(s.Date), s.Submitter, s.ID)
	} else if len(f.mails) == 0 { // later mails may still find it
		_, err = tx.Exec(ctx, "UPDATE series SET name = NULL, name_fold = NULL, name_key = NULL WHERE id = ?", f.ID)
	}
	if err != nil {
		return fmt.Errorf("write series %d: %w", f.ID, err)
	}
	changed, err := withhold(ctx, tx, "series", f.ID, len(shown) == 0)
	if err != nil || !changed {
		return err
	}
	n := listedCount{series: 1}
	if len(shown) == 0 {
		n.series = -1
	}
	return countListed(ctx, tx, f.Project, n)
}

// refreshSeries is refresh for series that got or lost mails in another way. Those that have never had a hidden mail are left alone.
func refreshSeries(ctx context.Context, tx *sqldb.Tx, ids []int64) error {
	for _, id := range ids {
		f, err := facadeOf(ctx, tx, id)
		if err != nil {
			return err
		}
		var withheld int
		if err := tx.Get(ctx, &withheld, "SELECT COUNT(*) FROM withheld WHERE kind = 'series' AND id = ?", id); err != nil {
			return err
		}
		if withheld == 0 && len(f.shown()) == len(f.mails) { // also if there are none
			continue
		}
		if err := f.refresh(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// refreshFor is refresh after a mail was hidden or shown again.
func refreshFor(ctx context.Context, tx *sqldb.Tx, series int64) error {
	f, err := facadeOf(ctx, tx, series)
	if err != nil {
		return err
	}
	return f.refresh(ctx, tx)
}

// checkFacades looks for series that have hidden mails and tell of them.
func checkFacades(ctx context.Context, tx *sqldb.Tx, repair bool) (Finding, error) {
	out := Finding{What: "series that tell of hidden mails", Repairable: true, Repaired: repair}
	var ids []int64
	err := tx.Select(ctx, &ids, `SELECT p.series_id AS id FROM withheld w JOIN patch p ON p.id = w.id WHERE w.kind = 'patch' AND p.series_id IS NOT NULL
		UNION SELECT s.id FROM withheld w JOIN series s ON s.cover_id = w.id WHERE w.kind = 'cover' ORDER BY 1`)
	if err != nil {
		return out, fmt.Errorf("find series with hidden mails: %w", err)
	}
	for _, id := range ids {
		f, err := facadeOf(ctx, tx, id)
		if err != nil {
			return out, err
		}
		if len(f.shown()) == 0 {
			continue
		}
		if s := f.becoming(f); s.Name == f.Name && s.Date == f.Date && s.Submitter == f.Submitter {
			continue
		}
		out.Rows++
		if repair {
			if err := f.refresh(ctx, tx); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}
