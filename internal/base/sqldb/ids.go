// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"fmt"
	"sync"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/fault"
)

// blockSize is how many ids a process takes at once; ids not used when it ends are gaps.
const blockSize = 512

type idPool struct {
	mu     sync.Mutex
	blocks map[string]*idBlock
}

type idBlock struct{ next, end int64 }

func (p *idPool) take(name string) (int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.blocks[name]
	if b == nil || b.next >= b.end {
		return 0, false
	}
	b.next++
	return b.next - 1, true
}

func (p *idPool) put(name string, first, end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.blocks == nil {
		p.blocks = map[string]*idBlock{}
	}
	p.blocks[name] = &idBlock{next: first, end: end}
}

func (p *idPool) discard(names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range names {
		delete(p.blocks, n)
	}
}

// NextID gives the next id of the id space name ("patch", "event"; one per table). Ids rise within a process, are unique among all
// processes, and have gaps. On servers a block is taken in a transaction of its own; on SQLite, where the writer is alone, in this one.
func (tx *Tx) NextID(ctx context.Context, name string) (int64, error) {
	for {
		if id, ok := tx.db.ids.take(name); ok {
			return id, nil
		}
		if err := tx.refill(ctx, name); err != nil {
			return 0, fmt.Errorf("take ids for %s: %w", name, err)
		}
	}
}

func (tx *Tx) refill(ctx context.Context, name string) error {
	if tx.db.engine == SQLite {
		first, err := tx.db.takeBlock(ctx, tx.tx, name)
		if err != nil {
			return err
		}
		tx.drop = append(tx.drop, name)
		tx.db.ids.put(name, first, first+blockSize)
		return nil
	}
	return tx.db.ownBlock(ctx, name)
}

func (db *DB) ownBlock(ctx context.Context, name string) error {
	for {
		t, err := db.blocks.BeginTxx(ctx, nil)
		if err != nil {
			return classify(err)
		}
		first, err := db.takeBlock(ctx, t, name)
		if err == nil {
			err = t.Commit()
		}
		if err == nil {
			db.ids.put(name, first, first+blockSize)
			return nil
		}
		t.Rollback()
		// Two processes that both found no row for name: the loser finds the winner's.
		if err = classify(err); !retryable(err) && fault.KindOf(err) != fault.Conflict {
			return err
		}
	}
}

func (db *DB) takeBlock(ctx context.Context, t *sqlx.Tx, name string) (int64, error) {
	res, err := t.ExecContext(ctx, db.rebind("UPDATE id_block SET next_id = next_id + ? WHERE name = ?"), blockSize, name)
	if err != nil {
		return 0, classify(err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		_, err := t.ExecContext(ctx, db.rebind("INSERT INTO id_block (name, next_id) VALUES (?, ?)"), name, 1+blockSize)
		return 1, classify(err)
	}
	var next int64
	err = t.GetContext(ctx, &next, db.rebind("SELECT next_id FROM id_block WHERE name = ?"), name)
	return next - blockSize, classify(err)
}

// ReserveIDs makes the id space name go on after last, if it does not already: for imports that keep their ids.
func (tx *Tx) ReserveIDs(ctx context.Context, name string, last int64) error {
	tx.db.ids.discard([]string{name})
	n, err := tx.Exec(ctx, "UPDATE id_block SET next_id = CASE WHEN next_id > ? THEN next_id ELSE ? END WHERE name = ?", last, last+1, name)
	if err != nil || n > 0 {
		return err
	}
	return tx.Insert(ctx, "id_block", []string{"name", "next_id"}, [][]any{{name, last + 1}})
}

func (db *DB) rebind(q string) string {
	if db.engine == Postgres {
		return sqlx.Rebind(sqlx.DOLLAR, q)
	}
	return q
}
