// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"net/url"

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
