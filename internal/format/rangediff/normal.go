// SPDX-License-Identifier: GPL-2.0-or-later

package rangediff

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// normal is a patch in the form in which git range-diff compares: without what changes when nothing of interest does, as line numbers and object names.
// Diff lines begin with their sign, heads of files stand between ` ## ` and ` ##`.
type normal struct {
	whole []string // Metadata, Commit message, files
	diff  []string // the part of whole that begins with the first file; nil: no diff
	size  int      // lines of diff that are not empty
}

func normalise(p Patch) normal {
	n := normal{whole: []string{" ## Metadata ##", "Author: " + p.Author, "", " ## Commit message ##"}}
	for line := range strings.SplitSeq(strings.TrimRight(p.Message, " \t\r\n"), "\n") {
		line = strings.TrimRight(line, " \t\r")
		if line != "" {
			line = "    " + expandTabs(line)
		}
		n.whole = append(n.whole, line)
	}
	r := reader{}
	for line := range bytes.Lines(p.Diff) {
		r.line(strings.TrimRight(string(line), "\r\n"))
	}
	r.endHead()
	if len(r.out) == 0 {
		return n
	}
	n.whole = append(n.whole, "")
	at := len(n.whole)
	n.whole = append(n.whole, r.out[1:]...) // without the empty line above the first file
	n.diff = n.whole[at:]
	for _, line := range n.diff {
		if line != "" {
			n.size++
		}
	}
	return n
}

// expandTabs puts spaces in the place of tabs, as git log does in messages.
func expandTabs(s string) string {
	const width = 8
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "\t")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		b.WriteString(strings.Repeat(" ", width-utf8.RuneCountInString(b.String())%width))
		s = after
	}
}

// reader takes a diff line by line.
type reader struct {
	out      []string
	old, new int  // lines the hunk still lacks
	head     head // of the file at hand
	open     bool // the head is not written yet
	name     string
}

// head is what stands above the hunks of a file.
type head struct {
	oldName, newName string
	oldMode, newMode string
	state            string // " (new)", " (deleted)" or none
	binary           bool
	sure             bool // a file it is, not a line of text that looks so
}

func (r *reader) line(line string) {
	switch {
	case r.old > 0 || r.new > 0:
		r.inHunk(line)
	case strings.HasPrefix(line, "@@ -") && (r.open && r.head.sure || r.name != ""):
		r.hunk(line)
	case strings.HasPrefix(line, `\`) && r.name != "" && !r.open:
		r.out = append(r.out, " "+line)
	default:
		r.header(line)
	}
}

func (r *reader) inHunk(line string) {
	switch {
	case line == "":
		line = " "
		fallthrough
	case line[0] == ' ':
		r.old--
		r.new--
	case line[0] == '-':
		r.old--
	case line[0] == '+':
		r.new--
	case line[0] == '\\':
		line = " " + line
	default: // the hunk is shorter than it says
		r.old, r.new = 0, 0
		r.line(line)
		return
	}
	r.out = append(r.out, line)
}

// hunk writes the head of a hunk: `@@ FILE: FUNCTION`, or `@@` where it names no function.
func (r *reader) hunk(line string) {
	r.endHead()
	ranges, function, ok := strings.Cut(line[len("@@ "):], " @@")
	old, new, _ := strings.Cut(ranges, " ")
	if !ok {
		return
	}
	r.old, r.new = rangeLength(old), rangeLength(new)
	if function = strings.TrimRight(function, " \t"); function == "" {
		r.out = append(r.out, "@@")
		return
	}
	r.out = append(r.out, "@@ "+r.name+":"+function)
}

// rangeLength is the 3 of `-1,3`, 1 where it is left out and 0 where it is no number.
func rangeLength(s string) int {
	_, n, ok := strings.Cut(s, ",")
	if !ok {
		return 1
	}
	v, err := strconv.Atoi(n)
	if err != nil || v < 0 {
		return 0
	}
	return v
}

func (r *reader) header(line string) {
	switch word, rest, _ := strings.Cut(line, " "); word {
	case "diff":
		if rest, ok := strings.CutPrefix(rest, "--git "); ok {
			r.begin(gitNames(rest))
			r.head.sure = true
		}
	case "Index:":
		r.begin(rest, rest)
		r.head.sure = true
	case "---":
		if rest != "" {
			r.oldLine(fileName(rest))
		}
	case "+++":
		if r.open {
			r.newLine(fileName(rest))
		}
	case "Binary":
		r.head.binary = r.open && strings.HasPrefix(rest, "files ")
	case "GIT":
		r.head.binary = r.open && rest == "binary patch"
	default:
		r.extended(line)
	}
}

// extended takes git's lines between `diff` and `---`.
func (r *reader) extended(line string) {
	for prefix, field := range map[string]*string{"rename from ": &r.head.oldName, "copy from ": &r.head.oldName, "rename to ": &r.head.newName, "copy to ": &r.head.newName,
		"old mode ": &r.head.oldMode, "new mode ": &r.head.newMode} {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			*field = rest
			return
		}
	}
	switch {
	case strings.HasPrefix(line, "new file mode "):
		r.head.state = " (new)"
	case strings.HasPrefix(line, "deleted file mode "):
		r.head.state = " (deleted)"
	}
}

func (r *reader) begin(old, new string) {
	r.endHead()
	r.head, r.open = head{oldName: old, newName: new}, true
}

// oldLine takes the name of a `---` line, which begins a file where no line above did.
func (r *reader) oldLine(name string) {
	if !r.open || !r.head.sure {
		r.begin(name, "")
	}
	if name == "/dev/null" {
		r.head.state = " (new)"
	}
}

func (r *reader) newLine(name string) {
	if name == "/dev/null" {
		r.head.state = " (deleted)"
	} else if !r.head.sure {
		r.head.oldName, r.head.newName = name, name
	}
	r.head.sure = true
}

// endHead writes the head of the file at hand, once.
func (r *reader) endHead() {
	if !r.open {
		return
	}
	r.open = false
	h := r.head
	if !h.sure {
		return
	}
	if h.newName == "" {
		h.newName = h.oldName
	}
	r.name = h.newName
	title := h.newName
	if h.oldName != h.newName && h.oldName != "" && h.state == "" {
		title = h.oldName + " => " + h.newName
	}
	title += h.state
	if h.oldMode != "" && h.newMode != "" {
		title += " (mode change " + h.oldMode + " => " + h.newMode + ")"
	}
	r.out = append(r.out, "", " ## "+title+" ##")
	if h.binary {
		r.out = append(r.out, binaryLine(h))
	}
}

func binaryLine(h head) string {
	old, new := h.oldName, h.newName
	switch h.state {
	case " (new)":
		old = "/dev/null"
	case " (deleted)":
		new = "/dev/null"
	}
	return " Binary files " + old + " and " + new + " differ"
}

// gitNames are the names of `a/x b/y`. Where a name has spaces, both are the same, or lines below tell them.
func gitNames(s string) (old, new string) {
	if half := len(s) / 2; len(s)%2 == 1 && s[half] == ' ' {
		if s[:half] == s[half+1:] { // --no-prefix
			return s[:half], s[:half]
		}
		if fileName(s[:half]) == fileName(s[half+1:]) {
			return fileName(s[:half]), fileName(s[half+1:])
		}
	}
	if a, b, ok := strings.Cut(s, " b/"); ok {
		return fileName(a), b
	}
	a, b, _ := strings.Cut(s, " ")
	return fileName(a), fileName(b)
}

// fileName is a name of a `---` or `+++` line: without time and without the first directory, which is a/ or b/ or the tree's.
func fileName(s string) string {
	s, _, _ = strings.Cut(s, "\t")
	s = strings.TrimRight(s, " ")
	if s == "/dev/null" {
		return s
	}
	if strings.HasPrefix(s, `"`) {
		if u, err := strconv.Unquote(s); err == nil {
			s = u
		}
	}
	if _, rest, ok := strings.Cut(s, "/"); ok && rest != "" {
		return rest
	}
	return s
}
