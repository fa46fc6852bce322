// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"errors"
	"log/slog"
	"net/http"

	"patchwork.example/pw/internal/base/fault"
)

const noPermission = "You do not have permission to perform this action."

// fail answers with an error: {"detail": "why"}, or what is wrong with each field.
func (c *Call) fail(err error) {
	var fields FieldErrors
	var nested *NestedErrors
	var s *said
	switch {
	case errors.Is(err, errNoPath):
		c.W.Header().Del("Allow")
		c.shell.opt.NotFound.ServeHTTP(c.W, c.R)
		return
	case errors.As(err, &fields):
		c.answer(http.StatusBadRequest, fields)
		return
	case errors.As(err, &nested):
		c.answer(http.StatusBadRequest, nested.values())
		return
	case errors.As(err, &s):
		c.answer(s.status, map[string]string{"detail": s.detail})
		return
	}
	kind := fault.KindOf(err)
	status := statusOf(kind)
	c.answer(status, map[string]string{"detail": c.detail(kind, status, err)})
}

func (c *Call) detail(kind fault.Kind, status int, err error) string {
	request := c.W.Header().Get("X-Request-Id")
	switch {
	case status >= 500:
		level := slog.LevelError
		if c.R.Context().Err() != nil { // the client went away: anybody can
			level = slog.LevelDebug
		}
		c.shell.log.Log(c.R.Context(), level, "request failed", "request", request, "path", c.R.URL.Path, "err", err)
		if kind == fault.Unavailable {
			c.W.Header().Set("Retry-After", "10")
			return "Not available now; try again. Request " + request
		}
		return "Internal error. Request " + request
	case kind == fault.Denied && c.User.ID == 0, errors.Is(err, errNobody):
		return errNobody.Error()
	case kind == fault.Denied:
		return noPermission
	case kind == fault.NotFound:
		return "Not found."
	}
	return fault.UserText(err)
}

func (c *Call) answer(status int, v any) {
	if err := c.JSON(status, v); err != nil {
		http.Error(c.W, "Internal error.", http.StatusInternalServerError)
	}
}

// PermissionDenied turns a fault.Denied into the answer of those places where Patchwork 3.2 does not say whether it is for want of a login; other errors stay.
func PermissionDenied(err error) error {
	if fault.Is(err, fault.Denied) {
		return &said{http.StatusForbidden, noPermission}
	}
	return err
}

// Forbidden is a 403 whose text says more than that one may not.
func Forbidden(text string) error { return &said{http.StatusForbidden, text} }
