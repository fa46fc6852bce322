// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"encoding/json"
	"net/http"
	"strconv"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// completion is a person or user whom a field may mean, in the form of Patchwork 3.2.
type completion struct {
	PK    int64   `json:"pk"`
	Name  string  `json:"name"`
	Email *string `json:"email,omitempty"` // of a submitter
}

// completeSubmitter completes what is typed into the field of a submitter. Visitors find names by names, as lists show them; who is logged in finds addresses too.
func (f *face) completeSubmitter(c *web.Call) error {
	text, limit := asked(c)
	persons, err := account.CompletePersons(c.R.Context(), f.db, text, c.User.ID != 0, limit)
	if err != nil {
		return err
	}
	out := make([]completion, 0, len(persons))
	for _, p := range persons {
		out = append(out, completion{p.ID, p.Name, &p.Email})
	}
	return complete(c, text, out)
}

// completeDelegate completes the user name of a maintainer, which the page about his project shows to everybody.
func (f *face) completeDelegate(c *web.Call) error {
	text, limit := asked(c)
	members, err := project.CompleteMaintainers(c.R.Context(), f.db, text, limit)
	if err != nil {
		return err
	}
	out := make([]completion, 0, len(members))
	for _, m := range members {
		out = append(out, completion{PK: m.ID, Name: m.Username})
	}
	return complete(c, text, out)
}

// asked reads what is to be completed, and how many answers are wanted.
func asked(c *web.Call) (text string, limit int) {
	v := c.R.URL.Query()
	limit, err := strconv.Atoi(v.Get("l"))
	if err != nil || limit < 1 {
		limit = account.CompleteDefault
	}
	return v.Get("q"), min(limit, account.CompleteMost)
}

// complete answers in JSON; a text that is too short to be completed with nothing, as Patchwork 3.2 does.
func complete(c *web.Call, text string, list []completion) error {
	c.W.Header().Set("Content-Type", "application/json")
	c.W.Header().Set("Cache-Control", "private, max-age=60")
	c.W.Header().Set("Vary", "Cookie")
	if _, _, ok := account.Prefix(text); !ok {
		c.W.WriteHeader(http.StatusOK)
		return nil
	}
	return json.NewEncoder(c.W).Encode(list)
}
