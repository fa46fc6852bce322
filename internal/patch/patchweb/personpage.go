// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// personURL is the page of who sent a mail.
func personURL(linkname string, id int64) string {
	return fmt.Sprintf("/project/%s/person/%d/", url.PathEscape(linkname), id)
}

// botChoice is one answer to the question whether a program sends somebody's mail.
type botChoice struct{ value, label string }

var botChoices = []botChoice{{"guess", "Each mail tells by itself: by its headers, or a name such as “test robot”"}, {"yes", "A program: its replies are no review"}, {"no", "A person: the replies are a review"}}

// personPage is what the template of a person needs.
type personPage struct {
	project project.Project
	person  account.Person
}

func (p personPage) who() string { return person(p.person.Name, p.person.Email) }

// said is the value of the choice that was made.
func (p personPage) said() string {
	switch {
	case p.person.Bot == nil:
		return "guess"
	case *p.person.Bot:
		return "yes"
	}
	return "no"
}

// sent is the list of what the person sent.
func (p personPage) sent(list string) string {
	return fmt.Sprintf("/project/%s/%s/?submitter=%d&state=*&archive=both", url.PathEscape(p.project.Linkname), list, p.person.ID)
}

// readPerson reads the person of an address, for who may say whether it is a program.
func (p *Pages) readPerson(c *web.Call) (page personPage, err error) {
	if err := c.RequireLogin(); err != nil {
		return page, err
	}
	if page.project, err = p.project(c); err != nil {
		return page, err
	}
	if err := project.RequireAnyMaintainer(c.R.Context(), p.db, c.Actor(), "say who is a program"); err != nil {
		return page, err
	}
	id, err := strconv.ParseInt(c.R.PathValue("id"), 10, 64)
	if err != nil {
		return page, fault.New(fault.NotFound, "there is no such person")
	}
	page.person, err = account.PersonByID(c.R.Context(), p.db, id)
	return page, err
}

// showPerson shows whether a program sends somebody's mail, and asks.
func (p *Pages) showPerson(c *web.Call) error {
	page, err := p.readPerson(c)
	if err != nil {
		return err
	}
	pr := page.project
	return c.Render(http.StatusOK, web.Meta{Title: page.who(), Project: pr.Linkname, Name: pr.Name, NavHTML: pr.NavHTML, NoIndex: true}, personView(page))
}

// savePerson does what that form says.
func (p *Pages) savePerson(c *web.Call) error {
	page, err := p.readPerson(c)
	if err != nil {
		return err
	}
	if err := parseForm(c); err != nil {
		return err
	}
	var bot *bool
	switch v := c.R.PostForm.Get("bot"); v {
	case "yes", "no":
		yes := v == "yes"
		bot = &yes
	case "guess":
	default:
		return fault.New(fault.Invalid, "say yes, no or guess")
	}
	if _, err := patch.SetBot(c.R.Context(), p.db, c.Actor(), c.Now, strconv.FormatInt(page.person.ID, 10), bot, nil); err != nil {
		return err
	}
	c.Flash(web.Flash{Text: "Saved. What waits for a first review is found out anew"})
	return c.Redirect(http.StatusSeeOther, personURL(page.project.Linkname, page.person.ID))
}
