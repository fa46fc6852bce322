// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// MboxMail is a patch or cover letter with all that an mbox file says of it. The functions that find it leave its texts empty: Headers, Content, Diff
// and Comments are there only while ReadMbox hands it out.
type MboxMail struct {
	Mail
	Kind      string // KindPatch or KindCover
	ID        int64  // of the patch or cover
	Name      string
	Number    int      // in its series; 0: none
	Delegate  string   // address of the user; empty: nobody
	ListEmail string   `db:"list_email"` // of the project
	Charset   string   // of Diff; empty: UTF-8
	Hash      string   // of Diff, by which commits find their patch; empty: none
	Diff      []byte   // nil: a cover letter or a pull request
	Comments  []string `db:"-"` // texts of the replies that may hold trailers, by date, without hidden ones
	Inherited []string `db:"-"` // of a patch: those of the replies to the cover letter of its series
	Size      int64    // about, of its texts, in bytes
}

const mboxColumns = `m.id AS message, COALESCE(m.msgid_long, m.msgid) AS msgid, m.date, m.subject, m.submitter_id AS submitter,
	COALESCE(e.name, '') AS submitter_name, e.email AS submitter_mail, p.id, p.name, j.listemail AS list_email, `

const mboxJoins = ` JOIN message m ON m.id = p.message_id JOIN person e ON e.id = m.submitter_id JOIN message_body b ON b.message_id = m.id
	JOIN project j ON j.id = p.project_id `

const mboxPatches = "SELECT 'patch' AS kind, " + mboxColumns + `COALESCE(p.number, 0) AS number, COALESCE(u.email, '') AS delegate, COALESCE(d.charset, '') AS charset, COALESCE(p.hash, '') AS hash,
		COALESCE(LENGTH(d.diff), 0) + COALESCE(LENGTH(b.content), 0) + LENGTH(b.headers) AS size
	FROM patch p` + mboxJoins + "LEFT JOIN patch_diff d ON d.patch_id = p.id LEFT JOIN user_account u ON u.id = p.delegate_id WHERE m.hidden = FALSE AND "

const mboxCovers = "SELECT 'cover' AS kind, " + mboxColumns + "COALESCE(LENGTH(b.content), 0) + LENGTH(b.headers) AS size FROM cover p" + mboxJoins +
	"WHERE m.hidden = FALSE AND "

// MboxOfPatch finds what an mbox of one patch holds. One that is hidden or does not exist is fault.NotFound.
func MboxOfPatch(ctx context.Context, q sqldb.Queryer, patch int64) ([]*MboxMail, error) {
	return mboxOfOne(ctx, q, "patch", patch, mboxPatches+"p.id = ?")
}

// MboxOfCover finds what an mbox of a cover letter holds. One that is hidden or does not exist is fault.NotFound.
func MboxOfCover(ctx context.Context, q sqldb.Queryer, cover int64) ([]*MboxMail, error) {
	return mboxOfOne(ctx, q, "cover letter", cover, mboxCovers+"p.id = ?")
}

func mboxOfOne(ctx context.Context, q sqldb.Queryer, what string, id int64, query string) ([]*MboxMail, error) {
	var out []*MboxMail
	if err := q.Select(ctx, &out, query, id); err != nil {
		return nil, fmt.Errorf("find %s %d: %w", what, id, err)
	}
	if len(out) == 0 {
		return nil, fault.New(fault.NotFound, "there is no %s %d", what, id)
	}
	return out, nil
}

// MboxOfSeries finds the patches of a series by their number, without hidden ones and without the cover letter, as Patchwork 3.2 does. A series
// that does not exist, or shows no mail, is fault.NotFound; one without patches has none.
func MboxOfSeries(ctx context.Context, q sqldb.Queryer, series int64) ([]*MboxMail, error) {
	var out []*MboxMail
	if err := q.Select(ctx, &out, mboxPatches+"p.series_id = ? ORDER BY p.number, p.id", series); err != nil {
		return nil, fmt.Errorf("find the patches of series %d: %w", series, err)
	}
	if len(out) > 0 {
		return out, nil
	}
	var id int64
	err := q.Get(ctx, &id, "SELECT s.id FROM series s WHERE s.id = ? AND "+shownSeries, series)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "there is no series %d", series)
	}
	if err != nil {
		return nil, fmt.Errorf("find series %d: %w", series, err)
	}
	return nil, nil
}

// MboxUpTo finds a patch and, before it, the patches of its series with lower numbers. series names the series if it is not 0; one that is not the
// patch's own is fault.NotFound, and so is a patch that is in none.
func MboxUpTo(ctx context.Context, q sqldb.Queryer, patch, series int64) ([]*MboxMail, error) {
	var own struct{ Series, Number int64 }
	err := q.Get(ctx, &own, "SELECT COALESCE(series_id, 0) AS series, COALESCE(number, 0) AS number FROM patch WHERE id = ?", patch)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, fault.New(fault.NotFound, "there is no patch %d", patch)
	case err != nil:
		return nil, fmt.Errorf("find the series of patch %d: %w", patch, err)
	case own.Series == 0:
		return nil, fault.New(fault.NotFound, "patch %d is in no series", patch)
	case series != 0 && series != own.Series:
		return nil, fault.New(fault.NotFound, "patch %d is not in series %d", patch, series)
	}
	var out []*MboxMail
	err = q.Select(ctx, &out, mboxPatches+"p.series_id = ? AND (p.number < ? OR p.id = ?) ORDER BY p.number, p.id", own.Series, own.Number, patch)
	if err != nil {
		return nil, fmt.Errorf("find the patches up to patch %d: %w", patch, err)
	}
	if !slices.ContainsFunc(out, func(m *MboxMail) bool { return m.ID == patch }) {
		return nil, fault.New(fault.NotFound, "there is no patch %d", patch)
	}
	return out, nil
}

// MboxOfPatches finds patches in the order of their ids in the list, as a bundle has them; hidden ones are left out.
func MboxOfPatches(ctx context.Context, q sqldb.Queryer, patches []int64) ([]*MboxMail, error) {
	place := make(map[int64]int, len(patches))
	for i, id := range patches {
		place[id] = i
	}
	var out []*MboxMail
	err := sqldb.Chunks(patches, func(patches []int64) error {
		var some []*MboxMail
		err := q.Select(ctx, &some, mboxPatches+"p.id IN (?)", patches)
		out = append(out, some...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find %d patches: %w", len(patches), err)
	}
	slices.SortFunc(out, func(a, b *MboxMail) int { return place[a.ID] - place[b.ID] })
	return out, nil
}

// mboxPiece is how many bytes of text ReadMbox holds at a time, if more than one mail makes them.
const mboxPiece = 1 << 20

// ReadMbox hands out mails with their texts, in order. It asks at most five queries per MiB of text, the first of them before f is called: an error
// that comes before any output is a clean one.
func ReadMbox(ctx context.Context, q sqldb.Queryer, mails []*MboxMail, f func(*MboxMail) error) error {
	for len(mails) > 0 {
		n, size := 1, mails[0].Size
		for n < len(mails) && n < sqldb.MaxList && size+mails[n].Size <= mboxPiece {
			size += mails[n].Size
			n++
		}
		full := map[int64]*MboxMail{} // by message; copies, so that the texts are free to go
		for _, m := range mails[:n] {
			c := *m
			full[m.Message] = &c
		}
		if err := readMboxTexts(ctx, q, full); err != nil {
			return fmt.Errorf("read %d mails: %w", n, err)
		}
		for _, m := range mails[:n] {
			if err := f(full[m.Message]); err != nil {
				return err
			}
		}
		mails = mails[n:]
	}
	return nil
}

func readMboxTexts(ctx context.Context, q sqldb.Queryer, mails map[int64]*MboxMail) error {
	var messages []int64
	byID := map[string]map[int64]*MboxMail{KindPatch: {}, KindCover: {}}
	ids := map[string][]int64{}
	for id, m := range mails {
		messages = append(messages, id)
		byID[m.Kind][m.ID] = m
		ids[m.Kind] = append(ids[m.Kind], m.ID)
	}
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var id int64
		var headers, content string
		var diff []byte
		if err := rows.Scan(&id, &headers, &content, &diff); err != nil {
			return err
		}
		m := mails[id]
		m.Headers, m.Content, m.Diff = headers, content, diff
		return nil
	}, `SELECT b.message_id, b.headers, COALESCE(b.content, ''), d.diff FROM message_body b LEFT JOIN patch p ON p.message_id = b.message_id
		LEFT JOIN patch_diff d ON d.patch_id = p.id WHERE b.message_id IN (?)`, messages)
	if err != nil {
		return err
	}
	for kind, query := range map[string]string{KindPatch: mboxPatchComments, KindCover: mboxCoverComments} {
		if len(ids[kind]) == 0 {
			continue
		}
		err := q.Each(ctx, func(rows *sqlx.Rows) error {
			var id int64
			var text string
			err := rows.Scan(&id, &text)
			m := byID[kind][id]
			m.Comments = append(m.Comments, text)
			return err
		}, query, ids[kind])
		if err != nil {
			return err
		}
	}
	return inheritTrailers(ctx, q, byID[KindPatch], ids[KindPatch])
}

// inheritTrailers gives patches the replies to the cover letters of their series. Each text is read once.
func inheritTrailers(ctx context.Context, q sqldb.Queryer, patches map[int64]*MboxMail, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	of := map[int64][]*MboxMail{} // cover → patches
	var covers []int64
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var patch, cover int64
		err := rows.Scan(&patch, &cover)
		if of[cover] == nil {
			covers = append(covers, cover)
		}
		of[cover] = append(of[cover], patches[patch])
		return err
	}, "SELECT p.id, s.cover_id FROM patch p JOIN series s ON s.id = p.series_id WHERE p.id IN (?) AND s.cover_id IS NOT NULL", ids)
	if err != nil || len(covers) == 0 {
		return err
	}
	return q.Each(ctx, func(rows *sqlx.Rows) error {
		var cover int64
		var text string
		err := rows.Scan(&cover, &text)
		for _, m := range of[cover] {
			m.Inherited = append(m.Inherited, text)
		}
		return err
	}, mboxCoverComments, covers)
}

// Only what holds "-by:" can hold one of the trailers that a mail is given.
const (
	mboxPatchComments = `SELECT c.patch_id, b.content FROM patch_comment c JOIN message m ON m.id = c.message_id JOIN message_body b ON b.message_id = m.id
		WHERE c.patch_id IN (?) AND m.hidden = FALSE AND LOWER(b.content) LIKE '%-by:%' ORDER BY c.date, c.id`
	mboxCoverComments = `SELECT c.cover_id, b.content FROM cover_comment c JOIN message m ON m.id = c.message_id JOIN message_body b ON b.message_id = m.id
		WHERE c.cover_id IN (?) AND m.hidden = FALSE AND LOWER(b.content) LIKE '%-by:%' ORDER BY c.date, c.id`
)
