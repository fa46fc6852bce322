// SPDX-License-Identifier: GPL-2.0-or-later

// Package pattern runs the regular expressions of administrators: the patterns
// of tags and the subject_match of projects. They were written for Python's re
// module, searched with IGNORECASE and MULTILINE, and keep that meaning. It owns
// no table and compiles nothing by itself: callers keep what they compiled.
//
// An expression is run by the first that can: a hand scanner for the usual
// `^Reviewed-by:`, Go's linear-time regexp, or regexp2 for look-around and back
// references, which may backtrack and therefore gives up after Timeout. Two
// things differ from Python: \b knows ASCII words only, and case folding beyond
// ASCII is left out of the hand scanner.
//
// Example:
//
//	p, err := pattern.Compile(`^Acked-by:`)
//	p.Count("acked-by: A\n> Acked-by: B\nAcked-by: C\n") // 2
package pattern
