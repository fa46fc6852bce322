// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"net/http"
	"net/mail"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/web"
)

// about is what the site says of itself.
type about struct {
	Version           string
	API, Registration bool
	Named             []mail.Address // by the configuration, to be shown to everybody
	Admins            []account.User // where it names nobody
	Addresses         bool           // of Admins are shown
}

// showAbout names whom the configuration names, else the administrators to everybody and their addresses to users: programs that collect addresses have no account.
func (f *face) showAbout(c *web.Call) error {
	var admins []account.User
	if len(f.opt.Admins) == 0 {
		var err error
		if admins, err = account.Admins(c.R.Context(), f.db); err != nil {
			return err
		}
	}
	return c.Render(http.StatusOK, web.Meta{Title: "About this site"}, aboutPage(about{
		Version: f.opt.Version, API: f.opt.API, Registration: f.opt.Registration, Named: f.opt.Admins, Admins: admins, Addresses: c.User.ID != 0}))
}
