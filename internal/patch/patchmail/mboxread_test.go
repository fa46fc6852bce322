// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// counted counts the queries that are asked of a database.
type counted struct {
	sqldb.Queryer
	n int
}

func (c *counted) Get(ctx context.Context, dest any, query string, args ...any) error {
	c.n++
	return c.Queryer.Get(ctx, dest, query, args...)
}

func (c *counted) Select(ctx context.Context, dest any, query string, args ...any) error {
	c.n++
	return c.Queryer.Select(ctx, dest, query, args...)
}

func (c *counted) Each(ctx context.Context, f func(*sqlx.Rows) error, query string, args ...any) error {
	c.n++
	return c.Queryer.Each(ctx, f, query, args...)
}

// id is the id of the row of a table that a letter became.
func (s *site) id(table, letter string) int64 {
	s.t.Helper()
	var id int64
	s.each(scanInto(&id), "SELECT p.id FROM "+table+" p JOIN message m ON m.id = p.message_id WHERE m.project_id = ? AND m.msgid = ?", s.project.ID, msgid(letter))
	return id
}

func (s *site) hide(letter string) {
	s.t.Helper()
	if err := patch.HideMessage(context.Background(), s.db, account.CLI, now, s.project, msgid(letter), "", true); err != nil {
		s.t.Fatal(err)
	}
}

// mailed is a series of three with a cover letter and replies, and a patch that is in no series but its own.
func mailed(s *site) {
	s.send("cover patch patch patch comment comment comment comment patch",
		letter{id: "c", subject: "[PATCH 0/3] all", body: "All of it."},
		letter{id: "p3", subject: "[PATCH 3/3] three", refs: "c", minutes: 3, body: patchText("Three.")},
		letter{id: "p1", subject: "[PATCH 1/3] one", refs: "c", minutes: 1, body: patchText("One.")},
		letter{id: "p2", subject: "[PATCH 2/3] two", refs: "c", minutes: 2, body: patchText("Two.")},
		letter{id: "r1", subject: "Re: [PATCH 2/3] two", refs: "c p2", minutes: 20, body: "Acked-BY: Late <l@people.example>"},
		letter{id: "r2", subject: "Re: [PATCH 2/3] two", refs: "c p2", minutes: 10, body: "Tested-by: Early <e@people.example>"},
		letter{id: "r3", subject: "Re: [PATCH 2/3] two", refs: "c p2", minutes: 11, body: "Tested-by: Hidden <h@people.example>"},
		letter{id: "rc", subject: "Re: [PATCH 0/3] all", refs: "c", minutes: 30, body: "Reviewed-by: All <a@people.example>"},
		letter{id: "q", subject: "[PATCH] alone", from: "Bob <bob@people.example>", minutes: 50, body: patchText("Alone.")})
	s.hide("r3")
}

// told says what an mbox holds: Message-ID and the trailers that were added, and how many queries it took.
func told(t *testing.T, db *sqldb.DB, find func(q sqldb.Queryer) ([]*patch.MboxMail, error)) (text string, queries int) {
	t.Helper()
	q := &counted{Queryer: db}
	mails, err := find(q)
	if err != nil {
		return fault.KindOf(err).String() + ": " + err.Error(), q.n
	}
	var b bytes.Buffer
	if err := patchmail.ExportMbox(context.Background(), q, &b, mails); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "Message-ID: ") || strings.Contains(strings.ToLower(line), "-by: ") {
			text += strings.TrimSpace(line) + "\n"
		}
	}
	return text, q.n
}

func TestReadMbox(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "devel")
		mailed(s)
		var series int64
		s.each(scanInto(&series), "SELECT series_id FROM patch WHERE id = ?", s.id("patch", "p1"))
		ctx := context.Background()
		id := func(letter string) int64 { return s.id("patch", letter) }
		const toCover = "Reviewed-by: All <a@people.example>\n" // what was said to the cover letter counts for every patch
		const m1, m3 = "Message-ID: <p1@mail.example>\n" + toCover, "Message-ID: <p3@mail.example>\n" + toCover
		const m2 = "Message-ID: <p2@mail.example>\nTested-by: Early <e@people.example>\nAcked-BY: Late <l@people.example>\n" + toCover
		expect := func(what, want string, queries int, find func(q sqldb.Queryer) ([]*patch.MboxMail, error)) {
			t.Helper()
			got, n := told(t, db, find)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
			if n != queries {
				t.Errorf("%s: %d queries, want %d", what, n, queries)
			}
		}
		one := func(id int64) func(q sqldb.Queryer) ([]*patch.MboxMail, error) {
			return func(q sqldb.Queryer) ([]*patch.MboxMail, error) { return patch.MboxOfPatch(ctx, q, id) }
		}
		whole := func(id int64) func(q sqldb.Queryer) ([]*patch.MboxMail, error) {
			return func(q sqldb.Queryer) ([]*patch.MboxMail, error) { return patch.MboxOfSeries(ctx, q, id) }
		}
		upTo := func(id, series int64) func(q sqldb.Queryer) ([]*patch.MboxMail, error) {
			return func(q sqldb.Queryer) ([]*patch.MboxMail, error) { return patch.MboxUpTo(ctx, q, id, series) }
		}
		expect("patch", m2, 5, one(id("p2")))
		expect("no patch", "not found: there is no patch 4711", 1, one(4711))
		expect("cover", "Message-ID: <c@mail.example>\nReviewed-by: All <a@people.example>\n", 3,
			func(q sqldb.Queryer) ([]*patch.MboxMail, error) { return patch.MboxOfCover(ctx, q, s.id("cover", "c")) })
		expect("series", m1+m2+m3, 5, whole(series))
		expect("no series", "not found: there is no series 4711", 2, whole(4711))
		expect("bundle", m3+m1, 5, func(q sqldb.Queryer) ([]*patch.MboxMail, error) {
			return patch.MboxOfPatches(ctx, q, []int64{id("p3"), id("p1"), 4711})
		})
		expect("empty bundle", "", 0, func(q sqldb.Queryer) ([]*patch.MboxMail, error) { return patch.MboxOfPatches(ctx, q, nil) })
		expect("up to", m1+m2, 6, upTo(id("p2"), 0))
		expect("up to, series named", m1+m2, 6, upTo(id("p2"), series))
		expect("up to, other series", "not found: patch "+itoa(id("q"))+" is not in series "+itoa(series), 1, upTo(id("q"), series))
		s.hide("p1")
		expect("hidden patch", "not found: there is no patch "+itoa(id("p1")), 1, one(id("p1")))
		expect("hidden patch, up to", "not found: there is no patch "+itoa(id("p1")), 2, upTo(id("p1"), 0))
		expect("series with a hidden patch", m2+m3, 5, whole(series))
		expect("up to, with a hidden patch", m2, 6, upTo(id("p2"), 0))
		s.hide("c")
		expect("hidden cover", "not found: there is no cover letter "+itoa(s.id("cover", "c")), 1,
			func(q sqldb.Queryer) ([]*patch.MboxMail, error) { return patch.MboxOfCover(ctx, q, s.id("cover", "c")) })
	})
}

// TestReadMboxInPieces reads patches that are too big to be held at once.
func TestReadMboxInPieces(t *testing.T) {
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), "devel")
	big := strings.Repeat("+"+strings.Repeat("x", 1023)+"\n", 9<<10)
	for _, id := range []string{"b1", "b2", "b3"} {
		s.send("patch", letter{id: id, subject: "[PATCH " + id[1:] + "/3] big", refs: "", body: "Big.\n---\n--- /dev/null\n+++ b/" + id + "\n@@ -0,0 +1,9216 @@\n" + big})
	}
	got, n := told(t, s.db, func(q sqldb.Queryer) ([]*patch.MboxMail, error) {
		return patch.MboxOfPatches(context.Background(), q, []int64{s.id("patch", "b1"), s.id("patch", "b2"), s.id("patch", "b3")})
	})
	if want := "Message-ID: <b1@mail.example>\nMessage-ID: <b2@mail.example>\nMessage-ID: <b3@mail.example>\n"; got != want || n != 1+3*3 {
		t.Errorf("%d queries, want 10:\n%s", n, got)
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// TestGitAmOwnSeries sends what git format-patch makes of a repository with awkward files through the site, and wants the same tree back.
func TestGitAmOwnSeries(t *testing.T) {
	sender, receiver := newWorkshop(t), newWorkshop(t)
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(sender.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	commit := func(message string) {
		t.Helper()
		runGit(t, sender.dir, nil, "add", "-A")
		runGit(t, sender.dir, []byte(message), "commit", "-q", "-F-", "--cleanup=verbatim")
	}
	lines := strings.Repeat("line\n", 20)
	write("dos.txt", "one\r\ntwo\r\nthree\r\n")
	write("latin1.c", "// Zo\xeb\nint f;\n// na\xefve\n")
	write("old/name.c", lines)
	write("run.sh", lines)
	write("gone", "x\n")
	commit("base\n")
	base := strings.TrimSpace(runGit(t, sender.dir, nil, "rev-parse", "HEAD"))
	runGit(t, receiver.dir, nil, "fetch", "-q", sender.dir, "HEAD:base")

	write("dos.txt", "one\r\nTWO\r\nthree\r\n")
	commit("dos: shout\n\nFrom here on it is loud: é.\n>From there too.\n")
	write("latin1.c", "// Zo\xeb\nint g;\n// na\xefve \xa4\n")
	commit("latin1: rename a variable\n")
	write("latin1.c", "// Zo\xeb\nint h;\n// na\xefve \xa4\n")
	commit("latin1: again, with a text that is not Latin-1: жук\n")
	runGit(t, sender.dir, nil, "mv", "old/name.c", "new näme.c")
	runGit(t, sender.dir, nil, "rm", "-q", "gone")
	write("bin", "\x00\x01\x02"+strings.Repeat("\xff\x00binary", 100))
	write("empty", "")
	if err := os.Chmod(filepath.Join(sender.dir, "run.sh"), 0o700); err != nil {
		t.Fatal(err)
	}
	commit("files: of all kinds\n\nA table:\n  ---\n  --\n -- \nFrom nobody@mail.example Mon Mar  1 10:00:00 2021\n")
	write("empty", "no newline at the end, and a line of many bytes: "+strings.Repeat("y", 3000))
	write("dos.txt", "one\nTWO\r\nthree\r\n")
	commit("mixed line ends\n")

	dir := filepath.Join(sender.dir, ".git", "out")
	runGit(t, sender.dir, nil, "format-patch", "-q", "--thread", "--binary", "-o"+dir, base+"..HEAD")
	files, err := filepath.Glob(filepath.Join(dir, "*.patch"))
	if err != nil || len(files) != 5 {
		t.Fatalf("%d patches: %v", len(files), err)
	}
	s := newSite(t, dbtest.Open(t, sqldb.SQLite), "devel")
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if got := kind(s.deliver(raw)[0]); got != patch.KindPatch {
			t.Fatalf("%s became %q", f, got)
		}
	}
	mails, err := patch.MboxOfSeries(context.Background(), s.db, 1)
	if err != nil || len(mails) != 5 {
		t.Fatalf("%d patches: %v", len(mails), err)
	}
	var b bytes.Buffer
	if err := patchmail.ExportMbox(context.Background(), s.db, &b, mails); err != nil {
		t.Fatal(err)
	}
	if _, err := sender.apply("HEAD", nil); err == nil {
		t.Error("an empty mbox was applied")
	}
	want, err := sender.commits(base)
	if err != nil {
		t.Fatal(err)
	}
	got, err := receiver.apply("base", b.Bytes(), "--patch-format=mboxrd")
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	plain, err := receiver.apply("base", b.Bytes())
	if err != nil || plain[len(plain)-1].tree != want[len(want)-1].tree {
		t.Errorf("without mboxrd the trees differ: %v", err)
	}
}

// BenchmarkSeriesMbox writes a series of 30 patches, each with a diff of 200 lines and a reply.
func BenchmarkSeriesMbox(b *testing.B) {
	db := dbtest.Open(b, sqldb.SQLite)
	name, list := "devel", "devel@lists.example"
	if _, err := project.Create(b.Context(), db, account.CLI, now, project.Change{Linkname: &name, Name: &name, ListID: &name, ListEmail: &list}); err != nil {
		b.Fatal(err)
	}
	diff := "--- a/f\n+++ b/f\n@@ -1,0 +1,200 @@\n" + strings.Repeat("+\tsome line of code, as long as they are;\n", 200)
	var mails []ingress.Delivery
	for i := range 30 {
		id := fmt.Sprintf("p%d", i+1)
		for _, l := range []letter{
			{id: id, subject: fmt.Sprintf("[PATCH %d/30] x", i+1), refs: "p0", body: "Text.\n---\n" + diff},
			{id: "r" + id, subject: "Re: x", refs: id, body: "> quoted\n\nAcked-by: Bob <bob@people.example>\n"}} {
			mails = append(mails, ingress.Delivery{Raw: l.raw(), ListID: name})
		}
	}
	if _, err := newIntake(db, ingress.DefaultLimits).Deliver(b.Context(), mails); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		found, err := patch.MboxOfSeries(b.Context(), db, 1)
		if err != nil || len(found) != 30 {
			b.Fatalf("%d patches: %v", len(found), err)
		}
		if err := patchmail.ExportMbox(b.Context(), db, io.Discard, found); err != nil {
			b.Fatal(err)
		}
	}
}
