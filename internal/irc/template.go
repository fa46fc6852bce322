// SPDX-License-Identifier: GPL-2.0-or-later

package irc

import (
	"errors"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode"
	"unicode/utf8"

	"patchwork.example/pw/internal/base/fault"
)

// Facts are what a template can say of an event. What does not apply is empty.
type Facts struct {
	Project  string // link name
	Kind     string // of the event: patch-state-changed, …
	Title    string // of the patch, cover letter or series
	URL      string // of its page
	Actor    string // user name of who did it
	State    string // that the patch is in now, of a change of state
	Previous string // the state before
	Delegate string // user name, of a delegation
	Check    string // result of a check
	Context  string // of a check
}

// DefaultTemplate makes the line of a target that has none.
const DefaultTemplate = `[{{.Project}}] {{.Kind}}: {{.Title}}{{if .State}} ({{.Previous}} -> {{.State}}){{end}}{{if .Check}} ({{.Context}}: {{.Check}}){{end}}` +
	`{{if .Delegate}} (to {{.Delegate}}){{end}}{{if .Actor}} by {{.Actor}}{{end}} {{.URL}}`

// maxLine is how many bytes a line has at the most: with what the server puts in front it must fit in 512 (RFC 2812, 2.3).
const maxLine = 400

// parseTemplate takes fields and conditions only: nothing that could run long or make much of little.
func parseTemplate(text string) (*template.Template, error) {
	if text == "" {
		text = DefaultTemplate
	}
	t, err := template.New("line").Parse(text)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the template can't be read")
	}
	if len(t.Templates()) > 1 {
		return nil, fault.New(fault.Invalid, "a template must not define others")
	}
	if t.Tree != nil {
		if err := allowed(t.Tree.Root); err != nil {
			return nil, err
		}
	}
	if err := t.Execute(&limited{}, Facts{}); err != nil && !errors.Is(err, errFull) {
		return nil, fault.Wrap(fault.Invalid, err, "the template does not work; the fields are Project, Kind, Title, URL, Actor, State, Previous, Delegate, Check, Context")
	}
	return t, nil
}

func allowed(list *parse.ListNode) error {
	if list == nil {
		return nil
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.TextNode, *parse.CommentNode:
		case *parse.ActionNode:
			if err := simple(n.Pipe); err != nil {
				return err
			}
		case *parse.IfNode:
			if err := simple(n.Pipe); err != nil {
				return err
			}
			if err := errors.Join(allowed(n.List), allowed(n.ElseList)); err != nil {
				return fault.Wrap(fault.Invalid, err, "within if")
			}
		default:
			return fault.New(fault.Invalid, "a template may have fields, if, else and comparisons, and not %q", n.String())
		}
	}
	return nil
}

// simple lets fields, texts and comparisons pass.
func simple(p *parse.PipeNode) error {
	functions := map[string]bool{"eq": true, "ne": true, "and": true, "or": true, "not": true}
	for _, cmd := range p.Cmds {
		for _, arg := range cmd.Args {
			switch a := arg.(type) {
			case *parse.FieldNode, *parse.StringNode:
			case *parse.PipeNode:
				if err := simple(a); err != nil {
					return err
				}
			case *parse.IdentifierNode:
				if !functions[a.Ident] {
					return fault.New(fault.Invalid, "a template may compare with eq, ne, and, or, not; %q is not allowed", a.Ident)
				}
			default:
				return fault.New(fault.Invalid, "a template may have fields and texts, and not %q", a.String())
			}
		}
	}
	return nil
}

var errFull = errors.New("the line is long enough")

// limited takes a few KiB and then no more.
type limited struct{ strings.Builder }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > 8<<10 {
		return 0, errFull
	}
	return l.Builder.Write(p)
}

// line says an event in one line of IRC.
func line(t *template.Template, f Facts) (string, error) {
	var out limited
	if err := t.Execute(&out, f); err != nil && !errors.Is(err, errFull) {
		return "", err
	}
	return clean(out.String()), nil
}

// clean takes out what could end the line and begin a command of its own, with all other control characters, and cuts it to length.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= maxLine {
		return s
	}
	cut := maxLine - len("…")
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
