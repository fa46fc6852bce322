// SPDX-License-Identifier: GPL-2.0-or-later

package django

import (
	"context"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/diff"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
)

// mails imports cover letters and patches, then the series that they make, then comments.
func (im *importer) mails(ctx context.Context) error {
	for _, step := range []func(context.Context) error{im.covers, im.relations, im.patches, im.series, im.references, im.dependencies, im.patchComments, im.coverComments} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// oldMail is what all four tables of mails have.
type oldMail struct {
	ID        int64
	MsgID     string
	Date      naive
	Headers   string
	Content   *string
	Submitter int64 `db:"submitter_id"`
}

// message makes of a mail what all mails have here, and gives what it refers to (key forms, nearest first).
func (im *importer) message(r row, kind int, word string, o oldMail) (m mailstore.ImportedMessage, refs []string) {
	l := im.letters.byID[kind][o.ID]
	msgid := r.text("msgid", o.MsgID, 0)
	headers := r.text("headers", o.Headers, 0)
	m.Copy, m.Text = l.copy, r.texts("content", o.Content, 0)
	m.ID, m.Project, m.Thread, m.Kind, m.Submitter, m.Date, m.Headers = l.message, l.project, l.thread, word, o.Submitter, o.Date.mail(), headers
	if m.MsgID = mailstore.Key(msgid); m.MsgID != msgid {
		m.LongID = msgid
	}
	parsed := parseHeaders(headers)
	m.Subject = fold.Cut(clean(parsed.Header.Get("Subject")), 1000) // as at intake
	for _, ref := range limited(parsed.References()) {
		refs = append(refs, mailstore.Key(ref))
	}
	if len(refs) > 0 {
		m.InReplyTo = refs[0]
	}
	return m, refs
}

func messageSize(m mailstore.ImportedMessage) int {
	n := len(m.Headers)
	if m.Text != nil {
		n += len(*m.Text)
	}
	return n
}

// both is a message and the row that says what it is.
type both[T any] struct {
	message mailstore.ImportedMessage
	row     T
}

// split gives messages and rows to whom they belong.
func split[T any](write func(context.Context, *sqldb.Tx, []T) error) func(context.Context, *sqldb.Tx, []both[T]) error {
	return func(ctx context.Context, tx *sqldb.Tx, list []both[T]) error {
		messages, rows := make([]mailstore.ImportedMessage, len(list)), make([]T, len(list))
		for i, b := range list {
			messages[i], rows[i] = b.message, b.row
		}
		if err := mailstore.Import(ctx, tx, messages); err != nil {
			return err
		}
		return write(ctx, tx, rows)
	}
}

type oldCover struct {
	oldMail
	Name    string
	Project int64 `db:"project_id"`
}

func (im *importer) covers(ctx context.Context) error {
	return take(ctx, im, table[oldCover, both[patch.ImportedCover]]{
		what: "cover letters", name: "patchwork_cover", write: split(patch.ImportCovers),
		query: "SELECT id, msgid, date, headers, content, submitter_id, name, project_id FROM patchwork_cover ORDER BY id",
		convert: func(o oldCover) both[patch.ImportedCover] {
			r := im.row("patchwork_cover", o.ID)
			m, refs := im.message(r, aCover, patch.KindCover, o.oldMail)
			c := patch.ImportedCover{ID: o.ID, Message: m.ID, Project: o.Project, Submitter: o.Submitter, Date: m.Date, Name: r.text("name", o.Name, 255)}
			im.facts.covers[c.ID] = readSaid(c.Name, m, refs)
			return both[patch.ImportedCover]{m, c}
		},
		size: func(b both[patch.ImportedCover]) int { return messageSize(b.message) },
	})
}

type oldPatch struct {
	oldMail
	Name      string
	Project   int64 `db:"project_id"`
	Archived  bool
	CommitRef *string `db:"commit_ref"`
	Delegate  *int64  `db:"delegate_id"`
	Diff      *string
	Hash      *string
	Number    *int
	PullURL   *string `db:"pull_url"`
	Related   *int64  `db:"related_id"`
	Series    *int64  `db:"series_id"`
	State     *int64  `db:"state_id"`
}

func (im *importer) patches(ctx context.Context) error {
	return take(ctx, im, table[oldPatch, both[patch.ImportedPatch]]{
		what: "patches", name: "patchwork_patch", write: split(patch.ImportPatches),
		query: `SELECT id, msgid, date, headers, content, submitter_id, name, project_id, archived, commit_ref, delegate_id, diff, hash, number, pull_url,
				related_id, series_id, state_id FROM patchwork_patch ORDER BY id`,
		convert: im.patch,
		size:    func(b both[patch.ImportedPatch]) int { return messageSize(b.message) + len(b.row.Diff) },
	})
}

func (im *importer) patch(o oldPatch) both[patch.ImportedPatch] {
	r := im.row("patchwork_patch", o.ID)
	m, refs := im.message(r, aPatch, patch.KindPatch, o.oldMail)
	p := patch.ImportedPatch{ID: o.ID, Message: m.ID, Project: o.Project, Submitter: o.Submitter, Date: m.Date, Name: r.text("name", o.Name, 255), State: id(o.State),
		Delegate: id(o.Delegate), Series: id(o.Series), Relation: id(o.Related), Archived: o.Archived, Number: o.Number, Hash: r.texts("hash", o.Hash, 40),
		CommitRef: r.texts("commit_ref", o.CommitRef, 255), PullURL: r.texts("pull_url", o.PullURL, 255)}
	if o.Diff != nil {
		p.Diff = append([]byte{}, *o.Diff...)
		p.GitID = diff.PatchID(p.Diff)
	} else if p.Hash != nil {
		p.Hash = nil
		im.hashless++
	}
	im.facts.addPatch(p.Series, p.Number, readSaid(p.Name, m, refs))
	return both[patch.ImportedPatch]{m, p}
}

type oldComment struct {
	oldMail
	On        int64 `db:"on_id"`
	Addressed *bool
}

func (im *importer) patchComments(ctx context.Context) error {
	return im.comments(ctx, aPatchComment, table[oldComment, both[patch.ImportedComment]]{
		what: "comments on patches", name: "patchwork_patchcomment", write: split(patch.ImportPatchComments),
		query: "SELECT id, msgid, date, headers, content, submitter_id, patch_id AS on_id, " + im.src.or("patchwork_patchcomment", "addressed", "NULL") +
			" FROM patchwork_patchcomment ORDER BY id",
	})
}

func (im *importer) coverComments(ctx context.Context) error {
	return im.comments(ctx, aCoverComment, table[oldComment, both[patch.ImportedComment]]{
		what: "comments on cover letters", name: "patchwork_covercomment", write: split(patch.ImportCoverComments),
		query: "SELECT id, msgid, date, headers, content, submitter_id, cover_id AS on_id, " + im.src.or("patchwork_covercomment", "addressed", "NULL") +
			" FROM patchwork_covercomment ORDER BY id",
	})
}

func (im *importer) comments(ctx context.Context, kind int, t table[oldComment, both[patch.ImportedComment]]) error {
	t.convert = func(o oldComment) both[patch.ImportedComment] {
		m, _ := im.message(im.row(t.name, o.ID), kind, patch.KindComment, o.oldMail)
		text := ""
		if m.Text != nil {
			text = *m.Text
		}
		return both[patch.ImportedComment]{m, patch.ImportedComment{ID: o.ID, Message: m.ID, On: o.On, Submitter: o.Submitter, Date: m.Date, Addressed: o.Addressed,
			Automatic: patch.Automatic(m.Headers, text, "")}}
	}
	t.size = func(b both[patch.ImportedComment]) int { return messageSize(b.message) }
	return take(ctx, im, t)
}
