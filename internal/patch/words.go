// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"hash/fnv"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// A word of three letters or more is looked for anywhere in a name, a shorter one where a word begins: at the start, behind ASCII that is no letter or digit, and
// anywhere if it begins with such a character or with one of a script that parts no words. patch_words holds the grams of each name, which are any three letters that
// follow one another, and the first two of what begins like a word. A name that holds a word holds its grams, but not the other way round: what the index
// finds is looked at again.

const (
	maxWords     = 32  // how many different words may be searched at once; each is a condition of its own
	maxWordGrams = 8   // how many grams of one word are asked for
	maxName      = 255 // letters of a name that are looked through
)

// wordsOf are the different words of a search, without letter case. White space and commas part them, as in Patchwork 3.2.
func wordsOf(search string) []string {
	words := strings.FieldsFunc(fold.Key(search), func(r rune) bool { return r == ',' || fold.IsSpace(r) })
	return unique(words)
}

// nameFold is what words are looked for in.
func nameFold(name string) string { return fold.Cut(fold.Key(name), maxName) }

// edges are the characters behind which a word begins: ASCII that is no letter or digit.
const edges = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

func isEdge(r rune) bool { return r < utf8.RuneSelf && strings.ContainsRune(edges, r) }

// unspaced tells whether a character is of a script that parts no words: each may begin one.
func unspaced(r rune) bool {
	return r >= utf8.RuneSelf && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// begins tells whether a word may begin with r behind before.
func begins(before, r rune) bool { return isEdge(before) || isEdge(r) || unspaced(r) }

// gramsOf are the different grams of a folded name, in rising order. White space is in none.
func gramsOf(name string) []int32 {
	out := make([]int32, 0, 64)
	var a, b rune = ' ', ' ' // the two before c
	start := false           // whether a word may begin with b
	for _, c := range name {
		if fold.IsSpace(c) {
			a, b, start = ' ', ' ', false
			continue
		}
		if b != ' ' {
			if a != ' ' {
				out = append(out, gram(a, b, c))
			}
			if start {
				out = append(out, gram(0, b, c))
			}
		}
		start = begins(b, c)
		if unspaced(c) {
			out = append(out, gram(0, 0, c))
		}
		a, b = b, c
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// gram is the number of three letters, or fewer behind zeros: its own for ASCII, else one that few others share.
func gram(a, b, c rune) int32 {
	if a|b|c < utf8.RuneSelf {
		return a<<14 | b<<7 | c
	}
	h := fnv.New32a()
	h.Write([]byte(string([]rune{a, b, c})))
	return int32(h.Sum32()>>2 | 1<<30)
}

// wordGrams are the grams that a name with all the words has: not all there are, but so that each letter of a word of usual length is in one. None: the index does
// not help.
func wordGrams(words []string) []int32 {
	var out []int32
	for _, word := range words {
		letters := []rune(word)
		switch {
		case len(letters) == 1 && unspaced(letters[0]):
			out = append(out, gram(0, 0, letters[0]))
		case len(letters) == 2:
			out = append(out, gram(0, letters[0], letters[1]))
		case len(letters) >= 3:
			last := len(letters) - 3
			for i := 0; i < min(last, 3*(maxWordGrams-1)); i += 3 {
				out = append(out, gram(letters[i], letters[i+1], letters[i+2]))
			}
			out = append(out, gram(letters[last], letters[last+1], letters[last+2]))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var likeEscape = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// edgeClass are the edges as ranges of a bracket expression. MariaDB and PostgreSQL want the square bracket as its number.
const (
	edgeClass       = " -/:-@[-`{-~"
	edgeClassRegexp = ` -/:-@\x5b-\x60{-~`
)

// words asks for names with all the words; column holds them as nameFold makes them.
func (w *where) words(engine, column string, words []string) {
	for _, word := range words {
		n := utf8.RuneCountInString(word)
		if n > maxName || strings.ContainsRune(word, 0) {
			w.add("1 = 0") // also what a database may refuse to look for
			continue
		}
		first, _ := utf8.DecodeRuneInString(word)
		w.add(column+" LIKE ? ESCAPE '!'", "%"+likeEscape.Replace(word)+"%")
		if n < 3 && !begins('x', first) {
			w.start(engine, column, word)
		}
	}
}

// start asks for names in which a word of one or two letters stands where one begins.
func (w *where) start(engine, column, word string) {
	escaped := func(escape func(rune) string) string {
		var b strings.Builder
		for _, r := range word {
			if isEdge(r) {
				b.WriteString(escape(r))
			} else {
				b.WriteRune(r)
			}
		}
		return b.String()
	}
	if engine == sqldb.SQLite {
		text := escaped(func(r rune) string {
			if r == '*' || r == '[' || r == '?' {
				return "[" + string(r) + "]"
			}
			return string(r)
		})
		w.add("("+column+" GLOB ? OR "+column+" GLOB ?)", text+"*", "*["+edgeClass+"]"+text+"*")
		return
	}
	match := column + " REGEXP ?"
	if engine == sqldb.Postgres {
		match = column + " ~ ?"
	}
	w.add(match, "(^|["+edgeClassRegexp+"])"+escaped(func(r rune) string { return `\` + string(r) }))
}
