// SPDX-License-Identifier: GPL-2.0-or-later

package trailer

import (
	"strings"

	"patchwork.example/pw/internal/format/fold"
)

// Links are what the lines that git and b4 write below a cover letter or patch, and the words people write, say about its place among other
// series.
type Links struct {
	// BaseCommit is the commit of `base-commit:`, 7 to 64 hex digits in lower case, or "".
	BaseCommit string
	// ChangeID is what b4 calls all versions of a series by, `change-id:`, or "".
	ChangeID string
	// Supersedes are the mails of `Supersedes:` and `Obsoletes:`, with angle brackets, named by id or by the address of an archive.
	Supersedes []string
	// Changes are the values of `prerequisite-change-id:`, with `:v3` behind them where a version is named.
	Changes []string
	// PatchIDs are the values of `prerequisite-patch-id:`, 40 hex digits in lower case.
	PatchIDs []string
}

// maxLink is the width of the columns that hold these values, in bytes.
const maxLink = 255

// ReadLinks reads the links of a text. Of base-commit and change-id the last one counts, since git and b4 write them at the end; of the others
// MaxDependencies in all.
func ReadLinks(text string) Links {
	var l Links
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" || !strings.ContainsRune("bBcCpPsSoO", rune(line[0])) {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok || len(key) > len("prerequisite-change-id") {
			continue
		}
		if value = fold.Trim(value); value != "" && len(value) <= maxLink {
			l.read(strings.ToLower(key), value)
		}
	}
	return l
}

func (l *Links) read(key, value string) {
	full := len(l.Supersedes)+len(l.Changes)+len(l.PatchIDs) >= MaxDependencies
	switch key {
	case "base-commit":
		if v := strings.ToLower(value); isHex(v) && len(v) >= 7 && len(v) <= 64 {
			l.BaseCommit = v
		}
	case "change-id":
		if !strings.ContainsFunc(value, fold.IsSpace) {
			l.ChangeID = value
		}
	case "supersedes", "obsoletes":
		if d, ok := dependency(value); ok && d.Value != "" && !full {
			l.Supersedes = append(l.Supersedes, d.Value)
		}
	case "prerequisite-change-id":
		if value = strings.TrimSuffix(value, ":latest"); !strings.ContainsFunc(value, fold.IsSpace) && !full {
			l.Changes = append(l.Changes, value)
		}
	case "prerequisite-patch-id":
		if v := strings.ToLower(value); len(v) == 40 && isHex(v) && !full {
			l.PatchIDs = append(l.PatchIDs, v)
		}
	}
}

func isHex(s string) bool {
	for i := range len(s) {
		if !('0' <= s[i] && s[i] <= '9' || 'a' <= s[i] && s[i] <= 'f') {
			return false
		}
	}
	return s != ""
}
