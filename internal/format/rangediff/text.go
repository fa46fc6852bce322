// SPDX-License-Identifier: GPL-2.0-or-later

package rangediff

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"znkr.io/diff"
	"znkr.io/diff/textdiff"
)

// context is how many lines stand around a change.
const context = 3

// Hunk is a part of the difference of two patches.
type Hunk struct {
	Head  string // the file or section it is in; may be empty
	Lines []Line
}

// Line is a line of a patch in one or both series.
type Line struct {
	Outer byte   // ' ' both, '-' only the old one, '+' only the new one
	Text  string // begins with the sign of the patch's own diff, where it is a line of one
}

// hunks is the difference of two texts.
func hunks(a, b []string) []Hunk {
	var out []Hunk
	signs := map[diff.Op]byte{diff.Match: ' ', diff.Delete: '-', diff.Insert: '+'}
	for _, h := range textdiff.Hunks(strings.Join(a, "\n")+"\n", strings.Join(b, "\n")+"\n", append(effort(len(a), len(b)), textdiff.IndentHeuristic())...) {
		hunk := Hunk{Head: headAbove(a[:h.LineNoX])}
		for _, e := range h.Edits {
			hunk.Lines = append(hunk.Lines, Line{Outer: signs[e.Op], Text: strings.TrimSuffix(e.Line, "\n")})
		}
		out = append(out, hunk)
	}
	return out
}

// maxHead bounds what is shown of a head, in bytes, as git does.
const maxHead = 80

// headAbove is the last head of a file, section or hunk among lines.
func headAbove(lines []string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		line := lines[i]
		if name, ok := strings.CutPrefix(line, " ## "); ok && strings.HasSuffix(name, " ##") {
			return cut(strings.TrimSuffix(name, " ##"))
		}
		if strings.HasPrefix(line, "@@ ") {
			return cut(line[len("@@ "):])
		}
		if len(line) > 1 && strings.HasPrefix(line[1:], "@@ ") {
			return cut(line[len(" @@ "):])
		}
	}
	return ""
}

func cut(s string) string {
	return strings.TrimRight(s[:min(len(s), maxHead)], " \t\r\n")
}

// WriteText writes a comparison as git range-diff prints it.
func WriteText(w io.Writer, old, new []Patch, pairs []Pair) error {
	b := bufio.NewWriter(w)
	digits := len(fmt.Sprint(1 + max(len(old), len(new)))) // as git counts
	for _, p := range pairs {
		title := ""
		side := func(series []Patch, i int) string {
			if i < 0 {
				return fmt.Sprintf("%*s:  -------", digits, "-")
			}
			if title == "" { // of the old one where there are both, as in git
				title, _, _ = strings.Cut(series[i].Message, "\n")
			}
			return fmt.Sprintf("%*d:  %s", digits, i+1, series[i].Name)
		}
		fmt.Fprintf(b, "%s %c %s %s\n", side(old, p.Old), p.Status, side(new, p.New), title)
		for _, h := range p.Hunks {
			fmt.Fprintf(b, "    @@%s\n", spaced(h.Head))
			for _, line := range h.Lines {
				fmt.Fprintf(b, "    %c%s\n", line.Outer, line.Text)
			}
		}
	}
	return b.Flush()
}

func spaced(s string) string {
	if s == "" {
		return ""
	}
	return " " + s
}
