// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a version of the API: the digit after "1.".
type Version int

// The versions there are. An address without one means Newest.
const (
	V10 Version = iota
	V11
	V12
	V13
	V14
	Newest = V14
)

// String is how addresses write it: 1.2.
func (v Version) String() string { return fmt.Sprintf("1.%d", int(v)) }

// parseVersion reads a version as it is written in struct tags.
func parseVersion(s string) (Version, error) {
	minor, ok := strings.CutPrefix(s, "1.")
	n, err := strconv.Atoi(minor)
	if !ok || err != nil || n < int(V10) || Version(n) > Newest {
		return 0, fmt.Errorf("%q is no version of the API", s)
	}
	return Version(n), nil
}
