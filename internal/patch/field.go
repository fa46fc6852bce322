// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"errors"

	"patchwork.example/pw/internal/base/fault"
)

// fieldError says which field of a command is wrong.
type fieldError struct {
	field string
	error
}

// Unwrap gives errors.Is and errors.As the error itself.
func (f *fieldError) Unwrap() error { return f.error }

// wrongField is a fault.Invalid about one field.
func wrongField(field, format string, args ...any) error {
	return &fieldError{field, fault.New(fault.Invalid, format, args...)}
}

// FieldOf names the field of the API that an error is about, such as state or patches; empty if it is about none.
func FieldOf(err error) string {
	var f *fieldError
	if errors.As(err, &f) {
		return f.field
	}
	return ""
}
