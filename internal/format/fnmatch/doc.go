// SPDX-License-Identifier: GPL-2.0-or-later

// Package fnmatch matches the path patterns of delegation rules the way
// Python's fnmatch.fnmatchcase does, because the rules of existing
// installations were written for it: * also crosses "/". It owns no table,
// reads no files and keeps no compiled patterns.
//
// Example:
//
//	fnmatch.Match("drivers/*", "drivers/net/a.c") // true
//	fnmatch.Match("*.[ch]", "lib/list.h")         // true
package fnmatch
