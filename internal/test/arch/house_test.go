// SPDX-License-Identifier: GPL-2.0-or-later

package arch

import (
	"errors"
	"go/ast"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	licence  = "// SPDX-License-Identifier: GPL-2.0-or-later"
	maxLines = 600
)

// startGoroutines names the packages that may start goroutines.
var startGoroutines = []string{"job", "ingress", "app"}

func (t *tree) checkPlace(p *pkg) {
	if _, ok := floorOf(p.name); !ok && !forTests(p.name) {
		t.addf("%s: unknown package; give it a floor in internal/test/arch/floors_test.go", p.dir)
	}
}

func (t *tree) checkHouse(p *pkg) {
	if !slices.ContainsFunc(p.files, isPackageDoc) {
		t.addf("%s: no doc.go with a package comment", p.dir)
	}
	for _, f := range p.files {
		if ast.IsGenerated(f.ast) {
			continue
		}
		if line, _, _ := strings.Cut(f.src, "\n"); line != licence {
			t.addf("%s:1: the first line is not %q", f.path, licence)
		}
		if n := strings.Count(f.src, "\n"); n > maxLines {
			t.addf("%s: %d lines, more than %d; would two files be clearer?", f.path, n, maxLines)
		}
		t.checkInit(f)
		if !f.test && !forTests(p.name) && !slices.Contains(startGoroutines, p.name) {
			t.checkGoroutines(p, f)
		}
	}
}

func isPackageDoc(f *file) bool {
	return path.Base(f.path) == "doc.go" && f.ast.Doc != nil && strings.TrimSpace(f.ast.Doc.Text()) != ""
}

func (t *tree) checkInit(f *file) {
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			t.at(fn, "func init has effects nobody asked for; call it from where it is needed")
		}
	}
}

func (t *tree) checkGoroutines(p *pkg, f *file) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if what := startsGoroutine(n); what != "" {
			t.at(n, "%s in %s: goroutines start only in %s", what, p.name, strings.Join(startGoroutines, ", "))
		}
		return true
	})
}

// startsGoroutine names the way in which n starts a goroutine: the statement, or one of the calls that hide it
// (errgroup.Group.Go, sync.WaitGroup.Go, time.AfterFunc, context.AfterFunc).
func startsGoroutine(n ast.Node) string {
	if _, ok := n.(*ast.GoStmt); ok {
		return "go statement"
	}
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return ""
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	switch name := sel.Sel.Name; {
	case name == "AfterFunc" && len(call.Args) == 2, name == "Go" && len(call.Args) == 1, name == "TryGo" && len(call.Args) == 1:
		return "call of " + name
	}
	return ""
}

// checkDrawing wants every package of internal/ in docs/design.md, as a path, or as a member of braces: base/{config,sqldb}.
func (t *tree) checkDrawing(fsys fs.FS) error {
	const design = "docs/design.md"
	text, err := fs.ReadFile(fsys, design)
	if errors.Is(err, fs.ErrNotExist) {
		t.addf("%s: missing; it holds the drawing of the packages", design)
		return nil
	}
	if err != nil {
		return err
	}
	drawn := drawnPaths(string(text))
	for _, p := range t.packages {
		if strings.HasPrefix(p.dir, "internal/") && !drawn[p.name] {
			t.addf("%s: the drawing lacks %s", design, p.name)
		}
	}
	return nil
}

func drawnPaths(text string) map[string]bool {
	drawn := map[string]bool{}
	words := strings.FieldsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("_/{},", r))
	})
	for _, w := range words {
		for _, p := range expand(strings.TrimPrefix(w, "internal/")) {
			drawn[strings.Trim(p, "/,")] = true
		}
	}
	return drawn
}

// expand resolves one pair of braces: a/{b,c} is a/b and a/c.
func expand(word string) []string {
	head, rest, ok := strings.Cut(word, "{")
	if !ok {
		return []string{word}
	}
	list, tail, _ := strings.Cut(rest, "}")
	var out []string
	for name := range strings.SplitSeq(list, ",") {
		out = append(out, head+name+tail)
	}
	return out
}
