// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/project"
)

// heldComment is a comment while it is being changed. Users of 0: none.
type heldComment struct {
	Author    int64 `db:"author"` // user
	Submitter int64 `db:"submitter"`
	Delegate  int64 `db:"delegate"`
	Addressed *bool
}

// SetAddressed says whether a comment still asks for something: false, no longer: true, or that it never did: nil. Its author may, the submitter of what it is
// on, of a patch the delegate, the maintainers of the project, and administrators; others are fault.Denied. A comment that is not on the target, or can't be
// seen, is fault.NotFound. only, unless nil, is asked in the transaction before anything is changed; its error ends the change. It is an event of its own, unless nothing changes; in Patchwork 3.2 it is one more …-comment-created.
func SetAddressed(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, on Target, id int64, addressed *bool, only func(context.Context, *sqldb.Tx) error) error {
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		where, err := ProjectOf(ctx, tx, on)
		if err != nil {
			return err
		}
		if err := project.Lock(ctx, tx, []int64{where}); err != nil {
			return err
		}
		c, err := holdComment(ctx, tx, on, id)
		if err != nil {
			return err
		}
		if err := c.mayEdit(ctx, tx, by, where); err != nil {
			return err
		}
		if only != nil {
			if err := only(ctx, tx); err != nil {
				return err
			}
		}
		if same(c.Addressed, addressed) {
			return nil
		}
		if err := writeAddressed(ctx, tx, on, id, addressed); err != nil {
			return err
		}
		if err := retriageOf(ctx, tx, []int64{on.Patch}, []int64{on.Cover}, nil); err != nil {
			return err
		}
		return event.Append(ctx, tx, addressedEvent(by, now, where, on, id, c.Addressed, addressed))
	})
	if err != nil {
		return fmt.Errorf("mark comment %d on %s: %w", id, on, err)
	}
	return nil
}

// MayMark is the error that SetAddressed would give for want of a comment or of permission, nil for none.
func MayMark(ctx context.Context, q sqldb.Queryer, by account.Actor, on Target, id int64) error {
	in, err := ProjectOf(ctx, q, on)
	if err != nil {
		return err
	}
	c, err := holdComment(ctx, q, on, id)
	if err != nil {
		return err
	}
	return c.mayEdit(ctx, q, by, in)
}

func same(a, b *bool) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

func holdComment(ctx context.Context, q sqldb.Queryer, on Target, id int64) (*heldComment, error) {
	var c heldComment
	query, parent := `SELECT x.addressed, COALESCE(a.user_id, 0) AS author, COALESCE(s.user_id, 0) AS submitter, COALESCE(p.delegate_id, 0) AS delegate
		FROM patch_comment x JOIN message m ON m.id = x.message_id AND m.hidden = FALSE JOIN patch p ON p.id = x.patch_id
		JOIN person a ON a.id = x.submitter_id JOIN person s ON s.id = p.submitter_id WHERE x.id = ? AND x.patch_id = ?`, on.Patch
	if on.Patch == 0 {
		query, parent = `SELECT x.addressed, COALESCE(a.user_id, 0) AS author, COALESCE(s.user_id, 0) AS submitter, 0 AS delegate
			FROM cover_comment x JOIN message m ON m.id = x.message_id AND m.hidden = FALSE JOIN cover p ON p.id = x.cover_id
			JOIN person a ON a.id = x.submitter_id JOIN person s ON s.id = p.submitter_id WHERE x.id = ? AND x.cover_id = ?`, on.Cover
	}
	err := q.Get(ctx, &c, query, id, parent)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "there is no comment %d on %s", id, on)
	}
	return &c, err
}

func (c *heldComment) mayEdit(ctx context.Context, q sqldb.Queryer, by account.Actor, in int64) error {
	maintains := false
	if by.User != 0 && !by.Admin {
		var err error
		if maintains, err = project.IsMaintainer(ctx, q, in, by.User); err != nil {
			return err
		}
	}
	if MarksComment(by, maintains, c.Author, c.Submitter, c.Delegate) {
		return nil
	}
	return fault.New(fault.Denied, "only its author, the submitter, the delegate or a maintainer may mark a comment")
}

// MarksComment is the rule of SetAddressed: who may change what a comment is on, see EditsPatch, may mark it, and so may its author, a user or 0.
func MarksComment(by account.Actor, maintains bool, author, submitter, delegate int64) bool {
	return EditsPatch(by, maintains, submitter, delegate) || by.User != 0 && by.User == author
}

func writeAddressed(ctx context.Context, tx *sqldb.Tx, on Target, id int64, addressed *bool) error {
	query := "UPDATE patch_comment SET addressed = ? WHERE id = ?"
	if on.Patch == 0 {
		query = "UPDATE cover_comment SET addressed = ? WHERE id = ?"
	}
	_, err := tx.Exec(ctx, query, nullable(addressed), id)
	return err
}

func addressedEvent(by account.Actor, now clock.Time, in int64, on Target, id int64, was, is *bool) event.Event {
	e := event.Event{Kind: EventPatchCommentAddressed, Project: in, Actor: by.User, At: now, Subjects: []event.Subject{{Kind: "patch", ID: on.Patch}},
		Payload: Payload{Patch: on.Patch, Cover: on.Cover, Comment: id, PreviousAddressed: was, CurrentAddressed: is}}
	if on.Patch == 0 {
		e.Kind, e.Subjects = EventCoverCommentAddressed, []event.Subject{{Kind: "cover", ID: on.Cover}}
	}
	return e
}
