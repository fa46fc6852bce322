// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// Bounds of saved queries.
const (
	MaxSavedName  = 50   // characters
	MaxSavedQuery = 2000 // bytes
	savedPerUser  = 100
)

// Kinds of lists that a query is saved of.
const (
	SavedPatches = "patch"
	SavedSeries  = "series"
)

// SavedQuery is the filter of a list under a name. It belongs to a user; others find it by its number, if it is public.
type SavedQuery struct {
	ID      int64
	User    int64 `db:"user_id"`
	Project int64 `db:"project"` // 0: for all projects
	Kind    string
	Name    string
	Query   string // as in an address; its meaning is up to the face that saves it
	Public  bool
	Opens   bool // the list opens with it
}

// SavedChange sets what is not nil.
type SavedChange struct {
	Name          *string
	Query         *string
	Public, Opens *bool
}

const savedColumns = "SELECT x.id, x.user_id, COALESCE(x.project_id, 0) AS project, x.kind, x.name, x.query, x.public, x.opens FROM saved_query x"

// SaveQuery saves a query of the actor, who must be a user. Its name must be new to him.
func SaveQuery(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, s SavedQuery) (SavedQuery, error) {
	if by.User == 0 {
		return s, fault.New(fault.Unauthenticated, "a query is saved for a user")
	}
	if s.Kind != SavedPatches && s.Kind != SavedSeries {
		return s, fault.New(fault.Invalid, "there are no lists of %q", s.Kind)
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) (err error) {
		var have int
		if err := tx.Get(ctx, &have, "SELECT COUNT(*) FROM saved_query WHERE user_id = ?", by.User); err != nil {
			return err
		}
		if have >= savedPerUser {
			return fault.New(fault.Invalid, "You have %d saved queries; delete one first", have)
		}
		s.User = by.User
		if err := s.valid(ctx, tx); err != nil {
			return err
		}
		if s.ID, err = tx.NextID(ctx, "saved_query"); err != nil {
			return err
		}
		if err := s.alone(ctx, tx); err != nil {
			return err
		}
		return tx.Insert(ctx, "saved_query", []string{"id", "user_id", "project_id", "kind", "name", "query", "public", "opens", "created_at"},
			[][]any{{s.ID, s.User, sqldb.NullID(s.Project), s.Kind, s.Name, s.Query, s.Public, s.Opens, int64(now)}})
	})
	if err != nil {
		return s, fmt.Errorf("save a query of user %d: %w", by.User, err)
	}
	return s, nil
}

// valid tidies and checks what a user may choose.
func (s *SavedQuery) valid(ctx context.Context, tx *sqldb.Tx) error {
	s.Name = strings.TrimSpace(s.Name)
	switch {
	case s.Name == "":
		return fault.New(fault.Invalid, "No name was given")
	case utf8.RuneCountInString(s.Name) > MaxSavedName:
		return fault.New(fault.Invalid, "The name of a saved query has at most %d characters", MaxSavedName)
	case strings.ContainsFunc(s.Name, unicode.IsControl) || !utf8.ValidString(s.Name):
		return fault.New(fault.Invalid, "The name of a saved query can't have control characters")
	case len(s.Query) > MaxSavedQuery || !utf8.ValidString(s.Query) || strings.ContainsRune(s.Query, 0):
		return fault.New(fault.Invalid, "A filter of more than %d bytes can't be saved", MaxSavedQuery)
	}
	var same int
	if err := tx.Get(ctx, &same, "SELECT COUNT(*) FROM saved_query WHERE user_id = ? AND name = ? AND id <> ?", s.User, s.Name, s.ID); err != nil {
		return err
	}
	if same > 0 {
		return fault.New(fault.Conflict, "You have a saved query called %s already", s.Name)
	}
	return nil
}

// alone lets a list open with one query at most.
func (s *SavedQuery) alone(ctx context.Context, tx *sqldb.Tx) error {
	if !s.Opens {
		return nil
	}
	_, err := tx.Exec(ctx, "UPDATE saved_query SET opens = FALSE WHERE user_id = ? AND kind = ? AND COALESCE(project_id, 0) = ? AND id <> ?", s.User, s.Kind, s.Project, s.ID)
	return err
}

// ChangeSaved changes a query of the actor. One of somebody else is fault.NotFound.
func ChangeSaved(ctx context.Context, db *sqldb.DB, by account.Actor, id int64, c SavedChange) (s SavedQuery, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		if s, err = ownSaved(ctx, tx, by, id); err != nil {
			return err
		}
		for _, set := range []struct{ to, from *string }{{&s.Name, c.Name}, {&s.Query, c.Query}} {
			if set.from != nil {
				*set.to = *set.from
			}
		}
		for _, set := range []struct{ to, from *bool }{{&s.Public, c.Public}, {&s.Opens, c.Opens}} {
			if set.from != nil {
				*set.to = *set.from
			}
		}
		if err := s.valid(ctx, tx); err != nil {
			return err
		}
		if err := s.alone(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE saved_query SET name = ?, query = ?, public = ?, opens = ? WHERE id = ?", s.Name, s.Query, s.Public, s.Opens, id)
		return err
	})
	if err != nil {
		return s, fmt.Errorf("change saved query %d: %w", id, err)
	}
	return s, nil
}

// DeleteSaved deletes a query of the actor.
func DeleteSaved(ctx context.Context, db *sqldb.DB, by account.Actor, id int64) (s SavedQuery, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		if s, err = ownSaved(ctx, tx, by, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DELETE FROM saved_query WHERE id = ?", id)
		return err
	})
	if err != nil {
		return s, fmt.Errorf("delete saved query %d: %w", id, err)
	}
	return s, nil
}

func ownSaved(ctx context.Context, tx *sqldb.Tx, by account.Actor, id int64) (s SavedQuery, err error) {
	err = tx.Get(ctx, &s, savedColumns+" WHERE x.id = ?"+tx.LockRows(), id)
	if fault.Is(err, fault.NotFound) || err == nil && (by.User == 0 || s.User != by.User) {
		return SavedQuery{}, fault.New(fault.NotFound, "there is no saved query %d", id)
	}
	return s, err
}

// ReadSaved reads a query that the actor may see: his own, or a public one.
func ReadSaved(ctx context.Context, q sqldb.Queryer, by account.Actor, id int64) (s SavedQuery, err error) {
	err = q.Get(ctx, &s, savedColumns+" WHERE x.id = ?", id)
	if fault.Is(err, fault.NotFound) || err == nil && !s.Public && (by.User == 0 || s.User != by.User) {
		return SavedQuery{}, fault.New(fault.NotFound, "there is no saved query %d", id)
	}
	if err != nil {
		return s, fmt.Errorf("read saved query %d: %w", id, err)
	}
	return s, nil
}

// OwnSaved lists all queries of a user by name.
func OwnSaved(ctx context.Context, q sqldb.Queryer, user int64) (out []SavedQuery, err error) {
	if err := q.Select(ctx, &out, savedColumns+" WHERE x.user_id = ? ORDER BY x.name, x.id", user); err != nil {
		return nil, fmt.Errorf("list the saved queries of user %d: %w", user, err)
	}
	return out, nil
}
