// SPDX-License-Identifier: GPL-2.0-or-later

package django

import (
	"context"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
)

// people imports who there is: users, persons, tokens, and what was asked and answered by mail.
func (im *importer) people(ctx context.Context) error {
	for _, step := range []func(context.Context) error{im.users, im.persons, im.tokens, im.confirmations, im.optouts} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

type oldUser struct {
	ID          int64
	Password    string
	LastLogin   *naive `db:"last_login"`
	IsSuperuser bool   `db:"is_superuser"`
	Username    string
	FirstName   string `db:"first_name"`
	LastName    string `db:"last_name"`
	Email       string
	IsActive    bool  `db:"is_active"`
	DateJoined  naive `db:"date_joined"`
	SendEmail   bool  `db:"send_email"`
	Items       int   `db:"items_per_page"`
	ShowIDs     bool  `db:"show_ids"`
}

func (im *importer) users(ctx context.Context) error {
	names := map[string]string{}
	return take(ctx, im, table[oldUser, account.User]{
		what: "users", name: "auth_user", write: account.ImportUsers,
		query: `SELECT u.id, u.password, u.last_login, u.is_superuser, u.username, u.first_name, u.last_name, u.email, u.is_active, u.date_joined,
				COALESCE(p.send_email, FALSE) AS send_email, COALESCE(p.items_per_page, 100) AS items_per_page, COALESCE(p.show_ids, FALSE) AS show_ids
			FROM auth_user u LEFT JOIN patchwork_userprofile p ON p.user_id = u.id ORDER BY u.id`,
		convert: func(o oldUser) account.User {
			r := im.row("auth_user", o.ID)
			u := account.User{ID: o.ID, Username: r.text("username", o.Username, 255), Email: r.text("email", o.Email, 255), FirstName: r.text("first_name", o.FirstName, 150),
				LastName: r.text("last_name", o.LastName, 150), Password: r.text("password", o.Password, 255), IsActive: o.IsActive, IsAdmin: o.IsSuperuser,
				SendEmail: o.SendEmail, ItemsPerPage: min(max(o.Items, 1), account.MaxItemsPerPage), ShowIDs: o.ShowIDs, CreatedAt: o.DateJoined.in(im.zone)}
			if o.LastLogin != nil {
				at := o.LastLogin.in(im.zone)
				u.LastLogin = &at
			}
			if u.ItemsPerPage != o.Items {
				im.lowered++
			}
			im.differ(names, "users", u.Username)
			return u
		},
	})
}

// differ makes a problem of two names that are one to us.
func (im *importer) differ(seen map[string]string, what, name string) {
	key := account.ImportKey(name)
	if other, ok := seen[key]; ok {
		im.problem("the %s %q and %q differ only by letter case: here they are one; join them on the old site first", what, other, name)
	}
	seen[key] = name
}

type oldPerson struct {
	ID    int64
	Email string
	Name  *string
	User  *int64 `db:"user_id"`
}

func (im *importer) persons(ctx context.Context) error {
	emails := map[string]string{}
	return take(ctx, im, table[oldPerson, account.ImportedPerson]{
		what: "people", name: "patchwork_person", write: account.ImportPersons,
		query: "SELECT id, email, name, user_id FROM patchwork_person ORDER BY id",
		convert: func(o oldPerson) account.ImportedPerson {
			r := im.row("patchwork_person", o.ID)
			p := account.ImportedPerson{ID: o.ID, Email: r.text("email", o.Email, 255), Name: r.texts("name", o.Name, 255), Mails: im.letters.sent[o.ID], User: id(o.User)}
			im.differ(emails, "people", p.Email)
			return p
		},
	})
}

type oldToken struct {
	Key     string
	Created naive
	User    int64 `db:"user_id"`
}

func (im *importer) tokens(ctx context.Context) error {
	return take(ctx, im, table[oldToken, account.ImportedToken]{
		what: "API tokens", name: "authtoken_token", write: account.ImportTokens,
		query: `SELECT "key", created, user_id FROM authtoken_token ORDER BY user_id`,
		convert: func(o oldToken) account.ImportedToken {
			return account.ImportedToken{User: o.User, Secret: o.Key, CreatedAt: o.Created.in(im.zone)}
		},
	})
}

type oldConfirmation struct {
	ID     int64
	Type   string
	Email  string
	Key    string
	Date   naive
	Active bool
	User   *int64 `db:"user_id"`
}

func (im *importer) confirmations(ctx context.Context) error {
	keys := map[string]int64{}
	return take(ctx, im, table[oldConfirmation, account.ImportedConfirmation]{
		what: "e-mail confirmations", name: "patchwork_emailconfirmation", write: account.ImportConfirmations,
		query: `SELECT id, type, email, "key", date, active, user_id FROM patchwork_emailconfirmation ORDER BY id`,
		convert: func(o oldConfirmation) account.ImportedConfirmation {
			r := im.row("patchwork_emailconfirmation", o.ID)
			if other, ok := keys[o.Key]; ok {
				im.problem("patchwork_emailconfirmation %d has the same key as %d", o.ID, other)
			}
			keys[o.Key] = o.ID
			return account.ImportedConfirmation{ID: o.ID, Kind: r.text("type", o.Type, 20), Email: r.text("email", o.Email, 255), User: id(o.User), Key: o.Key,
				CreatedAt: o.Date.in(im.zone), Active: o.Active}
		},
	})
}

type oldOptout struct{ Email string }

func (im *importer) optouts(ctx context.Context) error {
	return take(ctx, im, table[oldOptout, string]{
		what: "opt-outs", name: "patchwork_emailoptout", query: "SELECT email FROM patchwork_emailoptout ORDER BY email",
		convert: func(o oldOptout) string { return im.row("patchwork_emailoptout", 0).text("email", o.Email, 255) },
		write: func(ctx context.Context, tx *sqldb.Tx, emails []string) error {
			return account.ImportOptouts(ctx, tx, im.now, emails)
		},
	})
}
