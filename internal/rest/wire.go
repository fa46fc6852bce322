// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"fmt"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/project"
)

// Date is an instant as the API writes it: ISO 8601 in UTC without a zone, with six decimals unless they are zero, as Patchwork 3.2 does.
func Date(t clock.Time) string {
	at := t.Time()
	if at.Nanosecond() == 0 {
		return at.Format("2006-01-02T15:04:05")
	}
	return at.Format("2006-01-02T15:04:05.000000")
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
		ID: p.ID, URL: fmt.Sprintf("%s/projects/%d/", api, p.ID), Name: p.Name, LinkName: p.Linkname, ListID: p.ListID, ListEmail: p.ListEmail,
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
	return &User{ID: u.ID, URL: fmt.Sprintf("%s/users/%d/", api, u.ID), Username: u.Username, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email}
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
	p := &Person{ID: id, URL: fmt.Sprintf("%s/people/%d/", api, id), Email: email}
	if name != "" {
		p.Name = &name
	}
	return p
}
