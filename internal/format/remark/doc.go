// SPDX-License-Identifier: GPL-2.0-or-later

// Package remark finds where in a diff the remarks of replies stand: a reviewer quotes the diff and writes below the line he means. Quotes may be trimmed,
// wrapped, or have lost their white space; the reply to a reply quotes remarks, and belongs where they stand. What can't be placed with
// some certainty is left out.
//
// It owns no table and knows nothing of mails but their text.
//
//	doc := diff.Parse("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+be careful\n", 100)
//	remark.Place(doc, "", []string{"> +be careful\nWhy?\n"}) // [{Mail: 0, File: 0, Hunk: 0, Line: 1, Text: "Why?", Quote: "+be careful"}]
package remark
