// SPDX-License-Identifier: GPL-2.0-or-later

package outmail

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/mailmsg"
)

// Bounce is what a mail that came back tells.
type Bounce struct {
	Mail      int64  // number of ours that it names, signed by us; ReadBounce leaves it to Find
	Status    string // "5.1.1"; empty: not told
	Lost      bool   // the mail has not arrived and will not
	Permanent bool   // because of the address: another mail would fare no better
	Answer    bool   // no bounce but an answer by a machine, such as "out of office"
	Detail    string // for people
	text      string // where the names of our mails may stand
}

// scanned bounds how much of a mail is searched for the names of ours; the header of the mail that came back stands near the end of the report.
const scanned = 256 << 10

// ReadBounce reads a report (RFC 3464) or what older mail servers send instead; nil if the mail is neither, nor an answer by a machine. It needs no
// database: whether it is about a mail of ours is for Find to say.
func ReadBounce(m *mailmsg.Message) *Bounce {
	b := &Bounce{}
	for i := range m.Parts {
		if m.Parts[i].Type == "message/delivery-status" {
			b.readStatus(string(m.Parts[i].Body))
		}
	}
	switch {
	case b.Detail != "":
	case fromMailer(m):
		b.readPlain(m)
	case strings.HasPrefix(strings.ToLower(m.Header.Get("Auto-Submitted")), "auto-replied"):
		b.Answer = true
	default:
		return nil
	}
	b.text = string(m.Raw[:min(len(m.Raw), scanned)])
	for i := range m.Parts { // what is encoded in the raw bytes
		b.text += "\n" + string(m.Parts[i].Body[:min(len(m.Parts[i].Body), scanned/8)])
		if len(b.text) > 2*scanned {
			break
		}
	}
	return b
}

// fromMailer tells whether a mail server wrote it rather than a person.
func fromMailer(m *mailmsg.Message) bool {
	from := strings.ToLower(m.Header.Get("From"))
	return strings.TrimSpace(m.Header.Get("Return-Path")) == "<>" || strings.Contains(from, "mailer-daemon") || strings.Contains(from, "postmaster@") || m.Header.Has("X-Failed-Recipients")
}

// readStatus takes the worst of a report's recipients: a mail of ours has one.
func (b *Bounce) readStatus(report string) {
	report = strings.ReplaceAll(report, "\r\n", "\n")
	for group := range strings.SplitSeq(report, "\n\n") {
		h := mailmsg.Parse([]byte(group + "\n\n")).Header
		action := strings.ToLower(h.Get("Action"))
		if action == "" {
			continue
		}
		status := statusRE.FindString(h.Get("Status"))
		permanent := action == "failed" && (status == "" || isAddressTrouble(status))
		if b.Detail != "" && !permanent {
			continue
		}
		b.Status, b.Lost, b.Permanent = status, action == "failed", permanent
		b.Detail = Line(action + " " + status + ": " + h.Get("Diagnostic-Code"))
	}
}

var plainCode = regexp.MustCompile(`\b(55[0-4])[ -]`)

// readPlain looks for a status in the text of a bounce that has no report. Without one it may come from anything, and is not for good.
func (b *Bounce) readPlain(m *mailmsg.Message) {
	var text string
	if len(m.Parts) > 0 {
		text, _ = m.Parts[0].Text()
		text = text[:min(len(text), 8<<10)]
	}
	b.Status = statusRE.FindString(text)
	b.Permanent = isAddressTrouble(b.Status) || b.Status == "" && plainCode.MatchString(text)
	b.Lost = b.Permanent || strings.HasPrefix(b.Status, "5")
	b.Detail = Line("bounce without a report: " + fold.Cut(text, 300))
}

// Find looks for mails of ours in a bounce and in the addresses it was sent to. Only what this site signed counts, so nobody can make up a
// bounce of a mail that he has not received.
func (s Signer) Find(b *Bounce, recipients []string) bool {
	b.Mail = s.mail(strings.Join(recipients, "\n"))
	if b.Mail == 0 {
		b.Mail = s.mail(b.text)
	}
	return b.Mail != 0
}

const (
	// suspendAfter is how many mails to an address must come back for good before it gets none any more, within bounceWindow and over at
	// least bounceSpan: one bad afternoon of a server is not enough.
	suspendAfter = 3
	bounceWindow = 30 * 24 * time.Hour
	bounceSpan   = 24 * time.Hour
)

// RecordBounce notes what came back and suspends an address whose mail came back too often. It says whether the mail is known.
func RecordBounce(ctx context.Context, tx *sqldb.Tx, now clock.Time, log *slog.Logger, b Bounce) (known bool, err error) {
	r, err := Get(ctx, tx, b.Mail)
	if fault.Is(err, fault.NotFound) {
		return false, nil // forgotten by Sweep
	}
	if err != nil || b.Answer {
		return err == nil, err
	}
	err = tx.Upsert(ctx, sqldb.Upsert{Table: "mail_bounce", Columns: []string{"mail_id", "status", "recipient_key", "permanent", "detail", "at"}, Key: []string{"mail_id", "status"}},
		[][]any{{r.ID, fold.Cut(b.Status, 20), r.RecipientKey, b.Permanent, fold.Cut(b.Detail, 1000), int64(now)}})
	if err == nil && b.Lost {
		_, err = tx.Exec(ctx, "UPDATE outgoing_mail SET state = ?, error = ? WHERE id = ? AND state = ?", Bounced, fold.Cut(b.Detail, 2000), r.ID, Sent)
	}
	if err != nil || !b.Permanent {
		return true, err
	}
	return true, suspendIfNeeded(ctx, tx, now, log, r)
}

func suspendIfNeeded(ctx context.Context, tx *sqldb.Tx, now clock.Time, log *slog.Logger, r Row) error {
	var n struct {
		Mails       int
		First, Last clock.Time
	}
	err := tx.Get(ctx, &n, `SELECT COUNT(DISTINCT mail_id) AS mails, COALESCE(MIN(at), 0) AS first, COALESCE(MAX(at), 0) AS last FROM mail_bounce
		WHERE recipient_key = ? AND permanent = TRUE AND at > ?`, r.RecipientKey, int64(now.Add(-bounceWindow)))
	if err != nil || n.Mails < suspendAfter || n.Last.Sub(n.First) < bounceSpan {
		return err
	}
	reason := fmt.Sprintf("%d mails came back since %s", n.Mails, n.First.Time().Format(time.DateOnly))
	err = tx.Upsert(ctx, sqldb.Upsert{Table: "mail_suspended", Columns: []string{"recipient_key", "at", "reason"}, Key: []string{"recipient_key"}}, [][]any{{r.RecipientKey, int64(now), reason}})
	if err == nil {
		log.Warn("an address gets no more mail", "address", r.Recipient, "why", reason, "resume with", "pw mail resume "+r.Recipient)
	}
	return err
}

// Suspension is an address that gets no mail.
type Suspension struct {
	Address string     `db:"recipient_key"`
	At      clock.Time `db:"at"`
	Reason  string
}

// Suspended tells whether and why an address gets no mail; nil: it does.
func Suspended(ctx context.Context, q sqldb.Queryer, address string) (*Suspension, error) {
	var s Suspension
	err := q.Get(ctx, &s, "SELECT recipient_key, at, reason FROM mail_suspended WHERE recipient_key = ?", AddressKey(address))
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask whether %s gets mail: %w", address, err)
	}
	return &s, nil
}

// Resume lets an address have mail again, and forgets what came back from it; suspended says whether it had none.
func Resume(ctx context.Context, tx *sqldb.Tx, address string) (suspended bool, err error) {
	key := AddressKey(address)
	n, err := tx.Exec(ctx, "DELETE FROM mail_suspended WHERE recipient_key = ?", key)
	if err == nil {
		_, err = tx.Exec(ctx, "DELETE FROM mail_bounce WHERE recipient_key = ?", key)
	}
	if err != nil {
		return false, fmt.Errorf("resume mail to %s: %w", address, err)
	}
	return n > 0, nil
}

// Trouble is how mail to an address fares.
type Trouble struct {
	Address   string     `db:"recipient_key"`
	Permanent int        // mails that came back for good
	Temporary int        // reports of other kinds
	Last      clock.Time // when the last came
	Detail    string     // of the last
	Suspended bool
	Reason    string
}

// Troubles lists the addresses mail came back from, the latest first; address empty: all, at most 1000.
func Troubles(ctx context.Context, q sqldb.Queryer, address string) ([]Trouble, error) {
	query := `SELECT b.recipient_key, COUNT(DISTINCT CASE WHEN b.permanent = TRUE THEN b.mail_id END) AS permanent, SUM(CASE WHEN b.permanent = TRUE THEN 0 ELSE 1 END) AS temporary,
		MAX(b.at) AS last, (SELECT d.detail FROM mail_bounce d WHERE d.recipient_key = b.recipient_key ORDER BY d.at DESC, d.mail_id DESC LIMIT 1) AS detail, MAX(CASE WHEN s.at IS NULL THEN 0 ELSE 1 END) AS suspended, COALESCE(MAX(s.reason), '') AS reason
		FROM mail_bounce b LEFT JOIN mail_suspended s ON s.recipient_key = b.recipient_key`
	var args []any
	if address != "" {
		query, args = query+" WHERE b.recipient_key = ?", append(args, AddressKey(address))
	}
	var out []Trouble
	if err := q.Select(ctx, &out, query+" GROUP BY b.recipient_key ORDER BY MAX(b.at) DESC LIMIT 1000", args...); err != nil {
		return nil, fmt.Errorf("list bounces: %w", err)
	}
	return out, nil
}
