// SPDX-License-Identifier: GPL-2.0-or-later

package trailer

import (
	"strings"

	"patchwork.example/pw/internal/format/fold"
)

// Rejoin makes one line again of each trailer that a mail program has broken, and leaves all else as it is:
//
//	Reviewed-by: A Name of Some Length
//	<name@example.org>
//
// What names a person, whose key ends in -by, goes on until an address in angle brackets, Fixes until the quotes around the subject end; the values of Link, Closes and what names a mail
// are a word, which may stand on the next line if the first one ends with a space. A trailer that has what belongs to it ends with its line, whatever follows.
func Rejoin(text string) string {
	var b strings.Builder
	done := 0
	for start := 0; start < len(text); {
		line, _, _ := strings.Cut(text[start:], "\n")
		next := start + len(line) + 1
		if whole, size := rejoined(line, text[min(next, len(text)):]); size > 0 {
			b.WriteString(text[done:start])
			b.WriteString(whole)
			next += size
			done = next - 1 // the end of the last line
		}
		start = next
	}
	if done == 0 {
		return text
	}
	if done < len(text) {
		b.WriteString(text[done:])
	}
	return b.String()
}

// maxBroken is in how many lines a trailer may stand.
const maxBroken = 4

// rejoined makes one line of a line and those that follow it; size is how much of rest they are, with their line ends. 0: the line stands for itself.
func rejoined(line, rest string) (whole string, size int) {
	key, value, ok := strings.Cut(line, ":")
	goesOn := broken(key)
	if !ok || goesOn == nil || !goesOn(value, "") {
		return "", 0
	}
	soft := strings.HasSuffix(strings.TrimSuffix(line, "\r"), " ")
	whole = strings.TrimRightFunc(line, fold.IsSpace)
	for range maxBroken - 1 {
		more, _, _ := strings.Cut(rest[min(size, len(rest)):], "\n")
		word := fold.Trim(more)
		if word == "" || word[0] == '>' || !soft && !standsAlone(word) {
			return "", 0
		}
		_, value, _ := strings.Cut(whole, ":")
		if !goesOn(value, word) {
			return "", 0
		}
		whole += " " + word
		size += len(more) + 1
		if _, value, _ = strings.Cut(whole, ":"); !goesOn(value, "") {
			return whole, size
		}
		soft = strings.HasSuffix(strings.TrimSuffix(more, "\r"), " ")
	}
	return "", 0
}

// standsAlone tells what can only be the end of a trailer: an address, or the end of a quoted subject.
func standsAlone(word string) bool {
	return word[0] == '<' && word[len(word)-1] == '>' && isAddress(word) || strings.HasSuffix(word, `")`)
}

// broken gives the test whether a trailer with this key and value lacks something, and whether it may be what the next line says (empty: whatever it says). Nil: it is no
// trailer that is ever put together.
func broken(key string) func(value, next string) bool {
	if key == "" || len(key) > 40 || key[0] < 'A' || key[0] > 'z' {
		return nil
	}
	switch lower := strings.ToLower(key); {
	case strings.HasSuffix(lower, "-by") && isWord(lower):
		return lacksAddress
	case lower == "fixes":
		return lacksQuote
	case lower == "link", lower == "closes", lower == "depends-on", lower == "based-on", lower == "supersedes", lower == "prerequisite-message-id", lower == "message-id":
		return lacksWord
	}
	return nil
}

func isWord(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !(r == '-' || 'a' <= r && r <= 'z') })
}

// lacksAddress: only a name, and then the rest of it or its address may follow.
func lacksAddress(value, next string) bool {
	if strings.ContainsAny(value, "<>@") || fold.Trim(value) == "" {
		return false
	}
	if next == "" || isAddress(next) {
		return true
	}
	// The next line has more of the name. Nobody broke the line before it was full.
	const full = 50 // bytes of a value; lines are 66 to 78 long, and a word of the name did not fit
	name, address, ok := strings.Cut(next, "<")
	word, _, _ := strings.Cut(next, " ")
	return ok && len(value)+len(word) >= full && !strings.ContainsAny(name, ":,;.!?@") && isAddress("<"+address)
}

// isAddress knows "<x@y>", and what people write behind it.
func isAddress(s string) bool {
	inner, after, ok := strings.Cut(strings.TrimPrefix(s, "<"), ">")
	at := strings.LastIndexByte(inner, '@')
	after = fold.Trim(after)
	return ok && s[0] == '<' && at > 0 && at < len(inner)-1 && !strings.ContainsFunc(inner, fold.IsSpace) && !strings.Contains(inner, "<") &&
		(after == "" || strings.ContainsRune("#([", rune(after[0])))
}

// lacksQuote: a subject in quotes has begun and not ended.
func lacksQuote(value, next string) bool {
	open := strings.Index(value, `("`)
	return open >= 0 && !strings.Contains(value[open+2:], `")`) && !strings.Contains(next, `("`)
}

// lacksWord: nothing was said yet, and one word may follow.
func lacksWord(value, next string) bool {
	return fold.Trim(value) == "" && (next == "" || !strings.ContainsFunc(next, fold.IsSpace) && (next[0] == '<' || hasScheme(next)))
}
