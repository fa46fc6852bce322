// SPDX-License-Identifier: GPL-2.0-or-later

// Package trailer finds what the text of a mail says in fixed words: the
// address of a pull request, the patches it depends on, and the "Key: value"
// lines of its last paragraph. It owns no table, resolves no reference and
// fetches nothing: whether a dependency exists is the caller's to find out.
//
// Example:
//
//	trailer.PullURL(text)      // "git://example.org/linux.git tags/for-6.9"
//	trailer.Dependencies(text) // [{Kind: MessageID, Value: "<1@example.org>"}]
//	trailer.Trailers(text)     // [{Key: "Signed-off-by", Value: "A U Thor <a@example.org>"}]
package trailer
