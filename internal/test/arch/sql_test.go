// SPDX-License-Identifier: GPL-2.0-or-later

package arch

import (
	"slices"
	"strings"
)

// ref is one mention of a table in SQL text.
type ref struct {
	table string
	write bool
	sure  bool // the text is a statement, not a fragment or English: the table must exist
}

// mentions is what a piece of SQL names. Local names are those of WITH and of temporary tables.
type mentions struct {
	refs    []ref
	local   []string
	dynamic string // the keyword after which the table's name is not in the text; empty if there is none
	small   string // the word that may name a table after a keyword in small letters; empty if there is none
}

// A sqlToken is a word, a punctuation byte, or dynamic: a piece that only the running program knows.
type sqlToken struct {
	text string
	kind tokenKind
}

type tokenKind int

const (
	keyword tokenKind = iota // a word with a capital letter in it, or another word that can't name a table
	name                     // a word in small letters, or a quoted one
	punct
	dynamic
)

// dynamicByte stands in SQL text for a piece that is not a literal.
const dynamicByte = '\x00'

func lexSQL(s string) []sqlToken {
	var out []sqlToken
	for i := 0; i < len(s); {
		tok, n := lexOne(s[i:])
		if n > 0 && tok.text != "" {
			out = append(out, tok)
		}
		i += max(n, 1)
	}
	return out
}

func lexOne(s string) (sqlToken, int) {
	switch c := s[0]; {
	case c == dynamicByte:
		return sqlToken{"…", dynamic}, 1
	case c == '%' && len(s) > 1 && strings.IndexByte("sdvq", s[1]) >= 0:
		return sqlToken{s[:2], dynamic}, 2
	case c == '\'':
		return sqlToken{"'", punct}, quotedLen(s)
	case c == '"' || c == '`':
		n := quotedLen(s)
		return sqlToken{strings.Trim(s[:n], string(c)), name}, n
	case strings.HasPrefix(s, "--"):
		return sqlToken{}, lineLen(s)
	case isWordByte(c):
		return lexWord(s)
	case c == ' ' || c == '\n' || c == '\t' || c == '\r':
		return sqlToken{}, 1
	default:
		return sqlToken{string(c), punct}, 1
	}
}

func lineLen(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

func quotedLen(s string) int {
	if i := strings.IndexByte(s[1:], s[0]); i >= 0 {
		return i + 2
	}
	return len(s)
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.'
}

func lexWord(s string) (sqlToken, int) {
	n := 0
	for n < len(s) && isWordByte(s[n]) {
		n++
	}
	w := s[:n]
	if w == strings.ToLower(w) && (w[0] == '_' || w[0] >= 'a' && w[0] <= 'z') {
		return sqlToken{strings.TrimRight(w, "."), name}, n
	}
	return sqlToken{w, keyword}, n
}

// scanSQL finds the tables that a literal names after INTO, UPDATE, FROM, JOIN and TABLE. Keywords are written in capitals.
func scanSQL(text string) mentions {
	s := scanner{toks: lexSQL(text)}
	for i, tok := range s.toks {
		if tok.kind == keyword {
			s.keyword(i)
		}
		if tok.kind == name && s.isCTE(i) {
			s.out.local = append(s.out.local, tok.text)
		}
	}
	s.out.small = s.smallLetters()
	return s.out
}

// smallLetters gives the word behind the from, into or update of a text that begins like a statement in small letters.
func (s *scanner) smallLetters() string {
	begins := []string{"select", "insert", "replace", "update", "delete", "with"}
	if len(s.toks) == 0 || !slices.Contains(begins, s.toks[0].text) {
		return ""
	}
	for i, tok := range s.toks[:len(s.toks)-1] {
		if tok.text == "from" || tok.text == "into" || tok.text == "update" {
			return s.toks[i+1].text
		}
	}
	return ""
}

type scanner struct {
	toks []sqlToken
	out  mentions
}

func (s *scanner) is(i int, texts ...string) bool {
	if i < 0 || i >= len(s.toks) || s.toks[i].kind == name {
		return false
	}
	for _, t := range texts {
		if s.toks[i].text == t {
			return true
		}
	}
	return false
}

func (s *scanner) has(texts ...string) bool {
	for i := range s.toks {
		if s.is(i, texts...) {
			return true
		}
	}
	return false
}

func (s *scanner) keyword(i int) {
	switch s.toks[i].text {
	case "INTO":
		s.table(i, true, s.has("INSERT", "REPLACE"))
	case "UPDATE":
		if !s.is(i-1, "KEY", "FOR", "DO", "ON", "AFTER", "BEFORE", "OF") {
			s.table(i, true, s.has("SET"))
		}
	case "TABLE", "TRUNCATE":
		s.ddl(i)
	case "FROM":
		s.from(i)
	case "JOIN":
		s.table(i, false, s.has("ON", "USING", "SELECT"))
	}
}

func (s *scanner) ddl(i int) {
	if s.is(i-1, "TEMP", "TEMPORARY") {
		for i+1 < len(s.toks) && s.is(i+1, "IF", "NOT", "EXISTS") {
			i++
		}
		if i+1 < len(s.toks) {
			s.out.local = append(s.out.local, s.toks[i+1].text)
		}
		return
	}
	if s.is(i+1, "TABLE") { // TRUNCATE TABLE t comes by again
		return
	}
	s.table(i, true, s.has("CREATE", "ALTER", "DROP", "TRUNCATE", "LOCK"))
}

func (s *scanner) from(i int) {
	if s.is(i-1, "DISTINCT") || s.is(s.opener(i)-1, "EXTRACT", "TRIM", "SUBSTRING", "OVERLAY") {
		return
	}
	write := s.is(i-1, "DELETE")
	sure := write || s.has("SELECT")
	for {
		i = s.table(i, write, sure)
		for i < len(s.toks) && (s.is(i, "AS") || s.toks[i].kind == name) {
			i++
		}
		if !s.is(i, ",") {
			return
		}
	}
}

// opener gives the place of the parenthesis that i stands in, -1 if in none.
func (s *scanner) opener(i int) int {
	depth := 0
	for i--; i >= 0; i-- {
		switch {
		case s.is(i, ")"):
			depth++
		case s.is(i, "("):
			if depth == 0 {
				return i
			}
			depth--
		}
	}
	return -1
}

// table notes the table named after token i and returns the place behind it.
func (s *scanner) table(i int, write, sure bool) int {
	start, word := i, s.toks[i].text
	for i++; s.is(i, "ONLY", "LATERAL", "IF", "NOT", "EXISTS"); i++ {
	}
	switch {
	case i >= len(s.toks) || s.toks[i].kind == dynamic:
		if sure || start == 0 { // "MAIL FROM %s" is English
			s.out.dynamic = word
		}
	case s.toks[i].kind == name && (write || !s.is(i+1, "(")):
		s.out.refs = append(s.out.refs, ref{s.toks[i].text, write, sure})
	}
	return i + 1
}

// isCTE says whether the name at i begins `name AS (` or `name (columns) AS (`.
func (s *scanner) isCTE(i int) bool {
	i++
	if s.is(i, "(") {
		for i < len(s.toks) && !s.is(i, ")") {
			i++
		}
		i++
	}
	if !s.is(i, "AS") {
		return false
	}
	for i++; s.is(i, "NOT", "MATERIALIZED"); i++ {
	}
	return s.is(i, "(")
}
