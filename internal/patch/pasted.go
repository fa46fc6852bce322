// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
)

// Pasted is what a Message-ID among the words of a search means.
type Pasted struct {
	MsgIDs []string // of the patch, in key form; none: it means a cover letter
	Series []int64  // those that the patch or cover letter is in, one in each project at most
	Words  string   // the other words
}

// FindPasted looks among the words of a search for the Message-ID of a patch or cover letter of the projects, or of a reply to one, with its brackets or without;
// "Message-ID:" may stand before it. found is false if no word is one, or only looks like one. Without a word that does nothing is asked of the database.
func FindPasted(ctx context.Context, q sqldb.Queryer, projects []int64, search string) (p Pasted, found bool, err error) {
	words := strings.Fields(search)
	var keys []string
	for _, word := range words {
		if key := pastedKey(word); key != "" && len(keys) < maxWords {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 || len(projects) == 0 {
		return p, false, nil
	}
	var rows []pastedRow
	const is = " WHERE m.msgid IN (?) AND m.project_id IN (?) AND m.hidden = FALSE"
	err = q.Select(ctx, &rows, `SELECT m.msgid, m.msgid AS patch, COALESCE(p.series_id, 0) AS series FROM message m JOIN patch p ON p.message_id = m.id`+is+`
		UNION ALL SELECT m.msgid, o.msgid, COALESCE(p.series_id, 0) FROM message m JOIN patch_comment k ON k.message_id = m.id JOIN patch p ON p.id = k.patch_id JOIN message o ON o.id = p.message_id`+is+`
		UNION ALL SELECT m.msgid, '', s.id FROM message m JOIN cover c ON c.message_id = m.id JOIN series s ON s.cover_id = c.id`+is+`
		UNION ALL SELECT m.msgid, '', s.id FROM message m JOIN cover_comment k ON k.message_id = m.id JOIN series s ON s.cover_id = k.cover_id`+is,
		keys, projects, keys, projects, keys, projects, keys, projects)
	if err != nil {
		return p, false, fmt.Errorf("look for a Message-ID: %w", err)
	}
	for i, word := range words {
		key := pastedKey(word)
		if key == "" || !p.take(rows, key) {
			continue
		}
		before := words[:i]
		if n := len(before); n > 0 && strings.EqualFold(before[n-1], pastedField) {
			before = before[:n-1]
		}
		p.Words = strings.Join(append(slices.Clone(before), words[i+1:]...), " ")
		return p, true, nil
	}
	return p, false, nil
}

type pastedRow struct {
	MsgID  string `db:"msgid"`
	Patch  string // the Message-ID of the patch; empty: it is of a cover letter
	Series int64
}

// take takes what a Message-ID means, if that is something.
func (p *Pasted) take(rows []pastedRow, key string) (found bool) {
	for _, r := range rows {
		if r.MsgID != key {
			continue
		}
		found = true
		if r.Patch != "" && !slices.Contains(p.MsgIDs, r.Patch) {
			p.MsgIDs = append(p.MsgIDs, r.Patch)
		}
		if r.Series != 0 {
			p.Series = append(p.Series, r.Series)
		}
	}
	return found
}

// pastedField may stand before a Message-ID, as it does in a mail.
const pastedField = "Message-ID:"

// pastedKey is the key form of a word that looks like a Message-ID: something before and behind an @; empty if it does not.
func pastedKey(word string) string {
	if n := len(pastedField); len(word) > n && strings.EqualFold(word[:n], pastedField) {
		word = word[n:]
	}
	id := strings.TrimSuffix(strings.TrimPrefix(word, "<"), ">")
	at := strings.LastIndexByte(id, '@')
	if at < 1 || at == len(id)-1 || strings.ContainsAny(id, "<>\x00") || !utf8.ValidString(id) {
		return ""
	}
	return mailstore.Key("<" + id + ">")
}
