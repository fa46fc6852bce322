// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// SourceState is what is stored of a place that mail is fetched from.
type SourceState struct {
	Name      string
	Kind      string     // public-inbox or imap
	Position  string     // how far it was read, in the source's own words
	Mails     int64      // read from it so far; those that were known before count, too
	MovedAt   clock.Time `db:"moved_at"`   // when Position last changed; 0: never
	CheckedAt clock.Time `db:"checked_at"` // when it was last found read to its end; 0: never
	Error     string     // why it can't be read; empty: it can
	ErrorAt   clock.Time `db:"error_at"`
}

const sourceColumns = "name, kind, position, mails, moved_at, checked_at, error, error_at"

// SourceStates lists all sources that were ever read, by name.
func SourceStates(ctx context.Context, q sqldb.Queryer) ([]SourceState, error) {
	var out []SourceState
	if err := q.Select(ctx, &out, "SELECT "+sourceColumns+" FROM mail_source ORDER BY name"); err != nil {
		return nil, fmt.Errorf("list sources of mail: %w", err)
	}
	return out, nil
}

// state reads a source's row; the zero one if it was never read.
func (in *Intake) state(ctx context.Context, s Followed) (SourceState, error) {
	var out SourceState
	err := in.db.Get(ctx, &out, "SELECT "+sourceColumns+" FROM mail_source WHERE name = ?", s.Name())
	if err != nil && !fault.Is(err, fault.NotFound) {
		return out, fmt.Errorf("read how far %s was read: %w", s.Name(), err)
	}
	return out, nil
}

// note changes a source's row. It is written after the mails, never before: a kill in between reads them twice, and none is missed.
func (in *Intake) note(ctx context.Context, s Followed, change func(*SourceState)) error {
	err := in.db.Tx(ctx, func(tx *sqldb.Tx) error {
		row := SourceState{}
		err := tx.Get(ctx, &row, "SELECT "+sourceColumns+" FROM mail_source WHERE name = ?"+tx.LockRows(), s.Name())
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		change(&row)
		return tx.Upsert(ctx, sqldb.Upsert{Table: "mail_source", Key: []string{"name"},
			Columns: []string{"name", "kind", "position", "mails", "moved_at", "checked_at", "error", "error_at"},
			Replace: []string{"kind", "position", "mails", "moved_at", "checked_at", "error", "error_at"}},
			[][]any{{s.Name(), s.Kind(), row.Position, row.Mails, int64(row.MovedAt), int64(row.CheckedAt), fold.Cut(row.Error, 1000), int64(row.ErrorAt)}})
	})
	if err != nil {
		return fmt.Errorf("note how far %s was read: %w", s.Name(), err)
	}
	return nil
}

// advance notes that mails up to position are stored.
func (in *Intake) advance(ctx context.Context, s Followed, position string, mails int) error {
	return in.note(ctx, s, func(row *SourceState) {
		if row.Position != position {
			row.Position, row.MovedAt = position, in.clock.Now()
		}
		row.Mails += int64(mails)
	})
}

// readToEnd notes that there is nothing more for now.
func (in *Intake) readToEnd(ctx context.Context, s Followed) error {
	return in.note(ctx, s, func(row *SourceState) { row.CheckedAt, row.Error, row.ErrorAt = in.clock.Now(), "", 0 })
}

// failed notes why a source can't be read. If even that fails, the log has it.
func (in *Intake) failed(ctx context.Context, s Followed, why error) {
	_ = in.note(ctx, s, func(row *SourceState) { row.Error, row.ErrorAt = why.Error(), in.clock.Now() })
}

// lockSource makes this process the only one that reads a source, waiting at most so long (0: until ctx ends) for another.
func (in *Intake) lockSource(ctx context.Context, s Followed, wait time.Duration) (unlock func(), err error) {
	if wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, wait)
		defer cancel()
	}
	sum := sha256.Sum256([]byte(s.Name()))
	return in.db.Lock(ctx, fmt.Sprintf("source-%x", sum[:8]))
}
