// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"strings"

	"github.com/a-h/templ"

	"patchwork.example/pw/internal/account"
)

// problemAttributes ties the fields to the text that says what was wrong with them.
func problemAttributes(f loginForm) templ.Attributes {
	if f.Problem == "" {
		return nil
	}
	return templ.Attributes{"aria-describedby": "problem"}
}

func fullName(u account.User) string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }

// isPrimary tells whether a person has the address of the account, which stays linked.
func isPrimary(u account.User, p account.Person) bool { return strings.EqualFold(u.Email, p.Email) }
