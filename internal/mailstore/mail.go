// SPDX-License-Identifier: GPL-2.0-or-later

package mailstore

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"
	"github.com/klauspost/compress/zstd"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
)

// What became of a delivery. Domains may add words of their own; these are the ones every reader must know.
const (
	Duplicate = "duplicate" // its Message-ID was known; the message stays as it was
	Ignored   = "ignored"   // a mail that asked to be ignored, or that no domain has a use for
	Pending   = "pending"   // a reply whose parent is not here yet; attached when it comes
	Unrouted  = "unrouted"  // no project for its list
	Broken    = "broken"    // could not be made sense of, or made a domain fail; see the reason
	Deleted   = "deleted"   // was deleted on purpose (tombstone)
	Dropped   = "dropped"   // an administrator has no use for it
	Bounce    = "bounce"    // a mail of ours that came back, or a machine's answer to one
)

// Mail is one delivery.
type Mail struct {
	ID         int64
	ReceivedAt clock.Time
	SHA256     [32]byte // of the raw mail
	Size       int64    // bytes of the raw mail
	Via        string   // "mbox", "stdin", "smtp", …
	ListID     string   // the list id it was delivered for, if one was given
	Project    int64    // 0: none
	MsgID      string   // key form
	Outcome    string
	Reason     string
	Packed     []byte // raw mail, zstd; see Pack
}

// Pack compresses a raw mail for Mail.Packed. It is safe for concurrent use.
func Pack(raw []byte) []byte {
	e := encoders.get()
	defer encoders.put(e)
	return e.EncodeAll(raw, make([]byte, 0, len(raw)/2+64))
}

// Unpack is the reverse of Pack; the result is at most limit bytes.
func Unpack(packed []byte, limit int64) ([]byte, error) {
	// The frame of a small mail, too, names the encoder's window.
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(max(limit, packWindow))))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	raw, err := d.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack a stored mail: %w", err)
	}
	if int64(len(raw)) > limit {
		return nil, fault.New(fault.TooLarge, "the stored mail has %d bytes, more than %d", len(raw), limit)
	}
	return raw, nil
}

// rawPart is how many bytes of a delivery one row holds: MariaDB takes 16 MiB in a statement unless told otherwise.
const rawPart = 4 << 20

// Put writes deliveries, ids given by the caller (NextID "mail"), in the caller's transaction.
func Put(ctx context.Context, tx *sqldb.Tx, mails []Mail) error {
	rows := make([][]any, 0, len(mails))
	raws := make([][]any, 0, len(mails))
	for i := range mails {
		m := &mails[i]
		rows = append(rows, []any{m.ID, int64(m.ReceivedAt), m.SHA256[:], m.Size, m.Via, fold.Cut(m.ListID, 255), sqldb.NullID(m.Project),
			fold.Cut(m.MsgID, 255), m.Outcome, fold.Cut(m.Reason, 1000)})
		if m.Outcome == Deleted { // what was deleted on purpose is not kept when it comes again
			continue
		}
		for part, rest := 0, m.Packed; part == 0 || len(rest) > 0; part++ {
			n := min(len(rest), rawPart)
			raws = append(raws, []any{m.ID, part, rest[:n]})
			rest = rest[n:]
		}
	}
	columns := []string{"id", "received_at", "sha256", "size", "via", "list_id", "project_id", "msgid", "outcome", "reason"}
	if err := tx.Insert(ctx, "mail", columns, rows); err != nil {
		return err
	}
	return tx.Insert(ctx, "mail_raw", []string{"mail_id", "part", "raw"}, raws)
}

// Seen tells how a mail with the same bytes ended before.
type Seen struct {
	ID      int64
	Project int64
	ListID  string
	Outcome string
}

// Sum is what a mail is known by: the key form of its Message-ID and the SHA-256 of its bytes.
type Sum struct {
	MsgID  string
	SHA256 [32]byte
}

// SeenBefore finds earlier deliveries with the same bytes. The same bytes have the same Message-ID, by which they are found: an index of all SHA-256 alone would cost each mail a
// page of its own.
func SeenBefore(ctx context.Context, tx *sqldb.Tx, mails ...Sum) (map[[32]byte][]Seen, error) {
	out := map[[32]byte][]Seen{}
	for some := range slices.Chunk(mails, sqldb.MaxList/2) {
		msgids, sums := make([]string, len(some)), make([][]byte, len(some))
		for i, m := range some {
			msgids[i], sums[i] = m.MsgID, m.SHA256[:]
		}
		err := tx.Each(ctx, func(rows *sqlx.Rows) error {
			var sum []byte
			var s Seen
			if err := rows.Scan(&sum, &s.ID, &s.Project, &s.ListID, &s.Outcome); err != nil {
				return err
			}
			out[[32]byte(sum)] = append(out[[32]byte(sum)], s)
			return nil
		}, sameBytes, msgids, sums)
		if err != nil {
			return nil, fmt.Errorf("look for earlier deliveries: %w", err)
		}
	}
	return out, nil
}

// sameBytes goes through the deliveries with these Message-IDs in the index, and reads the rows of those with the same bytes. The expression keeps engines from
// looking for each of the bytes under each of the Message-IDs.
const sameBytes = `SELECT sha256, id, COALESCE(project_id, 0), list_id, outcome FROM mail
	WHERE id IN (SELECT id FROM mail WHERE msgid IN (?) AND COALESCE(sha256, '') IN (?))`

// Raw reads a delivery as it was received. A purged or unknown one is fault.NotFound.
func Raw(ctx context.Context, q sqldb.Queryer, id, limit int64) ([]byte, error) {
	var parts [][]byte
	err := q.Select(ctx, &parts, "SELECT raw FROM mail_raw WHERE mail_id = ? ORDER BY part", id)
	if err == nil && len(parts) == 0 {
		err = fault.New(fault.NotFound, "its bytes are not kept")
	}
	if err != nil {
		return nil, fmt.Errorf("read raw mail %d: %w", id, err)
	}
	return Unpack(bytes.Join(parts, nil), limit)
}

// Raws reads deliveries as they were received; those whose bytes are not kept are missing. The caller bounds how much it asks for by Mail.Size.
func Raws(ctx context.Context, q sqldb.Queryer, mails []Mail) (map[int64][]byte, error) {
	ids := make([]int64, len(mails))
	for i := range mails {
		ids[i] = mails[i].ID
	}
	packed := map[int64][]byte{}
	err := sqldb.Chunks(ids, func(ids []int64) error {
		return q.Each(ctx, func(rows *sqlx.Rows) error {
			var id int64
			var raw []byte
			err := rows.Scan(&id, &raw)
			packed[id] = append(packed[id], raw...)
			return err
		}, "SELECT mail_id, raw FROM mail_raw WHERE mail_id IN (?) ORDER BY mail_id, part", ids)
	})
	if err != nil {
		return nil, fmt.Errorf("read %d raw mails: %w", len(mails), err)
	}
	out := map[int64][]byte{}
	for _, m := range mails {
		if p, ok := packed[m.ID]; ok {
			if out[m.ID], err = Unpack(p, max(m.Size, 1)); err != nil {
				return nil, fmt.Errorf("read raw mail %d: %w", m.ID, err)
			}
		}
	}
	return out, nil
}

// Deliveries lists all deliveries with a Message-ID (key form), oldest first, without their bytes.
func Deliveries(ctx context.Context, q sqldb.Queryer, msgid string) ([]Mail, error) {
	out, err := selectMails(ctx, q, "msgid = ? ORDER BY id", msgid)
	if err != nil {
		return nil, fmt.Errorf("list deliveries of %s: %w", msgid, err)
	}
	return out, nil
}

func selectMails(ctx context.Context, q sqldb.Queryer, where string, arg any) ([]Mail, error) {
	var out []Mail
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var m Mail
		var sum []byte
		if err := rows.Scan(&m.ID, &m.ReceivedAt, &sum, &m.Size, &m.Via, &m.ListID, &m.Project, &m.MsgID, &m.Outcome, &m.Reason); err != nil {
			return err
		}
		m.SHA256 = [32]byte(sum)
		out = append(out, m)
		return nil
	}, "SELECT id, received_at, sha256, size, via, list_id, COALESCE(project_id, 0), msgid, outcome, reason FROM mail WHERE "+where, arg)
	return out, err
}

// Settle gives deliveries that were taken in again their new project, Message-ID, outcome and reason.
func Settle(ctx context.Context, tx *sqldb.Tx, mails []Mail) error {
	for _, m := range mails {
		_, err := tx.Exec(ctx, "UPDATE mail SET project_id = ?, list_id = ?, msgid = ?, outcome = ?, reason = ? WHERE id = ?",
			sqldb.NullID(m.Project), fold.Cut(m.ListID, 255), fold.Cut(m.MsgID, 255), m.Outcome, fold.Cut(m.Reason, 1000), m.ID)
		if err != nil {
			return fmt.Errorf("settle mail %d: %w", m.ID, err)
		}
	}
	return nil
}

// PurgeRaw removes the bytes of deliveries.
func PurgeRaw(ctx context.Context, tx *sqldb.Tx, ids []int64) error {
	return sqldb.Chunks(ids, func(ids []int64) error {
		if _, err := tx.Exec(ctx, "DELETE FROM mail_raw WHERE mail_id IN (?)", ids); err != nil {
			return fmt.Errorf("remove the bytes of mails: %w", err)
		}
		return nil
	})
}

// Purge removes the bytes of all deliveries with a Message-ID in a project and says so in their rows; it returns how many there were.
func Purge(ctx context.Context, tx *sqldb.Tx, project int64, msgid, why string) (int, error) {
	var ids []int64
	if err := tx.Select(ctx, &ids, "SELECT id FROM mail WHERE msgid = ? AND project_id = ?", msgid, project); err != nil {
		return 0, fmt.Errorf("find mails of %s: %w", msgid, err)
	}
	err := sqldb.Chunks(ids, func(ids []int64) error {
		if _, err := tx.Exec(ctx, "DELETE FROM mail_raw WHERE mail_id IN (?)", ids); err != nil {
			return fmt.Errorf("purge mails of %s: %w", msgid, err)
		}
		_, err := tx.Exec(ctx, "UPDATE mail SET outcome = ?, reason = ? WHERE id IN (?)", Deleted, fold.Cut(why, 1000), ids)
		return err
	})
	return len(ids), err
}

// Counts gives the number of deliveries per outcome.
func Counts(ctx context.Context, q sqldb.Queryer) (map[string]int64, error) {
	out := map[string]int64{}
	err := q.Each(ctx, func(rows *sqlx.Rows) error {
		var outcome string
		var n int64
		if err := rows.Scan(&outcome, &n); err != nil {
			return err
		}
		out[outcome] = n
		return nil
	}, "SELECT outcome, COUNT(*) FROM mail GROUP BY outcome")
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	return out, nil
}

// CountOutcome is how many mails have an outcome.
func CountOutcome(ctx context.Context, q sqldb.Queryer, outcome string) (n int64, err error) {
	if err := q.Get(ctx, &n, "SELECT COUNT(*) FROM mail WHERE outcome = ?", outcome); err != nil {
		return 0, fmt.Errorf("count mails: %w", err)
	}
	return n, nil
}
