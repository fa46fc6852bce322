// SPDX-License-Identifier: GPL-2.0-or-later

package project

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"unicode"
	"unicode/utf8"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
)

// IngressSecret lets its holder put mail into a project over HTTP. The secret itself is told once, when it is made.
type IngressSecret struct {
	Project   string
	Name      string
	CreatedAt clock.Time `db:"created_at"`
}

// secretPrefix tells people, and programs that look for secrets in the wrong places, what it is.
const secretPrefix = "pwin_"

// CreateIngressSecret makes a secret with a name of the caller's choice and returns it. A project may have several, so that one can be replaced without
// a gap.
func CreateIngressSecret(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, linkname, name string) (secret string, err error) {
	if name == "" || utf8.RuneCountInString(name) > 100 || !utf8.ValidString(name) || !isPrintable(name) {
		return "", fault.New(fault.Invalid, "a secret needs a name of 1 to 100 characters, such as that of the service that uses it")
	}
	var random [32]byte
	rand.Read(random[:])
	secret = secretPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	err = changeSecret(ctx, db, by, now, "ingress-secret create", linkname, name, func(tx *sqldb.Tx, p Project) error {
		id, err := tx.NextID(ctx, "project_ingress_secret")
		if err != nil {
			return err
		}
		sum := sha256.Sum256([]byte(secret))
		return tx.Insert(ctx, "project_ingress_secret", []string{"id", "project_id", "name", "secret_hash", "created_at"},
			[][]any{{id, p.ID, name, sum[:], int64(now)}})
	})
	if fault.Is(err, fault.Conflict) {
		return "", fault.New(fault.Conflict, "%q has a secret %q already", linkname, name)
	}
	return secret, err
}

func isPrintable(s string) bool {
	for _, r := range s {
		if !unicode.IsGraphic(r) {
			return false
		}
	}
	return true
}

// DeleteIngressSecret ends the use of a secret; fault.NotFound if there is none of that name.
func DeleteIngressSecret(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, linkname, name string) error {
	return changeSecret(ctx, db, by, now, "ingress-secret delete", linkname, name, func(tx *sqldb.Tx, p Project) error {
		n, err := tx.Exec(ctx, "DELETE FROM project_ingress_secret WHERE project_id = ? AND name = ?", p.ID, name)
		if err == nil && n == 0 {
			return fault.New(fault.NotFound, "%q has no secret %q", p.Linkname, name)
		}
		return err
	})
}

func changeSecret(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, verb, linkname, name string, write func(*sqldb.Tx, Project) error) error {
	if err := by.RequireAdmin("manage secrets of mail intake"); err != nil {
		return err
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		p, err := ByLinkname(ctx, tx, linkname)
		if err != nil {
			return err
		}
		if err := write(tx, p); err != nil {
			return err
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: verb, Subject: "project " + p.Linkname, Detail: name})
	})
	if err != nil && fault.UserText(err) == "" {
		return fmt.Errorf("%s %s: %w", verb, linkname, err)
	}
	return err
}

// IngressSecrets lists the secrets of a project, or of all for an empty link name, by project and name.
func IngressSecrets(ctx context.Context, q sqldb.Queryer, linkname string) ([]IngressSecret, error) {
	query, args := `SELECT p.linkname AS project, s.name, s.created_at FROM project_ingress_secret s JOIN project p ON p.id = s.project_id`, []any(nil)
	if linkname != "" {
		p, err := ByLinkname(ctx, q, linkname)
		if err != nil {
			return nil, err
		}
		query, args = query+" WHERE p.id = ?", []any{p.ID}
	}
	var out []IngressSecret
	if err := q.Select(ctx, &out, query+" ORDER BY p.linkname, s.name", args...); err != nil {
		return nil, fmt.Errorf("list secrets of mail intake: %w", err)
	}
	return out, nil
}

// ByIngressSecret finds the project with this link name if the secret is one of its own, else it is fault.Unauthenticated, whether there is such a project or not.
func ByIngressSecret(ctx context.Context, q sqldb.Queryer, linkname, secret string) (Project, error) {
	var found struct {
		Linkname string
		Hash     []byte `db:"secret_hash"`
	}
	sum := sha256.Sum256([]byte(secret))
	err := q.Get(ctx, &found, "SELECT p.linkname, s.secret_hash FROM project_ingress_secret s JOIN project p ON p.id = s.project_id WHERE s.secret_hash = ?", sum[:])
	switch {
	case err != nil && !fault.Is(err, fault.NotFound):
		return Project{}, fmt.Errorf("look for a secret of mail intake: %w", err)
	case err != nil || subtle.ConstantTimeCompare(found.Hash, sum[:]) != 1 || found.Linkname != linkname:
		return Project{}, fault.New(fault.Unauthenticated, "this is no secret of the project %q", linkname)
	}
	return ByLinkname(ctx, q, linkname)
}
