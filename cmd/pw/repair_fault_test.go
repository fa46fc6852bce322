// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bytes"
	"os"
	"os/exec"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
)

// runs starts pw in batches of eight mails.
func (in *inbox) runs(program string, args ...string) *process {
	in.t.Helper()
	p := &process{Cmd: exec.Command(program, args...)}
	p.Env = append(in.env("PW_LIMITS_BATCH_MAILS=8"), "PATH="+os.Getenv("PATH"))
	p.Stderr = &p.err
	p.Dir = in.t.TempDir()
	if err := p.Start(); err != nil {
		in.t.Fatal(err)
	}
	return p
}

// lost is a database with mails that found no project, which there is now.
func lost(t *testing.T, program, archive string) *inbox {
	t.Helper()
	in := newInbox(t, sqldb.SQLite)
	if p := in.runs(program, "ingress", "--mbox", archive); p.code(t) != 0 {
		t.Fatal(p.err.String())
	}
	in.project("late", "late.lists.example")
	return in
}

// testKillInMidRetry kills pw with signal 9 when it has done a part of the work, until a run comes to its end: each mail is taken in once.
func testKillInMidRetry(t *testing.T, program string) {
	mails := bytes.ReplaceAll(threads(60), []byte("\nSubject:"), []byte("\nList-Id: <late.lists.example>\nSubject:"))
	archive := file(t, "threads.mbox", mails)
	retry := []string{"ingress", "retry", "--outcome", "unrouted"}
	calm := lost(t, program, archive)
	if p := calm.runs(program, retry...); p.code(t) != 0 {
		t.Fatal(p.err.String())
	}
	undisturbed := calm.rows()
	hit := 0
	for range faultRounds() {
		in := lost(t, program, archive)
		for range 4 {
			if in.killMidway(in.runs(program, retry...), "SELECT COUNT(*) FROM mail WHERE outcome = 'unrouted'") {
				hit++
			}
		}
		if p := in.runs(program, retry...); p.code(t) != 0 {
			t.Fatalf("the run to the end: %s", p.err.String())
		}
		in.equals(undisturbed)
	}
	if hit == 0 {
		t.Error("no kill hit the middle of a retry")
	}
}

// testKillInMidReparse kills pw with signal 9 while it mends what an older parser left, and takes in what that had ignored.
func testKillInMidReparse(t *testing.T, program string) {
	archive := file(t, "threads.mbox", threads(60))
	whole := newInbox(t, sqldb.SQLite)
	whole.finish(program, archive)
	undisturbed := whole.rows()
	damaged := func() *inbox {
		in := newInbox(t, sqldb.SQLite)
		in.finish(program, archive)
		db := in.open()
		defer db.Close()
		err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			for _, query := range []string{
				"UPDATE patch SET name = 'bad', hash = 'f00' WHERE number > 1",
				"UPDATE message_body SET content = 'bad' WHERE message_id IN (SELECT id FROM message WHERE kind = 'comment')",
				"DELETE FROM patch_tag",
			} {
				if _, err := tx.Exec(t.Context(), query); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	mend := []string{"ingress", "reparse", "--project", "dev", "--apply"}
	calm := damaged()
	if p := calm.runs(program, mend...); p.code(t) != 0 {
		t.Fatal(p.err.String())
	}
	calm.equals(undisturbed)
	hit := 0
	for range faultRounds() {
		in := damaged()
		for range 4 {
			if in.killMidway(in.runs(program, mend...), "SELECT COUNT(*) FROM patch WHERE name = 'bad'") {
				hit++
			}
		}
		if p := in.runs(program, mend...); p.code(t) != 0 {
			t.Fatalf("the run to the end: %s", p.err.String())
		}
		in.equals(undisturbed)
	}
	if hit == 0 {
		t.Error("no kill hit the middle of a reparse")
	}
}
