// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"mime"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// searched is a site whose lists are asked for while it changes, beside the same lists made the naive way.
type searched struct {
	*testing.T
	dbs     [2]*sqldb.DB     // two handles, as two processes have them: each gives ids of its own blocks
	totals  [4]*patch.Totals // of both, exact ones and rough ones
	clock   *clock.Fake
	project project.Project
	other   project.Project
	user    account.User
	rng     *rand.Rand
	sent    int
}

// plainPatch is a patch as the naive search reads it.
type plainPatch struct {
	ID, Project, State, Delegate, Date int64
	Name, MsgID                        string
	Archived, Hidden                   bool
}

var wordStock = strings.Fields("fix fixes leak leaks net: netdev: mm: split pages page x2 v2 LEAK Größe STRASSE straße 修复内存 a/b 100% under_score back\\slash buffer whistle suffix ring mm")

func (s *searched) text() string {
	var words []string
	for range 1 + s.rng.IntN(4) {
		words = append(words, wordStock[s.rng.IntN(len(wordStock))])
	}
	return strings.Join(words, " ")
}

// arrive sends patches; some have the same date.
func (s *searched) arrive() {
	var mails []string
	for range 1 + s.rng.IntN(3) {
		s.sent++
		to := s.project
		if s.rng.IntN(6) == 0 {
			to = s.other
		}
		m := letter(to.Linkname, fmt.Sprintf("s%d@x.example", s.sent), "", mime.QEncoding.Encode("utf-8", "[PATCH] "+s.text()), fmt.Sprintf("Text %d.\n", s.sent)+diffText)
		mails = append(mails, strings.Replace(m, "Mon, 1 Jan 2024 10:00:00", fmt.Sprintf("Mon, 1 Jan 2024 10:00:0%d", s.rng.IntN(10)), 1))
	}
	if got := deliver(s.T, s.dbs[s.rng.IntN(2)], mails...); strings.Trim(got, "patch ") != "" {
		s.Fatal(got)
	}
}

func (s *searched) patches() (out []plainPatch) {
	err := s.dbs[0].Select(s.Context(), &out, `SELECT p.id, p.project_id AS project, COALESCE(p.state_id, 0) AS state, COALESCE(p.delegate_id, 0) AS delegate, p.date, p.name, p.archived, m.hidden, m.msgid
		FROM patch p JOIN message m ON m.id = p.message_id`)
	if err != nil {
		s.Fatal(err)
	}
	return out
}

// change does one thing to one patch.
func (s *searched) change() {
	all := s.patches()
	p := all[s.rng.IntN(len(all))]
	home := s.project
	if p.Project == s.other.ID {
		home = s.other
	}
	db := s.dbs[s.rng.IntN(2)]
	update := func(c patch.Change) error {
		_, err := patch.Update(s.Context(), db, account.CLI, noon, []int64{p.ID}, c)
		return err
	}
	var err error
	switch s.rng.IntN(8) {
	case 0, 1:
		err = update(patch.Change{State: ptr(int64(1 + s.rng.IntN(3)))})
	case 2:
		err = update(patch.Change{Archived: ptr(!p.Archived)})
	case 3:
		err = update(patch.Change{Delegate: ptr(s.user.ID * int64(s.rng.IntN(2)))})
	case 4:
		err = patch.HideMessage(s.Context(), db, account.CLI, noon, home, p.MsgID, "", !p.Hidden)
	case 5:
		err = patch.DeleteMessage(s.Context(), db, account.CLI, noon, home, p.MsgID, "")
	case 6:
		s.rename(db, home, p)
	default: // nothing that a list shows
		err = update(patch.Change{CommitRef: ptr(fmt.Sprint(s.rng.Int()))})
	}
	if err != nil {
		s.Fatal(err)
	}
}

func (s *searched) rename(db *sqldb.DB, home project.Project, p plainPatch) {
	inTx(s.T, db, func(ctx context.Context, tx *sqldb.Tx) error {
		found, err := mailstore.Lookup(ctx, tx, home.ID, []string{p.MsgID})
		if err != nil {
			return err
		}
		var messages []*mailstore.Message
		for _, m := range found {
			messages = append(messages, m)
		}
		stored, err := patch.ReadStored(ctx, tx, messages)
		if err != nil {
			return err
		}
		is := *stored[messages[0].ID]
		is.Name, is.Date = s.text(), is.Date+clock.Time(1e6*int64(s.rng.IntN(3)))
		return patch.Amend(ctx, tx, account.CLI, noon, home, []patch.Amendment{{Stored: stored[messages[0].ID], To: is.Reading}})
	})
}

// ask makes up a query.
func (s *searched) ask() patch.Query {
	if s.rng.IntN(3) == 0 { // in the middle of all patches
		return patch.LookAt(patch.Query{Projects: []int64{s.project.ID}, Order: []string{"date", "-date", "id", "-id"}[s.rng.IntN(4)], PerPage: 2, Page: 1 + s.rng.IntN(25)}, 3)
	}
	q := patch.Query{PerPage: 1 + s.rng.IntN(12), Page: 1 + s.rng.IntN([]int{4, 30}[s.rng.IntN(2)])}
	q.Projects = [][]int64{{s.project.ID}, {s.project.ID}, {s.project.ID}, {s.other.ID}, {s.project.ID, s.other.ID}, nil}[s.rng.IntN(6)]
	q.States = [][]int64{nil, {1}, {1, 2}, {3}}[s.rng.IntN(4)]
	q.Archived = [][]bool{nil, {false}, {false}, {true}}[s.rng.IntN(4)]
	q.Delegates = [][]int64{nil, nil, nil, {0}, {s.user.ID}}[s.rng.IntN(5)]
	if s.rng.IntN(3) == 0 { // a whole project, as only what concerns names changes it
		q.States, q.Archived, q.Delegates = nil, nil, nil
	}
	q.Order = []string{"", "-date", "date", "name", "-name", "id", "-id", "delegate", "state"}[s.rng.IntN(9)]
	if s.rng.IntN(4) > 0 {
		q.Words = []string{"fix", "leak", "fix leak", "lea", "page mm", "mm", "größe", "修复", "a/b", "nowhere", "fix leak net", "STRASSE", "x2", "r_sc", "whistle", "ring", "ix"}[s.rng.IntN(17)]
	}
	if s.rng.IntN(6) == 0 {
		q.Since = ptr(now - 7200e6 + clock.Time(1e6*int64(s.rng.IntN(10))))
	}
	return patch.LookAt(q, []int{0, 0, 3, 10}[s.rng.IntN(4)])
}

// holdsWord tells whether a word of two letters stands where one begins, or a longer one anywhere.
func holdsWord(name, word string) bool {
	for i := range name {
		if strings.HasPrefix(name[i:], word) && (len([]rune(word)) > 2 || i == 0 || name[i-1] < '0' || word[0] > 127) {
			return true
		}
	}
	return false
}

func (s *searched) naive(q patch.Query) (found []plainPatch) {
	for _, p := range s.patches() {
		ok := !p.Hidden && (q.Projects == nil || slices.Contains(q.Projects, p.Project)) && (q.States == nil || slices.Contains(q.States, p.State)) &&
			(q.Archived == nil || q.Archived[0] == p.Archived) && (q.Delegates == nil || slices.Contains(q.Delegates, p.Delegate)) && (q.Since == nil || p.Date >= int64(*q.Since))
		for _, word := range strings.Fields(fold.Key(q.Words)) {
			ok = ok && holdsWord(fold.Key(p.Name), word)
		}
		if ok {
			found = append(found, p)
		}
	}
	order, desc := strings.CutPrefix(q.Order, "-")
	newest := func(a, b plainPatch) int { return cmp.Or(cmp.Compare(b.Date, a.Date), cmp.Compare(b.ID, a.ID)) }
	slices.SortFunc(found, func(a, b plainPatch) int {
		n := 0
		switch order {
		case "", "date":
			n = -newest(a, b)
			desc = desc || order == ""
		case "id":
			n = cmp.Compare(a.ID, b.ID)
		case "name":
			n = cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
		case "delegate": // there is one
			return cmp.Or(cmp.Compare(a.Delegate, b.Delegate), newest(a, b))
		case "state": // their ids are in order
			return cmp.Or(cmp.Compare(a.State, b.State), newest(a, b))
		}
		if desc {
			n = -n
		}
		return n
	})
	return found
}

// rows is a page of a list.
func (s *searched) rows(q patch.Query, page int) (ids []int64) {
	found := s.naive(q)
	for _, p := range found[min((page-1)*q.PerPage, len(found)):min(page*q.PerPage, len(found))] {
		ids = append(ids, p.ID)
	}
	return ids
}

func (s *searched) expect(q patch.Query) {
	s.Helper()
	total := len(s.naive(q))
	want := s.rows(q, min(q.Page, max(1, (total+q.PerPage-1)/q.PerPage)))
	for i := range s.totals {
		db := s.dbs[i%2]
		q.Totals = s.totals[i]
		page, err := patch.List(s.Context(), db, q)
		if err != nil {
			s.Fatal(err)
		}
		var got []int64
		for _, r := range page.Rows {
			got = append(got, r.ID)
		}
		if page.Aged { // what there is of the page
			want := s.rows(q, page.Page)
			if !slices.Equal(got, want[:min(len(want), len(got))]) || len(got) < len(want) && (page.Page-1)*q.PerPage+len(got) < page.Total {
				s.Fatalf("handle %d, %+v: %v of %d that is old, want %v", i, q, got, page.Total, want)
			}
			continue
		}
		want, total := want, total
		if page.More { // counted as far as was looked
			want, total = s.rows(q, page.Page), min(total, max(page.Total, (page.Page-1)*q.PerPage+len(got)))
		}
		if !slices.Equal(got, want) || page.Total != total {
			q.Totals = nil
			again, err := patch.List(s.Context(), db, q)
			s.Fatalf("handle %d, %+v: %v of %d, aged %v, more %v; want %v of %d; without a memory %d, %v", i, q, got, page.Total, page.Aged, page.More, want, total, again.Total, err)
		}
	}
}

// newSearched is a site of two projects with some forty patches.
func newSearched(t *testing.T, engine string) *searched {
	url := dbtest.MigratedURL(t, engine)
	seed := rand.Uint64()
	t.Log("seed", seed)
	s := &searched{T: t, rng: rand.New(rand.NewPCG(seed, 1)), clock: clock.NewFake(noon)}
	for i := range s.dbs {
		db, err := sqldb.Open(t.Context(), url, sqldb.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		s.dbs[i] = db
	}
	s.forget()
	s.project, s.other, s.user = newProject(t, s.dbs[0], "alpha"), newProject(t, s.dbs[0], "beta"), newUser(t, s.dbs[0], "mia")
	for _, p := range []project.Project{s.project, s.other} {
		if err := project.AddMaintainer(t.Context(), s.dbs[0], account.CLI, now, p.Linkname, s.user.Username); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		s.arrive()
	}
	return s
}

// forget gives the handles empty memories.
func (s *searched) forget() {
	for i, db := range s.dbs {
		s.totals[i], s.totals[i+2] = patch.NewTotals(s.clock, db.Stamp), patch.NewRoughTotals(s.clock, db.Stamp)
	}
}

// TestListsThatChange: whatever happens to patches between two requests, by whichever process, each list is what it would be if nothing was remembered.
func TestListsThatChange(t *testing.T) {
	rounds := 60
	if os.Getenv("PW_SOAK") == "1" {
		rounds = 1000
	}
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			s := newSearched(t, engine)
			asked := []patch.Query{}
			for range 25 {
				asked = append(asked, s.ask())
			}
			for range rounds {
				for range s.rng.IntN(3) {
					if s.rng.IntN(3) == 0 {
						s.arrive()
					} else {
						s.change()
					}
				}
				asked[s.rng.IntN(len(asked))] = s.ask()
				s.clock.Advance(time.Duration(s.rng.IntN(50)) * time.Second)
				for range 8 {
					s.expect(asked[s.rng.IntN(len(asked))])
				}
			}
		})
	}
}

// betweens are what others do between the moment when a list was counted and that when a page of it is read.
func (s *searched) betweens() map[string]func() {
	some := func(f func(db *sqldb.DB, p plainPatch) error) func() {
		return func() {
			var mine []plainPatch
			for _, p := range s.patches() {
				if p.Project == s.project.ID && p.State != 3 && !p.Archived && !p.Hidden {
					mine = append(mine, p)
				}
			}
			if err := f(s.dbs[1], mine[s.rng.IntN(len(mine))]); err != nil {
				s.Fatal(err)
			}
		}
	}
	change := func(c patch.Change) func() {
		return some(func(db *sqldb.DB, p plainPatch) error {
			_, err := patch.Update(s.Context(), db, account.CLI, noon, []int64{p.ID}, c)
			return err
		})
	}
	return map[string]func(){
		"came": s.arrive, "came again": s.arrive, // nothing else moves places that are remembered
		"deleted": some(func(db *sqldb.DB, p plainPatch) error {
			return patch.DeleteMessage(s.Context(), db, account.CLI, noon, s.project, p.MsgID, "")
		}),
		"hidden": some(func(db *sqldb.DB, p plainPatch) error {
			return patch.HideMessage(s.Context(), db, account.CLI, noon, s.project, p.MsgID, "", true)
		}),
		"moved":    change(patch.Change{State: ptr(int64(3))}),
		"archived": change(patch.Change{Archived: ptr(true)}),
		"renamed":  some(func(db *sqldb.DB, p plainPatch) error { s.rename(db, s.project, p); return nil }),
	}
}

// TestCommitBetweenCountAndPage: what is committed after a list was counted and before its page is read leaves no false page and no false place behind.
func TestCommitBetweenCountAndPage(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			s := newSearched(t, engine)
			betweens := s.betweens()
			queries := []patch.Query{{}, {Order: "-id"}, {Order: "id"}, {Order: "date"}, {States: []int64{1, 2}}, {Order: "name"}, {Order: "delegate"}, {Order: "state"}, {Words: "fix"}}
			if os.Getenv("PW_SOAK") != "1" { // whole lists, and two more
				s.rng.Shuffle(len(queries)-2, func(i, j int) { queries[i+2], queries[j+2] = queries[j+2], queries[i+2] })
				queries = queries[:4]
			}
			for _, q := range queries {
				q.Projects, q.Archived, q.PerPage = []int64{s.project.ID}, [][]bool{nil, nil, {false}}[s.rng.IntN(3)], 2
				q = patch.LookAt(q, 3)
				for _, name := range slices.Sorted(maps.Keys(betweens)) {
					s.forget()
					for _, at := range []int{-1 - s.rng.IntN(15), 1 + s.rng.IntN(9), -1} { // a page, from the beginning or the end: which is nearer is walked from
						var counted []*patch.Listing
						for i, totals := range s.totals {
							q.Totals = totals
							l, err := patch.Find(t.Context(), s.dbs[i%2], q)
							if err != nil {
								t.Fatal(err)
							}
							counted = append(counted, l)
						}
						page := at
						if at < 0 {
							page = max(0, (counted[0].Total+1)/2+at)
						}
						betweens[name]()
						for i, l := range counted {
							if _, err := l.Rows(t.Context(), s.dbs[i%2], 2*page, 2); err != nil {
								t.Fatal(err)
							}
						}
						for _, n := range []int{page + 1, page + 2, max(1, page-3)} {
							q.Page = n
							s.expect(q)
						}
					}
					s.arrive() // else there are fewer and fewer
				}
			}
		})
	}
}

// TestPlaceOfAnOlderCount: a page that is walked to after a patch came, by a count from before, leaves no place that would be moved on by that patch once more.
func TestPlaceOfAnOlderCount(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			s := newSearched(t, engine)
			come := func(handle int) (highest int64) { // ids are of blocks of each handle; only higher ones than there were tell that nothing else has happened
				s.sent++
				if got := deliver(t, s.dbs[handle], letter(s.project.Linkname, fmt.Sprintf("s%d@x.example", s.sent), "", "[PATCH] "+s.text(), "Text.\n"+diffText)); got != "patch" {
					t.Fatal(got)
				}
				for _, p := range s.patches() {
					highest = max(highest, p.ID)
				}
				return highest
			}
			last := 0
			if come(0) < come(1) {
				last = 1
			}
			q := patch.LookAt(patch.Query{Projects: []int64{s.project.ID}, Order: "-id", PerPage: 2, Page: 9}, 3)
			s.expect(q)
			var counted []*patch.Listing
			for i, totals := range s.totals {
				q.Totals = totals
				l, err := patch.Find(t.Context(), s.dbs[i%2], q)
				if err != nil {
					t.Fatal(err)
				}
				counted = append(counted, l)
			}
			come(last)
			for i, l := range counted {
				if _, err := l.Rows(t.Context(), s.dbs[i%2], 4, 2); err != nil {
					t.Fatal(err)
				}
			}
			for _, page := range []int{5, 4, 3} {
				q.Page = page
				s.expect(q)
			}
		})
	}
}
