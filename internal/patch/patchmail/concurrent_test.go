// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestKnownFailureA3: eight processes that deliver the twenty patches of a series at the same time, with and without a cover to answer, by one
// author and by twenty, make one series, and none is told to try again.
func TestKnownFailureA3(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			url := dbtest.MigratedURL(t, engine)
			var handles []*sqldb.DB
			for range 8 {
				db, err := sqldb.Open(context.Background(), url, sqldb.Options{MaxConnections: 4})
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				handles = append(handles, db)
			}
			rounds := 4
			if soak() {
				rounds = 40
			}
			for round := range rounds {
				deliverTogether(t, handles, round)
			}
			check(t, handles[0])
		})
	}
}

func deliverTogether(t *testing.T, handles []*sqldb.DB, round int) {
	t.Helper()
	const patches = 20
	s := newSite(t, handles[0], fmt.Sprintf("together-%d", round))
	queue := make(chan []byte, patches)
	for _, i := range rand.Perm(patches) {
		l := letter{id: fmt.Sprintf("p%d", i+1), subject: fmt.Sprintf("[PATCH %d/%d] x", i+1, patches), body: patchText("x")}
		if round%2 == 0 {
			l.refs = "c"
		}
		if round%4 == 0 {
			l.from = fmt.Sprintf("P%d <p%d-%d@people.example>", i, i, round)
		}
		queue <- l.raw()
	}
	close(queue)
	var wg sync.WaitGroup
	for _, db := range handles {
		in := newIntake(db, ingress.DefaultLimits)
		wg.Go(func() {
			for raw := range queue {
				out, err := in.Deliver(context.Background(), []ingress.Delivery{{Raw: raw, Via: "test", ListID: s.project.ListID}})
				if err != nil || out[0].Kind != "patch" {
					t.Errorf("became %+v, %v", out, err)
				}
			}
		})
	}
	wg.Wait()
	got := fmt.Sprint(s.series())
	if want := `[(1,20,[1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20]) - "[1/20] x"]`; got != want {
		t.Errorf("round %d: %s", round, got)
	}
	e := s.events()
	for letter, want := range map[string]int{"P": 20, "p": 20, "S": 1, "s": 1} {
		if n := strings.Count(e, letter); n != want {
			t.Errorf("round %d: %d events %s, want %d", round, n, letter, want)
		}
	}
	if n := s.text("SELECT patches FROM patch_count WHERE project_id = ?", s.project.ID); n != "20" {
		t.Errorf("round %d: %s patches are counted", round, n)
	}
}

// TestSameMailTogether delivers one mail by eight processes at once: it is there once.
func TestSameMailTogether(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "same")
		var wg sync.WaitGroup
		for i := range 8 {
			in := newIntake(db, ingress.DefaultLimits)
			l := letter{id: "p1", subject: "[PATCH] x", body: patchText("x")}
			if i%2 == 1 {
				l.header = "Received: another way\n"
			}
			wg.Go(func() {
				if _, err := in.Deliver(context.Background(), []ingress.Delivery{{Raw: l.raw(), Via: "test", ListID: s.project.ListID}}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if mails, e := s.text("SELECT COUNT(*) FROM mail"), s.events(); mails != "2" || e != "PSps" {
			t.Errorf("%s deliveries are kept, want 2; events %s", mails, e)
		}
		check(t, db)
	})
}

// TestUnthreadedEqualSomeOrder: mails that nothing but sender, version, total and time holds together end, delivered at the same time by different processes, as they
// would in one of the orders in which they can come one by one.
func TestUnthreadedEqualSomeOrder(t *testing.T) {
	var letters []letter
	for i, subject := range []string{"[PATCH 1/2] a", "[PATCH 2/2] a", "[PATCH 1/2] b", "[PATCH 0/2] b"} {
		letters = append(letters, letter{id: fmt.Sprint("m", i), subject: subject, minutes: i, body: patchText("x")})
	}
	letters[3].body = "About b.\n"
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			url := dbtest.MigratedURL(t, engine)
			var handles []*sqldb.DB
			for range letters {
				db, err := sqldb.Open(context.Background(), url, sqldb.Options{MaxConnections: 4})
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				handles = append(handles, db)
			}
			possible := map[string]bool{}
			for i, order := range permutations(len(letters)) {
				s := newSite(t, handles[0], fmt.Sprintf("order-%d", i))
				for _, k := range order {
					s.deliver(letters[k].raw())
				}
				possible[s.grouped()] = true
			}
			if len(possible) < 2 {
				t.Errorf("the order makes no difference: %v", possible)
			}
			rounds := 12
			if soak() {
				rounds = 200
			}
			for round := range rounds {
				s := newSite(t, handles[0], fmt.Sprintf("at-once-%d", round))
				s.deliverAtOnce(handles, letters)
				if got := s.grouped(); !possible[got] {
					t.Errorf("round %d: no order gives %s", round, got)
				}
			}
			check(t, handles[0])
		})
	}
}

// deliverAtOnce delivers each letter by a process of its own.
func (s *site) deliverAtOnce(handles []*sqldb.DB, letters []letter) {
	s.t.Helper()
	var wg sync.WaitGroup
	for i, db := range handles {
		in := newIntake(db, ingress.DefaultLimits)
		wg.Go(func() {
			if _, err := in.Deliver(context.Background(), []ingress.Delivery{{Raw: letters[i].raw(), Via: "test", ListID: s.project.ListID}}); err != nil {
				s.t.Error(err)
			}
		})
	}
	wg.Wait()
}

// grouped is which mails are in a series together: the cover letter first, then the patches by number.
func (s *site) grouped() string {
	series := map[int64]string{}
	s.each(func(r *sqlx.Rows) error {
		var id int64
		var number int
		var msgid string
		err := r.Scan(&id, &number, &msgid)
		series[id] += fmt.Sprintf(" %d:%s", number, msgid)
		return err
	}, `SELECT s.id, 0 AS number, m.msgid FROM series s JOIN cover c ON c.id = s.cover_id JOIN message m ON m.id = c.message_id WHERE s.project_id = ?
		UNION ALL SELECT p.series_id, p.number, m.msgid FROM patch p JOIN message m ON m.id = p.message_id WHERE p.project_id = ? ORDER BY 1, 2`, s.project.ID, s.project.ID)
	return fmt.Sprint(slices.Sorted(maps.Values(series)))
}
