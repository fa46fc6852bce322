// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
)

// recognize finds who asks: by his session, or by an Authorization of the scheme Basic, Token or Bearer. A header of one of these schemes that is wrong
// fails the request, as in Patchwork 3.2; one of another scheme is not looked at. scope is what a token must be good for.
func (c *Call) recognize(scope string) error {
	if cookie, err := c.R.Cookie(c.shell.opt.SessionCookie); err == nil {
		u, err := c.shell.sessions.Visitor(c.R.Context(), cookie.Value)
		if err == nil {
			c.User = u
			return c.sameOrigin()
		}
		if !fault.Is(err, fault.Unauthenticated) {
			return err
		}
	}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(c.R.Header.Get("Authorization")), " ")
	switch strings.ToLower(scheme) {
	case "basic":
		return c.byPassword(strings.TrimSpace(rest))
	case "token", "bearer":
		return c.byToken(strings.TrimSpace(rest), scope)
	}
	return nil
}

// sameOrigin refuses a change that a page of another site makes in the name of a visitor of ours.
func (c *Call) sameOrigin() error {
	if err := c.shell.origin.Check(c.R); err != nil {
		return &said{http.StatusForbidden, "CSRF Failed: the request comes from another site."}
	}
	return nil
}

// notByForm refuses what a page of another site can make a browser send in the name of a visitor whose password the browser remembers: a POST of a form, or
// of nothing. All else it asks for first (see cross), and then it sends only what the page itself knows.
func (c *Call) notByForm() error {
	kind, _, err := mime.ParseMediaType(c.R.Header.Get("Content-Type"))
	if c.R.Method != http.MethodPost || err == nil && kind == "application/json" {
		return nil
	}
	return c.sameOrigin()
}

func (c *Call) byPassword(credentials string) error {
	if err := c.notByForm(); err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(credentials)
	name, password, ok := strings.Cut(string(raw), ":")
	switch {
	case credentials == "":
		return &said{http.StatusForbidden, "Invalid basic header. No credentials provided."}
	case strings.ContainsAny(credentials, " \t"):
		return &said{http.StatusForbidden, "Invalid basic header. Credentials string should not contain spaces."}
	case err != nil || !ok:
		return &said{http.StatusForbidden, "Invalid basic header. Credentials not correctly base64 encoded."}
	}
	u, err := c.shell.sessions.Basic(c.R.Context(), name, password, c.R.RemoteAddr)
	var throttled *account.Throttled
	switch {
	case errors.As(err, &throttled):
		c.W.Header().Set("Retry-After", strconv.Itoa(throttled.Seconds()))
		return &said{http.StatusTooManyRequests, fmt.Sprintf("Too many wrong passwords. Try again in %d seconds.", throttled.Seconds())}
	case fault.Is(err, fault.Unauthenticated):
		return &said{http.StatusForbidden, "Invalid username/password."}
	}
	c.User = u
	return err
}

func (c *Call) byToken(secret, wanted string) error {
	switch {
	case secret == "":
		return &said{http.StatusForbidden, "Invalid token header. No credentials provided."}
	case strings.ContainsAny(secret, " \t"):
		return &said{http.StatusForbidden, "Invalid token header. Token string should not contain spaces."}
	}
	u, scope, err := c.shell.sessions.Bearer(c.R.Context(), secret)
	switch {
	case errors.Is(err, account.ErrInactive):
		return &said{http.StatusForbidden, "User inactive or deleted."}
	case fault.Is(err, fault.Unauthenticated):
		return &said{http.StatusForbidden, "Invalid token."}
	case err != nil:
		return err
	}
	c.User, c.scope = u, scope
	return mayScope(scope, wanted)
}

// mayScope refuses what a token is not good for. Every token may read, and one that may write may do all its user may.
func mayScope(has, wanted string) error {
	switch {
	case has == account.ScopeWrite, wanted == account.ScopeRead, has == wanted:
		return nil
	case has == account.ScopeRead:
		return &said{http.StatusForbidden, "This token is only for reading."}
	}
	return &said{http.StatusForbidden, "This token is only for reading and for posting checks."}
}

// Recognize finds who asks for what is no part of the API but takes the same credentials, such as a download. Wrong ones are fault.Denied. ID 0: nobody.
func (s *Shell) Recognize(w http.ResponseWriter, r *http.Request) (account.User, error) {
	c := &Call{W: w, R: r, shell: s}
	err := c.recognize(account.ScopeRead)
	var refusal *said
	if errors.As(err, &refusal) {
		return account.User{}, fault.New(fault.Denied, "%s", refusal.detail)
	}
	return c.User, err
}
