// SPDX-License-Identifier: GPL-2.0-or-later

package syntax

import (
	"path"
	"strings"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
)

// Kind is what a stretch of a line is.
type Kind uint8

// What words are.
const (
	Plain Kind = iota
	Keyword
	Type
	Name // of a function, a macro, an attribute: where it is defined or stands out
	String
	Number
	Comment
	Preprocessor
)

// A Run is a stretch of a line, from the end of the one before it.
type Run struct {
	End  int32
	Kind Kind
}

// What is coloured at most, in bytes: a line longer than that stays plain, and so does what follows in a text longer than that.
const (
	maxLine = 2000
	maxText = 256 << 10
)

// Known tells whether the language of a file is known.
func Known(name string) bool { return lexers.Match(path.Base(name)) != nil }

// Lines finds the runs of lines that follow one another in a file; nil: the language is not known. It ends early, with what it has, when stop says so.
func Lines(name string, lines []string, stop func() bool) [][]Run {
	lexer := lexers.Match(path.Base(name))
	if lexer == nil {
		return nil
	}
	var text strings.Builder
	for _, s := range lines {
		if text.Len() > maxText {
			break
		}
		if len(s) <= maxLine {
			text.WriteString(s)
		}
		text.WriteByte('\n')
	}
	out := make([][]Run, len(lines))
	tokens, err := lexer.Tokenise(&chroma.TokeniseOptions{State: "root"}, text.String())
	if err != nil {
		return out
	}
	line, end, count := 0, 0, 0
	for t := tokens(); t != chroma.EOF; t = tokens() {
		if count++; count%64 == 0 && stop() {
			break
		}
		kind := kindOf(t.Type)
		for value := t.Value; value != "" && line < len(lines); {
			part, rest, broken := strings.Cut(value, "\n")
			if end += len(part); part != "" && end <= len(lines[line]) {
				out[line] = add(out[line], Run{int32(end), kind})
			}
			if broken {
				line, end = line+1, 0
			}
			value = rest
		}
	}
	return out
}

func add(runs []Run, r Run) []Run {
	if n := len(runs); n > 0 && runs[n-1].Kind == r.Kind {
		runs[n-1].End = r.End
		return runs
	}
	return append(runs, r)
}

func kindOf(t chroma.TokenType) Kind {
	switch {
	case t == chroma.CommentPreproc, t == chroma.CommentPreprocFile:
		return Preprocessor
	case t.InCategory(chroma.Comment):
		return Comment
	case t == chroma.KeywordType:
		return Type
	case t.InCategory(chroma.Keyword):
		return Keyword
	case t.InSubCategory(chroma.LiteralString):
		return String
	case t.InSubCategory(chroma.LiteralNumber):
		return Number
	case t == chroma.NameFunction, t == chroma.NameClass, t == chroma.NameTag, t == chroma.NameAttribute, t == chroma.NameDecorator:
		return Name
	case t.InSubCategory(chroma.NameBuiltin):
		return Type
	}
	return Plain
}
