// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"bytes"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/format/diff"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// What a page shows of a diff at most. What is not on the page of a patch is a link away; what is not on that page is in the download.
const (
	maxDiffBytes  = 8 << 20 // of a diff that is looked at
	maxDiffLines  = 50_000
	maxFiles      = 1000    // that are listed
	maxOpenLines  = 3000    // on the page of a patch, of all files together
	maxOpenFile   = 1500    // of one file there
	maxOpenBytes  = 1 << 20 // of all files together
	maxAloneLines = 25_000  // of a file on a page of its own
	maxAloneBytes = 4 << 20
	maxLine       = 8 << 10 // bytes of one line
)

// diffPage is a diff as a page shows it.
type diffPage struct {
	files          []*diffFile
	added, removed int
	count          int    // files of the diff
	cut            bool   // there is more of it than files
	path           string // where the patch is shown
	view           view
	plain          bool   // there are colours that it lacks
	alone          bool   // the page has nothing but the diff
	said           []said // of the message above the diff
}

// diffFile is what a diff does to one file.
type diffFile struct {
	*diff.File
	n       int
	lines   int
	html    string // its lines; empty: they are shown elsewhere
	folded  bool
	cut     bool // html lacks lines at the end
	colours coloured
	crlf    bool // all its lines end with CR and LF
	said    []said
}

// anchor is the id of the file on the page.
func (f *diffFile) anchor() string { return "f" + strconv.Itoa(f.n) }

// readDiff takes the diff of a patch apart. nil: it has none.
func readDiff(d *patch.Detail) (doc *diff.Doc, cut bool) {
	raw := d.Diff
	if len(raw) == 0 {
		return nil, false
	}
	if len(raw) > maxDiffBytes {
		raw, cut = raw[:bytes.LastIndexByte(raw[:maxDiffBytes], '\n')+1], true
	}
	part := mailmsg.Part{Type: "text/plain", Charset: d.Charset, Body: raw}
	text, _ := part.Text()
	doc = diff.Parse(strings.ToValidUTF8(text, "\uFFFD"), maxDiffLines)
	return doc, cut || doc.Rest != ""
}

// newDiffPage makes the diff of a patch ready to be shown on its page, or alone on one of its own, then perhaps only one of its files.
func newDiffPage(c *web.Call, paints palette, d *patch.Detail, comments []*patch.Comment, linkname string, alone bool) (*diffPage, error) {
	doc, cut := readDiff(d)
	if doc == nil {
		return nil, nil
	}
	p := &diffPage{cut: cut, count: len(doc.Files), path: patch.PagePath(linkname, patch.KindPatch, d.MsgID), alone: alone, view: readView(c)}
	only := -1
	if s := c.R.URL.Query().Get("file"); s != "" && alone {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n >= len(doc.Files) {
			return nil, fault.New(fault.NotFound, "this diff has no file %q", s)
		}
		only = n
	}
	room := room{lines: maxOpenLines, bytes: maxOpenBytes, file: maxOpenFile}
	if alone {
		room.lines, room.bytes, room.file = maxAloneLines, maxAloneBytes, maxAloneLines
	}
	replies := readReplies(doc, d, comments)
	p.said = replies.of(-1)
	for i := range doc.Files {
		f := &diffFile{File: &doc.Files[i], n: i, said: replies.of(i)}
		p.added, p.removed = p.added+f.Added, p.removed+f.Removed
		if only >= 0 && i != only {
			continue
		}
		if only < 0 && len(p.files) == maxFiles {
			p.cut = true
			break
		}
		p.files = append(p.files, f)
		f.measure()
		f.folded = !room.take(f, only >= 0)
	}
	p.plain = paints.colour(d.Diff, p.files, p.view.colours)
	for _, f := range p.files {
		if !f.folded {
			f.html = p.view.html(f, p.path)
		}
	}
	return p, nil
}

// measure counts the lines of a file, and finds out how they end.
func (f *diffFile) measure() {
	f.lines = len(f.Head)
	f.crlf = true
	for i := range f.Hunks {
		h := &f.Hunks[i]
		f.lines += len(h.Lines)
		for k := range h.Lines {
			l := &h.Lines[k]
			f.crlf = f.crlf && (l.Kind > diff.Remove || strings.HasSuffix(l.Text, "\r"))
		}
	}
	f.crlf = f.crlf && f.Added+f.Removed > 0
}

// size is about how many bytes the lines of a file have.
func (f *diffFile) size() int {
	n := 0
	for i := range f.Hunks {
		for k := range f.Hunks[i].Lines {
			n += min(len(f.Hunks[i].Lines[k].Text), maxLine)
		}
	}
	return n
}

// room is what a page still has room for.
type room struct {
	lines, bytes int
	file         int // lines of one file
}

// take tells whether a file is shown on the page; a binary one has nothing to see. One that was asked for is shown as far as it goes.
func (r *room) take(f *diffFile, asked bool) bool {
	if asked {
		f.cut = f.lines > r.lines || f.size() > r.bytes
		return true
	}
	if f.Binary && len(f.Hunks) > 0 || f.lines > r.file || f.lines > r.lines {
		return false
	}
	size := f.size()
	if size > r.bytes {
		return false
	}
	r.lines, r.bytes = r.lines-f.lines, r.bytes-size
	return true
}

// summary counts what changes.
func (p *diffPage) summary() string {
	return fmt.Sprintf("%s, +%d −%d", plural(p.count, "file"), p.added, p.removed)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// link is the address of the page of the diff alone.
func (p *diffPage) link() string { return p.path + "diff/" + p.view.query("") }

// coloursLink is the address of the same diff in colours.
func (p *diffPage) coloursLink() string {
	more := "colours=1"
	if p.alone && len(p.files) == 1 && p.count > 1 {
		more = "file=" + strconv.Itoa(p.files[0].n) + "&colours=1"
	}
	return p.path + "diff/" + p.view.query(more)
}

// fileLink is the address of a page with one file of the diff.
func (p *diffPage) fileLink(f *diffFile) string {
	return p.path + "diff/" + p.view.query("file="+strconv.Itoa(f.n))
}

// notes say what the diff does to a file besides its lines.
func (f *diffFile) notes() string {
	var s []string
	switch f.Verb {
	case diff.Made:
		s = append(s, "new")
	case diff.Removed:
		s = append(s, "deleted")
	case diff.Renamed:
		s = append(s, "renamed from "+shown(f.Old))
	case diff.Copied:
		s = append(s, "copied from "+shown(f.Old))
	}
	switch {
	case f.OldMode != "" && f.NewMode != "":
		s = append(s, "mode "+visible(f.OldMode)+" → "+visible(f.NewMode))
	case f.NewMode == "100755":
		s = append(s, "executable")
	case f.NewMode == "120000", f.OldMode == "120000":
		s = append(s, "symbolic link")
	}
	if f.Binary {
		s = append(s, "binary")
	}
	if f.crlf {
		s = append(s, "lines end with CR LF")
	}
	if n := len(f.said); n > 0 {
		s = append(s, plural(n, "remark"))
	}
	return strings.Join(s, ", ")
}

// folder is some files of a diff that stand in one directory.
type folder struct {
	name  string // empty: the root
	files []*diffFile
}

// folders are the files in the order of the diff, those of a directory that follow one another together.
func (p *diffPage) folders() []folder {
	var out []folder
	for _, f := range p.files {
		dir := path.Dir(f.Name())
		if dir == "." {
			dir = ""
		}
		if len(out) == 0 || out[len(out)-1].name != dir {
			out = append(out, folder{name: dir})
		}
		last := &out[len(out)-1]
		last.files = append(last.files, f)
	}
	return out
}

// diffAlone answers …/diff/: the diff of a patch without the rest of its page, or one file of it.
func (p *Pages) diffAlone(c *web.Call, pr project.Project, m *mailstore.Message) error {
	d, err := patch.ReadPatch(c.R.Context(), p.db, m.ID)
	if err != nil {
		return err
	}
	comments, err := patch.Comments(c.R.Context(), p.db, patch.Target{Patch: d.ID})
	if err != nil {
		return err
	}
	page, err := newDiffPage(c, p.palette, d, comments, pr.Linkname, true)
	if err != nil {
		return err
	}
	if page == nil {
		return fault.New(fault.NotFound, "this patch has no diff")
	}
	meta := web.Meta{Title: "Diff of " + shown(d.Name), Project: pr.Linkname, Name: pr.Name, NavHTML: pr.NavHTML, Scripts: []string{"diff.js"}, NoIndex: true}
	return c.Render(http.StatusOK, meta, diffAloneView(page, d))
}
