// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
)

// LinkedPersons lists the persons who belong to a user by address.
func LinkedPersons(ctx context.Context, q sqldb.Queryer, user int64) ([]Person, error) {
	var out []Person
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		p := Person{User: user}
		err := rows.Scan(&p.ID, &p.Email, &p.Name, &p.NameVotes)
		out = append(out, p)
		return err
	}, "SELECT id, email, COALESCE(name, ''), name_votes FROM person WHERE user_id = ? ORDER BY email_key", user)
	if err != nil {
		return nil, fmt.Errorf("list persons of user %d: %w", user, err)
	}
	return out, nil
}

// UnlinkPerson takes a person off the actor, who then has no rights to its patches any more. One that is not his is fault.NotFound, and so the persons of others stay
// theirs; the one with the address of his account is fault.Conflict.
func UnlinkPerson(ctx context.Context, db *sqldb.DB, by Actor, now clock.Time, person int64) error {
	if by.User == 0 {
		return fault.New(fault.Denied, "only users have addresses")
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		var p struct{ Email, Username, Main string }
		err := tx.Get(ctx, &p, `SELECT e.email, u.username, CASE WHEN e.email_key = u.email_key THEN 'yes' ELSE '' END AS main FROM person e JOIN user_account u ON u.id = e.user_id
			WHERE e.id = ? AND e.user_id = ?`, person, by.User)
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "you have no such address")
		}
		if err != nil {
			return err
		}
		if p.Main != "" {
			return fault.New(fault.Conflict, "%s is the address of your account", p.Email)
		}
		if _, err := tx.Exec(ctx, "UPDATE person SET user_id = NULL WHERE id = ? AND user_id = ?", person, by.User); err != nil {
			return err
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "user unlink", Subject: "user " + p.Username})
	})
	if err != nil {
		return fmt.Errorf("unlink person %d: %w", person, err)
	}
	return nil
}
