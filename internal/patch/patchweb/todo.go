// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"net/http"
	"net/url"
	"strconv"

	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/web"
)

// todos lists the projects in which the visitor has something to do. If it is one, as in Patchwork 3.2, it leads there.
func (p *Pages) todos(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	list, err := patch.Todos(c.R.Context(), p.db, c.User.ID)
	if err != nil {
		return err
	}
	if len(list) == 1 {
		return c.Redirect(http.StatusFound, todoPath(list[0].Linkname))
	}
	return c.Render(http.StatusOK, web.Meta{Title: "To do", NoIndex: true}, todoView(list))
}

func todoPath(linkname string) string { return "/user/todo/" + url.PathEscape(linkname) + "/" }

// todo leads to the list of patches with what the visitor has to do in a project.
func (p *Pages) todo(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	pr, err := p.project(c)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusFound, projectPath(pr.Linkname)+"list/?delegate="+strconv.FormatInt(c.User.ID, 10))
}
