// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"net/http"
	"strconv"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/web"
)

// bundleMbox answers with the patches of a bundle, in its order. A private one is there for its owner only, who may show himself by what the API takes: git-pw
// does.
func (p *Pages) bundleMbox(c *web.Call) error {
	by, err := p.asker(c)
	if err != nil {
		return err
	}
	ctx := c.R.Context()
	b, err := patch.BundleOf(ctx, p.db, by, c.R.PathValue("user"), c.R.PathValue("name"))
	if err != nil {
		return err
	}
	patches, err := patch.BundlePatches(ctx, p.db, b.ID)
	if err != nil {
		return err
	}
	mails, err := patch.MboxOfPatches(ctx, p.db, patches[b.ID])
	if err != nil {
		return err
	}
	c.W.Header().Set("Vary", "Cookie, Authorization")
	return p.sendMbox(c, mails, "text/plain", patchmail.FileName(fmt.Sprintf("bundle-%d-%s", b.ID, b.Name), b.ID, ".mbox"))
}

// asker is who asks, by his session or by the credentials of the API.
func (p *Pages) asker(c *web.Call) (account.Actor, error) {
	if c.User.ID != 0 || p.opt.Recognize == nil {
		return c.Actor(), nil
	}
	u, err := p.opt.Recognize(c.W, c.R)
	return account.Actor{User: u.ID, Admin: u.IsAdmin, Via: "web"}, err
}

// oldBundle leads from the numbers that bundles had in addresses once.
func (p *Pages) oldBundle(rest string) func(*web.Call) error {
	return func(c *web.Call) error {
		if err := c.RequireLogin(); err != nil {
			return err
		}
		id, err := strconv.ParseInt(c.R.PathValue("id"), 10, 64)
		if err != nil {
			return fault.New(fault.NotFound, "there is no such bundle")
		}
		b, err := patch.ReadBundle(c.R.Context(), p.db, c.Actor(), id)
		if err != nil {
			return err
		}
		owner, err := account.UserByID(c.R.Context(), p.db, b.Owner)
		if err != nil {
			return err
		}
		return c.Redirect(http.StatusFound, patch.BundlePath(owner.Username, b.Name)+rest)
	}
}
