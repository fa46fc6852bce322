// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/mailstore"
)

// Delivery is one mail as it came.
type Delivery struct {
	Raw        []byte
	Via        string   // "stdin", "mbox", "smtp", …
	ListID     string   // overrides the list headers; empty: none
	Project    int64    // it is for this project, whatever its headers say; 0: they decide
	Cut        bool     // Raw is only the beginning of the mail, which was too large
	Recipients []string // of the envelope; nil: not known
	// RefuseUnrouted: a mail for no project is not stored; whoever sends it is told so by its Outcome, mailstore.Unrouted, and keeps it.
	RefuseUnrouted bool
}

// Mail is a delivery on its way through the claimers.
type Mail struct {
	ID         int64 // of its row in mailstore
	Message    *mailmsg.Message
	Prepared   any // what the Prepare of the claimer that is asked made of Message
	MsgID      string
	ListID     string
	Project    int64 // it is for this project, whatever its headers say; 0: they decide
	Via        string
	Recipients []string // of the envelope
	SHA256     [32]byte
	ReceivedAt clock.Time
	size       int64
	packed     func() []byte // the bytes, compressed
	refusable  bool          // Delivery.RefuseUnrouted
	spoiled    string        // why the claimers are not asked; empty: they are
	prepared   []any         // by claimer
}

// Outcome is what became of a mail.
type Outcome struct {
	Kind    string // a word of mailstore or of the domain that claimed it; empty: not claimed
	Reason  string // for people
	Project int64  // 0: none
	Known   bool   // the same bytes were here before: nothing is stored
}

// Claimer is a domain's mail face. Prepare does what needs no database and may run concurrently; it is told when the mail was received, which may be
// long ago. Claim decides about all mails of a batch in
// the caller's transaction; it answers one Outcome per mail, an empty one for a mail that is not its own.
type Claimer interface {
	Prepare(m *mailmsg.Message, received clock.Time) any
	Claim(ctx context.Context, tx *sqldb.Tx, mails []Mail) ([]Outcome, error)
}

// Limits bound what a delivery may cost.
type Limits struct {
	BatchMails int // mails per transaction
	BatchBytes int // raw bytes per transaction
	MailSize   int // bytes of one mail
}

// DefaultLimits are those of a fresh installation.
var DefaultLimits = Limits{BatchMails: 256, BatchBytes: 32 << 20, MailSize: 50 << 20}

// Intake takes mail in. It is safe for concurrent use.
type Intake struct {
	db       *sqldb.DB
	clock    clock.Clock
	limits   Limits
	claimers []Claimer
	observe  func(Batch)
}

// Batch is what became of a batch: of each mail, or why none of them was taken.
type Batch struct {
	Outcomes []Outcome
	Err      error
	Took     time.Duration // to store it, waiting for locks included
}

// Observe makes f hear of each batch that was stored or refused, from any goroutine.
func (in *Intake) Observe(f func(Batch)) { in.observe = f }

// New makes an intake for the claimers, asked in this order.
func New(db *sqldb.DB, c clock.Clock, limits Limits, claimers ...Claimer) *Intake {
	return &Intake{db: db, clock: c, limits: limits, claimers: claimers}
}

// Deliver takes mails in as one batch and returns when they are committed. An error means that none of them was taken and that the
// sender should try again; a mail that only could not be understood is not an error but an Outcome.
func (in *Intake) Deliver(ctx context.Context, deliveries []Delivery) ([]Outcome, error) {
	return in.store(ctx, in.prepare(deliveries, packed))
}

// packed compresses the bytes of a mail now.
func packed(raw []byte) func() []byte {
	out := mailstore.Pack(raw)
	return func() []byte { return out }
}

// packedLater compresses the bytes of a mail when they are first asked for, unless they are so many that they should not be kept until then.
func packedLater(raw []byte) func() []byte {
	if len(raw) > 64<<10 {
		return packed(raw)
	}
	return sync.OnceValue(func() []byte { return mailstore.Pack(raw) })
}

// prepare parses, and compresses by pack; it needs no database.
func (in *Intake) prepare(deliveries []Delivery, pack func(raw []byte) func() []byte) []Mail {
	mails := make([]Mail, 0, len(deliveries))
	for _, d := range deliveries {
		m := Mail{ListID: d.ListID, Project: d.Project, Via: d.Via, Recipients: d.Recipients, SHA256: sha256.Sum256(d.Raw), ReceivedAt: in.clock.Now(),
			size: int64(len(d.Raw)), packed: pack(d.Raw), refusable: d.RefuseUnrouted}
		m.read(d.Raw, mailmsg.Parse, in.claimers)
		if d.Cut {
			m.spoiled = fmt.Sprintf("%s: only its first %d bytes are kept", tooLarge, len(d.Raw))
		}
		mails = append(mails, m)
	}
	return mails
}

// tooLarge begins the reason of a mail that was cut.
const tooLarge = "the mail is too large"

// name gives the mail its Message-ID. Mails without one must not pass for copies of each other.
func (m *Mail) name() {
	if m.MsgID = mailstore.Key(m.Message.ID()); m.MsgID == "" {
		m.MsgID = fmt.Sprintf("<%x@no-message-id.invalid>", m.SHA256[:16])
	}
}

// Sum is what the mail is known by, should it come again.
func (m *Mail) Sum() mailstore.Sum { return mailstore.Sum{MsgID: m.MsgID, SHA256: m.SHA256} }

// read parses the mail and has the claimers prepare it. A bug that one mail brings out must not stop all others: the mail is kept as broken.
func (m *Mail) read(raw []byte, parse func([]byte) *mailmsg.Message, claimers []Claimer) {
	defer func() {
		if p := recover(); p != nil {
			m.spoiled = fmt.Sprintf("reading it panicked: %v", p)
			if m.Message == nil {
				m.Message = mailmsg.Parse(nil)
				m.name()
			}
		}
	}()
	m.Message = parse(raw)
	m.name()
	for _, c := range claimers {
		m.prepared = append(m.prepared, c.Prepare(m.Message, m.ReceivedAt))
	}
}

// store commits a batch and tells the observer.
func (in *Intake) store(ctx context.Context, mails []Mail) ([]Outcome, error) {
	began := time.Now()
	outcomes, err := in.storeBatch(ctx, mails)
	if in.observe != nil {
		in.observe(Batch{Outcomes: outcomes, Err: err, Took: time.Since(began)})
	}
	return outcomes, err
}

// storeBatch commits a batch; if it fails for a reason that lies in a mail, its halves are stored each by itself, until that mail is alone and quarantined.
func (in *Intake) storeBatch(ctx context.Context, mails []Mail) ([]Outcome, error) {
	outcomes, err := in.once(ctx, mails)
	if err == nil || fault.Is(err, fault.Unavailable) {
		return outcomes, err
	}
	if len(mails) == 1 {
		return in.quarantine(ctx, mails[0], err)
	}
	half := len(mails) / 2
	outcomes, err = in.storeBatch(ctx, mails[:half])
	if err != nil {
		return nil, err
	}
	rest, err := in.storeBatch(ctx, mails[half:])
	return append(outcomes, rest...), err
}

func (in *Intake) once(ctx context.Context, mails []Mail) ([]Outcome, error) {
	var outcomes []Outcome
	err := in.db.Tx(ctx, func(tx *sqldb.Tx) (err error) {
		defer func() {
			if p := recover(); p != nil { // as in ask; the transaction is rolled back
				err = fault.New(fault.Internal, "panic: %v", p)
			}
		}()
		tx.ShortStatements()
		tx.KeepsRemembered() // claimers change neither projects nor the words and rules of a site
		tx.Pipeline()
		plan := tx.PreferIndexes
		if len(mails) >= manyMails {
			plan = tx.FreshPlans
		}
		if err := plan(ctx); err != nil {
			return err
		}
		if err := number(ctx, tx, mails); err != nil {
			return err
		}
		if outcomes, err = in.claim(ctx, tx, mails); err != nil {
			return err
		}
		return record(ctx, tx, mails, outcomes)
	})
	if err != nil {
		return nil, fmt.Errorf("take in %d mails: %w", len(mails), err)
	}
	return outcomes, nil
}

// manyMails are so many that planning each statement anew, by the size that tables have now, costs little beside running it.
const manyMails = 64

func number(ctx context.Context, tx *sqldb.Tx, mails []Mail) (err error) {
	for i := range mails {
		if mails[i].ID, err = tx.NextID(ctx, "mail"); err != nil {
			return err
		}
	}
	return nil
}

// claim asks the claimers in turn about what is not claimed yet.
func (in *Intake) claim(ctx context.Context, tx *sqldb.Tx, mails []Mail) ([]Outcome, error) {
	outcomes := make([]Outcome, len(mails))
	var open []int
	for i := range mails {
		if mails[i].spoiled == "" {
			open = append(open, i)
			continue
		}
		var err error
		if outcomes[i], err = brokenUnlessKnown(ctx, tx, &mails[i], mails[i].spoiled); err != nil {
			return nil, err
		}
	}
	for who, c := range in.claimers {
		batch := make([]Mail, len(open))
		for k, i := range open {
			batch[k] = mails[i]
			batch[k].Prepared = mails[i].prepared[who]
		}
		answers, err := c.Claim(ctx, tx, batch)
		if err != nil {
			return nil, err
		}
		var rest []int
		for k, i := range open {
			if outcomes[i] = answers[k]; answers[k].Kind == "" {
				rest = append(rest, i)
			}
		}
		open = rest
	}
	for _, i := range open {
		outcomes[i] = Outcome{Kind: mailstore.Ignored, Reason: "no part of this site has a use for it"}
	}
	return outcomes, nil
}

func record(ctx context.Context, tx *sqldb.Tx, mails []Mail, outcomes []Outcome) error {
	rows := make([]mailstore.Mail, 0, len(mails))
	for i := range mails {
		if !outcomes[i].Known && !mails[i].refused(outcomes[i]) {
			rows = append(rows, mails[i].row(outcomes[i]))
		}
	}
	return mailstore.Put(ctx, tx, rows)
}

func (m *Mail) refused(o Outcome) bool { return m.refusable && o.Kind == mailstore.Unrouted }

func (m *Mail) row(o Outcome) mailstore.Mail {
	return mailstore.Mail{ID: m.ID, ReceivedAt: m.ReceivedAt, SHA256: m.SHA256, Size: m.size, Via: m.Via, ListID: m.ListID, Project: o.Project,
		MsgID: m.MsgID, Outcome: o.Kind, Reason: o.Reason, Packed: m.packed()}
}

// quarantine keeps a mail that made a domain fail, with the reason, unless its bytes are there already.
func (in *Intake) quarantine(ctx context.Context, m Mail, why error) ([]Outcome, error) {
	var o Outcome
	err := in.db.Tx(ctx, func(tx *sqldb.Tx) (err error) {
		one := []Mail{m}
		if err := number(ctx, tx, one); err != nil {
			return err
		}
		if o, err = brokenUnlessKnown(ctx, tx, &m, why.Error()); err != nil {
			return err
		}
		return record(ctx, tx, one, []Outcome{o})
	})
	if err != nil {
		return nil, fmt.Errorf("quarantine %s: %w", m.MsgID, err)
	}
	return []Outcome{o}, nil
}

func brokenUnlessKnown(ctx context.Context, tx *sqldb.Tx, m *Mail, why string) (Outcome, error) {
	o := Outcome{Kind: mailstore.Broken, Reason: why}
	seen, err := mailstore.SeenBefore(ctx, tx, m.Sum())
	for _, s := range seen[m.SHA256] {
		o.Known = o.Known || s.ID != m.ID && s.Project == 0 && s.ListID == m.ListID
	}
	return o, err
}
