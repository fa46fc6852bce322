// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"sync"
)

// memory is what transactions on SQLite have read and go on using until somebody else commits. It belongs to one connection: what a connection says of the commits of others
// (PRAGMA data_version) cannot be compared with what another one says.
type memory struct {
	mu      sync.Mutex
	conn    *preparedConn
	version int64
	values  map[string]any
}

// forget takes all of it away.
func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values = nil
}

// at makes it the memory of a connection that says version.
func (m *memory) at(conn *preparedConn, version int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn != conn || m.version != version || m.values == nil {
		m.conn, m.version, m.values = conn, version, map[string]any{}
	}
}

func (m *memory) get(key string) (v any, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok = m.values[key]
	return v, ok
}

func (m *memory) put(key string, v any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values != nil { // else it was taken away since
		m.values[key] = v
	}
}

// KeepsRemembered promises that this transaction writes nothing that Remember is asked for. Only such a one is given what was read before it; any other that commits takes
// all of it away.
func (tx *Tx) KeepsRemembered() { tx.keeps = true }

// Remember gives what load reads, which must be small and is never changed by whoever gets it. On SQLite, where nobody else can commit until the transaction ends, it may have
// been read by an earlier one of this DB, if only transactions that keep it have committed since; elsewhere it is read each time.
func Remember[T any](ctx context.Context, tx *Tx, key string, load func() (T, error)) (T, error) {
	m := &tx.db.remembered
	if err := tx.recall(ctx); err != nil {
		var none T
		return none, err
	}
	if !tx.recalls {
		return load()
	}
	if v, ok := m.get(key); ok {
		return v.(T), nil
	}
	v, err := load()
	if err == nil {
		m.put(key, v)
	}
	return v, err
}

// recall asks once in a transaction whether another connection has committed.
func (tx *Tx) recall(ctx context.Context) error {
	h, lite := tx.tx.(liteHandle)
	if tx.recalls || !tx.keeps || !lite || h.direct == nil {
		return nil
	}
	var version int64
	if err := tx.Get(ctx, &version, "PRAGMA data_version"); err != nil {
		return err
	}
	tx.db.remembered.at(h.direct, version)
	tx.recalls = true
	return nil
}
