// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/project"
)

// Bounds of bundles.
const (
	MaxBundleName    = 50 // characters
	MaxBundlePatches = 1000
	bundlesPerUser   = 1000
)

// Bundle is an ordered collection of patches of one project, which belongs to a user. One that is not public is there for him only, administrators
// and maintainers included.
type Bundle struct {
	ID      int64
	Owner   int64 `db:"owner_id"`
	Project int64 `db:"project_id"`
	Name    string
	Public  bool
	Set     int64 `db:"-"` // of one that was just changed: the change set that Undo takes; 0: nothing can be taken back
}

// BundleChange sets what is not nil. Patches are all that the bundle is to hold, in their order; one that is named twice counts where it comes first.
type BundleChange struct {
	Name    *string
	Public  *bool
	Patches *[]int64

	// If is asked in the transaction that changes a bundle, after its lock; its error ends the change.
	If func(context.Context, *sqldb.Tx) error
}

// CreateBundle makes a bundle of the actor, who must be a user. Name and Patches are required; the project is that of the patches.
func CreateBundle(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, c BundleChange) (b Bundle, err error) {
	if by.User == 0 {
		return b, fault.New(fault.Unauthenticated, "a bundle belongs to a user")
	}
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		b = Bundle{Owner: by.User}
		if err := c.apply(ctx, tx, &b); err != nil {
			return err
		}
		var have int
		if err := tx.Get(ctx, &have, "SELECT COUNT(*) FROM bundle WHERE owner_id = ?", by.User); err != nil {
			return err
		}
		if have >= bundlesPerUser {
			return wrongField("name", "There are %d bundles already; delete one first", have)
		}
		if b.ID, err = tx.NextID(ctx, "bundle"); err != nil {
			return err
		}
		if err := insertBundles(ctx, tx, []Bundle{b}); err != nil {
			return b.taken(err)
		}
		if err := b.fill(ctx, tx, *c.Patches); err != nil {
			return err
		}
		b.Set, err = b.record(ctx, tx, by, now, BundleCreated, nil, placesOf(*c.Patches))
		return err
	})
	if err != nil {
		return Bundle{}, fmt.Errorf("create a bundle: %w", err)
	}
	return b, nil
}

// UpdateBundle changes a bundle of the actor. With patches of another project the bundle moves there. A private bundle of somebody else is
// fault.NotFound, a public one fault.Denied.
func UpdateBundle(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, id int64, c BundleChange) (b Bundle, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		if b, err = holdBundle(ctx, tx, by, id); err != nil {
			return err
		}
		if c.If != nil {
			if err := c.If(ctx, tx); err != nil {
				return err
			}
		}
		from := b
		if err := c.apply(ctx, tx, &b); err != nil {
			return err
		}
		if err := b.save(ctx, tx); err != nil {
			return err
		}
		b.Set, err = b.refill(ctx, tx, by, now, from, c.Patches)
		return err
	})
	if err != nil {
		return Bundle{}, fmt.Errorf("change bundle %d: %w", id, err)
	}
	return b, nil
}

// DeleteBundle deletes a bundle of the actor, and returns the change set that Undo takes; see UpdateBundle for whom it refuses, and BundleChange.If for what unless is; nil:
// always.
func DeleteBundle(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, id int64, unless func(context.Context, *sqldb.Tx) error) (set int64, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		b, err := holdBundle(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if unless != nil {
			if err := unless(ctx, tx); err != nil {
				return err
			}
		}
		was, err := readPlaces(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := b.replace(ctx, tx, was, nil, true); err != nil {
			return err
		}
		set, err = b.record(ctx, tx, by, now, BundleDeleted, was, nil)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete bundle %d: %w", id, err)
	}
	return set, nil
}

// MayChangeBundle reads a bundle and is nil for its owner; see UpdateBundle for whom it refuses.
func MayChangeBundle(ctx context.Context, q sqldb.Queryer, by account.Actor, id int64) (Bundle, error) {
	return ownBundle(ctx, q, by, id, "")
}

// holdBundle locks the bundle until the transaction ends, so that of two changes at the same time each is whole.
func holdBundle(ctx context.Context, tx *sqldb.Tx, by account.Actor, id int64) (Bundle, error) {
	return ownBundle(ctx, tx, by, id, tx.LockRows())
}

func ownBundle(ctx context.Context, q sqldb.Queryer, by account.Actor, id int64, lock string) (Bundle, error) {
	var b Bundle
	err := q.Get(ctx, &b, bundleColumns+" WHERE x.id = ?"+lock, id)
	switch {
	case fault.Is(err, fault.NotFound) || err == nil && !b.visible(by):
		return Bundle{}, fault.New(fault.NotFound, "there is no bundle %d", id)
	case err != nil:
		return Bundle{}, fmt.Errorf("read bundle %d: %w", id, err)
	case by.User != b.Owner || by.User == 0:
		return Bundle{}, fault.New(fault.Denied, "a bundle is changed by its owner only")
	}
	return b, nil
}

func (b *Bundle) visible(by account.Actor) bool {
	return b.Public || by.User != 0 && by.User == b.Owner
}

// key is what searches compare; folding may make a name longer.
func (b *Bundle) key() string { return fold.Cut(fold.Key(b.Name), 255) }

// taken says of an error of the unique index what it means.
func (b *Bundle) taken(err error) error {
	if fault.Is(err, fault.Conflict) {
		return wrongField("name", "A bundle called %s already exists", b.Name)
	}
	return err
}

// apply checks a change and writes it into b.
func (c *BundleChange) apply(ctx context.Context, tx *sqldb.Tx, b *Bundle) error {
	if c.Name != nil {
		if err := ValidBundleName(*c.Name); err != nil {
			return err
		}
	}
	assign(&b.Name, c.Name)
	assign(&b.Public, c.Public)
	if c.Patches == nil {
		return nil
	}
	*c.Patches = distinct(*c.Patches)
	project, err := bundleProject(ctx, tx, *c.Patches)
	b.Project = project
	return err
}

// ValidBundleName refuses what can't be the name of a bundle. It is a part of an address, so there is no slash in it.
func ValidBundleName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return wrongField("name", "This field may not be blank.")
	case utf8.RuneCountInString(name) > MaxBundleName:
		return wrongField("name", "Ensure this field has no more than %d characters.", MaxBundleName)
	case strings.Contains(name, "/"):
		return wrongField("name", "Bundle names can't contain slashes")
	case name == "." || name == "..", strings.ContainsFunc(name, unicode.IsControl):
		return wrongField("name", "This can't be the name of a bundle, which is part of its address")
	}
	return nil
}

// distinct keeps the first of equal numbers, in their order.
func distinct(ids []int64) []int64 {
	seen := make(map[int64]bool, len(ids))
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
}

// bundleProject is the one project that all patches are of. It is locked, so that none of them is deleted meanwhile.
func bundleProject(ctx context.Context, tx *sqldb.Tx, patches []int64) (int64, error) {
	id, err := oneProject(ctx, tx, patches)
	if err != nil {
		return 0, err
	}
	if err := project.Lock(ctx, tx, []int64{id}); err != nil {
		return 0, err
	}
	return oneProject(ctx, tx, patches)
}

func oneProject(ctx context.Context, tx *sqldb.Tx, patches []int64) (int64, error) {
	switch {
	case len(patches) == 0:
		return 0, wrongField("patches", "Bundles cannot be empty")
	case len(patches) > MaxBundlePatches:
		return 0, wrongField("patches", "Ensure this field has no more than %d elements.", MaxBundlePatches)
	}
	found := map[int64]int64{}
	err := sqldb.Chunks(patches, func(ids []int64) error {
		var some []struct{ ID, Project int64 }
		err := tx.Select(ctx, &some, "SELECT p.id, p.project_id AS project FROM patch p JOIN message m ON m.id = p.message_id WHERE p.id IN (?) AND m.hidden = FALSE", ids)
		for _, p := range some {
			found[p.ID] = p.Project
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("find %d patches: %w", len(patches), err)
	}
	for _, id := range patches {
		if found[id] == 0 {
			return 0, wrongField("patches", `Invalid pk "%d" - object does not exist.`, id)
		}
	}
	for _, id := range patches {
		if found[id] != found[patches[0]] {
			return 0, wrongField("patches", "Bundle patches must belong to the same project")
		}
	}
	return found[patches[0]], nil
}

// save writes what a bundle is called, who sees it and of which project it is.
func (b *Bundle) save(ctx context.Context, tx *sqldb.Tx) error {
	_, err := tx.Exec(ctx, "UPDATE bundle SET name = ?, name_key = ?, public = ?, project_id = ? WHERE id = ?", b.Name, b.key(), b.Public, b.Project, b.ID)
	if err != nil {
		return b.taken(err)
	}
	return nil
}

// refill puts other patches into a bundle that was another one, or the same in another order, nil: they stay; and returns the change set.
func (b *Bundle) refill(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, from Bundle, patches *[]int64) (int64, error) {
	var was, is places
	what := b.what(from)
	if patches != nil {
		var err error
		if was, err = readPlaces(ctx, tx, b.ID); err != nil {
			return 0, err
		}
		is = placesOf(*patches)
		if err := b.replace(ctx, tx, was, is, false); err != nil {
			return 0, err
		}
		if len(was.differ(is)) > 0 && what != BundleMoved {
			what = BundleSet
		}
	}
	s := &ChangeSet{Actor: by.User, Via: by.Via, At: now, Project: b.Project}
	s.finish(now, SetDone)
	err := b.recordIn(ctx, tx, s, what, was, is, b.differ(from))
	return s.ID, err
}

func (b *Bundle) fill(ctx context.Context, tx *sqldb.Tx, patches []int64) error {
	places := make([]ImportedPlace, 0, len(patches))
	for i, id := range patches {
		places = append(places, ImportedPlace{Bundle: b.ID, Patch: id, Position: i + 1})
	}
	return ImportPlaces(ctx, tx, places)
}

func insertBundles(ctx context.Context, tx *sqldb.Tx, bundles []Bundle) error {
	rows := make([][]any, 0, len(bundles))
	for _, b := range bundles {
		rows = append(rows, []any{b.ID, b.Owner, b.Project, b.Name, b.key(), b.Public})
	}
	return tx.Insert(ctx, "bundle", []string{"id", "owner_id", "project_id", "name", "name_key", "public"}, rows)
}
