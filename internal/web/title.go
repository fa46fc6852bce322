// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/a-h/templ"
)

func pageTitle(c *Call, m Meta) string {
	title := m.Title
	if m.Name != "" {
		title += " - " + m.Name
	}
	return title + " - " + c.shell.opt.SiteName
}

func sectionURL(m Meta, path string) templ.SafeURL {
	u := "/project/" + url.PathEscape(m.Project) + "/"
	if path != "" {
		u += path + "/"
	}
	return templ.SafeURL(u)
}

// loginURL leads to the form to log in, and from there back to the page that is shown, unless that is about accounts or addresses.
func (c *Call) loginURL() templ.SafeURL {
	const login = "/user/login/"
	here := c.R.URL.RequestURI()
	if c.R.Method != http.MethodGet || here == "/" || len(here) > 1000 {
		return login
	}
	for _, about := range []string{"/user/", "/register/", "/confirm/", "/mail/"} {
		if strings.HasPrefix(here, about) {
			return login
		}
	}
	return templ.SafeURL(login + "?next=" + url.QueryEscape(here))
}

// Grouped writes a number with a comma between groups of three digits.
func Grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Sentence makes a sentence of the text of an error.
func Sentence(text string) string {
	text = strings.TrimSuffix(capital(text), ".")
	if text == "" || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}

// capital begins a text with a capital letter.
func capital(text string) string {
	_, size := utf8.DecodeRuneInString(text)
	return strings.ToUpper(text[:size]) + text[size:]
}
