// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"context"
	"fmt"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// LookupBots finds the persons of whom an administrator has said whether they are programs, with what he said: id, bot.
const LookupBots = "SELECT id, bot FROM person WHERE bot IS NOT NULL"

// Bots lists these persons by address.
func Bots(ctx context.Context, q sqldb.Queryer) ([]Person, error) {
	var out []Person
	if err := q.Select(ctx, &out, "SELECT id, email, COALESCE(name, '') AS name, COALESCE(user_id, 0) AS \"user\", bot FROM person WHERE bot IS NOT NULL ORDER BY email_key"); err != nil {
		return nil, fmt.Errorf("list the persons that are programs: %w", err)
	}
	return out, nil
}

// FindPerson finds a person by number or address, the latter without regard to letter case.
func FindPerson(ctx context.Context, q sqldb.Queryer, name string) (Person, error) {
	found, err := PersonsNamed(ctx, q, []string{name})
	if err != nil {
		return Person{}, err
	}
	if found[name] == 0 {
		return Person{}, fault.New(fault.NotFound, "no mail came from a person %q", name)
	}
	return PersonByID(ctx, q, found[name])
}

// SetBot says whether a program sends what comes from a person's address, nil that each mail tells by itself. changed is false if that was said already. What follows
// from it is the caller's to do, and who may say so to ask.
func SetBot(ctx context.Context, tx *sqldb.Tx, person int64, bot *bool) (changed bool, err error) {
	var was struct{ Bot *bool }
	err = tx.Get(ctx, &was, "SELECT bot FROM person WHERE id = ?"+tx.LockRows(), person)
	switch {
	case fault.Is(err, fault.NotFound):
		return false, fault.New(fault.NotFound, "no such person")
	case err != nil:
		return false, fmt.Errorf("find person %d: %w", person, err)
	case was.Bot == nil && bot == nil || was.Bot != nil && bot != nil && *was.Bot == *bot:
		return false, nil
	}
	var value any
	if bot != nil {
		value = *bot
	}
	if _, err := tx.Exec(ctx, "UPDATE person SET bot = ? WHERE id = ?", value, person); err != nil {
		return false, fmt.Errorf("say whether person %d is a program: %w", person, err)
	}
	return true, nil
}
