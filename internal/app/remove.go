// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"fmt"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchnotify"
	"patchwork.example/pw/internal/project"
)

// DeleteUser deletes a user. Nothing that others see goes with him but his bundles: patches delegated to him are nobody's then, his checks
// stay, and the persons that mail came from stay too.
func (a *App) DeleteUser(ctx context.Context, by account.Actor, username string) error {
	if err := by.RequireAdmin("delete users"); err != nil {
		return err
	}
	err := a.DB.Tx(ctx, func(tx *sqldb.Tx) error {
		u, err := account.UserByName(ctx, tx, username)
		if err != nil {
			return err
		}
		return a.deleteUser(ctx, tx, by, u)
	})
	if err != nil {
		return fmt.Errorf("delete user %q: %w", username, err)
	}
	return nil
}

func (a *App) deleteUser(ctx context.Context, tx *sqldb.Tx, by account.Actor, u account.User) error {
	for _, release := range []func(context.Context, *sqldb.Tx, int64) error{patch.ReleaseUser, mailstore.ReleaseUser, event.ReleaseUser} {
		if err := release(ctx, tx, u.ID); err != nil {
			return err
		}
	}
	if err := account.RemoveUser(ctx, tx, u); err != nil {
		return err
	}
	return event.Audit(ctx, tx, event.Audited{At: a.Clock.Now(), Actor: by.User, Via: by.Via, Verb: "user delete", Subject: "user " + u.Username})
}

// forgetUnconfirmed removes users who registered and did not open the page that their mail named while it worked. At most 1,000 at a time.
func (a *App) forgetUnconfirmed(ctx context.Context) error {
	life := time.Duration(a.Config.Account.ConfirmationDays) * 24 * time.Hour
	users, err := account.Unconfirmed(ctx, a.DB, a.Clock.Now().Add(-life), 1000)
	if err != nil {
		return err
	}
	for _, u := range users {
		err := a.DB.Tx(ctx, func(tx *sqldb.Tx) error {
			u, err := account.LockUnconfirmed(ctx, tx, u.ID)
			if fault.Is(err, fault.NotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			return a.deleteUser(ctx, tx, account.Actor{Via: "job"}, u)
		})
		if err != nil {
			return fmt.Errorf("remove unconfirmed user %d: %w", u.ID, err)
		}
	}
	if len(users) > 0 {
		a.Log.Info("housekeeping", "unconfirmed registrations", len(users))
	}
	return nil
}

// DeleteProject deletes a project. One that has mail is deleted with all of it only if purge is set, else it is fault.Conflict.
func (a *App) DeleteProject(ctx context.Context, by account.Actor, linkname string, purge bool) error {
	if err := by.RequireAdmin("delete projects"); err != nil {
		return err
	}
	err := a.DB.Tx(ctx, func(tx *sqldb.Tx) error {
		p, err := project.ByLinkname(ctx, tx, linkname)
		if err != nil {
			return err
		}
		if err := project.Lock(ctx, tx, []int64{p.ID}); err != nil {
			return err
		}
		n, err := mailstore.CountMessages(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if n > 0 && !purge {
			return fault.New(fault.Conflict, "it has %d messages; say --purge to delete them with it", n)
		}
		for _, drop := range []func(context.Context, *sqldb.Tx, int64) error{patchnotify.PurgeProject, patch.PurgeProject, event.PurgeProject, mailstore.PurgeProject} {
			if err := drop(ctx, tx, p.ID); err != nil {
				return err
			}
		}
		if err := project.Remove(ctx, tx, p); err != nil {
			return err
		}
		return event.Audit(ctx, tx, event.Audited{At: a.Clock.Now(), Actor: by.User, Via: by.Via, Verb: "project delete", Subject: "project " + p.Linkname,
			Detail: fmt.Sprintf("%d messages", n)})
	})
	if err != nil {
		return fmt.Errorf("delete project %q: %w", linkname, err)
	}
	return nil
}
