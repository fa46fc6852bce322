// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"hash/fnv"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"patchwork.example/pw/internal/base/fault"
)

// Lock takes the lock name among all processes that use the database, waiting until ctx ends; unlock gives it back, and so does the
// end of the process. SQLite: an flock on FILE.NAME.lock; PostgreSQL: an advisory lock; MariaDB: GET_LOCK.
func (db *DB) Lock(ctx context.Context, name string) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("take lock %s: %w", name, err)
	}
	if db.engine == SQLite {
		return lockFile(ctx, db.path+"."+name+".lock")
	}
	conn, err := db.locks.Conn(ctx)
	if err != nil {
		return nil, classify(ctx, err)
	}
	acquire, release, args := "SELECT pg_advisory_lock($1)", "SELECT pg_advisory_unlock($1)", []any{lockKey(name)}
	if db.engine == MariaDB {
		acquire, release, args = "SELECT GET_LOCK(CONCAT(DATABASE(), '.', ?), 1000000)", "SELECT RELEASE_LOCK(CONCAT(DATABASE(), '.', ?))", []any{name}
	}
	if err := ask(ctx, conn, acquire, args); err != nil {
		conn.Close()
		return nil, fmt.Errorf("take lock %s: %w", name, classify(ctx, err))
	}
	return func() {
		if err := ask(context.WithoutCancel(ctx), conn, release, args); err != nil {
			// The session still holds the lock: it must not go back into the pool.
			conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		conn.Close()
	}, nil
}

func ask(ctx context.Context, conn *sql.Conn, query string, args []any) error {
	var ignored any
	return conn.QueryRowContext(ctx, query, args...).Scan(&ignored)
}

func lockKey(name string) int64 {
	h := fnv.New64a()
	h.Write([]byte("patchwork:" + name))
	return int64(h.Sum64())
}

func lockFile(ctx context.Context, path string) (func(), error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "open lock file")
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if err != unix.EWOULDBLOCK && err != unix.EINTR {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "lock %s: another pw holds it", path)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
