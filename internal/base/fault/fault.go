// SPDX-License-Identifier: GPL-2.0-or-later

package fault

import (
	"context"
	"errors"
	"fmt"
)

// Kind says what sort of failure an error is.
type Kind int

// The kinds. None is the kind of a nil error only.
const (
	None            Kind = iota
	NotFound             // what was named does not exist
	Invalid              // what was given can't be understood or is not allowed as a value
	Denied               // this actor may not do this
	Unauthenticated      // nobody has logged in, or the credentials are wrong
	Conflict             // it contradicts what is there already
	TooLarge             // a limit on size or number was passed
	Unavailable          // something needed does not answer now; the same request may succeed later
	Internal             // everything else: a bug, or an error nobody gave a kind
)

// String is the name of the constant in lower case.
func (k Kind) String() string {
	names := [...]string{"none", "not found", "invalid", "denied", "unauthenticated", "conflict", "too large", "unavailable", "internal"}
	if k < 0 || int(k) >= len(names) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return names[k]
}

// failure is an error with a kind. cause may be nil.
type failure struct {
	kind  Kind
	said  error
	cause error
}

// Error is the text given to New or Wrap, followed by the cause.
func (f *failure) Error() string {
	if f.cause == nil {
		return f.said.Error()
	}
	return f.said.Error() + ": " + f.cause.Error()
}

// Unwrap gives errors.Is and errors.As the cause and what the text itself wraps with %w.
func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.said}
	}
	return []error{f.said, f.cause}
}

// New makes an error of a kind. Of the kinds a user may see the text, it is all of it shown to him: see UserText.
func New(kind Kind, format string, args ...any) error {
	return &failure{kind: kind, said: fmt.Errorf(format, args...)}
}

// Wrap gives err a kind and says what was being done; the message is "text: err". It gives nil for a nil err. A kind that err had
// before no longer counts.
func Wrap(kind Kind, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &failure{kind: kind, said: fmt.Errorf(format, args...), cause: err}
}

// KindOf is the kind of the outermost error in err's chain that has one. A cancelled or timed-out context is Unavailable, any other
// error Internal, nil None.
func KindOf(err error) Kind {
	if err == nil {
		return None
	}
	var f *failure
	switch {
	case errors.As(err, &f):
		return f.kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Unavailable
	}
	return Internal
}

// Is tells whether err is of a kind. A nil err is of none but None.
func Is(err error, kind Kind) bool { return KindOf(err) == kind }

// UserText is what may be shown to whoever asked: the text given to New or Wrap for the kinds Invalid, NotFound, Denied, Conflict and
// TooLarge, and empty for all others. Of a cause only what is itself for users follows, so that no text of a database or of another
// library leaks.
func UserText(err error) string {
	var f *failure
	if !errors.As(err, &f) || !f.kind.forUsers() {
		return ""
	}
	if more := UserText(f.cause); more != "" {
		return f.said.Error() + ": " + more
	}
	return f.said.Error()
}

func (k Kind) forUsers() bool {
	switch k {
	case Invalid, NotFound, Denied, Conflict, TooLarge:
		return true
	}
	return false
}

// ExitCode is the status a command ends with, after sysexits.h of BSD, because mail servers that start pw read those codes: Postfix and
// Exim keep the mail and try again after 75, and send it back to its author after most others.
//
//	None                     0
//	Invalid, TooLarge       65  EX_DATAERR
//	NotFound                66  EX_NOINPUT
//	Internal                70  EX_SOFTWARE
//	Conflict                73  EX_CANTCREAT
//	Unavailable             75  EX_TEMPFAIL
//	Denied, Unauthenticated 77  EX_NOPERM
func ExitCode(kind Kind) int {
	switch kind {
	case None:
		return 0
	case Invalid, TooLarge:
		return 65
	case NotFound:
		return 66
	case Conflict:
		return 73
	case Unavailable:
		return 75
	case Denied, Unauthenticated:
		return 77
	}
	return 70
}
