// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"net/http"
	"net/mail"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
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

// showAdmin leads administrators to what they can do here, and names the commands that do the rest: at this address Patchwork 3.2 has forms for it.
func (f *face) showAdmin(c *web.Call) error {
	if err := c.RequireLogin(); err != nil {
		return err
	}
	if !c.User.IsAdmin {
		return fault.New(fault.Denied, "only an administrator may see this page")
	}
	return c.Render(http.StatusOK, web.Meta{Title: "Administration", NoIndex: true}, adminPage())
}

// adminCommands do what has no page; those that administrators of Patchwork 3.2 look for at /admin/ are among them.
var adminCommands = []struct{ Name, Does string }{
	{"pw admin project", "projects and their lists"},
	{"pw admin user", "users, their passwords and tokens"},
	{"pw admin maintainer", "who maintains which project"},
	{"pw admin state", "states of patches"},
	{"pw admin tag", "tags that are counted"},
	{"pw admin delegate-rule", "who gets new patches by the files they touch"},
	{"pw admin series", "which patches a series holds, put right"},
	{"pw admin message", "hide or delete single mails"},
	{"pw admin change", "what users changed, and take it back"},
	{"pw admin person", "which senders of mail are programs"},
	{"pw admin optout", "addresses that get no notices"},
	{"pw admin irc", "channels that are told of events"},
	{"pw ingress list", "what mail came, what became of it, and why"},
	{"pw mail list", "what mail is sent, and what waits"},
	{"pw doctor", "whether the site is well, and what to do if not"},
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
		Version: f.opt.Version, API: f.opt.API, Registration: f.offersRegistration(), Named: f.opt.Admins, Admins: admins, Addresses: c.User.ID != 0}))
}
