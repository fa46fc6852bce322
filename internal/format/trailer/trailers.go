// SPDX-License-Identifier: GPL-2.0-or-later

package trailer

import (
	"strings"

	"patchwork.example/pw/internal/format/fold"
)

// Trailer is one "Key: value" line.
type Trailer struct {
	Key, Value string // white space in Value is collapsed
}

// Trailers returns the trailers of text in order, as git interpret-trailers
// sees them (git 2.40): those of the last paragraph before the "---" line,
// lines that begin with white space continuing the one before. The paragraph
// counts if all its lines are trailers, or if it has one of git's own and at
// least a quarter of its lines are trailers. text is the body of a mail; the
// subject is not part of it.
func Trailers(text string) []Trailer {
	var found []Trailer
	own, others := false, 0
	for _, line := range lastParagraph(text) {
		if n := len(found); n > 0 && (line[0] == ' ' || line[0] == '\t') {
			found[n-1].Value = fold.Collapse(found[n-1].Value + " " + line)
			continue
		}
		own = own || strings.HasPrefix(line, "Signed-off-by: ") || strings.HasPrefix(line, cherryPicked)
		if t, ok := parse(line); ok {
			found = append(found, t)
		} else if !strings.HasPrefix(line, cherryPicked) {
			others++
		}
	}
	if others == 0 || own && len(found)*3 >= others {
		return found
	}
	return nil
}

const cherryPicked = "(cherry picked from commit "

// lastParagraph returns the lines after the last empty one, of what stands
// before the "---".
func lastParagraph(text string) []string {
	var paragraph []string
	ended := false
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRightFunc(line, fold.IsSpace)
		switch {
		case line == "---":
			return paragraph
		case line == "":
			ended = true
		case ended:
			paragraph, ended = []string{line}, false
		default:
			paragraph = append(paragraph, line)
		}
	}
	return paragraph
}

// parse reads `Key: value`; a key is of ASCII letters, digits and hyphens. A
// line that begins with a URL is none, though git takes it for one.
func parse(line string) (t Trailer, ok bool) {
	key, value, ok := strings.Cut(line, ":")
	key = strings.TrimRight(key, " \t")
	if !ok || key == "" || strings.HasPrefix(value, "//") || prefixLen(key, func(r rune) bool { return r < 0x80 && r != '_' && wordOr(r, "-") }) < len(key) {
		return t, false
	}
	return Trailer{Key: key, Value: fold.Collapse(value)}, true
}
