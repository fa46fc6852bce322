// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// child is what this binary does when a test starts it: PW_SQLDB_CHILD says what. It is false in the process that runs the tests.
func child() bool {
	ctx := context.Background()
	what, url := os.Getenv("PW_SQLDB_CHILD"), os.Getenv("PW_SQLDB_URL")
	var err error
	switch what {
	case "":
		return false
	case "lock":
		var db *sqldb.DB
		if db, err = sqldb.Open(ctx, url, sqldb.Options{}); err == nil {
			_, err = db.Lock(ctx, "test")
		}
	case "commit":
		err = commitOne(ctx, url)
	case "fill":
		err = fillDisk(ctx, url)
	case "commits":
		err = keepCommitting(ctx, url)
	}
	if err != nil {
		fmt.Println(err)
		return true
	}
	fmt.Println("ready")
	time.Sleep(time.Minute)
	return true
}

// spawn starts this binary as a child and waits until it is ready.
func spawn(t *testing.T, what, url string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PW_SQLDB_CHILD="+what, "PW_SQLDB_URL="+url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	lines.Scan()
	if lines.Text() != "ready" {
		t.Fatalf("the child said: %s", lines.Text())
	}
	return cmd
}

// tryLock takes the lock for at most d.
func tryLock(t *testing.T, db *sqldb.DB, d time.Duration) (unlock func(), err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return db.Lock(ctx, "test")
}

func TestLockExcludes(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		var holders, most atomic.Int32
		var wg sync.WaitGroup
		for range 4 {
			db := open(t, url)
			for range 2 {
				wg.Go(func() {
					unlock, err := tryLock(t, db, time.Minute)
					if err != nil {
						t.Error(err)
						return
					}
					most.Store(max(most.Load(), holders.Add(1)))
					time.Sleep(5 * time.Millisecond)
					holders.Add(-1)
					unlock()
				})
			}
		}
		wg.Wait()
		if most.Load() != 1 {
			t.Errorf("%d held it at once", most.Load())
		}
	})
}

// Who waits in vain is told so; he neither keeps the lock from others nor gets it later.
func TestLockWaitCancelled(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		a, b, c := open(t, url), open(t, url), open(t, url)
		unlock, err := a.Lock(t.Context(), "test")
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if _, err := tryLock(t, b, 200*time.Millisecond); !fault.Is(err, fault.Unavailable) {
			t.Errorf("kind %v: %v", fault.KindOf(err), err)
		}
		if d := time.Since(begin); d > 30*time.Second {
			t.Errorf("it waited %v, 0.2 s were asked for", d)
		}
		unlock()
		if unlock, err = tryLock(t, c, time.Minute); err != nil {
			t.Fatal(err)
		}
		unlock()
		if unlock, err = tryLock(t, b, time.Minute); err != nil {
			t.Fatal(err)
		}
		unlock()
	})
}

func TestLockEndsWithProcess(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		db := open(t, url)
		holder := spawn(t, "lock", url)
		if _, err := tryLock(t, db, 200*time.Millisecond); err == nil {
			t.Fatal("two processes hold it")
		}
		if err := holder.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		unlock, err := tryLock(t, db, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		unlock()
	})
}

// The holder of a lock can use the whole pool, even if that is one connection.
func TestLockWithOneConnection(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		db := openWith(t, url, sqldb.Options{MaxConnections: 1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := schema.Sync(ctx, db); err != nil {
			t.Fatal(err)
		}
		if id := nextID(t, db, "cup"); id != 1 {
			t.Error(id)
		}
	})
}
