// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
)

// Mail is a message of any kind with its text, as pages show it.
type Mail struct {
	Message       int64
	MsgID         string
	Date          clock.Time
	Subject       string
	Submitter     int64
	SubmitterName string `db:"submitter_name"`
	SubmitterMail string `db:"submitter_mail"`
	User          int64  `db:"submitter_user"` // the submitter's; 0: none
	InReplyTo     string `db:"in_reply_to"`    // key form of the mail it answers; empty: none
	Headers       string
	Content       string
	Attached      string // its files; see Files
}

// Files are what the mail carries beside its text.
func (m *Mail) Files() []mailstore.Attachment { return mailstore.UnpackAttachments(m.Attached) }

// FilePath is the path of the page that a file of a mail is read from, as in an archive of public-inbox: MESSAGE-ID/2-x.patch.
func FilePath(linkname, msgid string, a mailstore.Attachment) string {
	return fmt.Sprintf("/project/%s/%s/%d-%s", url.PathEscape(linkname), PathID(msgid), a.Part, url.PathEscape(strings.ReplaceAll(a.Name, "/", "-")))
}

const mailColumns = `m.id AS message, COALESCE(m.msgid_long, m.msgid) AS msgid, m.date, m.subject, m.submitter_id AS submitter, COALESCE(e.name, '') AS submitter_name,
	e.email AS submitter_mail, COALESCE(e.user_id, 0) AS submitter_user, m.in_reply_to, b.headers, COALESCE(b.content, '') AS content, COALESCE(b.attached, '') AS attached`

const mailJoins = " JOIN person e ON e.id = m.submitter_id JOIN message_body b ON b.message_id = m.id"

// Detail is a patch with everything its page shows but comments, checks and the rest of its series.
type Detail struct {
	Mail
	ID           int64
	Name         string
	State        int64
	Archived     bool
	Series       int64 // 0: none
	Relation     int64 // 0: none; see RelatedTo
	Number       int
	Delegate     int64  // 0: nobody
	DelegateName string `db:"delegate_name"`
	Hash         string
	CommitRef    string `db:"commit_ref"`
	PullURL      string `db:"pull_url"`
	Charset      string // of Diff; empty: UTF-8
	Diff         []byte // nil: a pull request
}

// CoverDetail is a cover letter with its text.
type CoverDetail struct {
	Mail
	ID     int64
	Name   string
	Series int64 // 0: none
}

// Comment is a reply to a patch or cover letter.
type Comment struct {
	Mail
	ID        int64
	Addressed *bool // nil: nothing asked for
}

// Locate finds the message with the first of these Message-IDs (key form) that a project has. One that is hidden or waits for its parent is not there;
// none is fault.NotFound.
func Locate(ctx context.Context, q sqldb.Queryer, project int64, msgids ...string) (*mailstore.Message, error) {
	return mailstore.First(ctx, q, project, func(m *mailstore.Message) bool { return !m.Hidden && m.Kind != mailstore.Pending }, msgids...)
}

// ReadPatch reads the patch that a message is.
func ReadPatch(ctx context.Context, q sqldb.Queryer, message int64) (*Detail, error) {
	var d Detail
	err := q.Get(ctx, &d, "SELECT "+mailColumns+`, p.id, p.name, COALESCE(p.state_id, 0) AS state, p.archived, COALESCE(p.series_id, 0) AS series,
			COALESCE(p.related_id, 0) AS relation, COALESCE(p.number, 0) AS number, COALESCE(p.delegate_id, 0) AS delegate, COALESCE(u.username, '') AS delegate_name, COALESCE(p.hash, '') AS hash,
			COALESCE(p.commit_ref, '') AS commit_ref, COALESCE(p.pull_url, '') AS pull_url, COALESCE(d.charset, '') AS charset, d.diff
		FROM patch p JOIN message m ON m.id = p.message_id`+mailJoins+` LEFT JOIN patch_diff d ON d.patch_id = p.id LEFT JOIN user_account u ON u.id = p.delegate_id
		WHERE p.message_id = ?`, message)
	if err != nil {
		return nil, fmt.Errorf("read the patch of message %d: %w", message, err)
	}
	return &d, nil
}

// ReadCover reads the cover letter that a message is.
func ReadCover(ctx context.Context, q sqldb.Queryer, message int64) (*CoverDetail, error) {
	var d CoverDetail
	err := q.Get(ctx, &d, "SELECT "+mailColumns+`, c.id, c.name, COALESCE(s.id, 0) AS series
		FROM cover c JOIN message m ON m.id = c.message_id`+mailJoins+" LEFT JOIN series s ON s.cover_id = c.id WHERE c.message_id = ?", message)
	if err != nil {
		return nil, fmt.Errorf("read the cover of message %d: %w", message, err)
	}
	return &d, nil
}

// Comments lists the replies to a patch or cover letter by date, without hidden ones.
func Comments(ctx context.Context, q sqldb.Queryer, t Target) ([]*Comment, error) {
	const tail = mailJoins + " WHERE m.hidden = FALSE AND "
	query, id := "SELECT "+mailColumns+", c.id, c.addressed FROM patch_comment c JOIN message m ON m.id = c.message_id"+tail+"c.patch_id = ?", t.Patch
	if t.Patch == 0 {
		query, id = "SELECT "+mailColumns+", c.id, c.addressed FROM cover_comment c JOIN message m ON m.id = c.message_id"+tail+"c.cover_id = ?", t.Cover
	}
	var out []*Comment
	err := q.Select(ctx, &out, query+" ORDER BY c.date, c.id", id)
	if err != nil {
		return nil, fmt.Errorf("read comments: %w", err)
	}
	return out, nil
}

// CheckRow is one result of a test run.
type CheckRow struct {
	ID          int64
	User        string `db:"username"` // empty: deleted since
	Date        clock.Time
	State       int    // 0 pending, 1 success, 2 warning, 3 fail
	TargetURL   string `db:"target_url"`
	Description string
	Context     string
}

// maxOldChecks is how many checks that are not the newest of their kind are shown.
const maxOldChecks = 200

// Checks lists the newest check of each user and context of a patch, by context, and of the older ones the latest, those first, in one query.
func Checks(ctx context.Context, q sqldb.Queryer, patch int64) (newest, older []CheckRow, err error) {
	const columns = ` AS newest, c.id, COALESCE(u.username, '') AS username, c.date, c.state, COALESCE(c.target_url, '') AS target_url,
		COALESCE(c.description, '') AS description, c.context FROM `
	c := sqldb.NewCells(8)
	err = q.Each(ctx, func(rows *sqlx.Rows) error {
		c.Read(rows)
		k := CheckRow{ID: c.Num(1), User: c.Text(2), Date: clock.Time(c.Num(3)), State: int(c.Num(4)), TargetURL: c.Text(5), Description: c.Text(6), Context: c.Text(7)}
		if c.Num(0) == 1 {
			newest = append(newest, k)
		} else {
			older = append(older, k)
		}
		return c.Err()
	}, "SELECT 1"+columns+`patch_check_latest l JOIN patch_check c ON c.id = l.check_id LEFT JOIN user_account u ON u.id = c.user_id WHERE l.patch_id = ?
		UNION ALL SELECT 0`+columns+`(SELECT k.* FROM patch_check k WHERE k.patch_id = ? AND NOT EXISTS (SELECT 1 FROM patch_check_latest l WHERE l.check_id = k.id AND l.patch_id = k.patch_id)
			ORDER BY k.date DESC, k.id DESC LIMIT ?) c LEFT JOIN user_account u ON u.id = c.user_id`, patch, patch, maxOldChecks)
	if err != nil {
		return nil, nil, fmt.Errorf("read the checks of patch %d: %w", patch, err)
	}
	slices.SortFunc(newest, func(a, b CheckRow) int { return cmp.Or(cmp.Compare(a.Context, b.Context), cmp.Compare(a.ID, b.ID)) })
	slices.SortFunc(older, func(a, b CheckRow) int { return cmp.Or(cmp.Compare(b.Date, a.Date), cmp.Compare(b.ID, a.ID)) })
	return newest, older, nil
}

// SeriesDetail is a series with its cover letter; its patches are a Query away.
type SeriesDetail struct {
	Series
	CoverMsgID    string `db:"cover_msgid"`
	CoverName     string `db:"cover_name"`
	CoverMessage  int64  `db:"cover_message"`
	SubmitterName string `db:"submitter_name"`
	SubmitterMail string `db:"submitter_mail"`
	SubmitterUser int64  `db:"submitter_user"` // 0: none
}

// ReadSeries reads a series by its id. One that shows no mail is fault.NotFound.
func ReadSeries(ctx context.Context, q sqldb.Queryer, id int64) (*SeriesDetail, error) {
	var d SeriesDetail
	err := q.Get(ctx, &d, "SELECT "+seriesColumns+`, COALESCE(m.msgid, '') AS cover_msgid, COALESCE(c.name, '') AS cover_name, COALESCE(m.id, 0) AS cover_message,
			COALESCE(e.name, '') AS submitter_name, e.email AS submitter_mail, COALESCE(e.user_id, 0) AS submitter_user
		FROM series s JOIN person e ON e.id = s.submitter_id LEFT JOIN cover c ON c.id = s.cover_id LEFT JOIN message m ON m.id = c.message_id AND m.hidden = FALSE
		WHERE s.id = ? AND `+shownSeries, id)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, "there is no series %d", id)
	}
	if err != nil {
		return nil, fmt.Errorf("read series %d: %w", id, err)
	}
	return &d, nil
}

// Place says where a patch, cover or comment is shown.
type Place struct {
	Project string // link name
	Kind    string // KindPatch or KindCover: the page
	MsgID   string
	Comment int64 // the comment on that page; 0: none
}

// PlaceOfReply finds the page on which a reply is shown, by its message.
func PlaceOfReply(ctx context.Context, q sqldb.Queryer, message int64) (Place, error) {
	var p Place
	err := q.Get(ctx, &p, `SELECT j.linkname AS project, 'patch' AS kind, m.msgid, c.id AS comment FROM patch_comment c JOIN patch p ON p.id = c.patch_id
			JOIN message m ON m.id = p.message_id JOIN project j ON j.id = p.project_id WHERE c.message_id = ? AND m.hidden = FALSE
		UNION ALL SELECT j.linkname, 'cover', m.msgid, c.id FROM cover_comment c JOIN cover p ON p.id = c.cover_id
			JOIN message m ON m.id = p.message_id JOIN project j ON j.id = p.project_id WHERE c.message_id = ? AND m.hidden = FALSE`, message, message)
	if err != nil {
		return Place{}, fmt.Errorf("find where message %d is shown: %w", message, err)
	}
	return p, nil
}

// PlaceOf finds the page of a numbered patch, cover or comment, for the addresses of older systems. Of a patch comment and a cover comment with
// the same number the former wins, as in Patchwork 3.2.
func PlaceOf(ctx context.Context, q sqldb.Queryer, kind string, id int64) (Place, error) {
	queries := map[string][]string{
		KindPatch: {"SELECT j.linkname AS project, 'patch' AS kind, m.msgid, 0 AS comment FROM patch p JOIN message m ON m.id = p.message_id JOIN project j ON j.id = p.project_id WHERE p.id = ? AND m.hidden = FALSE"},
		KindCover: {"SELECT j.linkname AS project, 'cover' AS kind, m.msgid, 0 AS comment FROM cover p JOIN message m ON m.id = p.message_id JOIN project j ON j.id = p.project_id WHERE p.id = ? AND m.hidden = FALSE"},
		KindComment: {
			"SELECT j.linkname AS project, 'patch' AS kind, m.msgid, c.id AS comment FROM patch_comment c JOIN message cm ON cm.id = c.message_id JOIN patch p ON p.id = c.patch_id JOIN message m ON m.id = p.message_id JOIN project j ON j.id = p.project_id WHERE c.id = ? AND m.hidden = FALSE AND cm.hidden = FALSE",
			"SELECT j.linkname AS project, 'cover' AS kind, m.msgid, c.id AS comment FROM cover_comment c JOIN message cm ON cm.id = c.message_id JOIN cover p ON p.id = c.cover_id JOIN message m ON m.id = p.message_id JOIN project j ON j.id = p.project_id WHERE c.id = ? AND m.hidden = FALSE AND cm.hidden = FALSE",
		},
	}
	for _, query := range queries[kind] {
		var p Place
		err := q.Get(ctx, &p, query, id)
		if err == nil {
			return p, nil
		}
		if !fault.Is(err, fault.NotFound) {
			return p, fmt.Errorf("find %s %d: %w", kind, id, err)
		}
	}
	return Place{}, fault.New(fault.NotFound, "there is no %s %d", kind, id)
}
