// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/project"
)

// Reading is what a mail says of the message that was made of it. What does not belong to the kind of message is empty.
type Reading struct {
	Submitter int64 // person; 0: one who is not here yet
	Email     string
	Date      clock.Time
	Subject   string
	InReplyTo string // key form
	Headers   string
	Content   string
	Attached  string // its files, as they are stored

	Name    string // of patches and covers
	Hash    string // of patches, as all below
	PullURL string
	GitID   string // what git patch-id makes of Diff
	Charset string
	Diff    []byte

	ActionRequired bool // of comments: the header is there
	Automatic      bool // of comments: a program sent it
}

// Stored is a message as it is in the database.
type Stored struct {
	Message *mailstore.Message
	Reading
	ID        int64 // of the patch, cover or comment
	Target          // of a comment; of a patch or cover itself
	addressed *bool
}

// Difference is one field that today's reading of a mail has otherwise.
type Difference struct {
	Field   string
	Was, Is string
}

// Amendment gives a message what its mail says.
type Amendment struct {
	Stored *Stored
	To     Reading
	Fields []Difference
}

// ForRepair locks a project for a repair. An administrator or a maintainer of the project may; anybody else is fault.Denied.
func ForRepair(ctx context.Context, tx *sqldb.Tx, by account.Actor, p project.Project, verb string) error {
	if err := mayMaintain(ctx, tx, by, p, verb); err != nil {
		return err
	}
	return project.Lock(ctx, tx, []int64{p.ID})
}

// storedQueries read what hangs on messages, by kind.
var storedQueries = []struct{ kind, query string }{
	{KindPatch, `SELECT p.message_id, p.id, p.id, 0, p.name, COALESCE(p.hash, ''), COALESCE(p.git_patch_id, ''), COALESCE(p.pull_url, ''), COALESCE(d.charset, ''), d.diff, NULL, FALSE
		FROM patch p LEFT JOIN patch_diff d ON d.patch_id = p.id WHERE p.message_id IN (?)`},
	{KindCover, "SELECT message_id, id, 0, id, name, '', '', '', '', NULL, NULL, FALSE FROM cover WHERE message_id IN (?)"},
	{KindComment, "SELECT message_id, id, patch_id, 0, '', '', '', '', '', NULL, addressed, automatic FROM patch_comment WHERE message_id IN (?)"},
	{KindComment, "SELECT message_id, id, 0, cover_id, '', '', '', '', '', NULL, addressed, automatic FROM cover_comment WHERE message_id IN (?)"},
}

// ReadStored reads messages with their text and what was made of them, by the id of the message.
func ReadStored(ctx context.Context, tx *sqldb.Tx, messages []*mailstore.Message) (map[int64]*Stored, error) {
	out := map[int64]*Stored{}
	byKind := map[string][]int64{}
	var ids, people []int64
	for _, m := range messages {
		out[m.ID] = &Stored{Message: m, Reading: Reading{Submitter: m.Submitter, Date: m.Date, Subject: m.Subject, InReplyTo: m.InReplyTo}}
		byKind[m.Kind] = append(byKind[m.Kind], m.ID)
		ids, people = append(ids, m.ID), append(people, m.Submitter)
	}
	err := scanChunks(ctx, tx, ids, "SELECT message_id, headers, COALESCE(content, ''), COALESCE(attached, '') FROM message_body WHERE message_id IN (?)", func(rows *sqlx.Rows) error {
		var id int64
		var headers, content, attached string
		err := rows.Scan(&id, &headers, &content, &attached)
		out[id].Headers, out[id].Content, out[id].Attached = headers, content, attached
		return err
	})
	for _, q := range storedQueries {
		if err == nil {
			err = scanChunks(ctx, tx, byKind[q.kind], q.query, func(rows *sqlx.Rows) error {
				var message int64
				var s Stored
				err := rows.Scan(&message, &s.ID, &s.Patch, &s.Cover, &s.Name, &s.Hash, &s.GitID, &s.PullURL, &s.Charset, &s.Diff, &s.addressed, &s.Automatic)
				to := out[message]
				to.ID, to.Target, to.Name, to.Hash, to.GitID, to.PullURL, to.Charset, to.Diff, to.addressed, to.Automatic = s.ID, s.Target, s.Name, s.Hash, s.GitID, s.PullURL, s.Charset, s.Diff, s.addressed, s.Automatic
				return err
			})
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read %d messages: %w", len(messages), err)
	}
	return out, nameSubmitters(ctx, tx, out, people)
}

func nameSubmitters(ctx context.Context, tx *sqldb.Tx, stored map[int64]*Stored, people []int64) error {
	emails := map[int64]string{}
	people = slices.Compact(slices.Sorted(slices.Values(people)))
	err := scanChunks(ctx, tx, people, "SELECT id, email FROM person WHERE id IN (?)", func(rows *sqlx.Rows) error {
		var id int64
		var email string
		err := rows.Scan(&id, &email)
		emails[id] = email
		return err
	})
	for _, s := range stored {
		s.Email = emails[s.Submitter]
	}
	return err
}

func scanChunks(ctx context.Context, q sqldb.Queryer, ids []int64, query string, f func(*sqlx.Rows) error) error {
	return sqldb.Chunks(ids, func(ids []int64) error { return q.Each(ctx, f, query, ids) })
}

// Compare lists the fields that a reading has otherwise. The submitter is compared by person, so neither letter case nor name counts.
func (s *Stored) Compare(r Reading) []Difference {
	var out []Difference
	add := func(field, was, is string) {
		if was != is {
			out = append(out, Difference{field, was, is})
		}
	}
	if s.Submitter != r.Submitter {
		out = append(out, Difference{"submitter", s.Email, r.Email})
	}
	add("date", s.Date.String(), r.Date.String())
	add("subject", s.Subject, r.Subject)
	add("in-reply-to", s.InReplyTo, r.InReplyTo)
	add("headers", s.Headers, r.Headers)
	add("content", s.Content, r.Content)
	add("attached", s.Attached, r.Attached)
	switch s.Message.Kind {
	case KindCover:
		add("name", s.Name, r.Name)
	case KindComment:
		if r.ActionRequired && s.addressed == nil {
			add("addressed", "null", "false")
		}
		add("automatic", strconv.FormatBool(s.Automatic), strconv.FormatBool(r.Automatic))
	case KindPatch:
		add("name", s.Name, r.Name)
		add("hash", s.Hash, r.Hash)
		add("git-patch-id", s.GitID, r.GitID)
		add("pull-url", s.PullURL, r.PullURL)
		add("charset", s.Charset, r.Charset)
		if !bytes.Equal(s.Diff, r.Diff) {
			add("diff", sizeOf(s.Diff)+string(s.Diff), sizeOf(r.Diff)+string(r.Diff))
		}
	}
	return out
}

// sizeOf makes diffs that differ differ as text, whatever they hold.
func sizeOf(diff []byte) string {
	if diff == nil {
		return "none"
	}
	return strconv.Itoa(len(diff)) + " bytes: "
}

// Amend gives messages what their mails say. Ids, states, delegates, checks and comments stay; tags, and the names, dates and submitters of series
// that come from these mails, follow. It raises no events: what happened, happened. The project is locked by ForRepair.
func Amend(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, p project.Project, amendments []Amendment) error {
	fields := map[string]int{}
	var patches, covers, allPatches, allCovers []int64
	for _, a := range amendments {
		allPatches, allCovers = append(allPatches, a.Stored.Patch), append(allCovers, a.Stored.Cover)
		if err := amend(ctx, tx, p, a); err != nil {
			return fmt.Errorf("amend %s: %w", a.Stored.Message.MsgID, err)
		}
		for _, f := range a.Fields {
			fields[f.Field]++
			if f.Field == "content" {
				patches, covers = append(patches, a.Stored.Patch), append(covers, a.Stored.Cover)
			}
		}
	}
	if len(amendments) == 0 {
		return nil
	}
	if err := renamedPatches(ctx, tx, p.ID); err != nil {
		return err
	}
	if err := retag(ctx, tx, patches, covers); err != nil {
		return err
	}
	if err := retriageOf(ctx, tx, allPatches, allCovers, nil); err != nil {
		return err
	}
	detail := fmt.Sprintf("%d messages, by field: %s", len(amendments), fmt.Sprint(fields)[len("map"):])
	return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "ingress reparse", Subject: "project " + p.Linkname, Detail: detail})
}

func amend(ctx context.Context, tx *sqldb.Tx, p project.Project, a Amendment) error {
	s, r := a.Stored, a.To
	m := *s.Message
	m.Submitter, m.Date, m.Subject, m.InReplyTo, m.Headers, m.Content = r.Submitter, r.Date, r.Subject, r.InReplyTo, r.Headers, r.Content
	m.Attached = mailstore.UnpackAttachments(r.Attached)
	if err := mailstore.Amend(ctx, tx, &m); err != nil {
		return err
	}
	if err := amendSeries(ctx, tx, s, r); err != nil {
		return err
	}
	var err error
	switch s.Message.Kind {
	case KindPatch:
		if err := forgetWords(ctx, tx, []int64{s.ID}); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE patch SET submitter_id = ?, date = ?, name = ?, name_key = ?, hash = ?, git_patch_id = ?, pull_url = ? WHERE id = ?",
			r.Submitter, int64(r.Date), r.Name, nameFold(r.Name), sqldb.NullText(r.Hash), sqldb.NullText(r.GitID), sqldb.NullText(r.PullURL), s.ID)
		if err == nil {
			err = indexWords(ctx, tx, []named{{s.ID, int64(r.Date), nameFold(r.Name)}})
		}
		if err == nil {
			err = amendDiff(ctx, tx, s, r)
		}
	case KindCover:
		_, err = tx.Exec(ctx, "UPDATE cover SET submitter_id = ?, date = ?, name = ?, name_fold = ? WHERE id = ?", r.Submitter, int64(r.Date), r.Name, nameFold(r.Name), s.ID)
	case KindComment:
		query := "UPDATE patch_comment SET submitter_id = ?, date = ?, addressed = ?, automatic = ? WHERE id = ?"
		if s.Cover != 0 {
			query = "UPDATE cover_comment SET submitter_id = ?, date = ?, addressed = ?, automatic = ? WHERE id = ?"
		}
		_, err = tx.Exec(ctx, query, r.Submitter, int64(r.Date), amendedAddressed(s, r), r.Automatic, s.ID)
	}
	return err
}

func amendedAddressed(s *Stored, r Reading) any {
	if s.addressed != nil {
		return *s.addressed
	}
	if r.ActionRequired {
		return false
	}
	return nil
}

func amendDiff(ctx context.Context, tx *sqldb.Tx, s *Stored, r Reading) error {
	if bytes.Equal(s.Diff, r.Diff) && s.Charset == r.Charset && (s.Diff == nil) == (r.Diff == nil) {
		return nil
	}
	if _, err := tx.Exec(ctx, "DELETE FROM patch_diff WHERE patch_id = ?", s.ID); err != nil || r.Diff == nil {
		return err
	}
	return tx.Insert(ctx, "patch_diff", []string{"patch_id", "charset", "diff"}, [][]any{{s.ID, r.Charset, r.Diff}})
}

// amendSeries changes what the series has from this mail: its date and submitter, if they are the mail's, and its name, unless somebody named it.
func amendSeries(ctx context.Context, tx *sqldb.Tx, s *Stored, r Reading) error {
	query, was, is := "SELECT COALESCE(series_id, 0) FROM patch WHERE id = ?", s.Name, r.Name
	switch s.Message.Kind {
	case KindCover:
		query, was, is = "SELECT COALESCE(MAX(id), 0) FROM series WHERE cover_id = ?", fold.Cut(withoutPrefix(s.Name), 255), fold.Cut(withoutPrefix(r.Name), 255)
	case KindPatch:
	default:
		return nil
	}
	var series int64
	if err := tx.Get(ctx, &series, query, s.ID); err != nil || series == 0 {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE series SET submitter_id = ? WHERE id = ? AND submitter_id = ? AND date = ?", r.Submitter, series, s.Submitter, int64(s.Date))
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE series SET date = ? WHERE id = ? AND date = ?", int64(r.Date), series, int64(s.Date))
	}
	if err == nil && was != is {
		_, err = tx.Exec(ctx, "UPDATE series SET name = ?, name_fold = ? WHERE id = ? AND name = ?", sqldb.NullText(is), sqldb.NullText(nameFold(is)), series, was)
	}
	if was, is := NameKey(s.Submitter, s.Name), NameKey(r.Submitter, r.Name); err == nil && was != is {
		_, err = tx.Exec(ctx, "UPDATE series SET name_key = ? WHERE id = ? AND name_key = ?", sqldb.NullText(is), series, was)
	}
	return err
}

// GiveUpComment removes a comment, for its mail to be read anew; the message itself stays.
func GiveUpComment(ctx context.Context, tx *sqldb.Tx, m *mailstore.Message) error {
	return removeComment(ctx, tx, m)
}
