// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"patchwork.example/pw/internal/account"
)

func (s *Shell) handler(r Route, v Version, prefix string) http.Handler {
	allow := r.allow()
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := &Call{W: w, R: req, Now: s.clock.Now(), Version: v, shell: s, route: r}
		w.Header().Set("Allow", allow)
		w.Header().Add("Vary", "Accept, Cookie, Authorization")
		w.Header().Set("Cache-Control", "private, no-cache")
		err := c.locate(prefix)
		if err == nil {
			err = c.serve()
		}
		if err != nil {
			c.fail(err)
		}
	})
}

// locate finds what addresses in the answer begin with.
func (c *Call) locate(prefix string) (err error) {
	c.Base, err = c.shell.base(c.R)
	c.Unversioned = c.Base + "/api"
	c.API = c.Unversioned + prefix
	return err
}

func (c *Call) serve() error {
	if p := c.R.URL.Path; !utf8.ValidString(p) || strings.Contains(p, "\x00") { // not every engine would take it even to compare
		return errNoPath
	}
	if err := c.negotiate(); err != nil {
		return err
	}
	method := c.R.Method
	switch method {
	case http.MethodHead:
		method = http.MethodGet // net/http leaves out the body
	case http.MethodOptions:
		return c.recognized(account.ScopeRead, c.options)
	}
	op, ok := c.route.Methods[method]
	if !ok || c.Version < op.Since {
		return &said{http.StatusMethodNotAllowed, fmt.Sprintf("Method %q not allowed.", c.R.Method)}
	}
	c.op = op
	return c.recognized(op.scope(method), func() error {
		if method == http.MethodGet {
			return c.read()
		}
		if err := c.expected(); err != nil {
			return err
		}
		return op.Do(c)
	})
}

// recognized does what follows once it is known who asks, and that he has not asked too often.
func (c *Call) recognized(scope string, then func() error) error {
	err := c.recognize(scope)
	if many := c.limit(); many != nil {
		return many
	}
	if err != nil {
		return err
	}
	return then()
}

// base is the scheme and the host that the visitor knows the site by.
func (s *Shell) base(r *http.Request) (string, error) {
	scheme := "http://"
	switch {
	case s.opt.BaseURL != "":
		return s.opt.BaseURL, nil
	case r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https":
		scheme = "https://"
	}
	host := r.Host
	if at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && host == "" { // HTTP/1.0
		host = at.String()
	}
	if !validHost(host) {
		return "", &said{http.StatusBadRequest, "Invalid Host header."}
	}
	return scheme + host, nil
}

// validHost tells whether a Host header is a name or an address, perhaps with a port, and nothing else: it comes back in links.
func validHost(host string) bool {
	if len(host) > 255+len(":65535") {
		return false
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, "0"
		if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
			name = host[1 : len(host)-1]
		}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false
	}
	if strings.HasPrefix(host, "[") {
		a, err := netip.ParseAddr(name)
		return err == nil && a.Is6() && a.Zone() == ""
	}
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == ""
}

// JSON answers with an object or a list: to a browser as a page.
func (c *Call) JSON(status int, v any) error {
	text, err := Marshal(c.Version, v)
	if err != nil {
		return fmt.Errorf("write %s: %w", c.R.URL.Path, err)
	}
	if c.page {
		return c.show(status, text)
	}
	return c.send(status, "application/json", text)
}

// send answers with these bytes, or with 304 if the client has them.
func (c *Call) send(status int, kind string, text []byte) error {
	h := c.W.Header()
	if status == http.StatusOK && c.tag(text) {
		return nil
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	c.W.WriteHeader(status)
	if c.R.Method == http.MethodHead {
		return nil
	}
	if _, err := c.W.Write(text); err != nil {
		c.shell.log.Debug("client went away", "path", c.R.URL.Path, "err", err)
	}
	return nil
}
