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
	mux.Handle("GET /project/{link}/pwclientrc/{$}", shell.Page(p.pwclientrc))
}

// pwclientrc is a file that pwclient reads, with the name of who is logged in.
func (p *Pages) pwclientrc(c *web.Call) error {
	pr, err := project.ByLinkname(c.R.Context(), p.db, c.R.PathValue("link"))
	if err != nil {
		return err
	}
	h := c.W.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", "attachment; filename=.pwclientrc")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Cookie")
	_, err = fmt.Fprint(c.W, clientConfig(pr, c.Base(), c.User.Username))
	return err
}

func clientConfig(pr project.Project, base, username string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# pwclient at %s, project %s. Save it as ~/.pwclientrc, readable by you only.\n", base, pr.Linkname)
	fmt.Fprintf(&b, "[options]\ndefault = %s\n\n[%s]\nbackend = rest\nurl = %s/api/\n", pr.Linkname, pr.Linkname, base)
	if username == "" {
		b.WriteString("# To change patches, add one of these:\n# token = <your key to the API, from the administrator: pw admin user token create>\n# username = <your name here>\n# password = <your password>\n")
		return b.String()
	}
	fmt.Fprintf(&b, "username = %s\npassword = <add your password, or have a line \"token = …\" instead of these two>\n", username)
	return b.String()
}
