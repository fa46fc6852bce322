// SPDX-License-Identifier: GPL-2.0-or-later

// Package syntax finds what the words of a program are: keywords, strings, comments. The language is known by the name of the file. Where a piece of a file begins within
// a comment or a string is not known, and then it is coloured as if it did not.
//
// It owns no table, and knows nothing of how colours look: pages have a class for each kind.
//
//	syntax.Lines("a.c", []string{"return 1;"}, never) // [[{6 Keyword} {7 Plain} {8 Number} {9 Plain}]]
package syntax
