// SPDX-License-Identifier: GPL-2.0-or-later

package mailstore

import (
	"context"
	"slices"
	"strings"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// Search narrows a list of deliveries.
type Search struct {
	Among
	ListID string // it was given for this list, or the reason names it
	Reason string // a part of the reason, without regard to letter case
	Limit  int
}

// Found is one page of a Search.
type Found struct {
	Mails []Mail // without their bytes
	More  int64  // Among.From of the next page; 0: there is none
}

// searchLimit is how many deliveries one Find looks at. Reasons and list ids have no index.
const searchLimit = 50_000

// Find lists deliveries page by page. A page may be shorter than Limit, even empty, and still say that there are More.
func Find(ctx context.Context, q sqldb.Queryer, s Search) (Found, error) {
	var out Found
	walk, seen := NewWalk(q, s.Among), 0
	for {
		ids, err := walk.Next(ctx, s.piece(len(out.Mails)))
		if err != nil || len(ids) == 0 {
			return out, err
		}
		mails, err := Mails(ctx, q, ids)
		if err != nil {
			return out, err
		}
		if s.Down {
			slices.Reverse(mails)
		}
		for _, m := range mails {
			if !s.fits(m) {
				continue
			}
			if len(out.Mails) == s.Limit {
				out.More = out.Mails[s.Limit-1].ID
				return out, nil
			}
			out.Mails = append(out.Mails, m)
		}
		if seen += len(ids); seen >= searchLimit {
			out.More = ids[len(ids)-1]
			return out, nil
		}
	}
}

// piece is how many ids to read next: one more than the page needs, to learn whether there is another.
func (s *Search) piece(have int) int {
	if s.ListID == "" && s.Reason == "" && s.Since == 0 {
		return min(s.Limit-have+1, 1000)
	}
	return 1000
}

func (s *Search) fits(m Mail) bool {
	if s.ListID != "" && m.ListID != s.ListID && !slices.Contains(strings.Fields(m.Reason), s.ListID) {
		return false
	}
	return m.ReceivedAt >= s.Since && (s.Reason == "" || strings.Contains(fold.Key(m.Reason), fold.Key(s.Reason)))
}
