// SPDX-License-Identifier: GPL-2.0-or-later

package django

import (
	"context"

	"patchwork.example/pw/internal/patch"
)

// collections imports what hangs on patches: checks, bundles, and the changes that submitters are still to be told.
func (im *importer) collections(ctx context.Context) error {
	for _, step := range []func(context.Context) error{im.checks, im.bundles, im.bundlePatches, im.notices} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

type oldCheck struct {
	ID          int64
	Date        naive
	State       int
	TargetURL   *string `db:"target_url"`
	Description *string
	Context     string
	User        int64 `db:"user_id"`
	Patch       int64 `db:"patch_id"`
}

func (im *importer) checks(ctx context.Context) error {
	return take(ctx, im, table[oldCheck, patch.ImportedCheck]{
		what: "checks", name: "patchwork_check", write: patch.ImportChecks,
		query: "SELECT id, date, state, target_url, description, context, user_id, patch_id FROM patchwork_check ORDER BY id",
		convert: func(o oldCheck) patch.ImportedCheck {
			r := im.row("patchwork_check", o.ID)
			if o.State < 0 || o.State > 3 {
				im.problem("patchwork_check %d: its state is %d", o.ID, o.State)
			}
			return patch.ImportedCheck{ID: o.ID, Patch: o.Patch, User: o.User, Date: o.Date.in(im.zone), State: o.State, Context: r.text("context", o.Context, 255),
				TargetURL: r.texts("target_url", o.TargetURL, 2000), Description: r.texts("description", o.Description, 0)}
		},
	})
}

type oldBundle struct {
	ID      int64
	Name    string
	Public  bool
	Owner   int64 `db:"owner_id"`
	Project int64 `db:"project_id"`
}

func (im *importer) bundles(ctx context.Context) error {
	return take(ctx, im, table[oldBundle, patch.Bundle]{
		what: "bundles", name: "patchwork_bundle", write: patch.ImportBundles,
		query: "SELECT id, name, public, owner_id, project_id FROM patchwork_bundle ORDER BY id",
		convert: func(o oldBundle) patch.Bundle {
			name := im.row("patchwork_bundle", o.ID).text("name", o.Name, 255)
			return patch.Bundle{ID: o.ID, Owner: o.Owner, Project: o.Project, Name: name, Public: o.Public}
		},
	})
}

type oldPlace struct {
	Order  int
	Bundle int64 `db:"bundle_id"`
	Patch  int64 `db:"patch_id"`
}

func (im *importer) bundlePatches(ctx context.Context) error {
	return take(ctx, im, table[oldPlace, patch.ImportedPlace]{
		what: "patches in bundles", name: "patchwork_bundlepatch", write: patch.ImportPlaces,
		query: `SELECT "order", bundle_id, patch_id FROM patchwork_bundlepatch ORDER BY bundle_id, "order", id`,
		convert: func(o oldPlace) patch.ImportedPlace {
			return patch.ImportedPlace{Bundle: o.Bundle, Patch: o.Patch, Position: o.Order}
		},
	})
}

type oldNotice struct {
	Patch    int64 `db:"patch_id"`
	Modified naive `db:"last_modified"`
	Original int64 `db:"orig_state_id"`
}

func (im *importer) notices(ctx context.Context) error {
	return take(ctx, im, table[oldNotice, patch.ImportedNotice]{
		what: "changes not told yet", name: "patchwork_patchchangenotification", write: patch.ImportNotices,
		query: "SELECT patch_id, last_modified, orig_state_id FROM patchwork_patchchangenotification ORDER BY patch_id",
		convert: func(o oldNotice) patch.ImportedNotice {
			return patch.ImportedNotice{Patch: o.Patch, Original: o.Original, At: o.Modified.in(im.zone)}
		},
	})
}
