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
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// CommentQuery says which comments on a patch or cover letter a list holds.
type CommentQuery struct {
	On    Target
	Words string   // each of its words must be in the subject or the text, without regard to letter case
	Order []string // id, subject, date, submitter; the first counts most, a leading "-" reverses one, unknown ones are passed over; default id
}

// String names the target for people.
func (t Target) String() string {
	if t.Patch != 0 {
		return fmt.Sprintf("patch %d", t.Patch)
	}
	return fmt.Sprintf("cover letter %d", t.Cover)
}

// ProjectOf finds the project of a patch or cover letter that can be seen; else fault.NotFound.
func ProjectOf(ctx context.Context, q sqldb.Queryer, t Target) (project int64, err error) {
	query, id := "SELECT x.project_id FROM patch x JOIN message m ON m.id = x.message_id AND m.hidden = FALSE WHERE x.id = ?", t.Patch
	if t.Patch == 0 {
		query, id = "SELECT x.project_id FROM cover x JOIN message m ON m.id = x.message_id AND m.hidden = FALSE WHERE x.id = ?", t.Cover
	}
	err = q.Get(ctx, &project, query, id)
	if fault.Is(err, fault.NotFound) {
		return 0, fault.New(fault.NotFound, "there is no %s", t)
	}
	if err != nil {
		return 0, fmt.Errorf("find the project of %s: %w", t, err)
	}
	return project, nil
}

// commentKey is what comments are sorted by.
type commentKey struct {
	ID        int64
	Date      clock.Time
	Submitter int64 `db:"submitter"`
	Subject   string
	Content   string // only if words are looked for
}

// FindComments finds the numbers of the comments that can be seen, in order, in one query. There are never more than one target has.
func FindComments(ctx context.Context, q sqldb.Queryer, f CommentQuery) ([]int64, error) {
	words := wordsOf(f.Words)
	if len(words) > maxWords {
		return nil, fault.New(fault.Invalid, "too many words: at most %d can be searched at once", maxWords)
	}
	content, join := "''", ""
	if len(words) > 0 {
		content, join = "COALESCE(b.content, '')", " JOIN message_body b ON b.message_id = m.id"
	}
	columns, joins := "SELECT x.id, x.date, x.submitter_id AS submitter, m.subject, "+content+" AS content", " JOIN message m ON m.id = x.message_id AND m.hidden = FALSE"+join
	query, id := columns+" FROM patch_comment x"+joins+" WHERE x.patch_id = ?", f.On.Patch
	if f.On.Patch == 0 {
		query, id = columns+" FROM cover_comment x"+joins+" WHERE x.cover_id = ?", f.On.Cover
	}
	var keys []commentKey
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var k commentKey
		if err := rows.StructScan(&k); err != nil {
			return err
		}
		if k.has(words) {
			k.Content = ""
			keys = append(keys, k)
		}
		return nil
	}, query, id)
	if err != nil {
		return nil, fmt.Errorf("find comments on %s: %w", f.On, err)
	}
	slices.SortFunc(keys, f.compare)
	ids := make([]int64, 0, len(keys))
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return ids, nil
}

// has tells whether all words are in the subject or the text.
func (k *commentKey) has(words []string) bool {
	if len(words) == 0 {
		return true
	}
	subject, content := fold.Key(k.Subject), fold.Key(k.Content)
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(subject, w) && !strings.Contains(content, w) })
}

func (f CommentQuery) compare(a, b commentKey) int {
	last := 1
	for _, name := range f.Order {
		name, down := strings.CutPrefix(name, "-")
		n, sign := 0, 1
		if down {
			sign = -1
		}
		switch name {
		case "id":
			n = cmp.Compare(a.ID, b.ID)
		case "subject":
			n = cmp.Compare(a.Subject, b.Subject)
		case "date":
			n = cmp.Compare(a.Date, b.Date)
		case "submitter":
			n = cmp.Compare(a.Submitter, b.Submitter)
		default:
			continue
		}
		if n != 0 {
			return n * sign
		}
		last = sign
	}
	return cmp.Compare(a.ID, b.ID) * last
}

// ReadComments reads comments on a target with their texts, in the order of ids; those that can't be seen, or are on something else, are left out.
func ReadComments(ctx context.Context, q sqldb.Queryer, on Target, ids []int64) ([]*Comment, error) {
	const columns, joins = "SELECT " + mailColumns + ", c.id, c.addressed", " JOIN message m ON m.id = c.message_id AND m.hidden = FALSE" + mailJoins
	query, id := columns+" FROM patch_comment c"+joins+" WHERE c.patch_id = ? AND c.id IN (?)", on.Patch
	if on.Patch == 0 {
		query, id = columns+" FROM cover_comment c"+joins+" WHERE c.cover_id = ? AND c.id IN (?)", on.Cover
	}
	found := map[int64]*Comment{}
	err := sqldb.Chunks(ids, func(ids []int64) error {
		var some []*Comment
		err := q.Select(ctx, &some, query, id, ids)
		for _, c := range some {
			found[c.ID] = c
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read comments on %s: %w", on, err)
	}
	return inOrder(ids, found), nil
}

// ReadComment reads one comment on a target; one that is not on it is fault.NotFound.
func ReadComment(ctx context.Context, q sqldb.Queryer, on Target, id int64) (*Comment, error) {
	found, err := ReadComments(ctx, q, on, []int64{id})
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "there is no comment %d on %s", id, on)
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}
