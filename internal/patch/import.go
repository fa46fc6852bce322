// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// What the Import functions write comes from another system, with its ids and without any check but those of the database. They raise no
// events and keep no roll-ups: Check with repair does, when all is written. Whoever calls them reserves the ids (sqldb.Tx.ReserveIDs: state, tag,
// delegation_rule, patch, cover, series, patch_comment, cover_comment, patch_check, patch_relation, bundle).

// ForgetDefaults removes the states and tags that a new database has. No patch may be there.
func ForgetDefaults(ctx context.Context, tx *sqldb.Tx) error {
	for _, query := range []string{"DELETE FROM state", "DELETE FROM tag"} {
		if _, err := tx.Exec(ctx, query); err != nil {
			return fmt.Errorf("remove the states and tags of a new database: %w", err)
		}
	}
	return nil
}

// ImportStates writes states.
func ImportStates(ctx context.Context, tx *sqldb.Tx, states []State) error {
	rows := make([][]any, 0, len(states))
	for _, s := range states {
		rows = append(rows, []any{s.ID, s.Name, s.Slug, s.Ordering, s.ActionRequired})
	}
	return tx.Insert(ctx, "state", []string{"id", "name", "slug", "ordering", "action_required"}, rows)
}

// ImportTags writes tags.
func ImportTags(ctx context.Context, tx *sqldb.Tx, tags []Tag) error {
	rows := make([][]any, 0, len(tags))
	for _, t := range tags {
		rows = append(rows, []any{t.ID, t.Name, t.Pattern, t.Abbrev, t.ShowColumn})
	}
	return tx.Insert(ctx, "tag", []string{"id", "name", "pattern", "abbrev", "show_column"}, rows)
}

// ImportRules writes delegation rules; of a Rule the ids count, not the names.
func ImportRules(ctx context.Context, tx *sqldb.Tx, rules []Rule) error {
	rows := make([][]any, 0, len(rules))
	for _, r := range rules {
		rows = append(rows, []any{r.ID, r.ProjectID, r.UserID, r.Path, r.Priority})
	}
	return tx.Insert(ctx, "delegation_rule", []string{"id", "project_id", "user_id", "path", "priority"}, rows)
}

// ImportedCover is a cover letter; its text is in its message.
type ImportedCover struct {
	ID, Message, Project, Submitter int64
	Date                            clock.Time
	Name                            string
}

// ImportCovers writes cover letters.
func ImportCovers(ctx context.Context, tx *sqldb.Tx, covers []ImportedCover) error {
	rows := make([][]any, 0, len(covers))
	for _, c := range covers {
		rows = append(rows, []any{c.ID, c.Message, c.Project, c.Submitter, int64(c.Date), c.Name, nameFold(c.Name)})
	}
	return tx.Insert(ctx, "cover", []string{"id", "message_id", "project_id", "submitter_id", "date", "name", "name_fold"}, rows)
}

// ImportedSeries is a series; what it has received is counted later.
type ImportedSeries struct {
	ID, Project, Cover, Submitter int64   // Project and Cover 0: none
	Name                          *string // nil: none
	Title                         string  // name of the cover letter, else of the first patch: by it versions find each other
	Date                          clock.Time
	Version, Total                int
	ChangeID, BaseCommit          string // empty: none
	Threaded                      bool   // one of its patches answers a mail
	Completed                     bool   // all its patches are here
}

// ImportSeries writes series.
func ImportSeries(ctx context.Context, tx *sqldb.Tx, series []ImportedSeries) error {
	rows := make([][]any, 0, len(series))
	for _, s := range series {
		rows = append(rows, []any{s.ID, sqldb.NullID(s.Project), sqldb.NullID(s.Cover), nullable(s.Name), foldedName(s.Name), int64(s.Date), s.Submitter, s.Version, s.Total, 0,
			sqldb.NullText(s.ChangeID), sqldb.NullText(s.BaseCommit), sqldb.NullText(NameKey(s.Submitter, s.Title)), s.Threaded, s.Completed})
	}
	return tx.Insert(ctx, "series", []string{"id", "project_id", "cover_id", "name", "name_fold", "date", "submitter_id", "version", "total", "received",
		"change_id", "base_commit", "name_key", "threaded", "completed"}, rows)
}

// ImportedReference lets a Message-ID (key form) lead to a series. Distance is how far the mail is from the nearest of the series' mails that refer to it, from 1.
// Awaited: no mail with it is here.
type ImportedReference struct {
	Project, Series int64
	MsgID           string
	Distance        int
	Awaited         bool
}

// ImportReferences writes what leads to series.
func ImportReferences(ctx context.Context, tx *sqldb.Tx, references []ImportedReference) error {
	rows := make([][]any, 0, len(references))
	for _, r := range references {
		rows = append(rows, []any{r.Project, r.MsgID, r.Series, r.Distance, r.Awaited})
	}
	return tx.Insert(ctx, "series_reference", []string{"project_id", "msgid", "series_id", "distance", "awaited"}, rows)
}

// ImportedDependency says that Series builds upon DependsOn. Position is its place among those of the series, from 1.
type ImportedDependency struct {
	Series, DependsOn int64
	Position          int
}

// ImportDependencies writes what series build upon.
func ImportDependencies(ctx context.Context, tx *sqldb.Tx, dependencies []ImportedDependency) error {
	rows := make([][]any, 0, len(dependencies))
	for _, d := range dependencies {
		rows = append(rows, []any{d.Series, d.DependsOn, d.Position})
	}
	return tx.Insert(ctx, "series_dependency", []string{"series_id", "depends_on_id", "position"}, rows)
}

// ImportRelations writes the ids of relations; patches point to them.
func ImportRelations(ctx context.Context, tx *sqldb.Tx, ids []int64) error {
	rows := make([][]any, 0, len(ids))
	for _, id := range ids {
		rows = append(rows, []any{id})
	}
	return tx.Insert(ctx, "patch_relation", []string{"id"}, rows)
}

// ImportedPatch is a patch; its text is in its message. Ids that are 0 are none.
type ImportedPatch struct {
	ID, Message, Project, Submitter   int64
	Date                              clock.Time
	Name                              string
	State, Delegate, Series, Relation int64
	Archived                          bool
	Number                            *int
	Hash, CommitRef, PullURL          *string
	GitID                             string // what git patch-id --stable makes of Diff; empty: nothing
	Diff                              []byte // UTF-8; nil: none
}

// ImportPatches writes patches and their diffs.
func ImportPatches(ctx context.Context, tx *sqldb.Tx, patches []ImportedPatch) error {
	rows := make([][]any, 0, len(patches))
	var diffs [][]any
	var names []named
	for i := range patches {
		p := &patches[i]
		names = append(names, named{p.ID, int64(p.Date), nameFold(p.Name)})
		rows = append(rows, []any{p.ID, p.Message, p.Project, p.Submitter, int64(p.Date), p.Name, nameFold(p.Name), sqldb.NullID(p.State), sqldb.NullID(p.Delegate),
			p.Archived, sqldb.NullID(p.Series), nullable(p.Number), sqldb.NullID(p.Relation), nullable(p.Hash), sqldb.NullText(p.GitID), nullable(p.CommitRef), nullable(p.PullURL)})
		if p.Diff != nil {
			diffs = append(diffs, []any{p.ID, "", p.Diff})
		}
	}
	columns := []string{"id", "message_id", "project_id", "submitter_id", "date", "name", "name_key", "state_id", "delegate_id",
		"archived", "series_id", "number", "related_id", "hash", "git_patch_id", "commit_ref", "pull_url"}
	if err := tx.Insert(ctx, "patch", columns, rows); err != nil {
		return err
	}
	if err := indexWords(ctx, tx, names); err != nil {
		return err
	}
	return tx.Insert(ctx, "patch_diff", []string{"patch_id", "charset", "diff"}, diffs)
}

// ImportedComment is a comment on a patch or a cover letter; its text is in its message.
type ImportedComment struct {
	ID, Message, On, Submitter int64
	Date                       clock.Time
	Addressed                  *bool // nil: nothing to address
	Automatic                  bool  // a program sent it, see Automatic
}

func commentRows(comments []ImportedComment) [][]any {
	rows := make([][]any, 0, len(comments))
	for _, c := range comments {
		rows = append(rows, []any{c.ID, c.Message, c.On, c.Submitter, int64(c.Date), nullable(c.Addressed), c.Automatic})
	}
	return rows
}

// ImportPatchComments writes comments on patches.
func ImportPatchComments(ctx context.Context, tx *sqldb.Tx, comments []ImportedComment) error {
	return tx.Insert(ctx, "patch_comment", []string{"id", "message_id", "patch_id", "submitter_id", "date", "addressed", "automatic"}, commentRows(comments))
}

// ImportCoverComments writes comments on cover letters.
func ImportCoverComments(ctx context.Context, tx *sqldb.Tx, comments []ImportedComment) error {
	return tx.Insert(ctx, "cover_comment", []string{"id", "message_id", "cover_id", "submitter_id", "date", "addressed", "automatic"}, commentRows(comments))
}

// ImportedCheck is the result of a check. State is 0 pending, 1 success, 2 warning, 3 fail.
type ImportedCheck struct {
	ID, Patch, User        int64
	Date                   clock.Time
	State                  int
	Context                string
	TargetURL, Description *string
}

// ImportChecks writes checks, older ones too.
func ImportChecks(ctx context.Context, tx *sqldb.Tx, checks []ImportedCheck) error {
	rows := make([][]any, 0, len(checks))
	for _, c := range checks {
		rows = append(rows, []any{c.ID, c.Patch, sqldb.NullID(c.User), int64(c.Date), c.State, nullable(c.TargetURL), nullable(c.Description), c.Context})
	}
	return tx.Insert(ctx, "patch_check", []string{"id", "patch_id", "user_id", "date", "state", "target_url", "description", "context"}, rows)
}

// ImportBundles writes bundles without their patches.
func ImportBundles(ctx context.Context, tx *sqldb.Tx, bundles []Bundle) error {
	return insertBundles(ctx, tx, bundles)
}

// ImportedPlace is the place of a patch in a bundle.
type ImportedPlace struct {
	Bundle, Patch int64
	Position      int
}

// ImportPlaces writes the patches of bundles.
func ImportPlaces(ctx context.Context, tx *sqldb.Tx, places []ImportedPlace) error {
	rows := make([][]any, 0, len(places))
	for _, p := range places {
		rows = append(rows, []any{p.Bundle, p.Patch, p.Position})
	}
	return tx.Insert(ctx, "bundle_patch", []string{"bundle_id", "patch_id", "position"}, rows)
}

// ImportedNotice is a change of state that the submitter of the patch has not been told of; Original is the state it had before.
type ImportedNotice struct {
	Patch, Original int64
	At              clock.Time
}

// ImportNotices writes what submitters are still to be told.
func ImportNotices(ctx context.Context, tx *sqldb.Tx, notices []ImportedNotice) error {
	rows := make([][]any, 0, len(notices))
	for _, n := range notices {
		rows = append(rows, []any{n.Patch, n.Original, int64(n.At)})
	}
	return tx.Insert(ctx, "state_notice", []string{"patch_id", "original_state_id", "modified_at"}, rows)
}

// nullable is a value as a column takes it: nil is NULL.
func nullable[T any](v *T) any {
	if v == nil {
		return nil
	}
	return *v
}
