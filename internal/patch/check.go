// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/sqldb"
)

// Finding is a kind of rows that are not as they must be.
type Finding struct {
	What       string // "series whose count of patches is wrong"
	Rows       int64
	Repairable bool // by computing a roll-up again
	Repaired   bool
}

// probe finds rows that are wrong and, where a roll-up can be computed again, how to mend them.
type probe struct {
	what   string
	count  string
	repair []string
}

// probes are independent of each other.
var probes = []probe{
	{"hidden mails that lists do not leave out, or others that they do", "SELECT COUNT(*) FROM (SELECT kind, id FROM (SELECT kind, id, 1 AS n FROM withheld WHERE " + withheldTested + " UNION ALL SELECT kind, id, -1 FROM (" + withheldAnew + `) a) both_of
			GROUP BY kind, id HAVING SUM(n) <> 0) w`,
		[]string{"DELETE FROM withheld WHERE " + withheldTested, "INSERT INTO withheld (kind, id) " + withheldAnew}},
	{"series whose count of patches or common state is wrong", `SELECT COUNT(*) FROM series s
			LEFT JOIN (SELECT series_id, COUNT(*) AS n, CASE WHEN MIN(state_id) = MAX(state_id) THEN MIN(state_id) END AS st FROM patch p WHERE series_id IS NOT NULL AND ` + shownPatch + ` GROUP BY series_id) p ON p.series_id = s.id
			WHERE s.received <> COALESCE(p.n, 0) OR COALESCE(s.state_id, 0) <> COALESCE(p.st, 0)`,
		[]string{"UPDATE series SET received = (SELECT COUNT(*) FROM patch p WHERE p.series_id = series.id AND " + shownPatch + `),
			state_id = (SELECT CASE WHEN MIN(p.state_id) = MAX(p.state_id) THEN MIN(p.state_id) END FROM patch p WHERE p.series_id = series.id AND ` + shownPatch + ")"}},
	{"counts of patches per project, state and delegate that are wrong", `SELECT COUNT(*) FROM (
			SELECT project_id, COALESCE(state_id, 0) AS st, archived, COALESCE(delegate_id, 0) AS de, COUNT(*) AS n FROM patch p WHERE ` + shownPatch + `
				GROUP BY project_id, COALESCE(state_id, 0), archived, COALESCE(delegate_id, 0)) p
			LEFT JOIN patch_count c ON c.project_id = p.project_id AND c.state_id = p.st AND c.archived = p.archived AND c.delegate_id = p.de
			WHERE COALESCE(c.patches, 0) <> p.n`,
		recountAll},
	{"counts of patches where there are none", `SELECT COUNT(*) FROM patch_count c WHERE c.patches <> 0 AND NOT EXISTS (SELECT 1 FROM patch p
			WHERE p.project_id = c.project_id AND COALESCE(p.state_id, 0) = c.state_id AND p.archived = c.archived AND COALESCE(p.delegate_id, 0) = c.delegate_id AND ` + shownPatch + ")",
		recountAll},
	{"counts of series and cover letters that are wrong", `SELECT COUNT(*) FROM (` + listedAnew + `) l
			LEFT JOIN list_count c ON c.project_id = l.project_id AND c.kind = l.kind WHERE COALESCE(c.objects, 0) <> l.n`,
		relistAll},
	{"counts of series and cover letters where there are none", `SELECT COUNT(*) FROM list_count c LEFT JOIN (` + listedAnew + `) l
			ON l.project_id = c.project_id AND l.kind = c.kind WHERE c.objects <> 0 AND l.n IS NULL`,
		relistAll},
	{"newest checks that are not the newest", `SELECT COUNT(*) FROM patch_check_latest l LEFT JOIN patch_check c ON c.id = l.check_id
			WHERE c.id IS NULL OR c.state <> l.state OR EXISTS (` + newerCheck + ")",
		recheckAll},
	{"checks missing among the newest", `SELECT COUNT(*) FROM patch_check c WHERE NOT EXISTS (SELECT 1 FROM patch_check_latest l
			WHERE l.patch_id = c.patch_id AND l.user_id = COALESCE(c.user_id, 0) AND l.context = c.context)`,
		recheckAll},
	{"patches without their message", "SELECT COUNT(*) FROM patch p WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = p.message_id AND m.kind = 'patch')", nil},
	{"covers without their message", "SELECT COUNT(*) FROM cover c WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = c.message_id AND m.kind = 'cover')", nil},
	{"patch comments without their message or patch", `SELECT COUNT(*) FROM patch_comment c WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = c.message_id AND m.kind = 'comment')
			OR NOT EXISTS (SELECT 1 FROM patch p WHERE p.id = c.patch_id)`, nil},
	{"cover comments without their message or cover", `SELECT COUNT(*) FROM cover_comment c WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = c.message_id AND m.kind = 'comment')
			OR NOT EXISTS (SELECT 1 FROM cover p WHERE p.id = c.cover_id)`, nil},
	{"messages that are patches, covers or comments but have no row as such", `SELECT COUNT(*) FROM message m WHERE
			m.kind = 'patch' AND NOT EXISTS (SELECT 1 FROM patch p WHERE p.message_id = m.id) OR
			m.kind = 'cover' AND NOT EXISTS (SELECT 1 FROM cover c WHERE c.message_id = m.id) OR
			m.kind = 'comment' AND NOT EXISTS (SELECT 1 FROM patch_comment c WHERE c.message_id = m.id) AND NOT EXISTS (SELECT 1 FROM cover_comment c WHERE c.message_id = m.id)`, nil},
	{"messages without their text", "SELECT COUNT(*) FROM message m WHERE NOT EXISTS (SELECT 1 FROM message_body b WHERE b.message_id = m.id)", nil},
	{"patches that have lost their diff", "SELECT COUNT(*) FROM patch p WHERE p.hash IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patch_diff d WHERE d.patch_id = p.id)", nil},
	{"tags of covers that do not exist", "SELECT COUNT(*) FROM cover_tag t WHERE NOT EXISTS (SELECT 1 FROM cover c WHERE c.id = t.cover_id)",
		[]string{"DELETE FROM cover_tag WHERE NOT EXISTS (SELECT 1 FROM cover c WHERE c.id = cover_tag.cover_id)"}},
	{"references that lead to a series that does not exist", "SELECT COUNT(*) FROM series_reference r WHERE NOT EXISTS (SELECT 1 FROM series s WHERE s.id = r.series_id)", nil},
	{"places in bundles of patches that do not exist", "SELECT COUNT(*) FROM bundle_patch b WHERE NOT EXISTS (SELECT 1 FROM patch p WHERE p.id = b.patch_id)", nil},
	{"patches in a series that does not exist", "SELECT COUNT(*) FROM patch p WHERE p.series_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM series s WHERE s.id = p.series_id)", nil},
	{"patches in a state that does not exist", "SELECT COUNT(*) FROM patch p WHERE p.state_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM state s WHERE s.id = p.state_id)", nil},
	{"patches of a submitter that does not exist", "SELECT COUNT(*) FROM patch p WHERE NOT EXISTS (SELECT 1 FROM person s WHERE s.id = p.submitter_id)", nil},
}

// withheldTested leaves out series without mails: they are withheld if the mails were deleted.
const withheldTested = `NOT (kind = 'series' AND NOT EXISTS (SELECT 1 FROM patch p WHERE p.series_id = withheld.id)
	AND EXISTS (SELECT 1 FROM series s WHERE s.id = withheld.id AND NOT EXISTS (SELECT 1 FROM cover c WHERE c.id = s.cover_id)))`

// withheldAnew are hidden mails, and series of which no mail is shown.
const withheldAnew = `SELECT 'patch' AS kind, p.id FROM message m JOIN patch p ON p.message_id = m.id WHERE m.hidden = TRUE
	UNION ALL SELECT 'cover', c.id FROM message m JOIN cover c ON c.message_id = m.id WHERE m.hidden = TRUE
	UNION ALL SELECT 'series', s.id FROM series s
		WHERE (EXISTS (SELECT 1 FROM patch p WHERE p.series_id = s.id) OR EXISTS (SELECT 1 FROM cover c WHERE c.id = s.cover_id)) AND NOT EXISTS (SELECT 1 FROM patch p JOIN message m ON m.id = p.message_id WHERE p.series_id = s.id AND m.hidden = FALSE)
		AND NOT EXISTS (SELECT 1 FROM cover c JOIN message m ON m.id = c.message_id WHERE c.id = s.cover_id AND m.hidden = FALSE)`

var (
	recountAll = []string{"DELETE FROM patch_count", `INSERT INTO patch_count (project_id, state_id, archived, delegate_id, patches)
		SELECT project_id, COALESCE(state_id, 0), archived, COALESCE(delegate_id, 0), COUNT(*) FROM patch p WHERE ` + shownPatch + `
		GROUP BY project_id, COALESCE(state_id, 0), archived, COALESCE(delegate_id, 0)`}
	recheckAll = []string{"DELETE FROM patch_check_latest", recheck}
	relistAll  = []string{"DELETE FROM list_count", "INSERT INTO list_count (project_id, kind, objects) SELECT project_id, kind, n FROM (" + listedAnew + ") l"}
)

const listedAnew = `SELECT COALESCE(project_id, 0) AS project_id, 'series' AS kind, COUNT(*) AS n FROM series s WHERE ` + shownSeries + ` GROUP BY COALESCE(project_id, 0)
	UNION ALL SELECT project_id, 'cover', COUNT(*) FROM cover x WHERE x.id NOT IN (SELECT w.id FROM withheld w WHERE w.kind = 'cover') GROUP BY project_id`

// newerCheck finds a check that comes after c of the same patch, user and context; of two with the same date the later row counts.
const newerCheck = `SELECT 1 FROM patch_check o WHERE o.patch_id = c.patch_id AND COALESCE(o.user_id, 0) = COALESCE(c.user_id, 0) AND o.context = c.context
	AND (o.date > c.date OR o.date = c.date AND o.id > c.id)`

const recheck = `INSERT INTO patch_check_latest (patch_id, user_id, context, check_id, state)
	SELECT c.patch_id, COALESCE(c.user_id, 0), c.context, c.id, c.state FROM patch_check c WHERE NOT EXISTS (` + newerCheck + ")"

// Check compares every roll-up of this domain with what it is made from and looks for rows that lost their counterpart; with repair the
// roll-ups are computed again. step is called with the name of each probe before it runs. It reads whole tables.
func Check(ctx context.Context, tx *sqldb.Tx, repair bool, step func(string)) ([]Finding, error) {
	out, err := run(ctx, tx, probes, repair, step)
	if err != nil {
		return out, err
	}
	for _, last := range []struct {
		what  string
		check func(context.Context, *sqldb.Tx, bool) (Finding, error)
	}{{"series that tell of hidden mails", checkFacades}, {"tag counts that are wrong", checkTags}, {"entries of the index of words that are wrong or missing", checkWords}} {
		step(last.what)
		f, err := last.check(ctx, tx, repair)
		if err != nil {
			return out, err
		}
		if f.Rows > 0 {
			out = append(out, f)
		}
	}
	step("series that stand elsewhere than is noted") // made of all the other roll-ups
	more, err := checkTriage(ctx, tx, repair)
	if out = append(out, more...); err != nil {
		return out, err
	}
	more, err = run(ctx, tx, laneProbes, repair, step)
	if out = append(out, more...); err != nil || !repair {
		return out, err
	}
	return out, doubtLists(ctx, tx)
}

func run(ctx context.Context, tx *sqldb.Tx, probes []probe, repair bool, step func(string)) ([]Finding, error) {
	var out []Finding
	for _, p := range probes {
		step(p.what)
		var n int64
		if err := tx.Get(ctx, &n, p.count); err != nil {
			return out, fmt.Errorf("look for %s: %w", p.what, err)
		}
		if n == 0 {
			continue
		}
		f := Finding{What: p.what, Rows: n, Repairable: p.repair != nil, Repaired: repair && p.repair != nil}
		if f.Repaired {
			for _, query := range p.repair {
				if _, err := tx.Exec(ctx, query); err != nil {
					return out, fmt.Errorf("repair %s: %w", p.what, err)
				}
			}
		}
		out = append(out, f)
	}
	return out, nil
}
