// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"strconv"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/project"
)

// Date is an instant as the API writes it: ISO 8601 in UTC without a zone, with six decimals unless they are zero, as Patchwork 3.2 does.
func Date(t clock.Time) string {
	at := t.Time()
	year, month, day := at.Date()
	if year < 0 || year > 9999 {
		return at.Format("2006-01-02T15:04:05.000000")
	}
	to := make([]byte, 0, len("2006-01-02T15:04:05.000000"))
	to = append(decimals(to, year, 4), '-')
	to = append(decimals(to, int(month), 2), '-')
	to = append(decimals(to, day, 2), 'T')
	to = append(decimals(to, at.Hour(), 2), ':')
	to = append(decimals(to, at.Minute(), 2), ':')
	to = decimals(to, at.Second(), 2)
	if µs := at.Nanosecond() / 1000; µs != 0 {
		to = decimals(append(to, '.'), µs, 6)
	}
	return string(to)
}

// decimals writes n, which is not negative, with so many digits.
func decimals(to []byte, n, digits int) []byte {
	to = append(to, "000000"[:digits]...)
	for i := len(to) - 1; digits > 0; i, digits = i-1, digits-1 {
		to[i] = byte('0' + n%10)
		n /= 10
	}
	return to
}

// Address joins parts of an address: texts, and numbers as int64.
func Address(parts ...any) string {
	to := make([]byte, 0, 96)
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			to = append(to, p...)
		case int64:
			to = strconv.AppendInt(to, p, 10)
		}
	}
	return string(to)
}

// DateOrNil is Date, or nil for none.
func DateOrNil(t *clock.Time) *string {
	if t == nil {
		return nil
	}
	s := Date(*t)
	return &s
}

// Project is a project as other objects embed it.
type Project struct {
	ID                   int64  `json:"id"`
	URL                  string `json:"url"`
	Name                 string `json:"name"`
	LinkName             string `json:"link_name"`
	ListID               string `json:"list_id"`
	ListEmail            string `json:"list_email"`
	WebURL               string `json:"web_url"`
	SCMURL               string `json:"scm_url"`
	WebSCMURL            string `json:"webscm_url"`
	ListArchiveURL       string `json:"list_archive_url" since:"1.2"`
	ListArchiveURLFormat string `json:"list_archive_url_format" since:"1.2"`
	CommitURLFormat      string `json:"commit_url_format" since:"1.2"`
}

// EmbedProject makes the wire type. api is the address of the API, as Call.API has it.
func EmbedProject(api string, p *project.Project) *Project {
	return &Project{
		ID: p.ID, URL: Address(api, "/projects/", p.ID, "/"), Name: p.Name, LinkName: p.Linkname, ListID: p.ListID, ListEmail: p.ListEmail,
		WebURL: p.WebURL, SCMURL: p.SCMURL, WebSCMURL: p.WebSCMURL, ListArchiveURL: p.ListArchiveURL,
		ListArchiveURLFormat: p.ListArchiveURLFormat, CommitURLFormat: p.CommitURLFormat,
	}
}

// User is a user as other objects embed him.
type User struct {
	ID        int64  `json:"id"`
	URL       string `json:"url"`
	Username  string `json:"username"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Email     string `json:"email"`
}

// EmbedUser makes the wire type, nil for nobody.
func EmbedUser(api string, u *account.User) *User {
	if u == nil {
		return nil
	}
	return &User{ID: u.ID, URL: Address(api, "/users/", u.ID, "/"), Username: u.Username, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email}
}

// Person is a person as other objects embed him.
type Person struct {
	ID    int64   `json:"id"`
	URL   string  `json:"url"`
	Name  *string `json:"name"`
	Email string  `json:"email"`
}

// EmbedPerson makes the wire type. An empty name is null.
func EmbedPerson(api string, id int64, name, email string) *Person {
	p := &Person{ID: id, URL: Address(api, "/people/", id, "/"), Email: email}
	if name != "" {
		p.Name = &name
	}
	return p
}
