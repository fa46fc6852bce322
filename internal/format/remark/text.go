// SPDX-License-Identifier: GPL-2.0-or-later

package remark

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A piece is one line of a mail: how many times it is quoted, and what is quoted.
type piece struct {
	depth int
	text  string // without the marks of quoting
	key   string // text without white space
}

// pieces cuts a mail into lines, up to its signature.
func pieces(text string) []piece {
	var out []piece
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "-- " || len(out) == maxLines {
			break
		}
		depth, rest := unquote(line)
		out = append(out, piece{depth, rest, keyOf(rest)})
	}
	return out
}

// unquote takes the marks of quoting off a line: "> > a", ">>a", " > a".
func unquote(line string) (depth int, rest string) {
	rest = line
	for {
		t := strings.TrimPrefix(rest, " ")
		if !strings.HasPrefix(t, ">") {
			break
		}
		rest = t[1:]
		depth++
	}
	if depth > 0 {
		rest = strings.TrimPrefix(rest, " ")
	}
	return depth, rest
}

// keyOf is a text without its white space, by which quotes are found whatever a mail program has done to it.
func keyOf(s string) string {
	if len(s) > maxKey {
		s = s[:maxKey]
	}
	room := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			return strings.Map(func(r rune) rune {
				if unicode.IsSpace(r) {
					return -1
				}
				return r
			}, s)
		case c > ' ':
			room = append(room, c)
		}
	}
	return string(room)
}

var (
	// attribution is the line above a quote that says whose it is, and what may be its first half.
	attribution = regexp.MustCompile(`(?i)(wrote|writes|écrit|schrieb|写道|写到|said)\s*[:：]\s*$`)
	halfOne     = regexp.MustCompile(`(?i)^(On|Le|Am|At|El|在) .*\d`)
	snip        = regexp.MustCompile(`(?i)^([^\pL\pN?!:;^]*|[^\pL\pN?!]*(snip|cut|trim(med)?|skip(ped|ping)?)[^\pL\pN?!]*|[\[<({][^\pL\pN]*(snip|cut|trim|skip)[^\])}>]*[\])}>])$`)
	closing     = regexp.MustCompile(`(?i)^[^\w.]*(thanks?|thank you|thx|cheers|best|regards|kind regards|best regards|with best|br|hth|have a |bye|greetings|gr\{oetje|sincerely|yours)\b`)
	greeting    = regexp.MustCompile(`(?i)^\W*(hi|hello|hey|dear|good (morning|evening|day))\b[^.?]{0,40}[,!.]?$`)
	tagLine     = regexp.MustCompile(`(?m)^\s*(Reviewed|Acked|Tested|Signed-off|Nacked)-by: `)
	beginsDiff  = regexp.MustCompile(`^\s*(diff --git |--- a/|@@ -\d)`)
	behindDiff  = regexp.MustCompile(`^(base-commit: |prerequisite-|-- ?$|\d+\.\d+\.\d+)`)
)

// isBehind knows what stands behind a diff, not in it.
func isBehind(text string) bool {
	return text != "" && strings.IndexByte("bp-0123456789", text[0]) >= 0 && behindDiff.MatchString(text)
}

// clean is a remark without what belongs to no remark: who wrote what is quoted next, marks of what is left out, a lonely greeting or farewell.
func clean(lines []string, more bool) string {
	lines = withoutAttribution(trimmed(lines))
	if len(lines) > 0 && greeting.MatchString(lines[0]) {
		lines = trimmed(lines[1:])
	}
	for len(lines) > 0 && snip.MatchString(lines[0]) {
		lines = lines[1:]
	}
	for len(lines) > 0 && snip.MatchString(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	if len(lines) == 0 || isClosing(lines, more) {
		return ""
	}
	return strings.Join(lines, "\n")
}

func trimmed(lines []string) []string {
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// withoutAttribution takes "On … X wrote:" off the end, which may have been wrapped.
func withoutAttribution(lines []string) []string {
	n := len(lines)
	if n == 0 || !attribution.MatchString(lines[n-1]) {
		return lines
	}
	for back := 1; back <= 3 && back <= n; back++ {
		if halfOne.MatchString(lines[n-back]) {
			return trimmed(lines[:n-back])
		}
	}
	return trimmed(lines[:n-1])
}

// isVerdict knows what says no more than Acked-by and the like, with a name below it at most.
func isVerdict(text string) bool {
	given, words := false, 0
	for line := range strings.Lines(text) {
		if tagLine.MatchString(line) {
			given = true
		} else {
			words += len(strings.Fields(line))
		}
	}
	return given && words <= 3
}

// isClosing knows a farewell: a short word of thanks and names. If more quotes follow it ends with a comma or says no more than that.
func isClosing(lines []string, more bool) bool {
	words := 0
	for _, s := range lines {
		if strings.HasPrefix(s, "--") {
			break
		}
		words += len(strings.Fields(s))
	}
	if !closing.MatchString(lines[0]) {
		return false
	}
	first := strings.TrimSpace(lines[0])
	if words > 8 { // notes may stand below the name
		return !more && strings.HasSuffix(first, ",") && len(lines) > 2 && len(strings.Fields(lines[1])) <= 2 && strings.TrimSpace(lines[2]) == ""
	}
	return !more || len(lines) > 1 || strings.HasSuffix(first, ",") || !strings.ContainsAny(first, ".!") && len(strings.Fields(first)) <= 2
}
