// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"net/http"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
)

// recognize finds who asks: by his session, or by an Authorization of the scheme Token or Bearer. A header of one of these schemes that is wrong
// fails the request, as in Patchwork 3.2; one of another scheme is not looked at.
func (c *Call) recognize() error {
	if cookie, err := c.R.Cookie(c.shell.opt.SessionCookie); err == nil {
		u, err := c.shell.sessions.Visitor(c.R.Context(), cookie.Value)
		if err == nil || !fault.Is(err, fault.Unauthenticated) {
			c.User = u
			return err
		}
	}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(c.R.Header.Get("Authorization")), " ")
	if !strings.EqualFold(scheme, "token") && !strings.EqualFold(scheme, "bearer") {
		return nil
	}
	secret := strings.TrimSpace(rest)
	switch {
	case secret == "":
		return &said{http.StatusForbidden, "Invalid token header. No credentials provided."}
	case strings.ContainsAny(secret, " \t"):
		return &said{http.StatusForbidden, "Invalid token header. Token string should not contain spaces."}
	}
	u, scope, err := c.shell.sessions.Bearer(c.R.Context(), secret)
	switch {
	case fault.Is(err, fault.Unauthenticated):
		return &said{http.StatusForbidden, "Invalid token."}
	case err != nil:
		return err
	}
	c.User = u
	if scope != account.ScopeWrite && c.R.Method != http.MethodGet && c.R.Method != http.MethodHead {
		return &said{http.StatusForbidden, "This token is only for reading."}
	}
	return nil
}
