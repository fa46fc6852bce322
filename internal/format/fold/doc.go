// SPDX-License-Identifier: GPL-2.0-or-later

// Package fold makes pieces of text comparable and storable: the folded twin
// of user names, e-mail addresses and person names, the cut to a column's
// width, and the white space of older systems. It owns no table, does no I/O
// and never changes what is shown to people.
//
// Example:
//
//	fold.Key("  Rafał.MIŁECKI@Example.ORG ") // "rafał.miłecki@example.org"
//	fold.Cut("häßlich", 3)                   // "häß"
package fold
