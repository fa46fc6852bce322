// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
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
