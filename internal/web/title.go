// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"net/url"
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

// sentence makes a sentence of the text of an error.
func sentence(text string) string {
	r, size := utf8.DecodeRuneInString(text)
	text = strings.ToUpper(string(r)) + strings.TrimSuffix(text[size:], ".")
	if strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}
