// SPDX-License-Identifier: GPL-2.0-or-later

package mailstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/test/dbtest"
)

// manyMails has 700 mails: number n is received at n, but for 600, which was received at 5; outcomes and projects take turns.
func manyMails(t *testing.T, db *sqldb.DB) {
	t.Helper()
	var all []mailstore.Mail
	for id := int64(1); id <= 700; id++ {
		m := mail(id, id%3, fmt.Sprintf("<%d@x>", id), []string{"patch", "broken"}[id%2], "raw")
		m.ReceivedAt = clock.Time(id)
		if id == 600 {
			m.ReceivedAt = 5
		}
		if id == 7 {
			m.Outcome, m.Reason, m.ListID = mailstore.Unrouted, "no project for the list lost.example or other.example", ""
		}
		all = append(all, m)
	}
	inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return mailstore.Put(ctx, tx, all) })
}

func TestWalk(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		manyMails(t, db)
		tests := []struct {
			name  string
			among mailstore.Among
			count int
			ends  string // the first three and the last
		}{
			{"all", mailstore.Among{}, 700, "1 2 3 700"},
			{"newest first", mailstore.Among{Down: true}, 700, "700 699 698 1"},
			{"of a project", mailstore.Among{Project: 1}, 234, "1 4 7 700"},
			{"one outcome", mailstore.Among{Outcomes: []string{"broken"}}, 349, "1 3 5 699"},
			{"two outcomes of a project, newest first", mailstore.Among{Project: 1, Outcomes: []string{"unrouted", "broken", "broken"}, Down: true}, 117, "697 691 685 1"},
			{"on from 690", mailstore.Among{From: 690}, 10, "691 692 693 700"},
			{"below 4", mailstore.Among{From: 4, Down: true}, 3, "3 2 1 1"},
			{"since 698", mailstore.Among{Since: 698}, 3, "698 699 700 700"},
			{"since tomorrow", mailstore.Among{Since: 701}, 0, ""},
			{"an outcome nobody has", mailstore.Among{Outcomes: []string{"marvellous"}}, 0, ""},
		}
		for _, test := range tests {
			w := mailstore.NewWalk(db, test.among)
			var got []int64
			for {
				ids, err := w.Next(t.Context(), 90)
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, ids...); len(ids) == 0 {
					break
				}
			}
			ends := ""
			if n := len(got); n > 2 {
				ends = strings.Trim(fmt.Sprint([]int64{got[0], got[1], got[2], got[n-1]}), "[]")
			}
			if len(got) != test.count || ends != test.ends {
				t.Errorf("%s: %d mails, %s; want %d, %s", test.name, len(got), ends, test.count, test.ends)
			}
		}
	})
}

// TestWalkMeetsChangedMailsOnce: mails change their outcome as the walk goes on.
func TestWalkMeetsChangedMailsOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		manyMails(t, db)
		w := mailstore.NewWalk(db, mailstore.Among{})
		last, n := int64(0), 0
		for {
			ids, err := w.Next(t.Context(), 40)
			if err != nil {
				t.Fatal(err)
			}
			if len(ids) == 0 {
				break
			}
			for _, id := range ids {
				if n++; id <= last {
					t.Fatalf("%d after %d", id, last)
				}
				last = id
			}
			inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE mail SET outcome = ? WHERE id IN (?) AND outcome = ?", "patch", ids, "broken")
				return err
			})
		}
		if n != 700 {
			t.Errorf("%d mails of 700", n)
		}
	})
}

func TestFindAndTotals(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		manyMails(t, db)
		find := func(s mailstore.Search, want string) {
			t.Helper()
			found, err := mailstore.Find(t.Context(), db, s)
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%d :", found.More)
			for _, m := range found.Mails {
				got += fmt.Sprint(" ", m.ID)
			}
			if got != want {
				t.Errorf("%+v: %s, want %s", s, got, want)
			}
		}
		down := mailstore.Among{Down: true}
		find(mailstore.Search{Among: down, Limit: 3}, "698 : 700 699 698")
		find(mailstore.Search{Among: mailstore.Among{Down: true, From: 3}, Limit: 3}, "0 : 2 1")
		find(mailstore.Search{Among: mailstore.Among{From: 697}, Limit: 3}, "0 : 698 699 700")
		find(mailstore.Search{Among: down, Reason: "NO PROJECT for", Limit: 3}, "0 : 7")
		find(mailstore.Search{Among: down, ListID: "other.example", Limit: 3}, "0 : 7")
		find(mailstore.Search{Among: down, ListID: "example", Limit: 3}, "0 :")
		find(mailstore.Search{Among: down, ListID: "l.example.org", Limit: 2}, "699 : 700 699")
		find(mailstore.Search{Among: mailstore.Among{Since: 599, Down: true}, Limit: 103}, "0 :"+numbers(700, 601)+" 599")
		find(mailstore.Search{Among: mailstore.Among{Project: 9}, Limit: 3}, "0 :")

		totals := func(a mailstore.Among, want map[string]int64) {
			t.Helper()
			got, err := mailstore.Totals(t.Context(), db, a)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%+v: %v %s", a, err, diff)
			}
		}
		totals(mailstore.Among{}, map[string]int64{"patch": 350, "broken": 349, "unrouted": 1})
		totals(mailstore.Among{Project: 1}, map[string]int64{"patch": 117, "broken": 116, "unrouted": 1})
		totals(mailstore.Among{Project: 1, Outcomes: []string{"broken", "ignored"}}, map[string]int64{"broken": 116})
		totals(mailstore.Among{Since: 696}, map[string]int64{"patch": 3, "broken": 2})
	})
}

func numbers(from, to int) (out string) {
	for ; from >= to; from-- {
		out += fmt.Sprint(" ", from)
	}
	return out
}

func TestSettleAndPurge(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			return mailstore.Put(ctx, tx, []mailstore.Mail{mail(1, 0, "<a@x>", mailstore.Unrouted, "raw a"), mail(2, 3, "<b@x>", mailstore.Broken, "raw b")})
		})
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			locked, err := mailstore.LockMails(ctx, tx, []int64{2, 1, 2})
			if err != nil || len(locked) != 2 || locked[0].ID != 1 || locked[1].Reason != "why <b@x>" {
				t.Errorf("%+v, %v", locked, err)
			}
			if _, err := mailstore.LockMails(ctx, tx, []int64{1, 5, 2}); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "no mail 5") {
				t.Errorf("a mail that does not exist: %v", err)
			}
			locked[0].Project, locked[0].MsgID, locked[0].Outcome, locked[0].Reason, locked[0].ListID = 4, "<c@x>", "patch", strings.Repeat("ö", 1001), "m.example"
			if err := mailstore.Settle(ctx, tx, locked[:1]); err != nil {
				return err
			}
			return mailstore.PurgeRaw(ctx, tx, []int64{2})
		})
		expectRows(t, db, "SELECT CONCAT_WS(' ', id, project_id, list_id, msgid, outcome, reason) FROM mail ORDER BY id",
			"1 4 m.example <c@x> patch "+strings.Repeat("ö", 1000), "2 3 l.example.org <b@x> broken why <b@x>")
		raws, err := mailstore.Raws(t.Context(), db, []mailstore.Mail{{ID: 1, Size: 5}, {ID: 2, Size: 5}, {ID: 9}})
		if diff := cmp.Diff(map[int64][]byte{1: []byte("raw a")}, raws); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}
