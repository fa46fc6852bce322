// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/project"
)

// sweep looks at all of a project again, a piece at a time. What verb has changed what tags and stands follow from leaves one behind, see lookAgain.
type sweep struct {
	Project int64 `db:"project_id"`
	Step    int
	After   int64 `db:"after_id"`
}

// The steps of a sweep, in order: tags of patches need those of cover letters, stands need those of patches.
const (
	sweepCovers = iota + 1
	sweepPatches
	sweepSeries
)

// maxAtOnce is how many cover letters, patches and series of all projects are looked at by the verb itself.
const maxAtOnce = 1000

// lookAgain makes the stands of all series of some projects true again, and before that (tags) what tags their mails have: in this transaction if they are few, else by a
// job for each project. The caller has locked the projects, so that no mail is taken in meanwhile by what was true before.
func lookAgain(ctx context.Context, tx *sqldb.Tx, now clock.Time, projects []int64, tags bool) error {
	soFar := 0
	for _, id := range projects {
		s := sweep{Project: id, Step: sweepSeries}
		if tags {
			s.Step = sweepCovers
		}
		n, err := s.size(ctx, tx)
		if err == nil && soFar+n <= maxAtOnce {
			soFar += n
			err = s.all(ctx, tx)
		} else if err == nil {
			err = s.queue(ctx, tx, now)
		}
		if err != nil {
			return fmt.Errorf("look at project %d again: %w", id, err)
		}
	}
	return nil
}

// size is how much a sweep is for, by the counters.
func (s *sweep) size(ctx context.Context, tx *sqldb.Tx) (n int, err error) {
	kinds := []string{"series"}
	if s.Step < sweepSeries {
		kinds = append(kinds, KindCover)
	}
	if err := tx.Get(ctx, &n, "SELECT COALESCE(SUM(objects), 0) FROM list_count WHERE project_id = ? AND kind IN (?)", s.Project, kinds); err != nil || s.Step == sweepSeries {
		return n, err
	}
	var patches int
	err = tx.Get(ctx, &patches, "SELECT COALESCE(SUM(patches), 0) FROM patch_count WHERE project_id = ?", s.Project)
	return n + patches, err
}

func (s *sweep) all(ctx context.Context, tx *sqldb.Tx) error {
	for more := true; more; {
		var err error
		if more, err = s.piece(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// sweepJob is the kind of job that sweeps.
const sweepJob = "triage"

type sweepPayload struct {
	Project int64 `json:"project"`
}

// queue writes the sweep down, and a job for it. One that is under way begins anew, with the earlier of both steps.
func (s *sweep) queue(ctx context.Context, tx *sqldb.Tx, now clock.Time) error {
	old, err := readSweep(ctx, tx, s.Project)
	switch {
	case err == nil:
		s.Step = min(s.Step, old.Step)
	case !fault.Is(err, fault.NotFound):
		return err
	}
	u := sqldb.Upsert{Table: "triage_sweep", Columns: []string{"project_id", "step", "after_id"}, Key: []string{"project_id"}, Replace: []string{"step", "after_id"}}
	if err := tx.Upsert(ctx, u, [][]any{{s.Project, s.Step, 0}}); err != nil {
		return err
	}
	_, err = job.Enqueue(ctx, tx, now, job.New{Kind: sweepJob, Target: fmt.Sprintf("triage:%d", s.Project), MaxAttempts: 1000, Payload: sweepPayload{s.Project}})
	return err
}

func readSweep(ctx context.Context, tx *sqldb.Tx, project int64) (s sweep, err error) {
	err = tx.Get(ctx, &s, "SELECT project_id, step, after_id FROM triage_sweep WHERE project_id = ?"+tx.LockRows(), project)
	return s, err
}

// piece does what comes next, and tells whether there is more.
func (s *sweep) piece(ctx context.Context, tx *sqldb.Tx) (more bool, err error) {
	query, most, do := s.part()
	var ids []int64
	if err := tx.Select(ctx, &ids, query, slices.Repeat([]any{s.Project, s.After, most}, strings.Count(query, "?")/3)...); err != nil {
		return false, err
	}
	if len(ids) > 0 {
		if err := do(ctx, tx, ids); err != nil {
			return false, err
		}
	}
	if len(ids) == most {
		s.After = ids[most-1]
		return true, nil
	}
	s.Step, s.After = s.Step+1, 0
	return s.Step <= sweepSeries, nil
}

// patchesBehind finds patches of a project behind an id as the index has them, by whether they are archived.
const patchesBehind = "SELECT id FROM (SELECT * FROM (SELECT id FROM patch WHERE project_id = ? AND archived = FALSE AND id > ? ORDER BY id LIMIT ?) a" +
	" UNION ALL SELECT * FROM (SELECT id FROM patch WHERE project_id = ? AND archived = TRUE AND id > ? ORDER BY id LIMIT ?) b) p ORDER BY id LIMIT "

// part is what a step does: the query for the ids that come next, with project, last id and limit, once or twice; how many; and what is done with them.
func (s *sweep) part() (query string, most int, do func(context.Context, *sqldb.Tx, []int64) error) {
	const texts = 100 // whose mails are read
	switch s.Step {
	case sweepCovers:
		return "SELECT id FROM cover WHERE project_id = ? AND id > ? ORDER BY id LIMIT ?", texts, func(ctx context.Context, tx *sqldb.Tx, ids []int64) error {
			t, err := newTally(ctx, tx, true)
			if err != nil {
				return err
			}
			return t.covers(ctx, ids)
		}
	case sweepPatches:
		return patchesBehind + fmt.Sprint(texts), texts, func(ctx context.Context, tx *sqldb.Tx, ids []int64) error {
			t, err := newTally(ctx, tx, true)
			if err != nil {
				return err
			}
			return t.patches(ctx, ids)
		}
	}
	return "SELECT id FROM series WHERE project_id = ? AND id > ? ORDER BY id LIMIT ?", maxTriaged, retriage
}

// Sweeper looks at projects again in the background.
type Sweeper struct{ db *sqldb.DB }

// NewSweeper makes a Sweeper.
func NewSweeper(db *sqldb.DB) *Sweeper { return &Sweeper{db: db} }

// Kind is how its jobs are run.
func (w *Sweeper) Kind() job.Kind { return job.Kind{Name: sweepJob, Handle: w.handle, Parallel: 1} }

// handle does a sweep, a piece in a transaction each, which notes how far it is: whenever it is killed, the next attempt goes on from there.
func (w *Sweeper) handle(ctx context.Context, j job.Job) error {
	var p sweepPayload
	if err := j.Decode(&p); err != nil {
		return err
	}
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if more, err = w.step(ctx, p.Project); err != nil {
			return fmt.Errorf("look at project %d again: %w", p.Project, err)
		}
	}
	return nil
}

// step does the next piece of a project, while no mail is taken in for it. A sweep that another job has ended has none.
func (w *Sweeper) step(ctx context.Context, id int64) (more bool, err error) {
	err = w.db.Tx(ctx, func(tx *sqldb.Tx) error {
		more = false
		if err := project.Lock(ctx, tx, []int64{id}); err != nil {
			return err
		}
		s, err := readSweep(ctx, tx, id)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err == nil {
			more, err = s.piece(ctx, tx)
		}
		if err != nil {
			return err
		}
		if more {
			_, err = tx.Exec(ctx, "UPDATE triage_sweep SET step = ?, after_id = ? WHERE project_id = ?", s.Step, s.After, id)
		} else {
			_, err = tx.Exec(ctx, "DELETE FROM triage_sweep WHERE project_id = ?", id)
		}
		return err
	})
	return more, err
}

// Sweeping counts the projects that jobs still have to look at again, after a change of states, tags, or what projects count.
func Sweeping(ctx context.Context, q sqldb.Queryer) (n int, err error) {
	if err := q.Get(ctx, &n, "SELECT COUNT(*) FROM triage_sweep"); err != nil {
		return 0, fmt.Errorf("count projects to look at again: %w", err)
	}
	return n, nil
}

// lockProjectsOf locks the projects that a query finds, and returns them.
func lockProjectsOf(ctx context.Context, tx *sqldb.Tx, query string, args ...any) ([]int64, error) {
	var ids []int64
	if err := tx.Select(ctx, &ids, query, args...); err != nil {
		return nil, fmt.Errorf("find projects: %w", err)
	}
	return ids, project.Lock(ctx, tx, ids)
}

// projectsWithTags and allProjects are queries for lockProjectsOf.
const (
	projectsWithTags = "SELECT id FROM project WHERE use_tags = TRUE ORDER BY id"
	allProjects      = "SELECT id FROM project ORDER BY id"
)

// WhenTagsCount is what follows from a change of a project, for project.Change.Then: one that counts tags from now on counts those of its mails that are here.
func WhenTagsCount(now clock.Time) func(ctx context.Context, tx *sqldb.Tx, was, is project.Project) error {
	return func(ctx context.Context, tx *sqldb.Tx, was, is project.Project) error {
		if was.UseTags || !is.UseTags {
			return nil
		}
		return lookAgain(ctx, tx, now, []int64{is.ID}, true)
	}
}
