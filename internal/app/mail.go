// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/patch/patchnotify"
)

// Sender delivers the site's mail as it is configured.
func (a *App) Sender() *outmail.Sender {
	return outmail.NewSender(a.DB, a.Clock, a.MailOptions(), a.Log)
}

// MailOptions are what the configuration says about mail that leaves.
func (a *App) MailOptions() outmail.Options {
	c := a.Config.SMTP
	return outmail.Options{
		Transport:  outmail.Transport{Sendmail: c.Sendmail, Host: c.Host, Port: c.Port, Encryption: c.Encryption, User: c.User, Password: c.Password},
		From:       c.From,
		NoticeFrom: a.Config.Notify.From,
		BounceTo:   c.BounceAddress.Address,
		BaseURL:    a.Config.HTTP.BaseURL,
		OptedOut:   account.OptedOut,
	}
}

func (a *App) notifier() *patchnotify.Notifier {
	return patchnotify.New(a.DB, a.Clock, a.Log, a.Config.Notify.Delay)
}

// forgetMail removes mails that have been kept long enough, and questions that nobody answered.
func (a *App) forgetMail(ctx context.Context) error {
	now := a.Clock.Now()
	if _, err := outmail.Sweep(ctx, a.DB, now.Add(-a.Config.SMTP.Keep)); err != nil {
		return err
	}
	kept := time.Duration(a.Config.Account.ConfirmationDays) * 24 * time.Hour
	_, err := account.SweepConfirmations(ctx, a.DB, now.Add(-kept-24*time.Hour))
	return err
}

// checkMail tells whether mail can leave. It is a problem only once some waits: many a site sends none, and what is not set stands in the
// check of the configuration. That a server does not take it is not: pw
// works on, and the mail is tried again.
func (a *App) checkMail(ctx context.Context) Diagnosis {
	since, waits, err := outmail.Waiting(ctx, a.DB)
	if err != nil {
		return a.failed(err)
	}
	missing := a.MailOptions().Problem()
	late := a.Clock.Now().Sub(since)
	switch {
	case waits && missing != "":
		return Diagnosis{Level: Problem, Text: "mail waits: " + missing, Remedy: "see: pw mail list --state queued"}
	case waits && late > time.Hour:
		return Diagnosis{Level: Note, Text: fmt.Sprintf("mail has been waiting for %v", late.Round(time.Minute)), Remedy: "see why: pw mail list --state queued"}
	}
	return good("none waits for long")
}

// bounces claims what comes back of our own mail, before anybody else looks at it.
type bounces struct {
	clock clock.Clock
	log   *slog.Logger
}

// Prepare implements ingress.Claimer.
func (bounces) Prepare(m *mailmsg.Message, _ clock.Time) any { return outmail.ReadBounce(m) }

// Claim implements ingress.Claimer. What may be a bounce but names no mail of ours is not claimed.
func (b bounces) Claim(ctx context.Context, tx *sqldb.Tx, mails []ingress.Mail) ([]ingress.Outcome, error) {
	outcomes := make([]ingress.Outcome, len(mails))
	var sign *outmail.Signer
	for i, m := range mails {
		back := m.Prepared.(*outmail.Bounce)
		if back == nil {
			continue
		}
		if sign == nil {
			s, err := outmail.LoadSigner(ctx, tx, b.clock.Now())
			if err != nil {
				return nil, err
			}
			sign = &s
		}
		if !sign.Find(back, m.Recipients) {
			continue
		}
		outcome, err := b.record(ctx, tx, m, back)
		if err != nil {
			return nil, err
		}
		outcomes[i] = outcome
	}
	return outcomes, nil
}

func (b bounces) record(ctx context.Context, tx *sqldb.Tx, m ingress.Mail, back *outmail.Bounce) (ingress.Outcome, error) {
	o := ingress.Outcome{Kind: mailstore.Bounce, Reason: back.Detail}
	seen, err := mailstore.SeenBefore(ctx, tx, m.Sum())
	if err != nil {
		return o, err
	}
	again := func(s mailstore.Seen) bool { return s.ID != m.ID } // else it is being taken in once more
	if o.Known = slices.ContainsFunc(seen[m.SHA256], again); o.Known {
		return o, nil
	}
	known, err := outmail.RecordBounce(ctx, tx, b.clock.Now(), b.log, *back)
	if err == nil && !known {
		o.Reason = "it is about a mail that is no longer known: " + o.Reason
	}
	return o, err
}
