// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/web"
)

// field is one line of a form.
type field struct {
	Label, Name, Value string
	Type               string // empty: text
	Autocomplete       string
	Most               int    // characters
	Hint               string // what may be filled in
	Optional           bool
	Focus              bool
}

func (f field) kind() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

// attributes are those that not every field has. A field is described by its hint and by what was wrong with the form.
func (f field) attributes(problem string) templ.Attributes {
	out := templ.Attributes{}
	described := ""
	if f.Hint != "" {
		described = "hint-" + f.Name
	}
	if problem != "" {
		described += " problem"
	}
	if described != "" {
		out["aria-describedby"] = described
	}
	if !f.Optional {
		out["required"] = true
	}
	if f.Focus && problem == "" {
		out["autofocus"] = true
	}
	if f.kind() == "text" && f.Autocomplete == "username" {
		out["autocapitalize"], out["spellcheck"] = "none", "false"
	}
	return out
}

func passwordField(label, name, autocomplete, hint string) field {
	return field{Label: label, Name: name, Type: "password", Autocomplete: autocomplete, Most: 1024, Hint: hint}
}

const passwordHint = "8 characters or more, and none of the usual ones"

// entry is a page that is a form.
type entry struct {
	Title, Action, Button string
	Problem               string
	Lead                  string // stands above the form
	Fields                []field
}

func showEntry(c *web.Call, status int, e entry) error {
	return c.Render(status, web.Meta{Title: e.Title, NoIndex: true}, entryPage(e))
}

// explain gives the status and the text for what a visitor can mend; ok is false for all else. As in Patchwork 3.2 a form that was not right is
// shown again with 200.
func explain(c *web.Call, err error) (status int, text string, ok bool) {
	var throttled *account.Throttled
	switch {
	case errors.As(err, &throttled):
		c.W.Header().Set("Retry-After", strconv.Itoa(throttled.Seconds()))
		return http.StatusTooManyRequests, web.Sentence(fault.UserText(err)), true
	case errors.Is(err, account.ErrBusy):
		c.W.Header().Set("Retry-After", "5")
		return http.StatusServiceUnavailable, "Too many are doing this at the moment. Try again in a few seconds.", true
	case fault.Is(err, fault.Unauthenticated): // only who has a session is asked for his password here
		return http.StatusOK, "The old password is wrong.", true
	case fault.Is(err, fault.Denied):
		return http.StatusTooManyRequests, web.Sentence(fault.UserText(err)), true
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.Conflict):
		return http.StatusOK, web.Sentence(fault.UserText(err)), true
	}
	return 0, "", false
}

// needsMail refuses a page that would promise a mail which can't leave. Links are never made of the Host that a visitor names.
func (f *face) needsMail(c *web.Call) error {
	if f.opt.MailProblem == "" {
		return nil
	}
	f.log.Error("mail can't leave, so that nobody can register, add an address or reset a password: "+f.opt.MailProblem, "path", c.R.URL.Path)
	c.W.Header().Set("Retry-After", "3600")
	if err := c.Render(http.StatusServiceUnavailable, web.Meta{Title: "No mail", NoIndex: true}, noMailPage()); err != nil {
		return err
	}
	return web.ErrDone
}

// twice is the password that was typed into both fields.
func twice(c *web.Call, first, second string) (string, error) {
	password := c.R.PostForm.Get(first)
	if password != c.R.PostForm.Get(second) {
		return "", fault.New(fault.Invalid, "the two new passwords differ")
	}
	return password, nil
}
