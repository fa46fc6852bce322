// SPDX-License-Identifier: GPL-2.0-or-later

package mbox

import (
	"bytes"
	"strings"
)

// maxSeparator is the length, in bytes, up to which a line may be a separator.
const maxSeparator = 1000

// isSeparator says whether a line looks like "From sender date": after the sender there are a month, a year and a time of day, or an ISO
// date and a time of day.
func isSeparator(line []byte) bool {
	if len(line) > maxSeparator || !bytes.HasPrefix(line, []byte("From ")) {
		return false
	}
	words := strings.Fields(string(line[len("From "):]))
	if len(words) < 3 {
		return false
	}
	var month, year, clock bool
	for _, word := range words[1:] {
		word = strings.TrimSuffix(word, ",")
		switch {
		case isMonth(word):
			month = true
		case shaped(word, "dddd"):
			year = year || word[:2] == "19" || word[:2] == "20"
		case shaped(word, "dddd-dd-dd"):
			month, year = true, true
		case shaped(word, "d:dd") || shaped(word, "dd:dd") || shaped(word, "d:dd:dd") || shaped(word, "dd:dd:dd"):
			clock = true
		}
	}
	return month && year && clock
}

// Separated tells whether text has a separator after an empty line, so that it is an mbox although it begins with something else.
func Separated(text []byte) bool {
	afterEmpty := false
	for line := range bytes.Lines(text) {
		if afterEmpty && isSeparator(line) {
			return true
		}
		afterEmpty = len(bytes.Trim(line, "\r\n")) == 0
	}
	return false
}

// shaped matches a word against a shape in which d stands for a digit.
func shaped(word, shape string) bool {
	if len(word) != len(shape) {
		return false
	}
	for i := range len(word) {
		if shape[i] == 'd' && (word[i] < '0' || word[i] > '9') || shape[i] != 'd' && word[i] != shape[i] {
			return false
		}
	}
	return true
}

func isMonth(word string) bool {
	switch word {
	case "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec":
		return true
	}
	return false
}

// mboxrdMark is how the separators of public-inbox begin. Nobody else writes it, and its archives are in mboxrd format.
const mboxrdMark = "From mboxrd@z "

// unquoteBody is Unquote of what follows the header: mboxrd does not quote that.
func unquoteBody(mail []byte) []byte {
	if !bytes.Contains(mail, []byte(">From ")) {
		return mail
	}
	body := bytes.Index(mail, []byte("\n\n"))
	if crlf := bytes.Index(mail, []byte("\n\r\n")); body < 0 || crlf >= 0 && crlf < body {
		body = crlf
	}
	if body < 0 {
		return mail
	}
	text := Unquote(mail[body:])
	return append(mail[:body], text...)
}

// Unquote undoes the quoting of mboxrd: of every line that consists of one or more ">" followed by "From ", one ">" is removed. For
// archives in mboxo format, which quotes less, the result differs from the original only where that had quoted lines itself. Without such
// lines raw itself is returned.
func Unquote(raw []byte) []byte {
	if !bytes.Contains(raw, []byte(">From ")) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		n := bytes.IndexByte(raw, '\n') + 1
		if n == 0 {
			n = len(raw)
		}
		line := raw[:n]
		if line[0] == '>' && bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
			line = line[1:]
		}
		out = append(out, line...)
		raw = raw[n:]
	}
	return out
}
