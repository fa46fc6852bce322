// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// entry is one key of a file with the line it stands on.
type entry struct {
	name  string
	line  int
	value any // as toml.Unmarshal gives it
}

// problem is what is wrong on one line of a file.
type problem struct {
	line int
	text string
}

// parser collects the entries of one file. The values come from toml.Unmarshal, which also finds duplicates and bad syntax; only the
// lines come from the syntax tree, which is the sole thing that knows them.
type parser struct {
	tree     unstable.Parser
	root     map[string]any
	known    names
	section  []string
	skip     bool // below a header that is wrong itself
	entries  []entry
	problems []problem
}

// parseFile reads the text of a file. A file that is not TOML gives its first problem only.
func parseFile(data []byte, known names) ([]entry, []problem) {
	p := &parser{root: map[string]any{}, known: known}
	if err := toml.Unmarshal(data, &p.root); err != nil {
		return nil, []problem{syntaxProblem(err)}
	}
	p.tree.Reset(data)
	for p.tree.NextExpression() {
		p.expression(p.tree.Expression())
	}
	return p.entries, p.problems
}

func syntaxProblem(err error) problem {
	line := 1
	if de := (*toml.DecodeError)(nil); errors.As(err, &de) {
		line, _ = de.Position()
	}
	return problem{line, strings.TrimPrefix(err.Error(), "toml: ")}
}

func (p *parser) expression(n *unstable.Node) {
	switch n.Kind {
	case unstable.Table, unstable.ArrayTable:
		path, line := p.path(n)
		p.section, p.skip = path, false
		if why := p.known.wrongSection(strings.Join(path, "."), n.Kind == unstable.ArrayTable); why != "" {
			p.skip = true
			p.problems = append(p.problems, problem{line, why})
		}
	case unstable.KeyValue:
		if !p.skip {
			p.keyValue(p.section, n)
		}
	}
}

func (p *parser) keyValue(section []string, n *unstable.Node) {
	path, line := p.path(n)
	path = append(section[:len(section):len(section)], path...)
	if v := n.Value(); v.Kind == unstable.InlineTable {
		for children := v.Children(); children.Next(); {
			p.keyValue(path, children.Node())
		}
		return
	}
	p.entries = append(p.entries, entry{strings.Join(path, "."), line, p.lookup(path)})
}

// path gives the dotted key of a node and the line it begins on.
func (p *parser) path(n *unstable.Node) (path []string, line int) {
	for keys := n.Key(); keys.Next(); {
		if path == nil {
			line = p.tree.Shape(keys.Node().Raw).Start.Line
		}
		path = append(path, string(keys.Node().Data))
	}
	return path, line
}

func (p *parser) lookup(path []string) any {
	var v any = p.root
	for _, name := range path {
		table, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = table[name]
	}
	return v
}

// names are the known keys and sections.
type names struct {
	keys     []string
	sections []string
}

func namesOf(keys []Key) names {
	var n names
	for _, k := range keys {
		n.keys = append(n.keys, k.Name)
		section, _, inSection := strings.Cut(k.Name, ".")
		if inSection && (len(n.sections) == 0 || n.sections[len(n.sections)-1] != section) {
			n.sections = append(n.sections, section)
		}
	}
	return n
}

func (n names) wrongSection(name string, array bool) string {
	if slices.Contains(n.sections, name) {
		if array {
			return fmt.Sprintf("write [%s], not [[%s]]", name, name)
		}
		return ""
	}
	if slices.Contains(n.keys, name) {
		return fmt.Sprintf("%q is a key, not a section", name)
	}
	return fmt.Sprintf("unknown section %q%s", name, didYouMean(name, n.sections))
}

func (n names) unknownKey(name string) string {
	if slices.Contains(n.sections, name) {
		return fmt.Sprintf("%q is a section, not a key; write [%s] and its keys below", name, name)
	}
	return fmt.Sprintf("unknown key %q%s", name, didYouMean(name, n.keys))
}
