// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/diff"
	"patchwork.example/pw/internal/test/dbtest"
)

// baseSeries is what others depend on.
func (s *site) baseSeries(prefix string, minutes int) {
	s.t.Helper()
	s.send("cover patch patch",
		letter{id: prefix + "c", subject: "[PATCH 0/2] " + prefix, body: "Words\n", minutes: minutes},
		letter{id: prefix + "p1", subject: "[PATCH 1/2] one", refs: prefix + "c", body: patchText("a"), minutes: minutes},
		letter{id: prefix + "p2", subject: "[PATCH 2/2] two", refs: prefix + "c", body: patchText("b"), minutes: minutes})
}

// dependencies lists "x→y", by the names of the series, in the order they were recorded.
func (s *site) dependencies() []string {
	s.t.Helper()
	out := []string{}
	s.each(func(r *sqlx.Rows) error {
		var from, to string
		err := r.Scan(&from, &to)
		out = append(out, from+"→"+to)
		return err
	}, `SELECT a.name, b.name FROM series_dependency d JOIN series a ON a.id = d.series_id JOIN series b ON b.id = d.depends_on_id
		WHERE a.project_id = ? ORDER BY d.series_id, d.position`, s.project.ID)
	return out
}

func TestDependencyConformance(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		other := newSite(t, db, "other")
		other.baseSeries("far", 0)
		for i, token := range []string{"series URL", "patch URL", "patch 1", "patch 2", "cover", "own cover", "other project", "unknown", "quoted"} {
			for where, in := range []string{"cover", "first patch"} {
				t.Run(token+" in "+in, func(t *testing.T) {
					s := newSite(t, db, fmt.Sprintf("depend-%d-%d", i, where))
					s.baseSeries("base", 0)
					want := []string{"top→base"}
					line := "Depends-on: "
					switch token {
					case "series URL":
						line += "https://pw.example/project/x/list/?series=" + s.text("SELECT id FROM series WHERE project_id = ?", s.project.ID)
					case "patch URL":
						line += "http://pw.example/project/" + s.project.Linkname + "/patch/basep1@mail.example/"
					case "patch 1":
						line += msgid("basep1")
					case "patch 2":
						line += msgid("basep2")
					case "cover":
						line += msgid("basec")
					case "own cover":
						line, want = line+msgid("topc"), []string{}
					case "other project":
						line, want = line+msgid("farc"), []string{}
					case "unknown":
						line, want = line+msgid("nowhere"), []string{}
					case "quoted":
						line, want = "> "+line+msgid("basec"), []string{}
					}
					s.top(in, line)
					same(t, "dependencies", s.dependencies(), want)
				})
			}
		}
		check(t, db)
	})
}

func (s *site) top(in, line string) {
	s.t.Helper()
	texts := map[string]string{"cover": "Words", "first patch": "Words"}
	texts[in] += "\n\n" + line + "\n"
	s.send("cover patch patch",
		letter{id: "topc", subject: "[PATCH 0/2] top", body: texts["cover"], minutes: 60},
		letter{id: "topp1", subject: "[PATCH 1/2] one", refs: "topc", body: patchText(texts["first patch"]), minutes: 61},
		letter{id: "topp2", subject: "[PATCH 2/2] two", refs: "topc", body: patchText("b"), minutes: 62})
}

// TestDependencyMulti names two series in one mail, and in two; the order stays, whatever the order of ids and of batches.
func TestDependencyMulti(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		one := newSite(t, db, "multi-one")
		one.baseSeries("a", 0)
		one.baseSeries("b", 30)
		one.top("cover", "Depends-on: "+msgid("bc")+"\nDepends-on: "+msgid("ac"))
		same(t, "two in one mail", one.dependencies(), []string{"top→b", "top→a"})

		two := newSite(t, db, "multi-two")
		two.baseSeries("a", 0)
		two.baseSeries("b", 30)
		two.send("cover patch",
			letter{id: "topc", subject: "[PATCH 0/2] top", body: "Words\nDepends-on: " + msgid("bp1") + "\n", minutes: 60},
			letter{id: "topp1", subject: "[PATCH 1/2] one", refs: "topc", body: patchText("Depends-on: " + msgid("ap2")), minutes: 61})
		same(t, "two in two mails", two.dependencies(), []string{"top→b", "top→a"})

		batch := newSite(t, db, "multi-batch")
		batch.baseSeries("a", 0)
		batch.baseSeries("b", 30)
		batch.deliver(
			letter{id: "topc", subject: "[PATCH 0/2] top", body: "Words\nDepends-on: " + msgid("bp1") + "\n", minutes: 60}.raw(),
			letter{id: "topp1", subject: "[PATCH 1/2] one", refs: "topc", body: patchText("Depends-on: " + msgid("ap2") + "\nDepends-on: " + msgid("bc")), minutes: 61}.raw())
		same(t, "in one batch", batch.dependencies(), []string{"top→b", "top→a"})
		check(t, db)
	})
}

// TestTags counts what stands in patches and replies and in the cover letter and the replies to it, in whatever order they come.
func TestTags(t *testing.T) {
	const tagged = "Acked-by: Bob <bob@people.example>\nacked-by: Bob <bob@people.example>\n> Acked-by: No <no@people.example>\nReviewed-by: Eve <eve@people.example>"
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "tags")
		s.send("pending cover patch comment comment",
			letter{id: "r1", subject: "Re: one", refs: "p1", body: "Tested-by: Bob <bob@people.example>\n"},
			letter{id: "c", subject: "[PATCH 0/1] top", body: "Tested-by: Cover <cover@people.example>\n"},
			letter{id: "p1", subject: "[PATCH 1/1] one", refs: "c", body: patchText(tagged)},
			letter{id: "r2", subject: "Re: one", refs: "c p1 r1", body: "> +two\nReviewed-by: Bob <bob@people.example>\n"},
			letter{id: "r3", subject: "Re: top", refs: "c", body: "Reviewed-by: Bob <bob@people.example>\n"})
		if got := fmt.Sprint(s.one("p1").Tags); got != "map[Acked-by:2 Reviewed-by:3 Tested-by:2]" {
			t.Errorf("tags %s", got)
		}

		off := false
		none := newSite(t, db, "no-tags", useTags(off))
		none.send("patch", letter{id: "q1", subject: "[PATCH] one", body: patchText(tagged)})
		if got := len(none.one("q1").Tags); got != 0 {
			t.Errorf("%d tags in a project that does not use them", got)
		}
		check(t, db)
	})
}

// TestTextAfterDiff counts tags behind a diff, but not behind the signature.
func TestTextAfterDiff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "after")
		s.send("patch patch",
			letter{id: "p1", subject: "[PATCH] one", body: "Words\n---\n" + tiny + "\nAcked-by: Bob <bob@people.example>\n"},
			letter{id: "p2", subject: "[PATCH] two", body: "Words\n---\n" + tiny + signature + "\nAcked-by: Bob <bob@people.example>\n"})
		if got := s.one("p1").Tags["Acked-by"]; got != 1 {
			t.Errorf("%d tags behind the diff", got)
		}
		if x := s.one("p2"); len(x.Tags) != 0 || strings.Contains(x.content, "Bob") {
			t.Errorf("behind the signature: %q", x.content)
		}
	})
}

// TestLateDependencies: what a series needs may come later, and in any order.
func TestLateDependencies(t *testing.T) {
	base := func(id, version, text string, minutes int) letter {
		return letter{id: id, subject: "[PATCH" + version + "] base", minutes: minutes, body: text + "\n---\n" + diffOf("lib/"+id+".c")}
	}
	gitID := diff.PatchID([]byte(diffOf("lib/b1.c")))
	for i, c := range []struct {
		name  string
		mails []letter
		want  string
	}{
		{"Message-ID", []letter{base("b1", "", "Words.", 0), base("t1", " v7", "Depends-on: "+msgid("b1"), 9)}, "t1→b1"},
		{"address of an archive", []letter{base("b1", "", "Words.", 0), base("t1", " v7", "Based-on: https://lore.example/l/b1@mail.example/", 9)}, "t1→b1"},
		{"prerequisite-message-id", []letter{base("b1", "", "Words.", 0), base("t1", " v7", "prerequisite-message-id: "+msgid("b1"), 9)}, "t1→b1"},
		{"change-id", []letter{base("b1", "", "change-id: x-1", 0), base("b2", " v2", "change-id: x-1", 5), base("t1", " v7", "prerequisite-change-id: x-1", 9)}, "t1→b2"},
		{"change-id with a version", []letter{base("b1", "", "change-id: x-1", 0), base("b2", " v2", "change-id: x-1", 5), base("t1", " v7", "prerequisite-change-id: x-1:v1", 9)}, "t1→b1"},
		{"patch-id", []letter{base("b1", "", "Words.", 0), base("t1", " v7", "prerequisite-patch-id: "+gitID, 9)}, "t1→b1"},
		{"two ways to one", []letter{base("b1", "", "change-id: x-1", 0), base("t1", " v7", "prerequisite-patch-id: "+gitID+"\nprerequisite-change-id: x-1:v1", 9)}, "t1→b1"},
		{"itself", []letter{base("b1", "", "prerequisite-patch-id: "+gitID, 0), base("t1", " v7", "Words.", 9)}, ""},
	} {
		dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
			for n, order := range permutations(len(c.mails)) {
				s := newSite(t, db, fmt.Sprintf("late-%d-%d", i, n))
				for _, k := range order {
					s.deliver(c.mails[k].raw())
				}
				var got []string
				s.each(func(r *sqlx.Rows) error {
					var from, to string
					err := r.Scan(&from, &to)
					got = append(got, short(from)+"→"+short(to))
					return err
				}, "SELECT "+fmt.Sprintf(mainMail, "a")+", "+fmt.Sprintf(mainMail, "b")+" FROM series_dependency d JOIN series a ON a.id = d.series_id JOIN series b ON b.id = d.depends_on_id WHERE a.project_id = ?", s.project.ID)
				if g := strings.Join(got, " "); g != c.want {
					t.Errorf("%s, order %v: %s, want %s", c.name, order, g, c.want)
				}
			}
			check(t, db)
		})
	}
}
