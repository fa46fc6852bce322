// SPDX-License-Identifier: GPL-2.0-or-later

package outmail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/mail"
	"strings"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/job"
)

// Options are what a site decides about its mail.
type Options struct {
	Transport  Transport
	From       mail.Address // of all mail
	NoticeFrom mail.Address // of notices
	BounceTo   string       // mail that comes back goes here, with the mail's name behind a plus; empty: to the sender
	BaseURL    string       // of links, without a slash at its end
	// OptedOut tells whether an address wants no notices, as AddressKey gives it; nil: nobody was asked.
	OptedOut func(ctx context.Context, q sqldb.Queryer, key string) (bool, error)
}

// Problem says what is missing before any mail can leave; empty: nothing.
func (o Options) Problem() string {
	switch {
	case !o.Transport.Configured():
		return "smtp.host and smtp.sendmail are empty: there is no way for mail to leave"
	case o.From.Address == "":
		return "smtp.from is empty: mail needs a sender"
	case o.BaseURL == "":
		return "http.base-url is empty: mail needs it for its links"
	}
	return ""
}

// Sender delivers what is queued.
type Sender struct {
	db    *sqldb.DB
	clock clock.Clock
	opt   Options
	log   *slog.Logger
}

// NewSender makes a sender.
func NewSender(db *sqldb.DB, c clock.Clock, opt Options, log *slog.Logger) *Sender {
	return &Sender{db: db, clock: c, opt: opt, log: log}
}

const (
	// giveUpAfter is how long a mail is tried, as mail servers do (RFC 5321, 4.5.4.1: four to five days).
	giveUpAfter = 5 * 24 * time.Hour
	// settingsRetry is when a mail is tried again that our own configuration keeps from leaving.
	settingsRetry = 10 * time.Minute
	firstRetry    = time.Minute
	lastRetry     = 4 * time.Hour
)

// backOff is how long to wait after a number of failures: twice as long each time, give or take a fifth, so that not all come back at once.
func backOff(failures int) time.Duration {
	d := min(firstRetry<<min(max(failures, 1)-1, 20), lastRetry)
	return d - d/5 + rand.N(2*d/5)
}

// Kind is the kind of job that delivers a mail. Few at a time: mail servers count the connections of a sender.
func (s *Sender) Kind() job.Kind {
	return job.Kind{Name: JobKind, Handle: s.Handle, Parallel: 3}
}

// Handle runs a job of JobKind. It is safe to run twice: a mail that was sent is not sent again. A process that ends between the server's
// answer and ours to the database sends it once more, with the same Message-ID.
func (s *Sender) Handle(ctx context.Context, j job.Job) error {
	var p payload
	if err := j.Decode(&p); err != nil {
		return err
	}
	r, err := Get(ctx, s.db, p.Mail)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil // forgotten meanwhile
	case err != nil:
		return err
	case r.State != Queued:
		return nil
	}
	return s.deliver(ctx, r)
}

func (s *Sender) deliver(ctx context.Context, r Row) error {
	m, err := r.Mail()
	if err != nil {
		return s.end(ctx, r, Failed, err.Error())
	}
	switch why, err := s.unwanted(ctx, r, m); {
	case err != nil:
		return err
	case why != "":
		return s.end(ctx, r, Dropped, why)
	}
	now := s.clock.Now()
	if now.Sub(r.QueuedAt) > giveUpAfter {
		return s.end(ctx, r, Failed, fmt.Sprintf("not taken for %d days; the last time: %s", int(giveUpAfter.Hours()/24), r.Error))
	}
	if why := s.missing(m); why != "" {
		return s.later(ctx, r, now.Add(settingsRetry), errors.New(why))
	}
	if until, why, err := s.paused(ctx); err != nil {
		return err
	} else if until > now {
		return s.later(ctx, r, until.Add(rand.N(5*time.Second)), fmt.Errorf("waiting for %s: %s", s.opt.Transport.Destination(), why))
	}
	sign, err := s.begin(ctx, &r, m)
	if err != nil {
		return err
	}
	said, err := s.opt.Transport.send(ctx, s.envelope(sign, r.ID), m.To.Address, compose(s.letter(sign, r, m)))
	ctx = context.WithoutCancel(ctx) // what the server said is written down also when the process was told to stop meanwhile
	if err == nil {
		s.log.Info("mail sent", "mail", r.ID, "kind", r.Kind, "said", said)
		return s.sent(ctx, r, m)
	}
	var no *refusal
	if !errors.As(err, &no) {
		return err
	}
	return s.refused(ctx, r, m, no)
}

// unwanted says why a mail is not to be sent after all.
func (s *Sender) unwanted(ctx context.Context, r Row, m Mail) (string, error) {
	if !m.Always {
		gone, err := Suspended(ctx, s.db, r.Recipient)
		if err != nil {
			return "", err
		}
		if gone != nil {
			return "no mail is sent to this address: " + gone.Reason, nil
		}
	}
	if m.Notice && s.opt.OptedOut != nil {
		out, err := s.opt.OptedOut(ctx, s.db, r.RecipientKey)
		if err != nil {
			return "", err
		}
		if out {
			return "the recipient has opted out", nil
		}
	}
	return "", nil
}

// missing says which setting keeps a mail from leaving.
func (s *Sender) missing(m Mail) string {
	if s.opt.BaseURL == "" && !m.Notice && !strings.Contains(m.Text, linkMark) {
		o := s.opt
		o.BaseURL = "-" // not needed
		return o.Problem()
	}
	return s.opt.Problem()
}

func (s *Sender) paused(ctx context.Context) (until clock.Time, why string, err error) {
	var row struct {
		Until clock.Time `db:"until_at"`
		Error string
	}
	err = s.db.Get(ctx, &row, "SELECT until_at, error FROM outgoing_pause WHERE destination = ?", s.opt.Transport.Destination())
	if fault.Is(err, fault.NotFound) {
		return 0, "", nil
	}
	return row.Until, row.Error, err
}

// begin counts an attempt; the first gives the mail its Message-ID.
func (s *Sender) begin(ctx context.Context, r *Row, m Mail) (sign Signer, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if sign, err = LoadSigner(ctx, tx, s.clock.Now()); err != nil {
			return err
		}
		if r.MsgID == "" {
			_, domain, _ := strings.Cut(s.from(m).Address, "@")
			r.MsgID = "<pw-" + sign.Name(r.ID) + "@" + domain + ">"
		}
		_, err := tx.Exec(ctx, "UPDATE outgoing_mail SET attempts = attempts + 1, msgid = ? WHERE id = ?", r.MsgID, r.ID)
		return err
	})
	if err != nil {
		return sign, fmt.Errorf("begin to send mail %d: %w", r.ID, err)
	}
	r.Attempts++
	return sign, nil
}

func (s *Sender) from(m Mail) mail.Address {
	if m.Notice && s.opt.NoticeFrom.Address != "" {
		return s.opt.NoticeFrom
	}
	return s.opt.From
}

// envelope is where a mail goes back to: the address for that, with the name of the mail.
func (s *Sender) envelope(sign Signer, id int64) string {
	local, domain, ok := strings.Cut(s.opt.BounceTo, "@")
	if !ok {
		return s.opt.From.Address
	}
	return local + "+" + sign.Name(id) + "@" + domain
}

func (s *Sender) letter(sign Signer, r Row, m Mail) letter {
	l := letter{Mail: m, from: s.from(m), msgid: r.MsgID, date: r.QueuedAt, base: s.opt.BaseURL}
	if m.Notice {
		l.unsubscribe = sign.UnsubscribePath(m.To.Address)
	}
	return l
}

func (s *Sender) sent(ctx context.Context, r Row, m Mail) error {
	err := s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := endRow(ctx, tx, s.clock.Now(), r, Sent, ""); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DELETE FROM outgoing_pause WHERE destination = ?", s.opt.Transport.Destination())
		return err
	})
	if err != nil {
		return fmt.Errorf("note that mail %d was sent: %w", r.ID, err)
	}
	return nil
}

// refused decides what becomes of a mail that did not leave.
func (s *Sender) refused(ctx context.Context, r Row, m Mail, no *refusal) error {
	now := s.clock.Now()
	if no.temporary {
		wait := backOff(r.Attempts)
		if no.server {
			var err error
			if wait, err = s.pause(ctx, now, no); err != nil {
				return err
			}
		}
		return s.later(ctx, r, now.Add(wait), no)
	}
	s.log.Warn("mail refused", "mail", r.ID, "kind", r.Kind, "err", no)
	if no.recipient {
		if err := s.bounced(ctx, r, no); err != nil {
			return err
		}
	}
	return s.end(ctx, r, Failed, no.Error())
}

// bounced counts what a server says at once about an address as if it had come back.
func (s *Sender) bounced(ctx context.Context, r Row, no *refusal) error {
	b := Bounce{Mail: r.ID, Status: no.status, Permanent: true, Detail: no.Error()}
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := RecordBounce(ctx, tx, s.clock.Now(), s.log, b)
		return err
	})
}

// pause leaves the server alone for a while, longer each time.
func (s *Sender) pause(ctx context.Context, now clock.Time, why error) (time.Duration, error) {
	var wait time.Duration
	destination := s.opt.Transport.Destination()
	err := s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		err := tx.Upsert(ctx, sqldb.Upsert{Table: "outgoing_pause", Columns: []string{"destination", "failures", "until_at", "error"}, Key: []string{"destination"},
			Replace: []string{"error"}, Add: []string{"failures"}}, [][]any{{destination, 1, 0, fold.Cut(why.Error(), 1000)}})
		if err != nil {
			return err
		}
		var failures int
		if err := tx.Get(ctx, &failures, "SELECT failures FROM outgoing_pause WHERE destination = ?", destination); err != nil {
			return err
		}
		wait = min(backOff(failures), 30*time.Minute)
		_, err = tx.Exec(ctx, "UPDATE outgoing_pause SET until_at = ? WHERE destination = ?", int64(now.Add(wait)), destination)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("pause for %s: %w", destination, err)
	}
	return wait, nil
}

func (s *Sender) later(ctx context.Context, r Row, at clock.Time, why error) error {
	err := s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE outgoing_mail SET error = ? WHERE id = ? AND state = ?", fold.Cut(why.Error(), 2000), r.ID, Queued)
		return err
	})
	if err != nil {
		return fmt.Errorf("note why mail %d waits: %w", r.ID, err)
	}
	return job.RetryAt(fmt.Errorf("send mail %d: %w", r.ID, why), at)
}

// end is for a mail that is not tried any more. Its job is done: the row says what became of it.
func (s *Sender) end(ctx context.Context, r Row, state, why string) error {
	err := s.db.Tx(ctx, func(tx *sqldb.Tx) error { return endRow(ctx, tx, s.clock.Now(), r, state, why) })
	if err != nil {
		return fmt.Errorf("end mail %d: %w", r.ID, err)
	}
	return nil
}

func endRow(ctx context.Context, tx *sqldb.Tx, now clock.Time, r Row, state, why string) error {
	body := r.Body
	if m, err := r.Mail(); err == nil && m.Private {
		body = ""
	}
	_, err := tx.Exec(ctx, "UPDATE outgoing_mail SET state = ?, error = ?, body = ?, ended_at = ? WHERE id = ? AND state = ?", state, fold.Cut(why, 2000), body, int64(now), r.ID, Queued)
	return err
}

// Test sends a mail at once and tells what the server said: to find out whether the settings are right.
func (s *Sender) Test(ctx context.Context, address string) (said string, err error) {
	if err := CheckAddress(address); err != nil {
		return "", err
	}
	m := Mail{To: mail.Address{Address: address}, Subject: "Test of outgoing mail",
		Text: "This mail was sent by \"pw mail test\", to see whether mail from here arrives.\n"}
	if why := s.missing(m); why != "" {
		return "", fault.New(fault.Invalid, "%s", why)
	}
	now := s.clock.Now()
	_, domain, _ := strings.Cut(s.opt.From.Address, "@")
	l := letter{Mail: m, from: s.opt.From, date: now, msgid: fmt.Sprintf("<pw-test-%d.%d@%s>", int64(now), rand.Uint32(), domain)}
	said, err = s.opt.Transport.send(ctx, s.opt.From.Address, address, compose(l))
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "send a test to %s by %s", address, s.opt.Transport.Destination())
	}
	return said, nil
}
