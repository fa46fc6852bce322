// SPDX-License-Identifier: GPL-2.0-or-later

package projectweb

import (
	"fmt"
	"net/http"
	"strings"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// ClientConfig hangs into mux the configuration of pwclient for each project. It is for sites whose API is on.
func ClientConfig(mux *http.ServeMux, shell *web.Shell, db *sqldb.DB) {
	p := &Pages{db: db}
	mux.Handle("GET /project/{link}/pwclientrc/{$}", shell.Text(p.pwclientrc))
}

// pwclientrc is a file that pwclient reads, with the name of who is logged in.
func (p *Pages) pwclientrc(c *web.Call) error {
	pr, err := project.ByLinkname(c.R.Context(), p.db, c.R.PathValue("link"))
	if err != nil {
		return err
	}
	h := c.W.Header()
	h.Set("Content-Type", "text/plain")
	h.Set("Content-Disposition", "attachment; filename=.pwclientrc")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Cookie")
	_, err = fmt.Fprint(c.W, clientConfig(pr, c.Base(), c.User.Username))
	return err
}

// clientConfig is the section of a project. More than one may stand in a file, so [options], which may be there once, is a comment.
func clientConfig(pr project.Project, base, username string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# pwclient for %s at %s\n#\n# Put this into ~/.pwclientrc, behind what is there already. In a new file take the # from\n# these two lines. Let nobody but you read the file.\n", pr.Linkname, base)
	fmt.Fprintf(&b, "# [options]\n# default = %s\n\n[%s]\nbackend = rest\nurl = %s/api/\n", pr.Linkname, pr.Linkname, base)
	if username != "" {
		fmt.Fprintf(&b, "username = %s\npassword = <add your password, or put one line \"token = KEY\" in the place of both>\n", username)
	}
	return b.String()
}
