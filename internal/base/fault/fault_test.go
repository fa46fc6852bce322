// SPDX-License-Identifier: GPL-2.0-or-later

package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"patchwork.example/pw/internal/base/fault"
)

func TestKindOf(t *testing.T) {
	denied := fault.New(fault.Denied, "no")
	tests := []struct {
		name string
		err  error
		want fault.Kind
	}{
		{"nil", nil, fault.None},
		{"plain", io.EOF, fault.Internal},
		{"new", denied, fault.Denied},
		{"wrapped by fmt", fmt.Errorf("show: %w", denied), fault.Denied},
		{"outermost wins", fault.Wrap(fault.Invalid, denied, "hint"), fault.Invalid},
		{"joined", errors.Join(io.EOF, denied), fault.Denied},
		{"kind inside the text of New", fault.New(fault.TooLarge, "mail: %w", denied), fault.TooLarge},
		{"cancelled", fmt.Errorf("query: %w", context.Canceled), fault.Unavailable},
		{"timed out", fmt.Errorf("query: %w", context.DeadlineExceeded), fault.Unavailable},
		{"a kind beats the context", fault.Wrap(fault.Internal, context.Canceled, "x"), fault.Internal},
		{"wrapped nil", fault.Wrap(fault.Denied, nil, "x"), fault.None},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fault.KindOf(tt.err); got != tt.want {
				t.Errorf("KindOf(%v) = %v, want %v", tt.err, got, tt.want)
			}
			if !fault.Is(tt.err, tt.want) {
				t.Errorf("Is(%v, %v) = false", tt.err, tt.want)
			}
		})
	}
}

func TestErrorsKeepTheirCause(t *testing.T) {
	err := fault.Wrap(fault.Unavailable, io.ErrUnexpectedEOF, "load series %d", 5)
	if got, want := err.Error(), "load series 5: unexpected EOF"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("errors.Is does not find the cause of Wrap")
	}
	if !errors.Is(fault.New(fault.Invalid, "mail: %w", io.ErrNoProgress), io.ErrNoProgress) {
		t.Error("errors.Is does not find what New wraps")
	}
}

func TestUserText(t *testing.T) {
	secret := errors.New("pq: password of 10.0.0.7")
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"nil", nil, ""},
		{"plain", secret, ""},
		{"invalid", fault.New(fault.Invalid, "state %q is unknown", "x"), `state "x" is unknown`},
		{"not found", fault.New(fault.NotFound, "a"), "a"},
		{"denied", fault.New(fault.Denied, "b"), "b"},
		{"conflict", fault.New(fault.Conflict, "c"), "c"},
		{"too large", fault.New(fault.TooLarge, "d"), "d"},
		{"unauthenticated", fault.New(fault.Unauthenticated, "e"), ""},
		{"unavailable", fault.New(fault.Unavailable, "f"), ""},
		{"internal", fault.New(fault.Internal, "g"), ""},
		{"what was being done stays inside", fmt.Errorf("load series 5: %w", fault.New(fault.NotFound, "no series 5")), "no series 5"},
		{"a foreign cause stays inside", fault.Wrap(fault.Conflict, secret, "the name is taken"), "the name is taken"},
		{"a cause for users is told", fault.Wrap(fault.Invalid, fault.New(fault.Invalid, "no ]"), "rule 3"), "rule 3: no ]"},
		{"hidden by an outer kind", fault.Wrap(fault.Internal, fault.New(fault.NotFound, "row 1"), "sum"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fault.UserText(tt.err); got != tt.want {
				t.Errorf("UserText(%v) = %q, want %q", tt.err, got, tt.want)
			}
		})
	}
}

func TestExitCodeAndName(t *testing.T) {
	tests := []struct {
		kind fault.Kind
		code int
		name string
	}{
		{fault.None, 0, "none"},
		{fault.NotFound, 66, "not found"},
		{fault.Invalid, 65, "invalid"},
		{fault.Denied, 77, "denied"},
		{fault.Unauthenticated, 77, "unauthenticated"},
		{fault.Conflict, 73, "conflict"},
		{fault.TooLarge, 65, "too large"},
		{fault.Unavailable, 75, "unavailable"},
		{fault.Internal, 70, "internal"},
		{fault.Kind(99), 70, "kind 99"},
	}
	for _, tt := range tests {
		if got := fault.ExitCode(tt.kind); got != tt.code {
			t.Errorf("ExitCode(%v) = %d, want %d", tt.kind, got, tt.code)
		}
		if got := tt.kind.String(); got != tt.name {
			t.Errorf("String() = %q, want %q", got, tt.name)
		}
	}
}
