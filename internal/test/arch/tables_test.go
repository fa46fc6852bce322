// SPDX-License-Identifier: GPL-2.0-or-later

package arch

import (
	"errors"
	"go/ast"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const migrations = "internal/base/schema/migrations"

// madeElsewhere gives the owner of tables that no migration makes.
var madeElsewhere = map[string]string{
	"schema_version": "base/schema", // goose makes it
}

// engineTables begin the names of what a database keeps about itself; anyone may read it.
var engineTables = []string{"information_schema.", "performance_schema.", "pg_catalog.", "pg_", "sqlite_", "mysql."}

// writeVerbs begin the names of methods whose first literal argument, if it names a table, is the table they write.
var writeVerbs = []string{"Insert", "BulkInsert", "Upsert", "Replace", "Copy", "Update", "Delete", "Truncate"}

// dynamicSQL names the packages that may put a table's name into SQL at run time: the verbs for all tables live there.
var dynamicSQL = []string{"base/sqldb", "base/schema"}

// otherSchemas names the packages that also read databases of other systems: names of tables unknown here are fine there.
var otherSchemas = []string{"legacy/*"}

// loadTables reads the owners of all tables: a line `-- owner: patch` is said of every CREATE TABLE below it.
func (t *tree) loadTables(fsys fs.FS) error {
	t.owners = map[string]string{}
	for table, owner := range madeElsewhere {
		t.owners[table] = owner
	}
	err := fs.WalkDir(fsys, migrations, func(p string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(p) != ".sql" {
			return err
		}
		sql, err := fs.ReadFile(fsys, p)
		if err == nil {
			t.readMigration(p, string(sql))
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (t *tree) readMigration(file, sql string) {
	owner := ""
	for line := range strings.Lines(sql) {
		if o, ok := strings.CutPrefix(strings.TrimSpace(line), "-- owner:"); ok {
			owner = strings.TrimSpace(o)
			if _, ok := floorOf(owner); !ok {
				t.addf("%s: owner %s stands on no floor", file, owner)
			}
			continue
		}
		toks := lexSQL(line)
		if table := createdTable(toks); table != "" {
			if owner == "" {
				t.addf("%s: table %s has no owner; write a line `-- owner: package` above it", file, table)
			}
			t.owners[table] = owner
		}
		if from, to := renamedTable(toks); to != "" {
			t.owners[to] = t.owners[from]
			delete(t.owners, from)
		}
	}
}

// createdTable gives the name behind CREATE TABLE, CREATE VIRTUAL TABLE or CREATE VIEW.
func createdTable(toks []sqlToken) string {
	s := scanner{toks: toks}
	if !s.is(0, "CREATE") || !s.is(1, "TABLE", "VIEW", "VIRTUAL", "UNLOGGED") {
		return ""
	}
	i := 2
	for s.is(i, "TABLE", "IF", "NOT", "EXISTS") {
		i++
	}
	if i < len(toks) && toks[i].kind == name {
		return toks[i].text
	}
	return ""
}

func renamedTable(toks []sqlToken) (from, to string) {
	s := scanner{toks: toks}
	if len(toks) >= 6 && s.is(0, "ALTER") && s.is(1, "TABLE") && s.is(3, "RENAME") && s.is(4, "TO") {
		return toks[2].text, toks[5].text
	}
	return "", ""
}

func (t *tree) checkTables(p *pkg) {
	if forTests(p.name) {
		return
	}
	c := &sqlCheck{tree: t, pkg: p, consts: packageConsts(p), local: map[string]bool{}}
	for _, f := range p.files {
		if !f.test {
			c.collect(f.ast)
		}
	}
	for _, l := range c.texts {
		c.judge(l)
	}
}

// sqlCheck holds what one package says about tables.
type sqlCheck struct {
	*tree
	pkg    *pkg
	consts map[string]ast.Expr
	local  map[string]bool
	texts  []sqlText
}

type sqlText struct {
	node ast.Node
	mentions
}

func packageConsts(p *pkg) map[string]ast.Expr {
	consts := map[string]ast.Expr{}
	for _, f := range p.files {
		for _, d := range f.ast.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				for i, n := range v.Names {
					if i < len(v.Values) {
						consts[n.Name] = v.Values[i]
					}
				}
			}
		}
	}
	return consts
}

// collect scans the literals of a file, each sum of them as one text.
func (c *sqlCheck) collect(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field: // a tag is no SQL
			if n.Tag != nil {
				c.collect(n.Type)
				return false
			}
		case *ast.CallExpr:
			c.call(n)
		case *ast.CompositeLit:
			c.composite(n)
		case *ast.BasicLit:
			c.text(n)
		case *ast.BinaryExpr:
			if n.Op == token.ADD {
				c.text(n)
				c.insideSum(n)
				return false
			}
		}
		return true
	})
}

// insideSum collects from the parts of a sum that are not text themselves, such as the arguments of a call in it.
func (c *sqlCheck) insideSum(e ast.Expr) {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		c.insideSum(e.X)
		c.insideSum(e.Y)
	case *ast.BasicLit:
	default:
		c.collect(e)
	}
}

func (c *sqlCheck) text(e ast.Expr) {
	s := c.value(e, 0)
	if strings.Trim(s, string(dynamicByte)) == "" {
		return
	}
	m := scanSQL(s)
	for _, l := range m.local {
		c.local[l] = true
		if c.owners[l] != "" {
			c.at(e, "the name %s of a WITH or temporary table hides the table %s", l, l)
		}
	}
	if c.owners[m.small] != "" {
		c.at(e, "write SQL keywords in capitals, so that this test can read them")
	}
	if m.dynamic != "" || len(m.refs) > 0 {
		c.texts = append(c.texts, sqlText{e, m})
	}
}

// value gives the text of a constant expression; pieces that only the running program knows are a dynamicByte.
func (c *sqlCheck) value(e ast.Expr, depth int) string {
	const tooDeep = 100 // a constant that names itself does not compile, but may be parsed
	if depth > tooDeep {
		return string(dynamicByte)
	}
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return s
		}
	case *ast.ParenExpr:
		return c.value(e.X, depth+1)
	case *ast.BinaryExpr:
		return c.value(e.X, depth+1) + c.value(e.Y, depth+1)
	case *ast.Ident:
		if v, ok := c.consts[e.Name]; ok {
			return c.value(v, depth+1)
		}
	}
	return string(dynamicByte)
}

// call looks for x.Insert(ctx, "table", …) and its like.
func (c *sqlCheck) call(n *ast.CallExpr) {
	sel, ok := n.Fun.(*ast.SelectorExpr)
	if !ok || len(n.Args) < 2 || !isWriteVerb(sel.Sel.Name) {
		return
	}
	if first, ok := n.Args[0].(*ast.Ident); !ok || first.Name != "ctx" {
		return
	}
	const insertArgs = 4 // sqldb.Tx.Insert(ctx, table, columns, rows)
	if sel.Sel.Name == "Insert" && len(n.Args) == insertArgs {
		c.named(n.Args[1], "Insert")
		return
	}
	for _, arg := range n.Args[1:] {
		if s := c.value(arg, 0); !strings.ContainsRune(s, dynamicByte) {
			if c.owners[s] != "" {
				c.named(arg, sel.Sel.Name)
			}
			return
		}
	}
}

func isWriteVerb(method string) bool {
	return slices.ContainsFunc(writeVerbs, func(v string) bool { return strings.HasPrefix(method, v) })
}

// named notes an expression that must name a table to write.
func (c *sqlCheck) named(e ast.Expr, by string) {
	if s := c.value(e, 0); strings.ContainsRune(s, dynamicByte) {
		c.texts = append(c.texts, sqlText{e, mentions{dynamic: by}})
	} else {
		c.texts = append(c.texts, sqlText{e, mentions{refs: []ref{{s, true, true}}}})
	}
}

// composite looks for sqldb.Upsert{Table: "table", …} and its like.
func (c *sqlCheck) composite(n *ast.CompositeLit) {
	sel, ok := n.Type.(*ast.SelectorExpr)
	if !ok {
		return
	}
	if x, ok := sel.X.(*ast.Ident); !ok || x.Name != "sqldb" {
		return
	}
	for _, e := range n.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Table" {
			c.named(kv.Value, sel.Sel.Name+"{Table}")
		}
	}
}

func (c *sqlCheck) judge(l sqlText) {
	if l.dynamic != "" && !slices.Contains(dynamicSQL, c.pkg.name) {
		c.at(l.node, "the table after %s is not named in the text: SQL is written whole", l.dynamic)
	}
	for _, r := range l.refs {
		if c.local[r.table] || isEngineTable(r.table) {
			continue
		}
		c.judgeRef(l.node, r)
	}
}

func (c *sqlCheck) judgeRef(n ast.Node, r ref) {
	owner, known := c.owners[r.table]
	other := slices.ContainsFunc(otherSchemas, func(p string) bool { return matches(p, c.pkg.name) })
	switch {
	case !known && r.sure && !other:
		c.at(n, "table %s is in no migration", r.table)
	case !known || owner == c.pkg.name:
	case r.write:
		c.at(n, "%s writes table %s, which %s owns", c.pkg.name, r.table, owner)
	default:
		if why := mayImport(c.pkg.name, owner); why != "" {
			c.at(n, "%s reads table %s of %s: %s", c.pkg.name, r.table, owner, why)
		}
	}
}

func isEngineTable(table string) bool {
	return slices.ContainsFunc(engineTables, func(p string) bool { return strings.HasPrefix(table, p) })
}
