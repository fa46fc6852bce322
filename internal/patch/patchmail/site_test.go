// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
)

// begin is when the first mail of every test was sent; the tests' clock stands a year later.
var begin = time.Date(2021, 3, 1, 10, 0, 0, 0, time.UTC)

var now = clock.FromTime(begin.AddDate(1, 0, 0))

// letter is a mail to be written. What is empty gets a usual value or is left out.
type letter struct {
	id      string // "p1" is <p1@mail.example>
	subject string
	from    string
	minutes int    // after begin
	refs    string // ids of the ancestors, the parent last
	header  string // more header lines
	body    string
}

const author = "Ann Author <ann@people.example>"

func (l letter) raw() []byte {
	var b strings.Builder
	from := l.from
	if from == "" {
		from = author
	}
	fmt.Fprintf(&b, "From: %s\nSubject: %s\nDate: %s\n", from, l.subject, begin.Add(time.Duration(l.minutes)*time.Minute).Format(time.RFC1123Z))
	if l.id != "" {
		fmt.Fprintf(&b, "Message-ID: %s\n", msgid(l.id))
	}
	if refs := strings.Fields(l.refs); len(refs) > 0 {
		for i := range refs {
			refs[i] = msgid(refs[i])
		}
		fmt.Fprintf(&b, "In-Reply-To: %s\nReferences: %s\n", refs[len(refs)-1], strings.Join(refs, "\n "))
	}
	return []byte(b.String() + l.header + "\n" + l.body)
}

func msgid(id string) string { return "<" + id + "@mail.example>" }

// diffOf is the diff that adds a line to a file.
func diffOf(file string) string {
	return fmt.Sprintf("diff --git a/%[1]s b/%[1]s\nindex 1d2c3b4..5a69788 100644\n--- a/%[1]s\n+++ b/%[1]s\n@@ -7,2 +7,3 @@ int f(void)\n one\n+two\n three\n", file)
}

const signature = "-- \n2.39.5\n"

// patchText is the body of a patch mail.
func patchText(text string) string {
	return text + "\n---\n lib/a.c | 1 +\n 1 file changed, 1 insertion(+)\n\n" + diffOf("lib/a.c") + signature
}

// site is one project in a database, and the way mail gets there.
type site struct {
	t       *testing.T
	db      *sqldb.DB
	project project.Project
	in      *ingress.Intake
}

func newSite(t *testing.T, db *sqldb.DB, linkname string, change ...func(*project.Change)) *site {
	t.Helper()
	list, email := linkname+".lists.example", linkname+"@lists.example"
	c := project.Change{Linkname: &linkname, Name: &linkname, ListID: &list, ListEmail: &email}
	for _, f := range change {
		f(&c)
	}
	p, err := project.Create(context.Background(), db, account.CLI, now, c)
	if err != nil {
		t.Fatal(err)
	}
	return &site{t, db, p, newIntake(db, ingress.DefaultLimits)}
}

func newIntake(db *sqldb.DB, limits ingress.Limits) *ingress.Intake {
	fixed := clock.NewFake(now)
	return ingress.New(db, fixed, limits, patchmail.New(fixed))
}

// deliver takes mails in as one batch and gives what became of them.
func (s *site) deliver(raws ...[]byte) []ingress.Outcome {
	s.t.Helper()
	var list []ingress.Delivery
	for _, raw := range raws {
		list = append(list, ingress.Delivery{Raw: raw, Via: "test", ListID: s.project.ListID})
	}
	out, err := s.in.Deliver(context.Background(), list)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// send delivers letters one by one and wants these outcomes.
func (s *site) send(want string, letters ...letter) {
	s.t.Helper()
	var got []string
	for _, l := range letters {
		got = append(got, kind(s.deliver(l.raw())[0]))
	}
	if g := strings.Join(got, " "); g != want {
		s.t.Errorf("the mails became %q, want %q", g, want)
	}
}

func kind(o ingress.Outcome) string {
	if o.Known {
		return "known"
	}
	return o.Kind
}

func (s *site) each(f func(*sqlx.Rows) error, query string, args ...any) {
	s.t.Helper()
	if err := s.db.Each(context.Background(), f, query, args...); err != nil {
		s.t.Fatal(err)
	}
}

// text reads one value, which may be null ("").
func (s *site) text(query string, args ...any) string {
	s.t.Helper()
	out := ""
	s.each(func(r *sqlx.Rows) error {
		var v *string
		err := r.Scan(&v)
		out = deref(v)
		return err
	}, query, args...)
	return out
}

// short undoes msgid.
func short(id string) string { return strings.TrimSuffix(strings.Trim(id, "<>"), "@mail.example") }

// series lists the series in the order they were made: (version,total,[numbers]) cover "name".
func (s *site) series() []string {
	s.t.Helper()
	numbers := map[int64][]int{}
	s.each(func(r *sqlx.Rows) error {
		var id int64
		var n int
		err := r.Scan(&id, &n)
		numbers[id] = append(numbers[id], n)
		return err
	}, "SELECT series_id, number FROM patch WHERE project_id = ? AND series_id IS NOT NULL ORDER BY number", s.project.ID)
	out := []string{}
	s.each(func(r *sqlx.Rows) error {
		var id int64
		var version, total, received int
		var cover, name string
		err := r.Scan(&id, &version, &total, &received, &cover, &name)
		if received != len(numbers[id]) {
			s.t.Errorf("series %d says it has %d patches of %d", id, received, len(numbers[id]))
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("(%d,%d,%v) %s %q", version, total, numbers[id], short(cover), name)))
		return err
	}, `SELECT s.id, s.version, s.total, s.received, COALESCE(m.msgid, '-'), COALESCE(s.name, '') FROM series s LEFT JOIN cover c ON c.id = s.cover_id
		LEFT JOIN message m ON m.id = c.message_id WHERE s.project_id = ? ORDER BY s.id`, s.project.ID)
	return out
}

// eventLetters abbreviates the kinds of events.
var eventLetters = map[string]string{
	"patch-created": "P", "patch-completed": "p", "cover-created": "C", "series-created": "S", "series-completed": "s",
	"patch-comment-created": "r", "cover-comment-created": "c",
}

// events are the kinds of all events, in order, as eventLetters has them.
func (s *site) events() string {
	s.t.Helper()
	var b strings.Builder
	s.each(func(r *sqlx.Rows) error {
		var kind string
		err := r.Scan(&kind)
		if eventLetters[kind] == "" {
			s.t.Errorf("unexpected event %q", kind)
		}
		b.WriteString(eventLetters[kind])
		return err
	}, "SELECT kind FROM event WHERE project_id = ? ORDER BY id", s.project.ID)
	return b.String()
}

// comments lists what replies are attached to: "r1→p1", sorted.
func (s *site) comments() string {
	s.t.Helper()
	var out []string
	for _, on := range []string{"patch", "cover"} {
		s.each(func(r *sqlx.Rows) error {
			var id, parent string
			err := r.Scan(&id, &parent)
			out = append(out, short(id)+"→"+short(parent))
			return err
		}, fmt.Sprintf(`SELECT m.msgid, pm.msgid FROM %[1]s_comment c JOIN message m ON m.id = c.message_id JOIN %[1]s p ON p.id = c.%[1]s_id
			JOIN message pm ON pm.id = p.message_id WHERE m.project_id = ?`, on), s.project.ID)
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}

// one reads a message by its short id; it fails the test if there is none.
func (s *site) one(id string) submission {
	s.t.Helper()
	x, ok := readSite(s.t, s.db)[msgid(id)]
	if !ok {
		s.t.Fatalf("%s is not here", msgid(id))
	}
	return x
}

// patchColumn reads a column of a patch by the short id of its mail.
func (s *site) patchColumn(column, id string) string {
	s.t.Helper()
	return s.text("SELECT p."+column+" FROM patch p JOIN message m ON m.id = p.message_id WHERE m.project_id = ? AND m.msgid = ?", s.project.ID, msgid(id))
}

// check runs the consistency check of the domain.
func check(t *testing.T, db *sqldb.DB) {
	t.Helper()
	err := db.Tx(context.Background(), func(tx *sqldb.Tx) error {
		found, err := patch.Check(context.Background(), tx, false, func(string) {})
		for _, f := range found {
			t.Errorf("%d %s", f.Rows, f.What)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\ngot  %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

// scanInto is for one row.
func scanInto(dest ...any) func(*sqlx.Rows) error {
	return func(r *sqlx.Rows) error { return r.Scan(dest...) }
}

// settle lets series stand where rows that were changed by hand say.
func settle(t *testing.T, db *sqldb.DB) {
	t.Helper()
	err := db.Tx(context.Background(), func(tx *sqldb.Tx) error {
		_, err := patch.Check(context.Background(), tx, true, func(string) {})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	check(t, db)
}
