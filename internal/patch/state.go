// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
)

// State is where a patch stands. The one with the lowest Ordering is what new patches get.
type State struct {
	ID             int64
	Name           string
	Slug           string
	Ordering       int
	ActionRequired bool `db:"action_required"`
}

// States lists the states in order.
func States(ctx context.Context, q sqldb.Queryer) ([]State, error) {
	var out []State
	if err := q.Select(ctx, &out, "SELECT id, name, slug, ordering, action_required FROM state ORDER BY ordering, id"); err != nil {
		return nil, fmt.Errorf("list states: %w", err)
	}
	return out, nil
}

// FindState finds a state by slug or name, without regard to letter case.
func FindState(ctx context.Context, q sqldb.Queryer, name string) (State, error) {
	all, err := States(ctx, q)
	if err != nil {
		return State{}, err
	}
	var slugs []string
	for _, s := range all {
		if strings.EqualFold(s.Slug, name) || strings.EqualFold(s.Name, name) {
			return s, nil
		}
		slugs = append(slugs, s.Slug)
	}
	return State{}, fault.New(fault.NotFound, "no state %q; there are: %s", name, strings.Join(slugs, ", "))
}

// StateChange sets what is not nil.
type StateChange struct {
	Name, Slug     *string
	Ordering       *int
	ActionRequired *bool
}

func (c StateChange) apply(s *State) {
	assign(&s.Name, c.Name)
	assign(&s.Slug, c.Slug)
	assign(&s.Ordering, c.Ordering)
	assign(&s.ActionRequired, c.ActionRequired)
}

var slugRE = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

func (s *State) valid() error {
	switch {
	case strings.TrimSpace(s.Name) == "" || utf8.RuneCountInString(s.Name) > 100:
		return fault.New(fault.Invalid, "state name %q: want 1 to 100 characters", s.Name)
	case !slugRE.MatchString(s.Slug) || len(s.Slug) > 100:
		return fault.New(fault.Invalid, "state slug %q: want lower-case letters, digits and -", s.Slug)
	case s.Ordering < 0:
		return fault.New(fault.Invalid, "ordering %d: want 0 or more", s.Ordering)
	}
	return nil
}

// Slugify makes the slug of a state's name: lower case, everything but letters and digits becomes one "-".
func Slugify(name string) string {
	parts := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(parts, "-")
}

// CreateState makes a state; Name is required, Slug is made from it, Ordering is one more than the last unless given. If another state has
// the Ordering, it and those that follow it without a gap move up by one.
func CreateState(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, c StateChange) (State, error) {
	s := State{Ordering: -1, ActionRequired: true}
	c.apply(&s)
	if s.Slug == "" {
		s.Slug = Slugify(s.Name)
	}
	err := administer(ctx, db, by, now, "state create", "state "+s.Slug, func(tx *sqldb.Tx) (err error) {
		if c.Ordering == nil {
			if err := tx.Get(ctx, &s.Ordering, "SELECT COALESCE(MAX(ordering), -1) + 1 FROM state"); err != nil {
				return err
			}
		}
		if err := s.valid(); err != nil {
			return err
		}
		if err := makeRoom(ctx, tx, s); err != nil {
			return err
		}
		if s.ID, err = tx.NextID(ctx, "state"); err != nil {
			return err
		}
		err = tx.Insert(ctx, "state", []string{"id", "name", "slug", "ordering", "action_required"},
			[][]any{{s.ID, s.Name, s.Slug, s.Ordering, s.ActionRequired}})
		return s.taken(err)
	})
	return s, err
}

// UpdateState changes a state, found by slug or name. Ordering is made free as CreateState does. Where series stand follows: see Sweeping for what is not done on return.
func UpdateState(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, name string, c StateChange) (State, error) {
	var s State
	err := administer(ctx, db, by, now, "state update", "state "+name, func(tx *sqldb.Tx) (err error) {
		if s, err = FindState(ctx, tx, name); err != nil {
			return err
		}
		was := s
		c.apply(&s)
		if err := s.valid(); err != nil {
			return err
		}
		var projects []int64
		if s.ActionRequired != was.ActionRequired || s.AsksAuthor() != was.AsksAuthor() {
			if projects, err = lockProjectsOf(ctx, tx, "SELECT DISTINCT project_id FROM patch_count WHERE state_id = ? AND patches <> 0 ORDER BY project_id", s.ID); err != nil {
				return err
			}
		}
		if err := makeRoom(ctx, tx, s); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE state SET name = ?, slug = ?, ordering = ?, action_required = ? WHERE id = ?", s.Name, s.Slug, s.Ordering, s.ActionRequired, s.ID)
		if err != nil {
			return s.taken(err)
		}
		return lookAgain(ctx, tx, now, projects, false)
	})
	return s, err
}

// AsksAuthor tells whether the state asks the author for something.
func (s *State) AsksAuthor() bool { return slices.Contains(authorStates, s.Slug) }

// makeRoom moves the states up that stand where s is about to be written. The column is unique at every instant, so the last one goes first.
func makeRoom(ctx context.Context, tx *sqldb.Tx, s State) error {
	all, err := States(ctx, tx)
	if err != nil {
		return err
	}
	wanted, last := s.Ordering, 0
	var moving []State
	for _, o := range all {
		if o.ID != s.ID && o.Ordering == wanted {
			moving = append(moving, o)
			wanted++
		}
		last = o.Ordering
	}
	if len(moving) == 0 {
		return nil
	}
	slices.Reverse(moving)
	if s.ID != 0 { // its old place may be one of theirs
		s.Ordering = last + 1
		moving = append([]State{s}, moving...)
	}
	for _, o := range moving {
		if _, err := tx.Exec(ctx, "UPDATE state SET ordering = ? WHERE id = ?", o.Ordering+1, o.ID); err != nil {
			return fmt.Errorf("move state %q: %w", o.Slug, err)
		}
	}
	return nil
}

func (s State) taken(err error) error {
	if fault.Is(err, fault.Conflict) {
		return fault.New(fault.Conflict, "another state has the name %q or the slug %q", s.Name, s.Slug)
	}
	return err
}

// DeleteState deletes a state that no patch is in; else fault.Conflict says how many are.
func DeleteState(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, name string) error {
	return administer(ctx, db, by, now, "state delete", "state "+name, func(tx *sqldb.Tx) error {
		s, err := FindState(ctx, tx, name)
		if err != nil {
			return err
		}
		var n int64
		if err := tx.Get(ctx, &n, "SELECT COALESCE(SUM(patches), 0) FROM patch_count WHERE state_id = ?", s.ID); err != nil {
			return err
		}
		if n > 0 {
			return fault.New(fault.Conflict, "%d patches are in state %q: move them to another state first", n, s.Slug)
		}
		if _, err := tx.Exec(ctx, "DELETE FROM state_notice WHERE original_state_id = ?", s.ID); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DELETE FROM state WHERE id = ?", s.ID)
		return err
	})
}

// administer runs one administrator's verb: permission, the change, its line in the audit trail, in one transaction.
func administer(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, verb, subject string, change func(*sqldb.Tx) error) error {
	if err := by.RequireAdmin(verb); err != nil {
		return err
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: verb, Subject: subject})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

func assign[T any](dst *T, v *T) {
	if v != nil {
		*dst = *v
	}
}
