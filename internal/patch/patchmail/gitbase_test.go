// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// oldFile is a file as a patch wants to find it.
type oldFile struct {
	mode    string
	lines   map[int]string // what the hunks tell, by line number from 1
	last    int
	noEOL   bool // the last line has no newline
	deleted bool
	fresh   bool // does not exist before
}

func (f *oldFile) content() string {
	if f.last == 0 {
		if f.deleted {
			return ""
		}
		return "nothing is known of this file\n"
	}
	var b strings.Builder
	for i := 1; i <= f.last; i++ {
		if line, ok := f.lines[i]; ok {
			b.WriteString(line)
		} else {
			fmt.Fprintf(&b, "line %d", i)
		}
		if i < f.last || !f.noEOL {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// baseReader makes the files that a patch, as git mailinfo leaves it, can be applied to. It knows as much of the format as git diff writes.
type baseReader struct {
	files    map[string]*oldFile
	cur      *oldFile
	name     string
	old, new int // lines the hunk still lacks
	at       int
	before   byte // the kind of the line before in the hunk: "+", or " " for one of the old file
	odd      bool // something this reader does not know, or a file that is changed twice
}

// crlfThroughout matches the mails of programs that sent a patch with CRLF, encoded: the files it is for have LF all the same.
var crlfThroughout = regexp.MustCompile(`(?m)^@@ -.*\r$`)

// readBase adds the files to the map; false if that can't be done.
func readBase(files map[string]*oldFile, patch []byte) bool {
	r := &baseReader{files: files}
	text := strings.TrimSuffix(string(patch), "\n")
	if crlfThroughout.MatchString(text) {
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	for line := range strings.SplitSeq(text, "\n") {
		if r.old > 0 || r.new > 0 {
			r.hunkLine(line)
		} else {
			r.line(line)
		}
	}
	r.finish()
	return !r.odd
}

func (r *baseReader) line(line string) {
	word := func(prefix string) (string, bool) { return strings.CutPrefix(line, prefix) }
	if rest, ok := word("diff --git "); ok {
		r.finish()
		r.begin(sameNames(rest))
	} else if rest, ok := word("--- "); ok && !strings.HasPrefix(rest, "-") {
		if r.cur == nil || len(r.cur.lines) > 0 {
			r.finish()
			r.begin("")
		}
		r.oldName(rest)
	} else if rest, ok := word("@@ -"); ok && r.cur != nil {
		r.hunk(rest)
	} else if r.cur == nil {
		return
	} else if strings.HasPrefix(line, `\ No newline`) {
		r.noNewline()
	} else if rest, ok := word("rename from "); ok {
		r.name = rest
	} else if rest, ok := word("copy from "); ok {
		r.name = rest
	} else if rest, ok := word("old mode "); ok {
		r.cur.mode = rest
	} else if rest, ok := word("deleted file mode "); ok {
		r.cur.mode, r.cur.deleted = rest, true
	} else if strings.HasPrefix(line, "new file mode ") {
		r.cur.fresh = true
	} else if rest, ok := word("index "); ok {
		if f := strings.Fields(rest); len(f) == 2 {
			r.cur.mode = f[1]
		}
	}
}

func (r *baseReader) begin(name string) {
	r.cur, r.name, r.at = &oldFile{mode: "100644", lines: map[int]string{}}, name, 0
}

// sameNames is x of "a/x b/x".
func sameNames(s string) string {
	half := len(s) / 2
	if len(s)%2 == 1 && s[half] == ' ' && strings.HasPrefix(s, "a/") && strings.TrimPrefix(s[:half], "a/") == strings.TrimPrefix(s[half+1:], "b/") {
		return s[2:half]
	}
	return ""
}

func (r *baseReader) oldName(s string) {
	s, _, _ = strings.Cut(s, "\t")
	s = strings.TrimRight(s, "\r")
	if s == "/dev/null" {
		r.cur.fresh = true
		return
	}
	_, r.name, _ = strings.Cut(s, "/")
}

func (r *baseReader) hunk(s string) {
	old, rest, ok := strings.Cut(s, " +")
	new, _, ok2 := strings.Cut(rest, " @@")
	start, oldLines := hunkRange(old)
	_, newLines := hunkRange(new)
	r.odd = r.odd || !ok || !ok2 || start < r.at || start+oldLines > 200000
	r.at, r.old, r.new = start, oldLines, newLines
}

func hunkRange(s string) (start, lines int) {
	a, b, more := strings.Cut(s, ",")
	start, _ = strconv.Atoi(a)
	lines = 1
	if more {
		lines, _ = strconv.Atoi(b)
	}
	return start, lines
}

func (r *baseReader) hunkLine(line string) {
	switch {
	case strings.HasPrefix(line, "+"):
		r.new--
		r.before = '+'
	case strings.HasPrefix(line, "-"):
		r.old--
		r.keep(line[1:])
	case strings.HasPrefix(line, " "), line == "":
		r.old--
		r.new--
		r.keep(strings.TrimPrefix(line, " "))
	case strings.HasPrefix(line, `\`):
		r.noNewline()
	default:
		r.odd, r.old, r.new = true, 0, 0
	}
}

func (r *baseReader) keep(line string) {
	r.odd = r.odd || r.cur.noEOL
	r.cur.lines[r.at] = line
	r.cur.last = r.at
	r.at++
	r.before = ' '
}

func (r *baseReader) noNewline() {
	r.cur.noEOL = r.cur.noEOL || r.before == ' '
}

func (r *baseReader) finish() {
	if r.cur == nil {
		return
	}
	switch {
	case r.cur.fresh:
		r.name = ""
	case r.name == "" || r.name[0] == '"' || r.files[r.name] != nil || r.cur.mode == "160000":
		r.odd = true
	default:
		r.files[r.name] = r.cur
	}
	r.cur = nil
}

// workshop is a git repository in which patches are tried.
type workshop struct {
	t   *testing.T
	dir string
	n   int
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	parent := "/dev/shm"
	if _, err := os.Stat(parent); err != nil {
		parent = ""
	}
	dir, err := os.MkdirTemp(parent, "pwgit")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	runGit(t, dir, nil, "init", "-q")
	return &workshop{t: t, dir: dir}
}

// base commits the files that mails can be applied to one after the other; false if they can't be made up.
func (w *workshop) base(mails ...[]byte) (commit string, ok bool) {
	files := map[string]*oldFile{}
	for _, raw := range mails {
		patch := filepath.Join(w.dir, ".git", "patch")
		if _, err := tryGit(w.dir, raw, "mailinfo", filepath.Join(w.dir, ".git", "msg"), patch); err != nil {
			return "", false
		}
		text, err := os.ReadFile(patch)
		if err != nil {
			w.t.Error(err)
		}
		if !readBase(files, text) {
			return "", false
		}
	}
	w.n++
	commit = fmt.Sprintf("refs/heads/base-%d", w.n)
	var b bytes.Buffer
	fmt.Fprintf(&b, "commit %s\ncommitter c <c@people.example> 1600000000 +0000\ndata 0\n", commit)
	for name, f := range files {
		content := f.content()
		fmt.Fprintf(&b, "M %s inline %s\ndata %d\n%s\n", f.mode, name, len(content), content)
	}
	_, err := tryGit(w.dir, b.Bytes(), "fast-import", "--quiet")
	return commit, err == nil
}

// apply has git am apply the mails of a file to a base and returns the commits, oldest first.
func (w *workshop) apply(base string, file []byte, args ...string) ([]result, error) {
	if out, err := tryGit(w.dir, nil, "reset", "-q", "--hard", base); err != nil {
		return nil, fmt.Errorf("git reset: %w: %s", err, out)
	}
	path := filepath.Join(w.dir, ".git", "mail")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		return nil, err
	}
	if out, err := tryGit(w.dir, nil, append(append([]string{"am", "-q"}, args...), path)...); err != nil {
		if err := os.RemoveAll(filepath.Join(w.dir, ".git", "rebase-apply")); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("git am: %w: %s", err, out)
	}
	return w.commits(base)
}

// applyEach is apply for mails that are in a file each.
func (w *workshop) applyEach(base string, mails [][]byte) ([]result, error) {
	var all []byte
	for _, raw := range mails {
		all = append(all, "From sender Thu Jan  1 00:00:00 1970\n"...)
		all = append(all, raw...)
		all = append(bytes.TrimRight(all, "\n"), "\n\n"...)
	}
	return w.apply(base, all)
}

func (w *workshop) commits(base string) ([]result, error) {
	out, err := tryGit(w.dir, nil, "log", "--reverse", "--format=raw", "-z", "--no-decorate", base+"..HEAD")
	if err != nil {
		return nil, fmt.Errorf("git log: %w: %s", err, out)
	}
	var all []result
	for commit := range strings.SplitSeq(out, "\x00") {
		all = append(all, resultOf(commit))
	}
	return all, nil
}

// result is a commit: its tree, author and message.
type result struct{ tree, author, message string }

// resultOf reads what git log --format=raw prints: the message is indented.
func resultOf(commit string) result {
	head, message, _ := strings.Cut(commit, "\n\n")
	r := result{}
	for line := range strings.Lines(message) {
		r.message += strings.TrimPrefix(line, "    ")
	}
	for line := range strings.SplitSeq(head, "\n") {
		if rest, ok := strings.CutPrefix(line, "tree "); ok {
			r.tree = rest
		} else if rest, ok := strings.CutPrefix(line, "author "); ok {
			r.author = rest
		}
	}
	r.message = strings.TrimRight(r.message, "\n")
	return r
}
