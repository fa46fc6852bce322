// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"strconv"
	"strings"

	"patchwork.example/pw/internal/format/diff"
	"patchwork.example/pw/internal/format/fold"
)

// liner writes the lines of one file as HTML.
type liner struct {
	b     strings.Builder
	f     *diffFile
	page  string // where the patch is shown
	said  []said // of the lines to come
	lines int    // that may still come
	bytes int
}

// unified writes a file the way diff does: one line below the other, removed ones before added ones.
func unified(f *diffFile, page string) string {
	w := liner{f: f, page: page, said: f.said, lines: maxAloneLines, bytes: maxAloneBytes}
	w.b.Grow(min(f.lines*110, maxAloneBytes))
	if len(f.Head) > 0 {
		w.b.WriteString(`<pre class="diff"><code>`)
		for _, s := range f.Head {
			w.plain(s)
		}
		w.b.WriteString("</code></pre>")
	}
	for i := range f.Hunks {
		if w.lines <= 0 || w.bytes <= 0 {
			break
		}
		w.hunk(i, &f.Hunks[i])
	}
	return w.b.String()
}

func (w *liner) hunk(n int, h *diff.Hunk) {
	w.b.WriteString(`<pre class="diff"><code>`)
	if h.Head != "" {
		id := w.f.anchor() + "h" + strconv.Itoa(n)
		w.b.WriteString(`<span class="h" id="` + id + `"><a href="#` + id + `" aria-label="Link to hunk ` + strconv.Itoa(n+1) + `">§</a>`)
		escape(&w.b, strings.TrimSuffix(h.Head, "\r"))
		w.b.WriteString("\n</span>")
	}
	for i := range h.Lines {
		if w.lines--; w.lines < 0 || w.bytes < 0 {
			break
		}
		w.line(h, &h.Lines[i])
		if len(w.said) > 0 && w.said[0].Hunk == n && w.said[0].Line == i {
			w.remarks(n, i)
		}
	}
	if h.Short && !w.f.cut {
		w.b.WriteString(`<span class="m">(fewer lines than the head of the hunk says)` + "\n</span>")
	}
	w.b.WriteString("</code></pre>")
}

// remarks writes what was said of a line below it.
func (w *liner) remarks(hunk, line int) {
	w.b.WriteString("</code></pre>")
	for len(w.said) > 0 && w.said[0].Hunk == hunk && w.said[0].Line == line {
		w.said[0].write(&w.b, w.page)
		w.said = w.said[1:]
	}
	w.b.WriteString(`<pre class="diff"><code>`)
}

// tags are the elements of added and removed lines, which screen readers know, and of others.
var tags = [...]struct{ open, end string }{
	diff.Context: {`<span class="c"`, "\n</span>"},
	diff.Add:     {`<ins class="a"`, "\n</ins>"},
	diff.Remove:  {`<del class="d"`, "\n</del>"},
	diff.Note:    {`<span class="m"`, "\n</span>"},
	diff.Text:    {`<span class="m"`, "\n</span>"},
}

func (w *liner) line(h *diff.Hunk, l *diff.Line) {
	b := &w.b
	start := b.Len()
	b.WriteString(tags[l.Kind].open)
	if id := w.id(l); id != "" {
		b.WriteString(` id="` + id + `"><a href="#` + id + `" tabindex="-1"><u>`)
		number(b, l.Old)
		b.WriteString("</u><u>")
		number(b, l.New)
		b.WriteString("</u></a>")
	} else {
		b.WriteByte('>')
	}
	body := h.Body(l)
	b.WriteString(l.Text[:len(l.Text)-len(body)])
	w.body(l, body)
	b.WriteString(tags[l.Kind].end)
	w.bytes -= b.Len() - start
}

// id names a line by file, side and number: its new number, or the old one of a removed line.
func (w *liner) id(l *diff.Line) string {
	switch {
	case l.New > 0:
		return w.f.anchor() + "n" + strconv.Itoa(int(l.New))
	case l.Old > 0:
		return w.f.anchor() + "o" + strconv.Itoa(int(l.Old))
	}
	return ""
}

func number(b *strings.Builder, n int32) {
	if n > 0 {
		b.WriteString(strconv.Itoa(int(n)))
	}
}

// body writes a line without its marks.
func (w *liner) body(l *diff.Line, s string) {
	b := &w.b
	cr := strings.HasSuffix(s, "\r")
	s = strings.TrimSuffix(s, "\r")
	s, over := cutLine(s)
	end := len(s)
	if l.Kind == diff.Add && over == 0 {
		end = len(strings.TrimRight(s, " \t"))
	}
	escape(b, s[:end])
	if end < len(s) {
		b.WriteString(`<b class="ws">` + s[end:] + "</b>")
	}
	if over > 0 {
		b.WriteString(`<b class="ctl">` + strconv.Itoa(over) + ` bytes more, see the download</b>`)
	}
	if cr && !w.f.crlf && l.Kind <= diff.Remove {
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
