// SPDX-License-Identifier: GPL-2.0-or-later

package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// tree is the source of a module, parsed.
type tree struct {
	module   string
	fset     *token.FileSet
	packages map[string]*pkg // by name as in the table floors
	owners   map[string]string
	problems []string
}

// pkg is one directory with Go files.
type pkg struct {
	name  string // path below internal/, or below the module's root
	dir   string
	files []*file
}

type file struct {
	path string
	src  string
	ast  *ast.File
	test bool
}

// check reads the module in fsys and returns what breaks its rules, sorted, each with its place.
func check(fsys fs.FS) ([]string, error) {
	t, err := load(fsys)
	if err != nil {
		return nil, err
	}
	if err := t.loadTables(fsys); err != nil {
		return nil, err
	}
	for _, p := range t.packages {
		t.checkPlace(p)
		t.checkHouse(p)
		t.checkImports(p)
		t.checkTables(p)
	}
	if err := t.checkDrawing(fsys); err != nil {
		return nil, err
	}
	slices.Sort(t.problems)
	return slices.Compact(t.problems), nil
}

func load(fsys fs.FS) (*tree, error) {
	mod, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut("\n"+string(mod), "\nmodule ")
	module, _, _ := strings.Cut(rest, "\n")
	t := &tree{module: strings.TrimSpace(module), fset: token.NewFileSet(), packages: map[string]*pkg{}}
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipDir(fsys, p)
		}
		if path.Ext(p) == ".go" {
			return t.parse(fsys, p)
		}
		return nil
	})
	return t, err
}

// skipDir leaves out what the go command leaves out: hidden directories, testdata and nested modules.
func skipDir(fsys fs.FS, p string) error {
	if p == "." {
		return nil
	}
	base := path.Base(p)
	if base[0] == '.' || base[0] == '_' || base == "testdata" {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, p+"/go.mod"); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (t *tree) parse(fsys fs.FS, p string) error {
	src, err := fs.ReadFile(fsys, p)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(t.fset, p, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	dir := path.Dir(p)
	name := strings.TrimPrefix(dir, "internal/")
	if t.packages[name] == nil {
		t.packages[name] = &pkg{name: name, dir: dir}
	}
	k := t.packages[name]
	k.files = append(k.files, &file{path: p, src: string(src), ast: f, test: strings.HasSuffix(p, "_test.go")})
	return nil
}

func (t *tree) addf(format string, args ...any) {
	t.problems = append(t.problems, fmt.Sprintf(format, args...))
}

// at adds a problem with the place of a syntax node.
func (t *tree) at(n ast.Node, format string, args ...any) {
	pos := t.fset.Position(n.Pos())
	t.addf("%s:%d: %s", pos.Filename, pos.Line, fmt.Sprintf(format, args...))
}

func (t *tree) checkImports(p *pkg) {
	for _, f := range p.files {
		if f.test {
			continue
		}
		for _, imp := range f.ast.Imports {
			to, ours := t.local(imp)
			if !ours {
				continue
			}
			if why := mayImport(p.name, to); why != "" {
				t.at(imp, "%s imports %s: %s", p.name, to, why)
			}
		}
	}
}

// local gives the name of an imported package of this module.
func (t *tree) local(imp *ast.ImportSpec) (name string, ours bool) {
	p, err := strconv.Unquote(imp.Path.Value)
	if err != nil {
		return "", false
	}
	p, ours = strings.CutPrefix(p, t.module+"/")
	return strings.TrimPrefix(p, "internal/"), ours
}
