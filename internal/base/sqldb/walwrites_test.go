// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
)

const logTables = "CREATE TABLE cup (id BIGINT PRIMARY KEY, hits INTEGER NOT NULL, content BLOB); CREATE INDEX cup_content ON cup (content, id); CREATE TABLE last (id INTEGER PRIMARY KEY, n BIGINT)"

// withLog is a SQLite database with tables for what fills the log.
func withLog(t *testing.T) (url string, db *sqldb.DB) {
	t.Helper()
	url = "sqlite:" + filepath.Join(t.TempDir(), "patchwork.db")
	db = open(t, url)
	if _, err := db.SQL().Exec(logTables); err != nil {
		t.Fatal(err)
	}
	return url, db
}

func putCups(ctx context.Context, tx *sqldb.Tx, first, n, size int) error {
	var rows [][]any
	for i := range n {
		content := bytes.Repeat([]byte(strconv.Itoa((first+i)*7919%10007)), size)
		rows = append(rows, []any{first + i, first, content[:size]})
	}
	return tx.Insert(ctx, "cup", []string{"id", "hits", "content"}, rows)
}

// written is how many calls that write this process has made.
func written(t *testing.T) (calls int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("this system does not count writes: " + err.Error())
	}
	for line := range bytes.Lines(text) {
		if n, ok := bytes.CutPrefix(line, []byte("syscw: ")); ok {
			calls, err = strconv.Atoi(string(bytes.TrimSpace(n)))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

// TestLogIsWrittenAtOnce: a commit of some two hundred pages takes few calls; SQLite alone makes two for each page.
func TestLogIsWrittenAtOnce(t *testing.T) {
	_, db := withLog(t)
	before := written(t)
	if err := db.Tx(t.Context(), func(tx *sqldb.Tx) error { return putCups(t.Context(), tx, 1, 200, 3500) }); err != nil {
		t.Fatal(err)
	}
	if n := written(t) - before; n < 2 || n > 60 {
		t.Errorf("%d calls that write", n)
	}
}

func sound(t *testing.T, db *sqldb.DB, want string) {
	t.Helper()
	var state, got string
	err := db.Get(t.Context(), &state, "PRAGMA integrity_check")
	if err == nil {
		err = db.Get(t.Context(), &got, "SELECT COUNT(*) || ' ' || COALESCE(SUM(hits), 0) || ' ' || COALESCE(SUM(LENGTH(content)), 0) FROM cup")
	}
	if err != nil || state != "ok" || got != want {
		t.Errorf("%s: %s, want %s; %v", state, got, want, err)
	}
}

// TestLogOfMoreThanTheCache: pages that leave the cache before the commit are read back out of the log, written again in place, and given up by a rollback; others see nothing of it
// before, and all of it behind the commit.
func TestLogOfMoreThanTheCache(t *testing.T) {
	url, db := withLog(t)
	if _, err := db.SQL().Exec("PRAGMA cache_size = 10"); err != nil {
		t.Fatal(err)
	}
	other := open(t, url)
	regret := errors.New("regret")
	churn := func(first int, end error) func(*sqldb.Tx) error {
		return func(tx *sqldb.Tx) error {
			ctx := t.Context()
			if err := putCups(ctx, tx, first, 300, 3000); err != nil {
				return err
			}
			for range 3 {
				if _, err := tx.Exec(ctx, "UPDATE cup SET hits = hits + 1"); err != nil {
					return err
				}
			}
			if _, err := tx.Exec(ctx, "DELETE FROM cup WHERE id % 2 = 1"); err != nil {
				return err
			}
			var n int
			if err := tx.Get(ctx, &n, "SELECT COUNT(*) FROM cup WHERE hits - 3 = ?", first); err != nil || n != 150 {
				return fmt.Errorf("%d rows are seen within: %v", n, err)
			}
			sound(t, other, map[bool]string{true: "0 0 0", false: "150 600 450000"}[first == 1])
			return end
		}
	}
	for _, first := range []int{1, 1001} {
		if err := db.Tx(t.Context(), churn(first, regret)); !errors.Is(err, regret) {
			t.Fatal(err)
		}
		if err := db.Tx(t.Context(), churn(first, nil)); err != nil {
			t.Fatal(err)
		}
	}
	const want = "300 151650 900000" // 150 rows of 1 + 6 hits, 150 of 1001 + 3
	sound(t, other, want)
	sound(t, db, want)
	if _, err := db.SQL().Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	sound(t, open(t, url), want)
}

// keepCommitting writes transactions of some hundred pages, and says the number of each when it is committed.
func keepCommitting(ctx context.Context, url string) error {
	db, err := sqldb.Open(ctx, url, sqldb.Options{})
	if err != nil {
		return err
	}
	var n int
	if err := db.Get(ctx, &n, "SELECT COALESCE(MAX(n), 0) FROM last"); err != nil {
		return err
	}
	for fmt.Println("ready"); ; {
		n++
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			if err := putCups(ctx, tx, n*100, 100, 2500); err != nil {
				return err
			}
			return tx.Upsert(ctx, sqldb.Upsert{Table: "last", Columns: []string{"id", "n"}, Key: []string{"id"}, Replace: []string{"n"}}, [][]any{{1, n}})
		})
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// TestKilledWhileCommitting: a process that is killed while it writes the log leaves all that it said was committed, whole transactions, and a sound file.
func TestKilledWhileCommitting(t *testing.T) {
	url, db := withLog(t)
	said := 0
	for round := 0; round < 12 || said == 0 && round < 100; round++ { // more on a machine that is too busy to commit anything in that time
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "PW_SQLDB_CHILD=commits", "PW_SQLDB_URL="+url)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Scan()
		if lines.Text() != "ready" {
			t.Fatalf("the child said: %s", lines.Text())
		}
		time.AfterFunc(time.Duration(rand.IntN(40*(1+round/12)))*time.Millisecond, func() { cmd.Process.Kill() })
		for lines.Scan() {
			if said, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatalf("the child said: %s", lines.Text())
			}
		}
		cmd.Wait()
		var last int
		if err := db.Get(t.Context(), &last, "SELECT COALESCE(MAX(n), 0) FROM last"); err != nil || last < said || last > said+1 {
			t.Fatalf("round %d: %d transactions are there, %d were said to be: %v", round, last, said, err)
		}
		sound(t, db, fmt.Sprintf("%d %d %d", 100*last, 100*100*last*(last+1)/2, 100*2500*last))
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	if said == 0 {
		t.Error("nothing was committed")
	}
}
