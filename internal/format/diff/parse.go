// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import (
	"slices"
	"strings"
)

// A Doc is a diff taken apart for showing. Each line of the diff is in one place of it, in order: whatever is malformed is there as text.
type Doc struct {
	Files []File
	Lines int    // in Files
	Rest  string // what stands behind the greatest number of lines
}

// A File is what a diff says of one file.
type File struct {
	Old, New         string // names, without the a/ and b/ of git; "": there is none on this side
	Verb             Verb
	OldMode, NewMode string // octal digits; "": not said
	Binary           bool
	Head             []string // lines before the first hunk, as they stand
	Hunks            []Hunk
	Added, Removed   int // lines
}

// Name is what the file is called after the change, or before it if it is gone then; never empty.
func (f *File) Name() string {
	switch {
	case f.New != "":
		return f.New
	case f.Old != "":
		return f.Old
	}
	return "(no file name)"
}

// Verb is what happens to a file.
type Verb uint8

// What happens to a file. A change of mode or of content is Changed.
const (
	Changed Verb = iota
	Made
	Removed
	Renamed
	Copied
)

// A Hunk is a run of lines.
type Hunk struct {
	Head  string // its first line, "@@ -1 +1 @@ …"; "": these lines are in no hunk
	Marks int    // how many columns of each line hold marks: 1, the number of parents in a combined diff, 2 in a context diff, 0 in text
	Lines []Line
	Short bool // it has fewer lines than its head says
}

// A Line is one line of a hunk.
type Line struct {
	Kind     Kind
	Old, New int32  // its number on either side, from 1; 0: it is not there, or there are several old sides
	Text     string // with its marks, without LF
}

// Kind is what a line of a hunk is.
type Kind uint8

// What a line is. Note is the line "\ No newline at end of file"; Text is anything that is no part of a hunk.
const (
	Context Kind = iota
	Add
	Remove
	Note
	Text
)

// Body is the line without its marks.
func (h *Hunk) Body(l *Line) string {
	if l.Kind == Note || l.Kind == Text || l.Text == "\r" { // an empty line whose mark was lost
		return l.Text
	}
	return l.Text[min(h.Marks, len(l.Text)):]
}

// Parse takes a diff apart, up to some number of lines. It knows what git, Mercurial, Subversion, CVS and diff itself write: unified, combined and context diffs.
func Parse(text string, lines int) *Doc {
	p := parser{rest: text, doc: &Doc{}}
	for p.rest != "" {
		if p.doc.Lines == lines {
			p.doc.Rest = p.rest
			break
		}
		line, rest, _ := strings.Cut(p.rest, "\n")
		p.rest = rest
		p.doc.Lines++
		p.line(line)
	}
	p.endHunk()
	p.endFile()
	return p.doc
}

// parser is where the reader of a diff stands. rest begins with the line after the current one.
type parser struct {
	doc      *Doc
	rest     string
	f        *File
	h        *Hunk
	left     []int // lines the current hunk still lacks: on each old side, and on the new one
	old, new int32 // numbers of the next lines
	context  bool  // in a context diff
	named    bool  // the current file has its lines --- and +++
	oldPath  string
	newPath  string
}

func (p *parser) line(line string) {
	switch {
	case p.f != nil && p.lacks() && !strings.HasPrefix(line, gitHeader) && !p.isCut(line):
		p.hunkLine(line)
	case p.f != nil && p.hunkHead(line):
	case p.begins(line):
		p.endHunk()
		p.endFile()
		p.doc.Files = append(p.doc.Files, File{})
		p.f, p.context, p.named, p.oldPath, p.newPath = &p.doc.Files[len(p.doc.Files)-1], false, false, "", ""
		p.headLine(line)
	case p.h == nil:
		p.headLine(line)
	case p.context:
		p.contextLine(line)
	case strings.HasPrefix(line, noNewline) && p.h.Marks > 0:
		p.add(Line{Kind: Note, Text: line})
	default:
		p.textLine(line)
	}
}

// begins tells whether a line is the first of a file's part.
func (p *parser) begins(line string) bool {
	if p.f == nil {
		return true
	}
	inHead := p.h == nil
	switch {
	case strings.HasPrefix(line, indexWord):
		return true
	case strings.HasPrefix(line, diffWord):
		return !inHead || !strings.HasPrefix(p.f.Head[0], indexWord) || slices.ContainsFunc(p.f.Head, func(s string) bool { return strings.HasPrefix(s, diffWord) })
	case p.isNames(line), p.isContext(line):
		return !inHead || p.named
	}
	return false
}

// isNames knows "--- name" by the line "+++ name" below it.
func (p *parser) isNames(line string) bool {
	return strings.HasPrefix(line, oldName) && strings.HasPrefix(p.rest, newName)
}

// isCut tells whether a hunk that lacks lines ends before a line all the same: names and the head of a hunk follow, which no hunk has in it.
func (p *parser) isCut(line string) bool {
	if !p.isNames(line) {
		return false
	}
	_, third, _ := strings.Cut(p.rest, "\n")
	third, _, _ = strings.Cut(third, "\n")
	_, _, ok := ranges(third)
	return ok
}

// isContext knows the first line of a context diff by the two below it.
func (p *parser) isContext(line string) bool {
	if !strings.HasPrefix(line, oldContext) || !strings.HasPrefix(p.rest, oldName) {
		return false
	}
	_, third, _ := strings.Cut(p.rest, "\n")
	return strings.HasPrefix(third, contextBar)
}

func (p *parser) headLine(line string) {
	f := p.f
	if p.context && strings.HasPrefix(line, contextBar) {
		p.open(Hunk{Head: line, Marks: 2})
		return
	}
	f.Head = append(f.Head, line)
	line = strings.TrimSuffix(line, "\r")
	switch {
	case p.isContext(line):
		p.context = true
		p.oldPath = pathOf(line[len(oldContext):])
	case strings.HasPrefix(line, oldName) && (p.context || strings.HasPrefix(p.rest, newName)):
		if p.context {
			p.named, p.newPath = true, pathOf(line[len(oldName):])
			return
		}
		p.oldPath = pathOf(line[len(oldName):])
	case strings.HasPrefix(line, newName) && !p.named && p.oldPath != "":
		p.named, p.newPath = true, pathOf(line[len(newName):])
	case strings.HasPrefix(line, binaryPatch):
		f.Binary = true
		p.open(Hunk{})
	case isBinaryNotice([]byte(line)):
		f.Binary = true
	default:
		f.extended(line)
	}
}

// extended reads one of the lines of git, Subversion or Mercurial that say more than names.
func (f *File) extended(line string) {
	word := func(prefix string) (string, bool) { return strings.CutPrefix(line, prefix) }
	if s, ok := word("old mode "); ok {
		f.OldMode = s
	} else if s, ok := word("new mode "); ok {
		f.NewMode = s
	} else if s, ok := word("new file mode "); ok {
		f.Verb, f.NewMode = Made, s
	} else if s, ok := word("deleted file mode "); ok {
		f.Verb, f.OldMode = Removed, s
	} else if s, ok := word("rename from "); ok {
		f.Verb, f.Old = Renamed, unquoted(s)
	} else if s, ok := word("rename to "); ok {
		f.Verb, f.New = Renamed, unquoted(s)
	} else if s, ok := word("copy from "); ok {
		f.Verb, f.Old = Copied, unquoted(s)
	} else if s, ok := word("copy to "); ok {
		f.Verb, f.New = Copied, unquoted(s)
	}
}

// hunkHead begins a hunk if the line is the head of one.
func (p *parser) hunkHead(line string) bool {
	if len(line) == 0 || line[0] != '@' {
		return false
	}
	starts, counts, ok := ranges(line)
	if !ok {
		return false
	}
	p.open(Hunk{Head: line, Marks: len(counts) - 1})
	p.left = counts
	p.old, p.new = int32(starts[0]), int32(starts[len(starts)-1])
	if len(counts) > 2 {
		p.old = 0
	}
	return true
}

func (p *parser) open(h Hunk) {
	p.endHunk()
	p.f.Hunks = append(p.f.Hunks, h)
	p.h = &p.f.Hunks[len(p.f.Hunks)-1]
}

func (p *parser) lacks() bool {
	return slices.ContainsFunc(p.left, func(n int) bool { return n > 0 })
}

func (p *parser) endHunk() {
	if p.h != nil && p.lacks() {
		p.h.Short = true
	}
	p.h, p.left = nil, nil
}

// hunkLine takes a line of a hunk that lacks some.
func (p *parser) hunkLine(line string) {
	marks := line[:min(len(line), p.h.Marks)]
	switch {
	case strings.HasPrefix(line, noNewline):
		p.add(Line{Kind: Note, Text: line})
	case strings.Trim(marks, " +-") != "" && strings.TrimRight(line, "\r") != "":
		if !p.hunkHead(line) { // a hunk that was cut short, or a line that a mail program has wrapped
			p.add(Line{Kind: Text, Text: line})
		}
	case strings.Contains(marks, "-"):
		p.count(marks, '-', true)
		p.add(Line{Kind: Remove, Old: p.next(&p.old), Text: line})
	case strings.Contains(marks, "+"):
		p.count(marks, '+', false)
		p.left[len(p.left)-1]--
		p.add(Line{Kind: Add, New: p.next(&p.new), Text: line})
	default:
		p.count(marks, '+', false)
		p.left[len(p.left)-1]--
		p.add(Line{Kind: Context, Old: p.next(&p.old), New: p.next(&p.new), Text: line})
	}
}

// count takes a line from the old sides whose mark is the given one, or is not.
func (p *parser) count(marks string, mark byte, is bool) {
	for i := range len(p.left) - 1 {
		m := byte(' ')
		if i < len(marks) {
			m = marks[i]
		}
		if (m == mark) == is {
			p.left[i]--
		}
	}
}

// next counts a number up, and is what it was; without one it stays 0.
func (p *parser) next(n *int32) int32 {
	if *n == 0 && n == &p.old && p.h.Marks > 1 {
		return 0
	}
	*n++
	return *n - 1
}

func (p *parser) add(l Line) {
	switch l.Kind {
	case Add:
		p.f.Added++
	case Remove:
		p.f.Removed++
	}
	p.h.Lines = append(p.h.Lines, l)
}

// textLine takes a line behind a hunk that is no part of it.
func (p *parser) textLine(line string) {
	if p.h.Head != "" {
		p.open(Hunk{})
	}
	p.add(Line{Kind: Text, Text: line})
}

// contextLine takes a line of a hunk of a context diff: first those of the old side, then those of the new one.
func (p *parser) contextLine(line string) {
	if strings.HasPrefix(line, contextBar) {
		p.open(Hunk{Head: line, Marks: 2})
		p.old, p.new = 0, 0
		return
	}
	if n, ok := contextRange(line, "*** ", " ****"); ok {
		p.old, p.new = n, 0
		p.add(Line{Kind: Text, Text: line})
		return
	}
	if n, ok := contextRange(line, "--- ", " ----"); ok {
		p.old, p.new = 0, n
		p.add(Line{Kind: Text, Text: line})
		return
	}
	mark := line[:min(len(line), 2)]
	switch {
	case p.old > 0 && (mark == "! " || mark == "- "):
		p.add(Line{Kind: Remove, Old: p.old, Text: line})
		p.old++
	case p.new > 0 && (mark == "! " || mark == "+ "):
		p.add(Line{Kind: Add, New: p.new, Text: line})
		p.new++
	case mark == "  " && p.old > 0:
		p.add(Line{Kind: Context, Old: p.old, Text: line})
		p.old++
	case mark == "  " && p.new > 0:
		p.add(Line{Kind: Context, New: p.new, Text: line})
		p.new++
	default:
		p.add(Line{Kind: Text, Text: line})
	}
}

// contextRange reads "*** 1,3 ****", the head of one side of a hunk.
func contextRange(line, before, after string) (int32, bool) {
	s, ok := strings.CutPrefix(line, before)
	s, ok2 := strings.CutSuffix(strings.TrimSuffix(s, "\r"), after)
	n := digits([]byte(s))
	if !ok || !ok2 || n == 0 {
		return 0, false
	}
	return int32(count([]byte(s[:n]))), true
}

// ranges reads "@@ -a[,b] +c[,d] @@", or with more parents "@@@ -a,b -c,d +e,f @@@": where each side begins, and how many lines it has, the new side last.
func ranges(line string) (starts, counts []int, ok bool) {
	at := len(line) - len(strings.TrimLeft(line, "@"))
	if at < 2 || at > maxParents+1 {
		return nil, nil, false
	}
	rest := []byte(line[at:min(len(line), at+at*maxHunkHead)])
	starts, counts = make([]int, 0, at), make([]int, 0, at)
	for i := range at {
		sign := " -"
		if i == at-1 {
			sign = " +"
		}
		if rest, ok = after(rest, sign); !ok {
			return nil, nil, false
		}
		starts = append(starts, count(rest[:digits(rest)]))
		var written []byte
		if written, rest, ok = span(rest); !ok {
			return nil, nil, false
		}
		counts = append(counts, count(written))
	}
	if _, ok = after(rest, " "+line[:at]); !ok {
		return nil, nil, false
	}
	return starts, counts, true
}
