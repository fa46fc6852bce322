// SPDX-License-Identifier: GPL-2.0-or-later

package outmail

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/mailsink"
)

// TestSweepOfMany: what is old goes, in transactions of a bounded size, and nothing else.
func TestSweepOfMany(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		const old = 2*sweepChunk + 7
		var mails, bounces [][]any
		for i := range old + 2 {
			at, state := int64(noon)-1, Sent
			switch i {
			case old:
				at = int64(noon)
			case old + 1:
				state = Queued
			}
			mails = append(mails, []any{1000 + i, "x", "a@example.org", "a@example.org", "", "{}", "", state, 0, "", 0, at, nil})
			if i != old+1 {
				bounces = append(bounces, []any{1000 + i, "", "a@example.org", true, "", at})
			}
		}
		bounces = append(bounces, []any{1000, "5.1.1", "a@example.org", true, "", int64(noon)}) // of the same mail, but young
		err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			err := tx.Insert(t.Context(), "outgoing_mail", []string{"id", "kind", "recipient", "recipient_key", "subject", "body", "msgid", "state", "attempts", "error", "job_id", "queued_at", "ended_at"}, mails)
			if err != nil {
				return err
			}
			return tx.Insert(t.Context(), "mail_bounce", []string{"mail_id", "status", "recipient_key", "permanent", "detail", "at"}, bounces)
		})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := Sweep(t.Context(), db, noon); n != old || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		var left []string
		if err := db.Select(t.Context(), &left, "SELECT CONCAT(id, ' ', state) FROM outgoing_mail UNION ALL SELECT CONCAT(mail_id, ' ', status) FROM mail_bounce"); err != nil {
			t.Fatal(err)
		}
		slices.Sort(left)
		if got, want := fmt.Sprint(left), "[1000 5.1.1 2007  2007 sent 2008 queued]"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// TestRetryWithoutJob: a mail whose job somebody has cancelled, also so long ago that the job is forgotten, can be retried.
func TestRetryWithoutJob(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		sink := mailsink.Start(t, mailsink.Options{})
		o := newOffice(t, db, sink.Port)
		for what, change := range map[string]string{"cancelled": "UPDATE job SET state = 'cancelled'", "forgotten": "DELETE FROM job", "done": "UPDATE job SET state = 'done'"} {
			id := o.queue("a@example.org")
			o.exec(change)
			if err := Retry(context.Background(), db, event.Actor{Admin: true}, noon, id); err != nil {
				t.Fatal(what, err)
			}
			var n int
			if err := db.Get(t.Context(), &n, "SELECT COUNT(*) FROM job j JOIN outgoing_mail m ON m.job_id = j.id WHERE m.id = ? AND j.state = 'queued'", id); err != nil || n != 1 {
				t.Errorf("%s: %d jobs, %v", what, n, err)
			}
			if err := o.deliver(id); err != nil {
				t.Fatal(what, err)
			}
			o.is(id, Sent, "", 1)
		}
	})
}
