// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import (
	"strings"

	"patchwork.example/pw/internal/format/fold"
)

const noFile = "/dev/null"

// pathOf is the name on a line "--- name" behind its mark: a time or revision behind it is left out.
func pathOf(s string) string {
	if s == "" {
		return ""
	}
	first := s
	if end := strings.IndexFunc(s, fold.IsSpace); end >= 0 {
		first = s[:end]
	}
	return wholeName(first, s)
}

// unquoted is a name that git may have put in quotes.
func unquoted(s string) string {
	if strings.HasPrefix(s, `"`) {
		return unquote(s)
	}
	return s
}

// endFile finds out what the file is called.
func (p *parser) endFile() {
	if p.f == nil {
		return
	}
	f := p.f
	if f.Verb == Renamed || f.Verb == Copied {
		return
	}
	before, after := p.oldPath, p.newPath
	if !p.named {
		before, after = headNames(f.Head[0])
	}
	if before == noFile {
		f.Verb = Made
	} else if after == noFile {
		f.Verb = Removed
	}
	before, after = withoutRoots(before, after)
	if after == "" || after == noFile {
		after = before
	}
	if after == noFile {
		after = ""
	}
	f.Old, f.New = after, after
	switch f.Verb {
	case Made:
		f.Old = ""
	case Removed:
		f.New = ""
	}
}

// headNames reads the names off the first line of a file's part that has no others.
func headNames(line string) (before, after string) {
	line = strings.TrimSuffix(line, "\r")
	if s, ok := strings.CutPrefix(line, indexWord); ok {
		return s, s
	}
	if s, ok := strings.CutPrefix(line, gitHeader); ok {
		return gitNames(s)
	}
	if !strings.HasPrefix(line, diffWord) {
		return "", ""
	}
	s := line[strings.LastIndexByte(line, ' ')+1:] // diff -r 1 -r 2 name, diff --cc name
	return s, s
}

// gitNames reads "a/name b/name". Two equal names, which is all that stands alone, are cut in the middle, whatever spaces they have.
func gitNames(s string) (before, after string) {
	if strings.HasPrefix(s, `"`) {
		before = unquote(s)
		return before, before
	}
	half := len(s) / 2
	if len(s)%2 == 1 && s[half] == ' ' {
		a, b := s[:half], s[half+1:]
		if _, one, _ := strings.Cut(a, "/"); strings.HasSuffix(b, one) {
			return a, b
		}
	}
	if at := strings.LastIndex(s, " b/"); at >= 0 {
		return s[:at], s[at+1:]
	}
	before, after, _ = strings.Cut(s, " ")
	return before, after
}

// withoutRoots takes off what stands before both names but is part of neither: a/ and b/ and what else git writes there, or two directories that were compared.
func withoutRoots(before, after string) (string, string) {
	first, one, ok1 := strings.Cut(before, "/")
	second, two, ok2 := strings.Cut(after, "/")
	switch {
	case before == noFile:
		if ok2 && isSide(second) {
			return before, two
		}
	case after == noFile:
		if ok1 && isSide(first) {
			return one, after
		}
	case ok1 && ok2 && (isSide(first) && isSide(second) || first != second && one == two):
		return one, two
	}
	return before, after
}

// isSide knows the prefixes that git gives names: a and b, or with diff.mnemonicPrefix what the side is.
func isSide(s string) bool { return len(s) == 1 && strings.Contains("abciow12", s) }
