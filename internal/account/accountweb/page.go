// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"fmt"
	"strings"

	"github.com/a-h/templ"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/format/fold"
)

// problemAttributes ties the fields to the text that says what was wrong with them.
func problemAttributes(f loginForm) templ.Attributes {
	if f.Problem == "" {
		return nil
	}
	return templ.Attributes{"aria-describedby": "problem"}
}

func fullName(u account.User) string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

// isPrimary tells whether a person has the address of the account, which stays linked.
func isPrimary(u account.User, p account.Person) bool { return fold.Key(u.Email) == fold.Key(p.Email) }
