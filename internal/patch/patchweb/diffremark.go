// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"cmp"
	"html"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/format/diff"
	"patchwork.example/pw/internal/format/remark"
	"patchwork.example/pw/internal/patch"
)

// longRemark is how many lines of a remark are shown before it is folded.
const longRemark = 12

// said is a remark on a line, with the reply it is from.
type said struct {
	remark.Remark
	in *patch.Comment
}

// replies are the remarks on a diff, by file, hunk and line, those on one line by date.
type replies []said

func readReplies(doc *diff.Doc, d *patch.Detail, comments []*patch.Comment) replies {
	texts := make([]string, len(comments))
	for i, c := range comments {
		texts[i] = c.Content
	}
	if !slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, ">") }) {
		return nil
	}
	var out replies
	for _, r := range remark.Place(doc, d.Content, texts) {
		out = append(out, said{r, comments[r.Mail]})
	}
	slices.SortStableFunc(out, func(a, b said) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Hunk, b.Hunk), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Mail, b.Mail))
	})
	return out
}

// of are the remarks on a file; -1: on the message.
func (r replies) of(file int) []said {
	begin, _ := slices.BinarySearchFunc(r, file, func(s said, f int) int { return cmp.Compare(s.File, f) })
	end, _ := slices.BinarySearchFunc(r, file+1, func(s said, f int) int { return cmp.Compare(s.File, f) })
	return r[begin:end]
}

// write shows a remark; page is where the whole reply is.
func (s said) write(b *strings.Builder, page string) {
	text := s.Text
	b.WriteString(`<article class="remark"><p><bdi class="from">`)
	b.WriteString(html.EscapeString(person(s.in.SubmitterName, s.in.SubmitterMail)))
	b.WriteString(`</bdi> <time class="dim" datetime="` + s.in.Date.String() + `">` + minute(s.in.Date) + `</time> <a href="` + html.EscapeString(page) + "#" + strconv.FormatInt(s.in.ID, 10) + `">whole mail</a></p>`)
	first, rest := firstLines(text, longRemark)
	b.WriteString(textHTML(first))
	if rest != "" {
		b.WriteString(`<details><summary>` + plural(strings.Count(rest, "\n")+1, "more line") + `</summary>` + textHTML(rest) + "</details>")
	}
	b.WriteString("</article>")
}

// firstLines cuts a text behind some lines, unless little is left behind the cut.
func firstLines(text string, n int) (first, rest string) {
	lines := strings.Split(text, "\n")
	if len(lines) <= n+2 {
		return text, ""
	}
	return strings.Join(lines[:n], "\n"), strings.Join(lines[n:], "\n")
}

// saidHTML shows the remarks on the message of a patch.
func (p *diffPage) saidHTML() string {
	var b strings.Builder
	for _, s := range p.said {
		s.write(&b, "")
	}
	return b.String()
}
