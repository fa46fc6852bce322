// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
)

// Role is what a message is in this domain; what does not apply is zero. Of a comment Patch or Cover is what it comments on.
type Role struct {
	Patch, Cover, Comment, Series int64
	Number, Version, Total        int // in the series
	State, Delegate               string
}

var roleQueries = map[string]string{
	KindPatch: `SELECT p.id AS patch, COALESCE(p.series_id, 0) AS series, COALESCE(p.number, 0) AS number, COALESCE(s.version, 0) AS version,
			COALESCE(s.total, 0) AS total, COALESCE(t.slug, '') AS state, COALESCE(u.username, '') AS delegate
		FROM patch p LEFT JOIN series s ON s.id = p.series_id LEFT JOIN state t ON t.id = p.state_id LEFT JOIN user_account u ON u.id = p.delegate_id
		WHERE p.message_id = ?`,
	KindCover: `SELECT c.id AS cover, COALESCE(s.id, 0) AS series, COALESCE(s.version, 0) AS version, COALESCE(s.total, 0) AS total
		FROM cover c LEFT JOIN series s ON s.cover_id = c.id WHERE c.message_id = ?`,
	KindComment: `SELECT id AS comment, patch_id AS patch, 0 AS cover FROM patch_comment WHERE message_id = ?
		UNION ALL SELECT id AS comment, 0 AS patch, cover_id AS cover FROM cover_comment WHERE message_id = ?`,
}

// RoleOf finds what a message is. A message that is nothing here, such as a pending one, has the zero Role.
func RoleOf(ctx context.Context, q sqldb.Queryer, m *mailstore.Message) (Role, error) {
	var p Role
	query, ours := roleQueries[m.Kind]
	if !ours {
		return p, nil
	}
	ids := []any{m.ID}
	if m.Kind == KindComment {
		ids = append(ids, m.ID)
	}
	err := q.Get(ctx, &p, query, ids...)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return p, fmt.Errorf("find what message %d is: %w", m.ID, err)
	}
	return p, nil
}
