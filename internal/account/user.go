// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"unicode/utf8"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/passhash"
)

// User is somebody who can log in.
type User struct {
	ID           int64
	Username     string
	Email        string
	FirstName    string `db:"first_name"`
	LastName     string `db:"last_name"`
	Password     string // hash
	IsActive     bool   `db:"is_active"`
	IsAdmin      bool   `db:"is_admin"`
	SendEmail    bool   `db:"send_email"`
	ItemsPerPage int    `db:"items_per_page"`
	ShowIDs      bool   `db:"show_ids"`
	ListChoices
	CreatedAt clock.Time  `db:"created_at"`
	LastLogin *clock.Time `db:"last_login"`
	Pending   bool        // has registered and not confirmed yet; never active
}

const userColumns = "id, username, email, first_name, last_name, password, is_active, is_admin, send_email, items_per_page, show_ids, dates, patch_columns, series_columns, series_per_page, created_at, last_login, pending"

// MaxItemsPerPage bounds what a user may ask a list page to hold.
const MaxItemsPerPage = 500

// Users lists all users by name.
func Users(ctx context.Context, q sqldb.Queryer) ([]User, error) {
	var out []User
	if err := q.Select(ctx, &out, "SELECT "+userColumns+" FROM user_account ORDER BY username_key"); err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return out, nil
}

// Admins lists the active administrators by name.
func Admins(ctx context.Context, q sqldb.Queryer) ([]User, error) {
	var out []User
	if err := q.Select(ctx, &out, "SELECT "+userColumns+" FROM user_account WHERE is_admin = TRUE AND is_active = TRUE ORDER BY username_key"); err != nil {
		return nil, fmt.Errorf("list administrators: %w", err)
	}
	return out, nil
}

// UserByName finds a user by name without regard to letter case.
func UserByName(ctx context.Context, q sqldb.Queryer, name string) (User, error) {
	var u User
	err := q.Get(ctx, &u, "SELECT "+userColumns+" FROM user_account WHERE username_key = ?", fold.Key(name))
	if fault.Is(err, fault.NotFound) {
		return u, fault.New(fault.NotFound, "no user %q", name)
	}
	if err != nil {
		return u, fmt.Errorf("find user %q: %w", name, err)
	}
	return u, nil
}

// UsersNamed finds users by their numbers or names, the latter without regard to letter case, in one query: name as given → number. One that is not there is
// not in the map. A number counts before a name that looks like one.
func UsersNamed(ctx context.Context, q sqldb.Queryer, names []string) (map[string]int64, error) {
	var ids []int64
	var keys []string
	for _, name := range names {
		keys = append(keys, fold.Key(name))
		if id, err := strconv.ParseInt(name, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	out := map[string]int64{}
	if len(names) == 0 {
		return out, nil
	}
	var found []struct {
		ID  int64
		Key string `db:"username_key"`
	}
	err := q.Select(ctx, &found, "SELECT id, username_key FROM user_account WHERE username_key IN (?) OR id IN (?)", keys, append(ids, -1))
	if err != nil {
		return nil, fmt.Errorf("find %d users: %w", len(names), err)
	}
	for i, name := range names {
		for _, u := range found {
			if strconv.FormatInt(u.ID, 10) == name || out[name] == 0 && u.Key == keys[i] {
				out[name] = u.ID
			}
		}
	}
	return out, nil
}

// UsersByID reads users by their ids; those that do not exist are left out.
func UsersByID(ctx context.Context, q sqldb.Queryer, ids []int64) (map[int64]*User, error) {
	out := map[int64]*User{}
	err := sqldb.Chunks(ids, func(ids []int64) error {
		var some []*User
		err := q.Select(ctx, &some, "SELECT "+userColumns+" FROM user_account WHERE id IN (?)", ids)
		for _, u := range some {
			out[u.ID] = u
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %d users: %w", len(ids), err)
	}
	return out, nil
}

// UsersByEmail maps folded addresses to the active user who has them; of several the oldest.
func UsersByEmail(ctx context.Context, q sqldb.Queryer, keys []string) (map[string]int64, error) {
	out := map[string]int64{}
	err := sqldb.Chunks(keys, func(keys []string) error {
		var rows []struct {
			ID    int64
			Email string `db:"email_key"`
		}
		err := q.Select(ctx, &rows, "SELECT id, email_key FROM user_account WHERE email_key IN (?) AND is_active = TRUE ORDER BY id DESC", keys)
		for _, r := range rows {
			out[r.Email] = r.ID
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find users by address: %w", err)
	}
	return out, nil
}

// UserChange sets what is not nil. Password is in clear; an empty one makes logging in by password impossible. Tell sends an active user a mail about a new one.
type UserChange struct {
	Username, Email, FirstName, LastName, Password *string
	IsActive, IsAdmin, SendEmail, ShowIDs          *bool
	ItemsPerPage                                   *int
	Tell                                           bool
}

// CreateUser makes a user. Username and Email are required; without a Password he can't log in until one is set. The person with the
// same address, if there is one, becomes his.
func CreateUser(ctx context.Context, db *sqldb.DB, by Actor, now clock.Time, c UserChange) (User, error) {
	if err := by.RequireAdmin("create users"); err != nil {
		return User{}, err
	}
	u := User{Password: passhash.Unusable(), IsActive: true, ItemsPerPage: 100, CreatedAt: now}
	if err := c.apply(&u); err != nil {
		return User{}, err
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		id, err := tx.NextID(ctx, "user")
		if err != nil {
			return err
		}
		u.ID = id
		err = insertUser(ctx, tx, u)
		if fault.Is(err, fault.Conflict) {
			return fault.New(fault.Conflict, "there is a user %q already", u.Username)
		}
		if err != nil {
			return err
		}
		if err := adoptPerson(ctx, tx, u); err != nil {
			return err
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "user create", Subject: "user " + u.Username})
	})
	if err != nil {
		return User{}, fmt.Errorf("create user %q: %w", u.Username, err)
	}
	return u, nil
}

func insertUser(ctx context.Context, tx *sqldb.Tx, u User) error {
	return tx.Insert(ctx, "user_account",
		[]string{"id", "username", "username_key", "email", "email_key", "first_name", "last_name", "password", "is_active", "is_admin", "send_email", "items_per_page", "show_ids", "created_at", "pending"},
		[][]any{{u.ID, u.Username, fold.Key(u.Username), u.Email, fold.Key(u.Email), u.FirstName, u.LastName, u.Password, u.IsActive, u.IsAdmin, u.SendEmail, u.ItemsPerPage, u.ShowIDs, int64(u.CreatedAt), u.Pending}})
}

// UpdateUser changes a user. A new password or being switched off ends all his sessions.
func UpdateUser(ctx context.Context, db *sqldb.DB, by Actor, now clock.Time, name string, c UserChange) (User, error) {
	var u User
	if err := by.RequireAdmin("change users"); err != nil {
		return u, err
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) (err error) {
		if u, err = UserByName(ctx, tx, name); err != nil {
			return err
		}
		// Read again under lock: a login may be renewing the hash of the password.
		if err := tx.Get(ctx, &u, "SELECT "+userColumns+" FROM user_account WHERE id = ?"+tx.LockRows(), u.ID); err != nil {
			return err
		}
		if err := c.apply(&u); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE user_account SET username = ?, username_key = ?, email = ?, email_key = ?, first_name = ?, last_name = ?,
				password = ?, is_active = ?, is_admin = ?, send_email = ?, items_per_page = ?, show_ids = ? WHERE id = ?`,
			u.Username, fold.Key(u.Username), u.Email, fold.Key(u.Email), u.FirstName, u.LastName, u.Password, u.IsActive, u.IsAdmin, u.SendEmail, u.ItemsPerPage, u.ShowIDs, u.ID)
		if fault.Is(err, fault.Conflict) {
			return fault.New(fault.Conflict, "there is a user %q already", u.Username)
		}
		if err != nil {
			return err
		}
		if err := c.ends(ctx, tx, now, &u); err != nil {
			return err
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "user update", Subject: "user " + u.Username})
	})
	if err != nil {
		return u, fmt.Errorf("change user %q: %w", name, err)
	}
	return u, nil
}

// ends does away with what a change by an administrator overrules: sessions, and links in mails that were sent before. A user with a new password may be told.
func (c UserChange) ends(ctx context.Context, tx *sqldb.Tx, now clock.Time, u *User) error {
	if c.Password != nil || !u.IsActive {
		if _, err := tx.Exec(ctx, "DELETE FROM login_session WHERE user_id = ?", u.ID); err != nil {
			return err
		}
	}
	if c.Tell && c.Password != nil && *c.Password != "" && u.IsActive {
		if err := queueChanged(ctx, tx, now, *u, "by an administrator"); err != nil {
			return err
		}
	}
	if c.Password != nil || c.Email != nil || c.IsActive != nil {
		if err := closeConfirmations(ctx, tx, u.ID, ConfirmReset); err != nil {
			return err
		}
	}
	if c.Email == nil && c.IsActive == nil {
		return nil
	}
	if err := closeConfirmations(ctx, tx, u.ID, ConfirmRegistration); err != nil || c.IsActive == nil || !u.Pending {
		return err
	}
	u.Pending = false
	_, err := tx.Exec(ctx, "UPDATE user_account SET pending = FALSE WHERE id = ?", u.ID)
	return err
}

// RemoveUser deletes a user in the caller's transaction: tokens, sessions and bundles go with him, his persons stay without a user.
// What names him in other domains must be released before; app does so.
func RemoveUser(ctx context.Context, tx *sqldb.Tx, u User) error {
	if _, err := tx.Exec(ctx, "DELETE FROM user_account WHERE id = ?", u.ID); err != nil {
		return fmt.Errorf("delete user %q: %w", u.Username, err)
	}
	return nil
}

var usernameRE = regexp.MustCompile(`^[\w.@+-]+$`)

func (c UserChange) apply(u *User) error {
	set(&u.Username, c.Username)
	set(&u.Email, c.Email)
	set(&u.FirstName, c.FirstName)
	set(&u.LastName, c.LastName)
	set(&u.IsActive, c.IsActive)
	set(&u.IsAdmin, c.IsAdmin)
	set(&u.SendEmail, c.SendEmail)
	set(&u.ItemsPerPage, c.ItemsPerPage)
	set(&u.ShowIDs, c.ShowIDs)
	if err := u.valid(); err != nil {
		return err
	}
	if c.Password == nil {
		return nil
	}
	return u.setPassword(*c.Password)
}

func (u *User) valid() error {
	switch {
	case !usernameRE.MatchString(u.Username) || utf8.RuneCountInString(u.Username) > 150:
		return fault.New(fault.Invalid, "user name %q: want 1 to 150 letters, digits or any of _ . @ + -", u.Username)
	case !validEmail(u.Email):
		return fault.New(fault.Invalid, "e-mail address %q: want local@domain, at most 254 characters", u.Email)
	case utf8.RuneCountInString(u.FirstName) > 150 || utf8.RuneCountInString(u.LastName) > 150:
		return fault.New(fault.Invalid, "first and last name may have 150 characters each")
	}
	return CheckItemsPerPage(u.ItemsPerPage)
}

// CheckItemsPerPage is fault.Invalid for what can't be the length of a page.
func CheckItemsPerPage(n int) error {
	if n < 1 || n > MaxItemsPerPage {
		return fault.New(fault.Invalid, "items per page %d: want 1 to %d", n, MaxItemsPerPage)
	}
	return nil
}

var emailRE = regexp.MustCompile(`^[^\s@<>"]+@[^\s@<>"]+$`)

func validEmail(s string) bool {
	return emailRE.MatchString(s) && utf8.RuneCountInString(s) <= 254 && utf8.RuneCountInString(fold.Key(s)) <= 255
}

func set[T any](dst *T, v *T) {
	if v != nil {
		*dst = *v
	}
}

// UsersLike finds the users a filter means: a number means that user, text means everybody whose name holds it without regard to letter case, at
// most 500. None is an empty list.
func UsersLike(ctx context.Context, q sqldb.Queryer, filter string) ([]int64, error) {
	ids, err := LookupUsers(filter).ids(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("find users like %q: %w", filter, err)
	}
	return ids, nil
}

// LookupUsers is how UsersLike finds them.
func LookupUsers(filter string) Lookup {
	if id, err := strconv.ParseInt(filter, 10, 64); err == nil {
		return Lookup{"SELECT id FROM user_account WHERE id = ?", []any{id}}
	}
	return Lookup{"SELECT id FROM user_account WHERE username_key LIKE ? ESCAPE '!' ORDER BY id LIMIT 500", []any{"%" + likeEscape.Replace(fold.Key(filter)) + "%"}}
}
