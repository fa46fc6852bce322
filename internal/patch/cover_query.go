// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
)

// CoverQuery says which cover letters a list holds. A nil list means: any.
type CoverQuery struct {
	Projects      []int64
	Series        []int64
	Submitters    []int64
	MsgIDs        []string    // whole, with brackets
	Since, Before *clock.Time // from Since on, before Before; nil: no bound
	Words         string      // each of its words must be in the name, without regard to letter case
	Slice                     // orders: id, name, date, submitter
}

// ListedCover is a cover letter as lists show it.
type ListedCover struct {
	MailRef
	Sender
	Series *SeriesRef `db:"-"` // nil: none
}

var coverColumns = map[string]string{"id": "x.id", "name": "x.name", "date": "x.date", "submitter": "x.submitter_id"}

func (f CoverQuery) finder(engine string) (*finder, error) {
	find := &finder{kind: "cover", from: " FROM cover x", columns: coverColumns, projects: f.Projects}
	if f.Series != nil {
		find.where.add("x.id IN (SELECT s.cover_id FROM series s WHERE s.id IN (?))", append([]int64{-1}, f.Series...))
	}
	if f.MsgIDs != nil {
		find.where.add("x.message_id IN (SELECT m.id FROM message m WHERE m.msgid IN (?) AND m.hidden = FALSE)", keysOf(f.MsgIDs))
	}
	return find, find.mails(engine, f.Submitters, f.Since, f.Before, f.Words)
}

// keysOf are the key forms of Message-IDs, at least one that finds nothing.
func keysOf(msgids []string) []string {
	out := []string{""}
	for _, id := range msgids {
		out = append(out, mailstore.Key(id))
	}
	return out
}

// CountCovers counts what a query finds.
func CountCovers(ctx context.Context, q sqldb.Queryer, f CoverQuery) (int, error) {
	find, err := f.finder(engineOf(q))
	if err != nil {
		return 0, err
	}
	return find.count(ctx, q)
}

// ListCovers reads one slice of cover letters in three queries. Hidden ones are left out of it, so that it may be shorter.
func ListCovers(ctx context.Context, q sqldb.Queryer, f CoverQuery) ([]*ListedCover, error) {
	find, err := f.finder(engineOf(q))
	if err != nil {
		return nil, err
	}
	ids, err := find.ids(ctx, q, f.Slice)
	if err != nil {
		return nil, err
	}
	return readCovers(ctx, q, ids)
}

// readCovers reads cover letters in the order of ids, in two queries; those that are hidden or do not exist are left out.
func readCovers(ctx context.Context, q sqldb.Queryer, ids []int64) ([]*ListedCover, error) {
	found, err := read(ctx, q, ids, `SELECT x.id, x.project_id AS project, COALESCE(m.msgid_long, m.msgid) AS msgid, x.date, x.name, x.submitter_id AS submitter,
			COALESCE(e.name, '') AS submitter_name, e.email AS submitter_mail
		FROM cover x JOIN message m ON m.id = x.message_id AND m.hidden = FALSE JOIN person e ON e.id = x.submitter_id WHERE x.id IN (?)`,
		func(c *ListedCover) int64 { return c.ID })
	if err != nil {
		return nil, err
	}
	var series []struct {
		SeriesRef
		Cover int64
	}
	err = sqldb.Chunks(ids, func(ids []int64) error {
		return q.Select(ctx, &series, `SELECT s.id, COALESCE(s.project_id, 0) AS project, s.date, COALESCE(s.name, '') AS name, s.version, s.cover_id AS cover
			FROM series s WHERE s.cover_id IN (?)`, ids)
	})
	if err != nil {
		return nil, fmt.Errorf("read the series of %d covers: %w", len(ids), err)
	}
	for _, s := range series {
		if c := found[s.Cover]; c != nil {
			c.Series = &s.SeriesRef
		}
	}
	return inOrder(ids, found), nil
}

// inOrder lists what was found in the order of ids.
func inOrder[T any](ids []int64, found map[int64]*T) []*T {
	out := make([]*T, 0, len(ids))
	for _, id := range ids {
		if x := found[id]; x != nil {
			out = append(out, x)
		}
	}
	return slices.Clip(out)
}

// Text is the header and the text of a mail.
type Text struct {
	Headers string
	Content string
}

// CoverByID reads a cover letter with its text by its number.
func CoverByID(ctx context.Context, q sqldb.Queryer, id int64) (*ListedCover, Text, error) {
	var t Text
	found, err := readCovers(ctx, q, []int64{id})
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "there is no cover letter %d", id)
	}
	if err == nil {
		err = q.Get(ctx, &t, "SELECT b.headers, COALESCE(b.content, '') AS content FROM cover x JOIN message_body b ON b.message_id = x.message_id WHERE x.id = ?", id)
	}
	if err != nil {
		return nil, t, fmt.Errorf("read cover letter %d: %w", id, err)
	}
	return found[0], t, nil
}
