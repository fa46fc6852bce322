// SPDX-License-Identifier: GPL-2.0-or-later

package outmail

import (
	"context"
	"encoding/json"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/job"
)

// Mail is a mail to one recipient, as text.
type Mail struct {
	Kind       string       `json:"-"` // "state-digest": for lists and logs
	To         mail.Address `json:"to"`
	Subject    string       `json:"subject"`
	Text       string       `json:"text"` // lines end with LF; addresses of the site are written by Link
	InReplyTo  string       `json:"in_reply_to,omitempty"`
	References []string     `json:"references,omitempty"` // Message-IDs with brackets, the oldest first
	Notice     bool         `json:"notice,omitempty"`     // sent from notify.from, not to who opted out, and can be unsubscribed from
	Private    bool         `json:"private,omitempty"`    // holds a secret: the text is forgotten when the mail is sent or given up
	Always     bool         `json:"always,omitempty"`     // also to an address whose mail came back: the recipient has asked for it
}

// The states of a mail.
const (
	Queued  = "queued"  // to be sent
	Sent    = "sent"    // taken by the mail server
	Failed  = "failed"  // refused for good, or not taken for too long
	Dropped = "dropped" // not to be sent any more: its recipient gets no mail
	Bounced = "bounced" // came back
)

// JobKind is the kind of the jobs that deliver.
const JobKind = "mail"

// linkMark stands before the path in what Link writes. No text from outside has it: it is a control character.
const linkMark = "\x1a"

// Link is the address of a page of the site, in a text. The mail gets it when it is sent, from http.base-url; as long as that is empty, it
// is not sent.
func Link(path string) string { return linkMark + path }

// Line makes one line of a text from outside: control characters are dropped, white space is one space.
func Line(s string) string {
	return fold.Collapse(strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case unicode.IsControl(r) || r == utf8.RuneError || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, s))
}

var addressRE = regexp.MustCompile(`^[^\s@<>"(),:;\\\[\]]+@[^\s@<>"(),:;\\]+$`)

// Shown is the text as the recipient sees it.
func (m Mail) Shown(base string) string { return strings.ReplaceAll(m.Text, linkMark, base) }

// CheckAddress is fault.Invalid for what we can't send mail to.
func CheckAddress(s string) error {
	if !addressRE.MatchString(s) || len(s) > 254 || !utf8.ValidString(s) || s[0] == '-' || strings.ContainsFunc(s, unicode.IsControl) {
		return fault.New(fault.Invalid, "%.100q is no address that mail can be sent to", s)
	}
	return nil
}

// AddressKey is an address as tables compare it.
func AddressKey(address string) string { return fold.Cut(fold.Key(fold.Cut(address, 255)), 255) }

type payload struct {
	Mail int64 `json:"mail"`
}

// Queue writes a mail and the job that delivers it, in the caller's transaction. An address that can't be used is fault.Invalid.
// Mails to one address are delivered one after the other.
func Queue(ctx context.Context, tx *sqldb.Tx, now clock.Time, m Mail) (int64, error) {
	if err := CheckAddress(m.To.Address); err != nil {
		return 0, err
	}
	m.To.Name, m.Subject = fold.Cut(Line(m.To.Name), 255), fold.Cut(Line(m.Subject), 900)
	id, err := tx.NextID(ctx, "outgoing_mail")
	if err != nil {
		return 0, err
	}
	body, err := json.Marshal(m)
	if err != nil {
		return 0, fmt.Errorf("queue mail to %s: %w", m.To.Address, err)
	}
	jobID, err := enqueue(ctx, tx, now, id, m.To.Address)
	if err != nil {
		return 0, err
	}
	return id, tx.Insert(ctx, "outgoing_mail", []string{"id", "kind", "recipient", "recipient_key", "subject", "body", "msgid", "state", "attempts", "error", "job_id", "queued_at"},
		[][]any{{id, m.Kind, m.To.Address, AddressKey(m.To.Address), m.Subject, string(body), "", Queued, 0, "", jobID, int64(now)}})
}

func enqueue(ctx context.Context, tx *sqldb.Tx, now clock.Time, id int64, address string) (int64, error) {
	return job.Enqueue(ctx, tx, now, job.New{Kind: JobKind, Target: "mail:" + AddressKey(address), TriedFor: giveUpAfter, Payload: payload{id}})
}

// Row is a mail in the queue, or one that has left it.
type Row struct {
	ID           int64
	Kind         string
	Recipient    string
	RecipientKey string `db:"recipient_key"`
	Subject      string
	Body         string
	MsgID        string // with brackets; empty before the first attempt
	State        string
	Attempts     int
	Error        string      // of the last attempt, or what came back
	JobID        int64       `db:"job_id"`
	QueuedAt     clock.Time  `db:"queued_at"`
	EndedAt      *clock.Time `db:"ended_at"`
}

const columns = "id, kind, recipient, recipient_key, subject, body, msgid, state, attempts, error, job_id, queued_at, ended_at"

// Mail is what was queued. A private mail that has been sent is fault.Conflict: its text is not kept.
func (r Row) Mail() (Mail, error) {
	if r.Body == "" {
		return Mail{}, fault.New(fault.Conflict, "the text of mail %d held a secret and was not kept", r.ID)
	}
	m := Mail{Kind: r.Kind}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return m, fmt.Errorf("read mail %d: %w", r.ID, err)
	}
	return m, nil
}

// Get finds a mail by number.
func Get(ctx context.Context, q sqldb.Queryer, id int64) (Row, error) {
	var r Row
	err := q.Get(ctx, &r, "SELECT "+columns+" FROM outgoing_mail WHERE id = ?", id)
	if fault.Is(err, fault.NotFound) {
		return r, fault.New(fault.NotFound, "no outgoing mail %d", id)
	}
	if err != nil {
		return r, fmt.Errorf("find outgoing mail %d: %w", id, err)
	}
	return r, nil
}

// Filter says which mails a list holds; what is empty does not matter.
type Filter struct {
	State   string
	Address string
	Most    int // 0: 100
}

// List gives mails, the newest first.
func List(ctx context.Context, q sqldb.Queryer, f Filter) ([]Row, error) {
	where, args := []string{}, []any{}
	if f.State != "" {
		where, args = append(where, "state = ?"), append(args, f.State)
	}
	if f.Address != "" {
		where, args = append(where, "recipient_key = ?"), append(args, AddressKey(f.Address))
	}
	query := "SELECT " + columns + " FROM outgoing_mail"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	if f.Most == 0 {
		f.Most = 100
	}
	var out []Row
	if err := q.Select(ctx, &out, query+" ORDER BY id DESC LIMIT ?", append(args, f.Most)...); err != nil {
		return nil, fmt.Errorf("list outgoing mail: %w", err)
	}
	return out, nil
}

// Retry queues a mail again that failed, was dropped or came back; a mail that waits is tried at once. One that was sent is fault.Conflict.
func Retry(ctx context.Context, db *sqldb.DB, by event.Actor, now clock.Time, id int64) error {
	if err := by.RequireAdmin("retry mails"); err != nil {
		return err
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		r, err := Get(ctx, tx, id)
		if err != nil {
			return err
		}
		if r.State == Sent {
			return fault.New(fault.Conflict, "it was sent already")
		}
		if _, err := r.Mail(); err != nil {
			return err
		}
		if err := requeue(ctx, tx, by, now, r); err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, "DELETE FROM outgoing_pause"); err != nil {
			return err
		}
		return event.Audit(ctx, tx, event.Audited{At: now, Actor: by.User, Via: by.Via, Verb: "mail retry", Subject: fmt.Sprintf("mail %d", id), Detail: r.Kind + " " + r.Recipient})
	})
	if err != nil {
		return fmt.Errorf("retry mail %d: %w", id, err)
	}
	return nil
}

// requeue gives a mail that is not tried any more a job again; one that waits is tried at once, unless another mail to the address comes first. Both have
// five days from now.
func requeue(ctx context.Context, tx *sqldb.Tx, by event.Actor, now clock.Time, r Row) (err error) {
	jobID, tried := r.JobID, r.State == Queued
	if tried { // unless somebody has cancelled its job
		j, err := job.Get(ctx, tx, by, jobID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if tried = err == nil && !j.Finished(); tried {
			if err := job.Hurry(ctx, tx, now, jobID); err != nil {
				return err
			}
		}
	}
	if !tried {
		if jobID, err = enqueue(ctx, tx, now, r.ID, r.Recipient); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, "UPDATE outgoing_mail SET state = ?, job_id = ?, queued_at = ?, ended_at = NULL WHERE id = ?", Queued, jobID, int64(now), r.ID)
	return err
}

// Waiting says since when the oldest mail waits that is to be sent; ok is false if none does.
func Waiting(ctx context.Context, q sqldb.Queryer) (since clock.Time, ok bool, err error) {
	err = q.Get(ctx, &since, "SELECT queued_at FROM outgoing_mail WHERE state = ? ORDER BY id LIMIT 1", Queued)
	if fault.Is(err, fault.NotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("look for waiting mail: %w", err)
	}
	return since, true, nil
}

// Sweep forgets what is older than keep: mails that are not queued, and bounces.
func Sweep(ctx context.Context, db *sqldb.DB, before clock.Time) (mails int64, err error) {
	mails, err = sweep(ctx, db, "SELECT id FROM outgoing_mail WHERE queued_at < ? AND state <> 'queued' ORDER BY queued_at, id LIMIT ?",
		"DELETE FROM outgoing_mail WHERE id IN (?) AND state <> 'queued'", before)
	if err == nil {
		_, err = sweep(ctx, db, "SELECT mail_id FROM mail_bounce WHERE at < ? ORDER BY at, mail_id LIMIT ?", "DELETE FROM mail_bounce WHERE mail_id IN (?) AND at < ?", before, int64(before))
	}
	if err != nil {
		return mails, fmt.Errorf("forget old outgoing mail: %w", err)
	}
	return mails, nil
}

// sweepChunk is how many rows one transaction of Sweep deletes.
const sweepChunk = 500

// sweep deletes what find finds, a chunk in each transaction, so that neither a lock nor a journal grows with what there is. more are the arguments behind the list of numbers.
func sweep(ctx context.Context, db *sqldb.DB, find, remove string, before clock.Time, more ...any) (removed int64, err error) {
	for {
		var ids []int64
		if err := db.Select(ctx, &ids, find, int64(before), sweepChunk); err != nil || len(ids) == 0 {
			return removed, err
		}
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			n, err := tx.Exec(ctx, remove, append([]any{ids}, more...)...)
			removed += n
			return err
		})
		if err != nil || len(ids) < sweepChunk {
			return removed, err
		}
	}
}
