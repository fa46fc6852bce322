// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"os"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
)

// hostile is what users may call things, mailed what mails may.
const (
	hostile = `<script>alert("1")</script>'&amp;`
	mailed  = hostile + "\u202e\x00"
)

func TestEscaped(t *testing.T) {
	for _, s := range []string{"", "plain", "<", "a<b", `<>&'"`, "größe > 1 & <ß>", mailed, "\xff<\xff", "a&amp;b", strings.Repeat("<x>", 100)} {
		if got := string(escaped(s)); got != html.EscapeString(s) {
			t.Errorf("%q is written as %q, want %q", s, got, html.EscapeString(s))
		}
	}
}

// TestLiterals: nothing but constants of this package becomes HTML unescaped: nothing is converted to literal, and only markup.go writes into a markup directly, and what makes times.
func TestLiterals(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]int{}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				name, ok := n.Fun.(*ast.Ident)
				if !ok || name.Name != "literal" && name.Name != "once" {
					break
				}
				if text, ok := n.Args[0].(*ast.BasicLit); !ok || text.Kind != token.STRING {
					t.Errorf("%s converts to %s what is no constant", f.Name(), name.Name)
				}
			case *ast.SelectorExpr:
				if n.Sel.Name == "b" && isNamed(n.X, "m") {
					places[f.Name()]++
				}
			}
			return true
		})
	}
	if places["markup.go"] == 0 || places["listrows.go"] == 0 {
		t.Errorf("nobody writes into a markup, as far as this test sees: %v", places)
	}
	delete(places, "markup.go")
	delete(places, "listrows.go") // when, with what AppendFormat writes
	if len(places) > 0 {
		t.Errorf("into a markup write directly: %v", places)
	}
}

func isNamed(e ast.Expr, name string) bool {
	i, ok := e.(*ast.Ident)
	return ok && i.Name == name
}

// rowsFor is a list of n patches with all columns.
func rowsFor(n int, text, mail string) listPage {
	l := listPage{address: address{path: "/project/p/list/"}, project: project.Project{Linkname: text}, bulk: true, now: clock.Time(1.7e15), view: listLook{shown: map[string]bool{}}}
	for _, c := range patchColumns {
		l.view.shown[c.Value] = true
	}
	l.address.query = map[string][]string{"q": {text}}
	l.words = patch.Vocabulary{States: []patch.State{{ID: 1, Name: text}}, Tags: []patch.Tag{{ID: 7, Name: text, Abbrev: text, ShowColumn: true}}}
	l.said = map[int64]patch.Said{}
	for i := range n {
		r := &patch.Row{ID: int64(i + 1), MsgID: "<" + mail + "@x>", Name: mail, State: 1, Series: 3, SeriesName: mail + "2", SeriesVersion: 2, Number: 1, Total: 2, Submitter: 4, SubmitterName: mail,
			SubmitterMail: mail, Delegate: 5, DelegateName: text, Hits: patch.Hits{{Tag: 7, Times: 2}}, Checks: [4]int{0, 1, 0, 2}, Date: clock.Time(1.6e15)}
		l.page.Rows = append(l.page.Rows, r)
		l.said[r.ID] = patch.Said{Comments: 2, Unaddressed: 1}
	}
	return l
}

// TestHostileRows: rows have the elements and attributes that they always have, whatever the texts are.
func TestHostileRows(t *testing.T) {
	l := rowsFor(1, hostile, mailed)
	w := workPage{address: l.address, bulk: true, now: l.now, view: listLook{shown: map[string]bool{}}, words: l.words}
	for _, c := range seriesColumns {
		w.view.shown[c.Value] = true
	}
	r := &patch.WorkRow{ID: 1, Name: mailed, Version: 2, Total: 3, Linkname: hostile, DelegateNames: []string{hostile}, Sender: patch.Sender{SubmitterName: mailed, SubmitterMail: mailed}}
	r.Tags, r.States, r.Patches, r.Comments, r.Unaddressed = "7:1", "1:1", 2, 3, 1
	w.page.Rows = []*patch.WorkRow{r}
	w.queue.Slug = hostile
	for name, render := range map[string]func(b *bytes.Buffer) error{
		"patches": func(b *bytes.Buffer) error { return patchRows(l).Render(t.Context(), b) },
		"series":  func(b *bytes.Buffer) error { return seriesRows(w).Render(t.Context(), b) },
	} {
		var b bytes.Buffer
		if err := render(&b); err != nil {
			t.Fatal(err)
		}
		got := b.String()
		if n := strings.Count(got, "alert("); n < 8 {
			t.Errorf("%s: the text is there %d times: %s", name, n, got)
		}
		for _, bad := range []string{"<script", "</script", `"1"`, "'&", "\u202e", "\x00"} {
			if strings.Contains(got, bad) {
				t.Errorf("%s have %q: %s", name, bad, got)
			}
		}
	}
}

func BenchmarkPatchRows(b *testing.B) {
	l := rowsFor(100, "Under Review", "[3/7] boiler: whistle when the water boils")
	var out bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		if err := patchRows(l).Render(b.Context(), &out); err != nil {
			b.Fatal(err)
		}
	}
}
