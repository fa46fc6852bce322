// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"strconv"
	"strings"

	"patchwork.example/pw/internal/format/diff"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/syntax"
)

// liner writes the lines of one file as HTML.
type liner struct {
	b      strings.Builder
	f      *diffFile
	anchor string // of the file
	view   view
	hunk   int
	page   string         // where the patch is shown
	said   map[int][]said // of the lines of the current hunk
	lines  int            // that may still come
	bytes  int
}

// html writes a file as it is to be shown.
func (v view) html(f *diffFile, page string) string {
	w := liner{f: f, anchor: f.anchor(), view: v, page: page, said: map[int][]said{}, lines: maxAloneLines, bytes: maxAloneBytes}
	w.b.Grow(min(f.lines*110, maxAloneBytes))
	if len(f.Head) > 0 {
		w.b.WriteString(beginLines)
		for _, s := range f.Head {
			w.plain(s)
		}
		w.b.WriteString(endLines)
	}
	said := f.said
	for i := range f.Hunks {
		if w.lines <= 0 || w.bytes <= 0 {
			break
		}
		clear(w.said)
		w.hunk = i
		for len(said) > 0 && said[0].Hunk == i {
			w.said[said[0].Line] = append(w.said[said[0].Line], said[0])
			said = said[1:]
		}
		h := &f.Hunks[i]
		w.head(i, h)
		if v.split && h.Marks == 1 {
			w.beside(h)
		} else {
			w.below(h)
		}
		if h.Short && !f.cut {
			w.b.WriteString(beginLines + `<span class="m">(fewer lines than the head of the hunk says)` + "\n</span>" + endLines)
		}
	}
	return w.b.String()
}

const (
	beginLines = `<pre class="diff"><code>`
	endLines   = "</code></pre>"
	beginTable = `<table class="split"><colgroup><col class="n"><col><col class="n"><col></colgroup><thead class="unseen"><tr><th scope="col">Old line</th><th scope="col">Before</th><th scope="col">New line</th><th scope="col">After</th></tr></thead><tbody>`
	endTable   = "</tbody></table>"
)

func (w *liner) head(n int, h *diff.Hunk) {
	if h.Head == "" {
		return
	}
	id := w.f.anchor() + "h" + strconv.Itoa(n)
	w.b.WriteString(beginLines + `<span class="h" id="` + id + `"><a href="#` + id + `" aria-label="Link to hunk ` + strconv.Itoa(n+1) + `">§</a>`)
	escape(&w.b, strings.TrimSuffix(h.Head, "\r"))
	w.b.WriteString("\n</span>" + endLines)
}

// below writes a hunk the way diff does: one line below the other.
func (w *liner) below(h *diff.Hunk) {
	w.b.WriteString(beginLines)
	for _, u := range units(h, w.view.spaces) {
		if w.lines--; w.lines < 0 || w.bytes < 0 {
			break
		}
		w.line(h, &u)
		w.remarks(endLines, beginLines, u.at, u.twin)
	}
	w.b.WriteString(endLines)
}

// beside writes a hunk in two columns.
func (w *liner) beside(h *diff.Hunk) {
	w.b.WriteString(beginTable)
	for _, p := range pairs(units(h, w.view.spaces)) {
		if w.lines--; w.lines < 0 || w.bytes < 0 {
			break
		}
		w.b.WriteString("<tr>")
		w.cell(h, p.old, true, p.old != p.new)
		w.cell(h, p.new, false, true)
		w.b.WriteString("</tr>\n")
		at := []int{-1, -1, -1, -1}
		if p.old != nil {
			at[0], at[1] = p.old.at, p.old.twin
		}
		if p.new != nil {
			at[2], at[3] = p.new.at, p.new.twin
		}
		w.remarks(endTable, beginTable, at...)
	}
	w.b.WriteString(endTable)
}

// cell writes one side of a row: the number and the line.
func (w *liner) cell(h *diff.Hunk, u *unit, old, named bool) {
	b := &w.b
	if u == nil {
		b.WriteString(`<td class="e"></td><td class="e"></td>`)
		return
	}
	start := b.Len()
	n := u.New
	if old {
		n = u.Old
	}
	b.WriteString(`<td`)
	numbered := u.New > 0 || u.Old > 0
	if named && numbered {
		b.WriteString(` id="`)
		w.id(u.Line)
		b.WriteByte('"')
	}
	b.WriteString(` class="` + classes[u.Kind] + `">`)
	if numbered {
		b.WriteString(`<a href="#`)
		w.id(u.Line)
		b.WriteString(`" tabindex="-1">`)
		number(b, n)
		b.WriteString("</a>")
	}
	body := h.Body(u.Line)
	b.WriteString(`</td><td class="` + classes[u.Kind] + `">`)
	if tag := edits[u.Kind]; tag != "" {
		b.WriteString("<" + tag + ">")
	}
	b.WriteString(u.Text[:len(u.Text)-len(body)])
	w.body(u, body)
	if tag := edits[u.Kind]; tag != "" {
		b.WriteString("</" + tag + ">")
	}
	b.WriteString("</td>")
	w.bytes -= b.Len() - start
}

// remarks writes what was said of lines below them.
func (w *liner) remarks(end, begin string, lines ...int) {
	if len(w.said) == 0 {
		return
	}
	open := true
	for _, at := range lines {
		for _, s := range w.said[at] {
			if open {
				w.b.WriteString(end)
				open = false
			}
			s.write(&w.b, w.page)
		}
		delete(w.said, at)
	}
	if !open {
		w.b.WriteString(begin)
	}
}

// The elements of added and removed lines, which screen readers know, and the classes of all.
var (
	classes = [...]string{diff.Context: "c", diff.Add: "a", diff.Remove: "d", diff.Note: "m", diff.Text: "m"}
	edits   = [...]string{diff.Add: "ins", diff.Remove: "del", diff.Note: "", diff.Text: ""}
)

// begins and ends are what stands around a line of each kind; behind it comes the id.
var (
	begins = [...]string{diff.Context: `<span class="c"`, diff.Add: `<ins class="a"`, diff.Remove: `<del class="d"`, diff.Note: `<span class="m"`, diff.Text: `<span class="m"`}
	ends   = [...]string{diff.Context: "\n</span>", diff.Add: "\n</ins>", diff.Remove: "\n</del>", diff.Note: "\n</span>", diff.Text: "\n</span>"}
)

func (w *liner) line(h *diff.Hunk, u *unit) {
	b := &w.b
	start := b.Len()
	b.WriteString(begins[u.Kind])
	if u.New > 0 || u.Old > 0 {
		b.WriteString(` id="`)
		w.id(u.Line)
		b.WriteString(`"><a href="#`)
		w.id(u.Line)
		b.WriteString(`" tabindex="-1"><u>`)
		number(b, u.Old)
		b.WriteString("</u><u>")
		number(b, u.New)
		b.WriteString("</u></a>")
	} else {
		b.WriteByte('>')
	}
	body := h.Body(u.Line)
	b.WriteString(u.Text[:len(u.Text)-len(body)])
	w.body(u, body)
	b.WriteString(ends[u.Kind])
	w.bytes -= b.Len() - start
}

// id names a line by file, side and number: its new number, or the old one of a removed line.
func (w *liner) id(l *diff.Line) {
	w.b.WriteString(w.anchor)
	switch {
	case l.New > 0:
		w.b.WriteByte('n')
		number(&w.b, l.New)
	case l.Old > 0:
		w.b.WriteByte('o')
		number(&w.b, l.Old)
	}
}

func number(b *strings.Builder, n int32) {
	if n > 0 {
		var digits [10]byte
		b.Write(strconv.AppendInt(digits[:0], int64(n), 10))
	}
}

// body writes a line without its marks.
func (w *liner) body(u *unit, s string) {
	b := &w.b
	cr := strings.HasSuffix(s, "\r")
	s, over := cutLine(strings.TrimSuffix(s, "\r"))
	end := len(s)
	if u.Kind == diff.Add && over == 0 {
		end = len(strings.TrimRight(s, " \t"))
	}
	var runs []syntax.Run
	if w.hunk < len(w.f.colours) && u.at < len(w.f.colours[w.hunk]) {
		runs = w.f.colours[w.hunk][u.at]
	}
	at := 0
	for _, r := range u.changed {
		if from, to := min(r.Begin, end), min(r.End, end); from < to {
			hued(b, s, at, from, runs)
			b.WriteString(`<b class="x">`)
			hued(b, s, from, to, runs)
			b.WriteString("</b>")
			at = to
		}
	}
	hued(b, s, at, end, runs)
	if end < len(s) {
		b.WriteString(`<b class="ws">` + s[end:] + "</b>")
	}
	if over > 0 {
		b.WriteString(`<b class="ctl">` + strconv.Itoa(over) + ` bytes more, see the download</b>`)
	}
	if cr && !w.f.crlf && u.Kind <= diff.Remove {
		b.WriteString(`<b class="ctl">CR</b>`)
	}
}

// plain writes a line that is in no hunk.
func (w *liner) plain(s string) {
	w.b.WriteString(`<span class="m">`)
	s, _ = cutLine(strings.TrimSuffix(s, "\r"))
	escape(&w.b, s)
	w.b.WriteString("\n</span>")
	w.lines--
	w.bytes -= len(s)
}

// cutLine keeps as much of a line as a page shows; over is how many bytes are left out.
func cutLine(s string) (kept string, over int) {
	if len(s) <= maxLine {
		return s, 0
	}
	kept = fold.Cut(s[:maxLine], maxLine)
	if n := len(kept); n > 3 && strings.HasSuffix(kept, "\uFFFD") { // half a character
		kept = kept[:n-3]
	}
	return kept, len(s) - len(kept)
}
