// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import "bytes"

// state is where the splitter stands between two lines.
type state int

const (
	inText     state = iota
	inHeader         // after "diff " or "Index: ", nothing certain yet
	sawOld           // after "--- "
	sawNew           // after "+++ ", or at the end of a hunk
	inHunk           // within a hunk, counts not used up
	inExtended       // among git's extended header lines
	inBinary         // within a git binary patch
	inCombined       // within a hunk of a combined diff, counts not used up
	inContext        // within a context diff
)

// A splitter assigns the lines of one text, in order, to the comment or to the
// diff. Lines up to kept are assigned; the rest up to the current line wait
// for a later line to tell what they are.
type splitter struct {
	text             []byte
	state            state
	hunks            int   // completed so far
	oldLeft, newLeft int   // lines the current hunk still lacks
	parents          []int // the same for the old sides of a combined hunk
	blank            bool  // the line before, of a binary patch, was empty
	kept             int
	runs             []run
}

// run is a stretch of lines with one destination, from the end of the run
// before it.
type run struct {
	end    int
	isDiff bool
}

// Split separates the decoded text of a mail into the diff and everything
// else, each in the order of the text. As Patchwork 3.2 does, the text is cut
// at LF and every piece ends with LF: a missing last newline is supplied, and a
// text that has one gains an empty line, which becomes part of a hunk that was
// cut short. diff is nil when there is none. Neither result shares memory with
// text.
//
// Patchwork 3.2 loses a patch whose only change is a "Binary files differ"
// line or a context diff, cuts off combined diffs (diff --cc), moves the header lines of a file that follows a binary one into the
// comment, takes text into the diff from a line on that happens to begin with
// the word "diff", and takes the mail's signature into a diff that ends with a binary
// file; here these stay with, or out of, the diff.
func Split(text []byte) (comment, diff []byte) {
	var room [16]run
	s := splitter{text: text, runs: room[:0]}
	for start := 0; start <= len(text); {
		end := len(text)
		if n := bytes.IndexByte(text[start:], '\n'); n >= 0 {
			end = start + n
		}
		s.line(text[start:end], end+1)
		start = end + 1
	}
	if s.kept <= len(text) {
		s.keep(len(text)+1, false)
	}
	return s.results()
}

// keep assigns the waiting lines up to end.
func (s *splitter) keep(end int, isDiff bool) {
	s.kept = end
	if n := len(s.runs); n > 0 && s.runs[n-1].isDiff == isDiff {
		s.runs[n-1].end = end
		return
	}
	s.runs = append(s.runs, run{end, isDiff})
}

// results copies the runs into one allocation, comment first.
func (s *splitter) results() (comment, diff []byte) {
	size, start := 0, 0
	for _, r := range s.runs {
		if !r.isDiff {
			size += r.end - start
		}
		start = r.end
	}
	all := make([]byte, len(s.text)+1)
	comment, diff = all[:0:size], all[size:size]
	start = 0
	for _, r := range s.runs {
		piece := s.text[start:min(r.end, len(s.text))]
		newline := r.end > len(s.text)
		if r.isDiff {
			diff = appendPiece(diff, piece, newline)
		} else {
			comment = appendPiece(comment, piece, newline)
		}
		start = r.end
	}
	if len(diff) == 0 {
		diff = nil
	}
	return comment, diff
}

func appendPiece(to, piece []byte, newline bool) []byte {
	to = append(to, piece...)
	if newline {
		to = append(to, '\n')
	}
	return to
}

// line advances the machine by one line, which ends before end.
func (s *splitter) line(line []byte, end int) {
	switch s.state {
	case inText:
		s.textLine(line, end)
	case inHeader:
		switch {
		case has(line, gitHeader) && s.proseWaits():
			s.keep(end-len(line)-1, false)
		case has(line, oldName):
			s.state = sawOld
		case isExtended(line):
			s.state = inExtended
		case isBinaryNotice(line) && s.headerWaits():
			s.to(inExtended, end, true)
		case s.beginsContext(line, end):
			s.to(inContext, end, true)
		}
	case sawOld:
		switch {
		case has(line, newName):
			s.state = sawNew
		case s.hunks > 0:
			s.state = inHeader
		default:
			s.to(inText, end, false)
		}
	case sawNew:
		s.headLine(line, end)
	case inHunk:
		s.hunkLine(line, end)
	case inExtended:
		s.extendedLine(line, end)
	case inBinary:
		s.binaryLine(line, end)
	case inCombined:
		s.combinedLine(line, end)
	case inContext:
		s.contextLine(line, end)
	}
}

// headerWaits tells whether the lines that wait begin as a program writes them.
func (s *splitter) headerWaits() bool {
	return s.kept < len(s.text) && (has(s.text[s.kept:], "diff -") || has(s.text[s.kept:], indexWord))
}

// proseWaits tells whether the lines that wait begin with the word "diff" but not as diff writes it, with options: then they are text.
func (s *splitter) proseWaits() bool {
	return s.hunks == 0 && s.kept < len(s.text) && has(s.text[s.kept:], diffWord) && !has(s.text[s.kept:], "diff -")
}

// to assigns all lines up to end and goes on in the state next.
func (s *splitter) to(next state, end int, isDiff bool) {
	s.keep(end, isDiff)
	s.state = next
}

func (s *splitter) textLine(line []byte, end int) {
	switch {
	case has(line, oldName):
		s.state = sawOld
	case isHeader(line):
		s.state = inHeader
	case s.beginsContext(line, end):
		s.to(inContext, end, true)
	default:
		s.keep(end, false)
	}
}

// headLine is the line after "+++ " or after a hunk.
func (s *splitter) headLine(line []byte, end int) {
	if h, ok := parseHunk(line); ok {
		s.oldLeft, s.newLeft = h.oldLines(), h.newLines()
		s.to(inHunk, end, true)
		return
	}
	if s.combinedHunk(line) {
		s.to(inCombined, end, true)
		return
	}
	switch {
	case has(line, oldName):
		s.to(sawOld, end, true)
	case s.hunks > 0 && has(line, noNewline):
		s.keep(end, true)
	case s.hunks > 0:
		s.state = inHeader
	default:
		s.to(inText, end, false)
	}
}

func (s *splitter) hunkLine(line []byte, end int) {
	var first byte
	if len(line) > 0 {
		first = line[0]
	}
	switch {
	case first == '-':
		s.oldLeft--
	case first == '+':
		s.newLeft--
	case has(line, noNewline):
	default:
		s.oldLeft--
		s.newLeft--
	}
	s.keep(end, true)
	if s.oldLeft <= 0 && s.newLeft <= 0 {
		s.hunks++
		s.state = sawNew
	}
}

func (s *splitter) extendedLine(line []byte, end int) {
	switch {
	case isExtended(line), isBinaryNotice(line):
		s.keep(end, true)
	case has(line, oldName):
		s.to(sawOld, end, true)
	case has(line, binaryPatch):
		s.to(inBinary, end, true)
	case s.emptyFileWaits():
		s.to(inText, end-len(line)-1, true)
		s.textLine(line, end)
	default:
		s.state = inHeader
	}
}

// emptyFileWaits tells whether what waits is a header that makes or removes a file and says all there is to say, as Mercurial writes it of an empty one.
func (s *splitter) emptyFileWaits() bool {
	if s.kept >= len(s.text) || !has(s.text[s.kept:], gitHeader) {
		return false
	}
	_, second, _ := bytes.Cut(s.text[s.kept:], []byte("\n"))
	return has(second, "new file mode ") || has(second, "deleted file mode ")
}

// binaryLine ends the patch where git ends it: at an empty line that no
// further block follows. Patchwork 3.2 goes on to the next "diff".
func (s *splitter) binaryLine(line []byte, end int) {
	switch {
	case has(line, diffWord):
		s.state = inHeader
	case isSignature(line), s.blank && !isBinaryBlock(line):
		s.blank = false
		s.to(inText, end, false)
	default:
		s.blank = len(withoutCR(line)) == 0
		s.keep(end, true)
	}
}

const (
	signature   = "-- "
	oldName     = "--- "
	newName     = "+++ "
	diffWord    = "diff "
	gitHeader   = "diff --git "
	indexWord   = "Index: "
	noNewline   = `\ ` // "No newline at end of file", in the language of who made the diff
	binaryPatch = "GIT binary patch"
)

func has(line []byte, prefix string) bool {
	return len(line) >= len(prefix) && string(line[:len(prefix)]) == prefix
}

// isSignature knows the line that begins a signature, also after a line end of CR and LF.
func isSignature(line []byte) bool { return string(withoutCR(line)) == signature }

func withoutCR(line []byte) []byte { return bytes.TrimSuffix(line, []byte{'\r'}) }

func isHeader(line []byte) bool { return has(line, diffWord) || has(line, indexWord) }

// isExtended reports whether line is one of git's extended header lines.
func isExtended(line []byte) bool {
	for _, word := range [...]string{
		"index ", "old mode ", "new mode ", "deleted file mode ", "new file mode ",
		"copy from ", "copy to ", "rename from ", "rename to ",
		"similarity index ", "dissimilarity index ", "mode 100",
	} {
		if has(line, word) {
			return true
		}
	}
	return false
}

// isBinaryNotice reports whether line is what git and diff, Mercurial or Subversion print in place of hunks.
func isBinaryNotice(line []byte) bool {
	if len(line) == 0 || line[0] != 'B' && line[0] != 'C' {
		return false
	}
	line = withoutCR(line)
	return has(line, "Binary files ") && bytes.HasSuffix(line, []byte(" differ")) || has(line, "Binary file ") && bytes.HasSuffix(line, []byte(" has changed")) ||
		has(line, "Cannot display: file marked as a binary type.")
}

// isBinaryBlock reports whether line may follow an empty line of a git binary
// patch.
func isBinaryBlock(line []byte) bool {
	return len(withoutCR(line)) == 0 || has(line, "literal ") || has(line, "delta ")
}
