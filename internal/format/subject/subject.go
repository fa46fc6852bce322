// SPDX-License-Identifier: GPL-2.0-or-later

package subject

import (
	"strings"

	"patchwork.example/pw/internal/format/fold"
)

// MaxNumber is the highest number, total and version accepted: what the
// smallest integer columns of all databases hold. A bigger one is taken for
// ordinary text.
const MaxNumber = 32767

// maxName is the width of the name columns, in characters.
const maxName = 255

// Subject is what the subject line of a mail tells about it.
type Subject struct {
	// Name is `[prefix,prefix] rest`, at most 255 characters.
	Name string
	// Prefixes are the words of the leading brackets, in order, without
	// "patch" and the project's link name.
	Prefixes []string
	// Reply tells that the mail answers another one.
	Reply bool
	// Version is 1 unless the subject names another, 0 to MaxNumber.
	Version int
	// Number and Total are the place in a series, as in 2/5; both are 0
	// unless Numbered. Number is 0 for a cover letter.
	Number, Total int
	Numbered      bool
}

// Parse reads a subject whose encoded words are decoded and whose runs of
// white space are single spaces. linkname is that of the project, whose name
// is left out of the prefixes, in any case.
//
// Patchwork 3.2 knows "Re" only; here the forms other mail programs write
// count too (see cutForeign), as do the version "PATCHv2" and the series marker
// "1 / 3". The name of a patch is not changed by these. "v6.6" is no version:
// as often as not it names the kernel that the patch is for.
func Parse(decoded, linkname string) Subject {
	rest := fold.Collapse(decoded)
	s := Subject{}
	rest, s.Reply = cutReply(rest)
	for strings.HasPrefix(rest, "[") {
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			break
		}
		s.Prefixes = appendTokens(s.Prefixes, strings.TrimSpace(rest[1:end]), linkname)
		rest = strings.TrimLeft(rest[end+1:], " ")
	}
	name := rest
	if len(s.Prefixes) > 0 {
		name = strings.TrimRight("["+strings.Join(s.Prefixes, ",")+"] "+rest, " ")
	}
	s.Name = fold.Cut(name, maxName)
	s.Version = version(s.Prefixes, name)
	s.Number, s.Total, s.Numbered = marker(s.Prefixes)
	return s
}

// appendTokens adds the words of one bracket.
func appendTokens(tokens []string, content, linkname string) []string {
	if hg := mercurial(content); hg != "" {
		tokens = append(tokens, hg)
		content = content[len("PATCH ")+len(hg):]
	}
	for word := range strings.FieldsFuncSeq(content, func(r rune) bool { return r == ',' || r == ' ' }) {
		if !strings.EqualFold(word, "patch") && !strings.EqualFold(word, linkname) {
			tokens = append(tokens, word)
		}
	}
	return tokens
}

// mercurial returns the `1 of 2` of a bracket that begins `PATCH 1 of 2`.
func mercurial(content string) string {
	rest, ok := strings.CutPrefix(content, "PATCH ")
	if !ok {
		return ""
	}
	first := leadingDigits(rest)
	if first == 0 || !strings.HasPrefix(rest[first:], " of ") {
		return ""
	}
	first += len(" of ")
	last := leadingDigits(rest[first:])
	if last == 0 {
		return ""
	}
	return rest[:first+last]
}

// marker finds the place in the series: the first token that ends in 1/2 or
// `1 of 2`, or else the three tokens of `1 / 2`.
func marker(tokens []string) (number, total int, ok bool) {
	for _, t := range tokens {
		if n, of, found := splitMarker(t); found {
			return place(n, of)
		}
	}
	for i := 0; i+2 < len(tokens); i++ {
		n, of := tokens[i], tokens[i+2]
		if tokens[i+1] == "/" && allDigits(n) && allDigits(of) {
			return place(n, of)
		}
	}
	return 0, 0, false
}

// splitMarker returns the digits of a token that ends in `1/2` or `1 of 2`.
func splitMarker(token string) (number, total string, ok bool) {
	head := token[:len(token)-trailingDigits(token)]
	total = token[len(head):]
	before, ok := strings.CutSuffix(head, "/")
	if !ok {
		before, ok = strings.CutSuffix(head, " of ")
	}
	number = before[len(before)-trailingDigits(before):]
	return number, total, ok && total != "" && number != ""
}

func place(number, total string) (n, of int, ok bool) {
	n, okNumber := value(number)
	of, okTotal := value(total)
	if !okNumber || !okTotal || of == 0 {
		return 0, 0, false
	}
	return n, of, true
}

// version finds the first token v2 or V2, else (v2) anywhere in the name, else
// a token PATCHv2 or RFCv2.
func version(tokens []string, name string) int {
	for _, t := range tokens {
		if n, ok := tokenVersion(t); ok {
			return n
		}
	}
	if n, ok := bracketed(name); ok {
		return n
	}
	for _, t := range tokens {
		if n, ok := tokenVersion(cutKind(t)); ok {
			return n
		}
	}
	return 1
}

// tokenVersion returns the version of a token v2 or V2.
func tokenVersion(token string) (n int, ok bool) {
	if digits, found := cutV(token); found && allDigits(digits) {
		return value(digits)
	}
	return 0, false
}

// bracketed returns the version of the first `(v2)` in name.
func bracketed(name string) (n int, ok bool) {
	for {
		_, rest, ok := strings.Cut(name, "(")
		if !ok {
			return 0, false
		}
		name = rest
		digits, ok := cutV(rest)
		n := leadingDigits(digits)
		if !ok || !strings.HasPrefix(digits[n:], ")") {
			continue
		}
		if v, ok := value(digits[:n]); ok {
			return v, true
		}
	}
}

// cutKind removes the word that some put straight before the version.
func cutKind(token string) string {
	for _, word := range [...]string{"patch", "rfc"} {
		if len(token) > len(word) && strings.EqualFold(token[:len(word)], word) {
			return token[len(word):]
		}
	}
	return token
}

func cutV(s string) (rest string, ok bool) {
	if s == "" || s[0] != 'v' && s[0] != 'V' {
		return s, false
	}
	return s[1:], true
}

// value reads digits; it is not ok without digits or above MaxNumber.
func value(digits string) (n int, ok bool) {
	for i := range len(digits) {
		n = n*10 + int(digits[i]-'0')
		if n > MaxNumber {
			return 0, false
		}
	}
	return n, digits != ""
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func allDigits(s string) bool { return s != "" && leadingDigits(s) == len(s) }

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func trailingDigits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[len(s)-1-n]) {
		n++
	}
	return n
}
