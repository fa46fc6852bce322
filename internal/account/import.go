// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"fmt"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// What the Import functions write comes from another system, with its ids and without any check but those of the database. They neither
// raise events nor write the audit trail; whoever calls them reserves the ids (sqldb.Tx.ReserveIDs: user, person, api_token, email_confirmation).

// ImportUsers writes users with the hashes of their passwords as they are. A user name that differs only by letter case is fault.Conflict.
func ImportUsers(ctx context.Context, tx *sqldb.Tx, users []User) error {
	rows := make([][]any, 0, len(users))
	for _, u := range users {
		var login any
		if u.LastLogin != nil {
			login = int64(*u.LastLogin)
		}
		rows = append(rows, []any{u.ID, u.Username, fold.Key(u.Username), u.Email, columnKey(u.Email), u.FirstName, u.LastName, u.Password, u.IsActive, u.IsAdmin,
			u.SendEmail, u.ItemsPerPage, u.ShowIDs, int64(u.CreatedAt), login})
	}
	return tx.Insert(ctx, "user_account", []string{"id", "username", "username_key", "email", "email_key", "first_name", "last_name", "password", "is_active", "is_admin",
		"send_email", "items_per_page", "show_ids", "created_at", "last_login"}, rows)
}

// ImportedPerson is a person as another system has him.
type ImportedPerson struct {
	ID    int64
	Email string
	Name  *string // nil: none known
	Mails int     // that he sent; more of them make his name last longer, see Persons
	User  int64   // 0: belongs to no user
}

// ImportPersons writes persons. An address that differs only by letter case is fault.Conflict.
func ImportPersons(ctx context.Context, tx *sqldb.Tx, persons []ImportedPerson) error {
	rows := make([][]any, 0, len(persons))
	for _, p := range persons {
		var name any
		key, votes := "", 0
		if p.Name != nil {
			name, key = *p.Name, columnKey(*p.Name)
		}
		if key != "" {
			votes = min(max(p.Mails, 1), nameVotesMax)
		}
		rows = append(rows, []any{p.ID, p.Email, personKey(p.Email), name, key, votes, sqldb.NullID(p.User)})
	}
	return tx.Insert(ctx, "person", []string{"id", "email", "email_key", "name", "name_key", "name_votes", "user_id"}, rows)
}

// ImportedToken is a token whose text is known; only its hash is kept. It may write, and never expires.
type ImportedToken struct {
	User      int64
	Secret    string
	CreatedAt clock.Time
}

// importedTokenName is what imported tokens are called; a user has one.
const importedTokenName = "imported"

// ImportTokens writes tokens to the API.
func ImportTokens(ctx context.Context, tx *sqldb.Tx, tokens []ImportedToken) error {
	rows := make([][]any, 0, len(tokens))
	for _, t := range tokens {
		id, err := tx.NextID(ctx, "api_token")
		if err != nil {
			return err
		}
		rows = append(rows, []any{id, t.User, importedTokenName, tokenHash(t.Secret), ScopeWrite, int64(t.CreatedAt)})
	}
	return tx.Insert(ctx, "api_token", []string{"id", "user_id", "name", "token_hash", "scope", "created_at"}, rows)
}

// ImportedConfirmation is a question that was put by mail: Kind is optout, optin, registration or userperson, Key stood in the mail.
type ImportedConfirmation struct {
	ID        int64
	Kind      string
	Email     string
	User      int64 // 0: nobody
	Key       string
	CreatedAt clock.Time
	Active    bool // not answered yet
}

// ImportConfirmations writes confirmations; of the keys only hashes are kept.
func ImportConfirmations(ctx context.Context, tx *sqldb.Tx, list []ImportedConfirmation) error {
	rows := make([][]any, 0, len(list))
	for _, c := range list {
		rows = append(rows, []any{c.ID, c.Kind, c.Email, sqldb.NullID(c.User), tokenHash(c.Key), int64(c.CreatedAt), c.Active})
	}
	return tx.Insert(ctx, "email_confirmation", []string{"id", "kind", "email", "user_id", "key_hash", "created_at", "active"}, rows)
}

// ImportOptouts writes the addresses that get no notices, as of now; those that differ only by letter case are one.
func ImportOptouts(ctx context.Context, tx *sqldb.Tx, now clock.Time, emails []string) error {
	seen := map[string]bool{}
	var rows [][]any
	for _, e := range emails {
		if key := personKey(strings.TrimSpace(e)); !seen[key] {
			seen[key] = true
			rows = append(rows, []any{key, int64(now)})
		}
	}
	u := sqldb.Upsert{Table: "email_optout", Columns: []string{"email_key", "created_at"}, Key: []string{"email_key"}}
	if err := tx.Upsert(ctx, u, rows); err != nil {
		return fmt.Errorf("import opt-outs: %w", err)
	}
	return nil
}

// ImportKey is the form in which addresses and user names of an import are compared: two that have the same can't both be imported.
func ImportKey(s string) string { return personKey(s) }
