// SPDX-License-Identifier: GPL-2.0-or-later

package accountapi

import (
	"context"
	"net/http"
	"strconv"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
)

// Person is a person in lists and by himself.
type Person struct {
	rest.Person
	User *rest.User `json:"user"`            // whose address it is; nil: nobody's
	Bot  *bool      `json:"bot" since:"1.4"` // whether a program sends its mail; nil: each mail tells by itself
}

// User is a user by himself. Settings are told to him only.
type User struct {
	rest.User
	Settings *Settings `json:"settings,omitempty" since:"1.2"`
}

// Settings are what a user has chosen.
type Settings struct {
	SendEmail    bool `json:"send_email"`
	ItemsPerPage int  `json:"items_per_page"`
	ShowIDs      bool `json:"show_ids"`
}

// SetBot is the verb that says whether a person, found by number or address, is a program; it does what follows.
type SetBot func(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, person string, bot *bool, only func(context.Context, *sqldb.Tx) error) (account.Person, error)

type face struct {
	db     *sqldb.DB
	setBot SetBot
}

var (
	personKeys = []string{"id", "name", "email"}
	userKeys   = []string{"id", "username", "email"}
)

// maxName is the longest first or last name, in characters.
const maxName = 150

// fields are what a body may hold.
var fields = []rest.Field{
	{Name: "first_name", Max: maxName}, {Name: "last_name", Max: maxName},
	{Name: "settings", Type: rest.Object, Required: true, Since: rest.V12, Fields: []rest.Field{
		{Name: "send_email", Type: rest.Bool, Doc: "whether he gets copies of what he changes"}, {Name: "items_per_page", Type: rest.Number, Doc: "how many rows lists show, 1 to 500"},
		{Name: "show_ids", Type: rest.Bool, Doc: "whether lists show numbers"}}},
}

// personFields are what of a person can be said.
var personFields = []rest.Field{{Name: "bot", Type: rest.Bool, Null: true, Required: true, Doc: "whether a program sends its mail, whose replies are no review; null: each mail tells by itself"}}

// Routes hangs the API of people and users into mux.
func Routes(mux *http.ServeMux, shell *rest.Shell, db *sqldb.DB, setBot SetBot) {
	f := &face{db, setBot}
	for _, r := range []rest.Route{
		{Path: "/people/", Tag: "people", Methods: map[string]rest.Op{
			"GET": {Do: f.people, Doc: "List people", Answer: []Person{}, Paged: true, Query: query("name or address", personKeys)}}},
		{Path: "/people/{id}/", Tag: "people", Methods: map[string]rest.Op{"GET": {Do: f.person, Doc: "Get a person", Answer: Person{}}}},
		{Path: "/people/{id}/bot/", Since: rest.V14, Tag: "people", Methods: map[string]rest.Op{
			"PUT": {Do: f.changePerson, Doc: "Say whether a person is a program; administrators only", Body: personFields, Answer: Person{}}}},
		{Path: "/users/", Tag: "users", Methods: map[string]rest.Op{
			"GET": {Do: f.users, Doc: "List users", Answer: []rest.User{}, Paged: true, Query: query("user name, first or last name, or address", userKeys)}}},
		{Path: "/users/{id}/", Tag: "users", Methods: map[string]rest.Op{
			"GET":   {Do: f.user, Doc: "Get a user; with settings if it is oneself", Answer: User{}},
			"PATCH": {Do: f.change(false), Doc: "Change some fields of oneself", Body: fields, Answer: User{}},
			"PUT":   {Do: f.change(true), Doc: "Change oneself", Body: fields, Answer: User{}}}},
	} {
		shell.Route(mux, r)
	}
}

func query(where string, keys []string) []rest.Param {
	var orders []string
	for _, k := range keys {
		orders = append(orders, k, "-"+k)
	}
	return []rest.Param{{Name: "q", Doc: "words that are in " + where}, {Name: "order", Doc: "fields to sort by, separated by commas, each with a minus to reverse it", Enum: orders}}
}

// find is what a list is asked for.
func find(c *rest.Call, keys []string) account.Find {
	text, _ := c.Filters().Last("q")
	return account.Find{Text: text, Order: c.OrderNames(keys...)}
}

func (f *face) people(c *rest.Call) error {
	if err := c.RequireUser(); err != nil {
		return err
	}
	asked := find(c, personKeys)
	total, err := account.CountPersons(c.R.Context(), f.db, asked)
	if err != nil {
		return err
	}
	page, err := c.Page(total)
	if err != nil {
		return err
	}
	found, err := account.FindPersons(c.R.Context(), f.db, asked, page.Offset, page.Limit)
	if err != nil {
		return err
	}
	out, err := f.wirePersons(c, found...)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

func (f *face) wirePersons(c *rest.Call, persons ...account.Person) ([]Person, error) {
	return f.wirePersonsOf(c.R.Context(), f.db, c, persons...)
}

func (f *face) wirePersonsOf(ctx context.Context, q sqldb.Queryer, c *rest.Call, persons ...account.Person) ([]Person, error) {
	var ids []int64
	for _, p := range persons {
		if p.User != 0 {
			ids = append(ids, p.User)
		}
	}
	users, err := account.UsersByID(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	out := []Person{}
	for _, p := range persons {
		out = append(out, Person{*rest.EmbedPerson(c.API, p.ID, p.Name, p.Email), rest.EmbedUser(c.API, users[p.User]), p.Bot})
	}
	return out, nil
}

func (f *face) person(c *rest.Call) error {
	id, err := c.ID("id")
	if err != nil {
		return err
	}
	if err := c.RequireUser(); err != nil {
		return err
	}
	return f.showPerson(c, id)
}

func (f *face) showPerson(c *rest.Call, id int64) error {
	p, err := account.PersonByID(c.R.Context(), f.db, id)
	if err != nil {
		return err
	}
	out, err := f.wirePersons(c, p)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out[0])
}

// changePerson says whether a person is a program. Who may not is told before what is wrong with the body.
func (f *face) changePerson(c *rest.Call) error {
	id, err := c.ID("id")
	if err != nil {
		return err
	}
	if err := c.RequireUser(); err != nil {
		return err
	}
	if err := project.RequireAnyMaintainer(c.R.Context(), f.db, c.Actor(), "say who is a program"); err != nil {
		return err
	}
	b, err := c.Body()
	if err != nil {
		return err
	}
	b.Require("bot")
	var bot *bool
	if v, _ := b.Value("bot", false); v != nil {
		bot = b.Bool("bot")
	}
	if err := b.Err(); err != nil {
		return err
	}
	only := c.Precondition(func(ctx context.Context, q sqldb.Queryer) (any, error) {
		p, err := account.PersonByID(ctx, q, id)
		if err != nil {
			return nil, err
		}
		out, err := f.wirePersonsOf(ctx, q, c, p)
		if err != nil {
			return nil, err
		}
		return out[0], nil
	})
	if _, err := f.setBot(c.R.Context(), f.db, c.Actor(), c.Now, strconv.FormatInt(id, 10), bot, only); err != nil {
		return err
	}
	return f.showPerson(c, id)
}

func (f *face) users(c *rest.Call) error {
	if err := c.RequireUser(); err != nil {
		return err
	}
	asked := find(c, userKeys)
	total, err := account.CountUsers(c.R.Context(), f.db, asked)
	if err != nil {
		return err
	}
	page, err := c.Page(total)
	if err != nil {
		return err
	}
	found, err := account.FindUsers(c.R.Context(), f.db, asked, page.Offset, page.Limit)
	if err != nil {
		return err
	}
	out := []*rest.User{}
	for _, u := range found {
		out = append(out, rest.EmbedUser(c.API, &u))
	}
	return c.JSON(http.StatusOK, out)
}
