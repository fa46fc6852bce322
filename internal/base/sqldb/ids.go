// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"fmt"
	"sync"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/fault"
)

// maxBlock is how many ids a process takes at once at the most: the first time one, then twice as many each time. Ids not used when
// it ends are gaps; a command that makes one project leaves none.
const maxBlock = 512

// idPool holds the blocks that are taken for good: those of a SQLite transaction come here when it has committed.
type idPool struct {
	mu     sync.Mutex
	blocks map[string]*idBlock
	sizes  map[string]int64 // of the next block
}

// size is how many ids to take next for name.
func (p *idPool) size(name string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sizes == nil {
		p.sizes = map[string]int64{}
	}
	n := max(p.sizes[name], 1)
	p.sizes[name] = min(2*n, maxBlock)
	return n
}

type idBlock struct{ next, end int64 }

func (b *idBlock) take() (int64, bool) {
	if b == nil || b.next >= b.end {
		return 0, false
	}
	b.next++
	return b.next - 1, true
}

func (p *idPool) take(name string) (int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.blocks[name].take()
}

// put makes b the block of name, unless the one there is of higher ids: ids never go down.
func (p *idPool) put(name string, b idBlock) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.blocks == nil {
		p.blocks = map[string]*idBlock{}
	}
	if old := p.blocks[name]; old == nil || old.next <= b.next {
		p.blocks[name] = &b
	}
}

// NextID gives the next id of the id space name ("patch", "event"; one per table). Ids rise within a process, are unique among all
// processes, and have gaps. On servers a block is taken in a transaction of its own; on SQLite, where the writer is alone, in this one.
func (tx *Tx) NextID(ctx context.Context, name string) (int64, error) {
	for {
		if id, ok := tx.blocks[name].take(); ok {
			return id, nil
		}
		if id, ok := tx.db.ids.take(name); ok {
			return id, nil
		}
		if err := tx.refill(ctx, name); err != nil {
			return 0, fmt.Errorf("take ids for %s: %w", name, err)
		}
	}
}

func (tx *Tx) refill(ctx context.Context, name string) error {
	n := tx.db.ids.size(name)
	if tx.db.engine == SQLite {
		first, err := tx.db.takeBlock(ctx, tx.tx, name, n)
		if err != nil {
			return err
		}
		tx.keep(name, idBlock{next: first, end: first + n})
		return nil
	}
	b, err := tx.db.ownTx(ctx, func(t *sqlx.Tx) (idBlock, error) {
		first, err := tx.db.takeBlock(ctx, t, name, n)
		return idBlock{next: first, end: first + n}, err
	})
	if err == nil {
		tx.db.ids.put(name, b)
	}
	return err
}

// keep holds a block for this transaction alone until it commits: if it rolls back, the block goes to whoever asks next.
func (tx *Tx) keep(name string, b idBlock) {
	if tx.blocks == nil {
		tx.blocks = map[string]*idBlock{}
	}
	tx.blocks[name] = &b
}

// FreshIDs gives the first of n ids in a row, above all that any process was given before. So where a lock orders the transactions, it orders their ids:
// for queues that several processes fill one after the other. It costs a statement, on servers a transaction of its own, each time.
func (tx *Tx) FreshIDs(ctx context.Context, name string, n int) (first int64, err error) {
	if tx.db.engine == SQLite {
		first, err = tx.db.takeBlock(ctx, tx.tx, name, int64(n))
	} else {
		var b idBlock
		b, err = tx.db.ownTx(ctx, func(t *sqlx.Tx) (idBlock, error) {
			first, err := tx.db.takeBlock(ctx, t, name, int64(n))
			return idBlock{next: first}, err
		})
		first = b.next
	}
	if err != nil {
		return 0, fmt.Errorf("take ids for %s: %w", name, err)
	}
	return first, nil
}

// ownTx runs f on the connection for id blocks until it commits.
func (db *DB) ownTx(ctx context.Context, f func(*sqlx.Tx) (idBlock, error)) (idBlock, error) {
	for attempt := 1; ; attempt++ {
		b, err := db.ownBlock(ctx, f)
		if err == nil {
			return b, nil
		}
		// Two processes that both found no row for name: the loser finds the winner's. A connection that has died since it was last
		// used is no outage: the next one is new.
		again := retryable(err) || fault.Is(err, fault.Conflict) || fault.Is(err, fault.Unavailable) && attempt == 1
		if !again || attempt == maxAttempts {
			return idBlock{}, err
		}
	}
}

func (db *DB) ownBlock(ctx context.Context, f func(*sqlx.Tx) (idBlock, error)) (idBlock, error) {
	t, err := db.blocks.BeginTxx(ctx, nil)
	if err != nil {
		return idBlock{}, classify(ctx, err)
	}
	b, err := f(t)
	if err == nil {
		err = t.Commit()
	}
	if err != nil {
		t.Rollback()
	}
	return b, classify(ctx, err)
}

func (db *DB) takeBlock(ctx context.Context, t handle, name string, n int64) (first int64, err error) {
	res, err := t.ExecContext(ctx, db.rebind("UPDATE id_block SET next_id = next_id + ? WHERE name = ?"), n, name)
	if err != nil {
		return 0, classify(ctx, err)
	}
	if rows, _ := res.RowsAffected(); rows == 0 {
		_, err := t.ExecContext(ctx, db.rebind("INSERT INTO id_block (name, next_id) VALUES (?, ?)"), name, 1+n)
		return 1, classify(ctx, err)
	}
	var next int64
	err = sqlx.GetContext(ctx, t, &next, db.rebind("SELECT next_id FROM id_block WHERE name = ?"), name)
	return next - n, classify(ctx, err)
}

// ReserveIDs makes the id space name go on after last, if it does not already: for imports that keep their ids. On servers it stays so if
// the transaction rolls back. Another process may still give ids up to last out of a block that it took before.
func (tx *Tx) ReserveIDs(ctx context.Context, name string, last int64) error {
	floor := idBlock{next: last + 1, end: last + 1} // an empty block, below which put accepts no other
	if tx.db.engine == SQLite {
		if err := tx.db.raise(ctx, tx.tx, name, last+1); err != nil {
			return fmt.Errorf("reserve ids for %s: %w", name, err)
		}
		tx.db.ids.put(name, floor)
		delete(tx.blocks, name)
		return nil
	}
	// Not in this transaction: it would lock the row that NextID needs on the other connection.
	if _, err := tx.db.ownTx(ctx, func(t *sqlx.Tx) (idBlock, error) { return floor, tx.db.raise(ctx, t, name, last+1) }); err != nil {
		return fmt.Errorf("reserve ids for %s: %w", name, err)
	}
	tx.db.ids.put(name, floor)
	return nil
}

func (db *DB) raise(ctx context.Context, t handle, name string, next int64) error {
	res, err := t.ExecContext(ctx, db.rebind("UPDATE id_block SET next_id = CASE WHEN next_id > ? THEN next_id ELSE ? END WHERE name = ?"), next, next, name)
	if err != nil {
		return classify(ctx, err)
	}
	if rows, _ := res.RowsAffected(); rows == 0 {
		_, err = t.ExecContext(ctx, db.rebind("INSERT INTO id_block (name, next_id) VALUES (?, ?)"), name, next)
	}
	return classify(ctx, err)
}

func (db *DB) rebind(q string) string {
	if db.engine == Postgres {
		return sqlx.Rebind(sqlx.DOLLAR, q)
	}
	return q
}
