// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

func fillWords(t testing.TB, db *sqldb.DB) {
	t.Helper()
	if err := patch.FillWords(context.Background(), db, func(int64, int64) {}); err != nil {
		t.Fatal(err)
	}
}

// wordNames are the names of patches 3001 and so on, one a day from 1 March 2026 on.
var wordNames = []string{
	"drm/amdgpu: fix memory leak in probe",           // 3001
	"net: phy: Größe des RINGPUFFERS ändern",         // 3002
	"STRASSE und Straße",                             // 3003
	"修复内存泄漏 in 驱动程序",                                 // 3004
	"mm: split pages AND keep NEAR them, NOT far OR", // 3005
	"say \"hello world\" to *args and -flags",        // 3006
	"100% of under_score and back\\slash ^caret$",    // 3007
	"xfs: fs/xfs: v2 of mm/slub ci",                  // 3008
	"ПРИВЕТ мир",                                     // 3009
	"it's an apostrophe; DROP TABLE patch",           // 3010
	"asymmetric mmap suffix",                         // 3011
	strings.Repeat("long", 60) + "end",               // 3012
	"a\u0308rger and ärger",                          // 3013: the first one decomposed
	"emoji 😀😀😀 here",                                 // 3014
}

// putNames writes patches with these names to alpha, without their states and counters.
func putNames(t *testing.T, db *sqldb.DB, names []string) {
	t.Helper()
	inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		var patches []patch.ImportedPatch
		var messages [][]any
		for i, name := range names {
			id := int64(3001 + i)
			patches = append(patches, patch.ImportedPatch{ID: id, Message: id, Project: projectAlpha, Submitter: 1, Date: noon + clock.Time(int64(i)*24*3600*1e6), Name: name})
			messages = append(messages, []any{id, projectAlpha, fmt.Sprintf("<w%d@mail.example>", id), 0, "patch", 1, int64(noon), "x", "", id, false})
		}
		if err := tx.Insert(ctx, "message", strings.Fields("id project_id msgid copy kind submitter_id date subject in_reply_to thread_id hidden"), messages); err != nil {
			return err
		}
		return patch.ImportPatches(ctx, tx, patches)
	})
}

func wordsFound(t *testing.T, db *sqldb.DB, q patch.Query) string {
	t.Helper()
	q.PerPage = 100
	page, err := patch.List(t.Context(), db, q)
	if err != nil {
		t.Fatalf("%.100q: %v", q.Words, err)
	}
	var ids []int64
	for _, r := range page.Rows {
		ids = append(ids, r.ID-3000)
	}
	if page.Total != len(ids) {
		t.Errorf("%.100q: counted %d, listed %v", q.Words, page.Total, ids)
	}
	return strings.Trim(fmt.Sprint(ids), "[]")
}

// TestWords: all words must be there, as they are written, without regard to letter case; short ones where a word begins. The newest comes first.
func TestWords(t *testing.T) {
	tests := []struct{ words, want string }{
		{"leak", "1"}, {"LEAK fix", "1"}, {"emory", "1"}, {"drm/amd", "1"}, {"amdgpu:", "1"}, {"leak nowhere", ""},
		{"größe", "2"}, {"GRÖSSE", "2"}, {"ringpuffer", "2"}, {"ÄND", "2"}, {"äNDERN phy", "2"},
		{"straße", "3"}, {"strasse", "3"}, {"STRAẞE", "3"}, {"rass", "3"},
		{"内存泄漏", "4"}, {"内存", "4"}, {"修", "4"}, {"漏", "4"}, {"存泄", "4"}, {"驱动 修复", "4"}, {"存内", ""},
		{"and", "13 7 6 5"}, {"AND", "13 7 6 5"}, {"NOT", "5"}, {"NEAR", "5"}, {"OR", "5"}, {"near not", "5"}, {"split OR leak", ""}, {"leak AND fix", ""},
		{`"hello`, "6"}, {`world"`, "6"}, {`"hello world"`, "6"}, {"*args", "6"}, {"arg*", ""}, {"-flags", "6"}, {"-leak", ""}, {`"`, "6"}, {"*a", "6"}, {"-f", "6"},
		{"100%", "7"}, {"1%0", ""}, {"0%", ""}, {"%", "7"}, {"under_score", "7"}, {"under.score", ""}, {"r_s", "7"}, {"leak%", ""}, {"l_ak", ""}, {`back\slash`, "7"}, {`\s`, "7"}, {"^caret$", "7"}, {"^drm", ""}, {"grams:drm", ""},
		{"mm", "11 8 5"}, {"mm:", "5"}, {"xfs", "8"}, {"fs", "8"}, {"v2", "8"}, {"ci", "8"}, {"sl", "8 7"}, {"2", ""}, {"su", "11"}, {"uf", ""},
		{"привет", "9"}, {"МИР", "9"}, {"ми", "9"}, {"ир", ""}, {"м", "9"},
		{"it's", "10"}, {"';", ""}, {"';drop", ""}, {"patch", "10"}, {"apostrophe; table", "10"},
		{strings.Repeat("long", 60), "12"}, {strings.Repeat("long", 60) + "end", "12"}, {strings.Repeat("long", 61), ""}, {strings.Repeat("q", 100000), ""}, {strings.Repeat("ü", 255), ""},
		{"ärger", "13"}, {"a\u0308rger", "13"}, {"är", "13"}, {"😀😀😀", "14"}, {"😀", "14"}, {"😀😀", "14"}, {"😀😀😀😀", ""},
		{"e;", ""}, {"o*", ""}, {"s?", ""}, {"m[", ""}, {"s.", ""}, {"d$", ""}, {"q\x00q", ""}, {"\x00", ""}, {"\xff\xfe", ""}, {"z", ""}, {"q", ""},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return patch.PurgeProject(ctx, tx, projectAlpha) })
		putNames(t, db, wordNames)
		expectWords(t, db)
		for _, test := range tests {
			if got := wordsFound(t, db, patch.Query{Words: test.words, Projects: []int64{projectAlpha}}); got != test.want {
				t.Errorf("%.40q: %s, want %s", test.words, got, test.want)
			}
			// The same through the list, and by what few patches have.
			if got := wordsFound(t, db, patch.Query{Words: test.words, Submitters: []int64{1}, Projects: []int64{projectAlpha}}); got != test.want {
				t.Errorf("%.40q of the submitter: %s, want %s", test.words, got, test.want)
			}
		}
		all := "14 13 12 11 10 9 8 7 6 5 4 3 2 1"
		for _, words := range []string{"", " ", "\t\n"} {
			if got := wordsFound(t, db, patch.Query{Words: words, Submitters: []int64{1}, Projects: []int64{projectAlpha}}); got != all {
				t.Errorf("%q: %s", words, got)
			}
		}
		many := make([]string, 200)
		for i := range many {
			many[i] = fmt.Sprintf("word%d", i)
		}
		if _, err := patch.Find(t.Context(), db, patch.Query{Words: strings.Join(many, " ")}); !fault.Is(err, fault.Invalid) {
			t.Errorf("200 words: %v", err)
		}
		if got := wordsFound(t, db, patch.Query{Words: strings.Repeat("leak ", 200), Projects: []int64{projectAlpha}}); got != "1" {
			t.Errorf("one word 200 times: %s", got)
		}
		since, before := noon+clock.Time(4*24*3600*1e6), noon+clock.Time(12*24*3600*1e6)
		for _, test := range []struct {
			q    patch.Query
			want string
		}{
			{patch.Query{Words: "and", Order: "date"}, "5 6 7 13"}, {patch.Query{Words: "and", Order: "name"}, "7 13 5 6"}, {patch.Query{Words: "and", Order: "submitter"}, "13 7 6 5"},
			{patch.Query{Words: "and", Since: &since}, "13 7 6 5"}, {patch.Query{Words: "and", Since: &since, Before: &before}, "7 6 5"}, {patch.Query{Words: "and", Before: &since}, ""},
			{patch.Query{Words: "a"}, "13 11 10 7 6 5 1"}, {patch.Query{Words: "and", Projects: []int64{projectBeta}}, ""}, {patch.Query{Words: "leak"}, "-2960 1"},
			{patch.Query{Words: "and", States: []int64{1}}, ""}, {patch.Query{Words: "two", Projects: []int64{projectBeta}, States: []int64{1}}, "-2960"},
		} {
			if got := wordsFound(t, db, test.q); got != test.want {
				t.Errorf("%+v: %s, want %s", test.q, got, test.want)
			}
		}
	})
}

// expectWords compares the index with the names.
func expectWords(t *testing.T, db *sqldb.DB) {
	t.Helper()
	for _, f := range check(t, db, false) {
		if strings.Contains(f.What, "index of words") {
			t.Errorf("%+v", f)
		}
	}
}

// TestWordsCursor: a cursor goes through what is found, in both directions and orders.
func TestWordsCursor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		for order, want := range map[string]string{
			"-date": "[33 32 31 30 9 29 28 27 26 25 1 24 23 40 8 7]", "date": "[7 8 40 23 24 1 25 26 27 28 29 9 30 31 32 33]",
			"id": "[1 7 8 9 23 24 25 26 27 28 29 30 31 32 33 40]", "-id": "[40 33 32 31 30 29 28 27 26 25 24 23 9 8 7 1]",
		} {
			for _, limit := range []int{1, 3, 16, 100} {
				if got := fmt.Sprint(byCursors(t, db, patch.Query{Words: "LEAK", Order: order}, limit)); got != want {
					t.Errorf("%s by %d: %s, want %s", order, limit, got, want)
				}
			}
		}
	})
}

// TestWordsKept: the index follows deleting, hiding, purging and mending, and is found wrong and made anew by a check.
func TestWordsKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		alpha := project.Project{ID: projectAlpha, Linkname: "alpha"}
		admin := account.Actor{Admin: true, User: userRoot}
		leaks := func(want string) {
			t.Helper()
			expectWords(t, db)
			ids, err := patch.IDs(t.Context(), db, patch.Query{Words: "fix leak"}, 100)
			if got := fmt.Sprint(ids); err != nil || got != want {
				t.Errorf("%s, %v; want %s", got, err, want)
			}
		}
		leaks("[1 7 8 9]")
		if err := patch.HideMessage(t.Context(), db, admin, noon, alpha, "<p7@mail.example>", "", true); err != nil {
			t.Fatal(err)
		}
		leaks("[1 8 9]")
		if err := patch.DeleteMessage(t.Context(), db, admin, noon, alpha, "<p8@mail.example>", ""); err != nil {
			t.Fatal(err)
		}
		leaks("[1 9]")
		// Spoilt by hand: an entry that is missing, one too many, and all of them.
		spoil := map[string][]string{
			sqldb.SQLite:   {"INSERT INTO patch_words (patch_words) VALUES ('delete-all')", "INSERT INTO patch_words (rowid, grams) VALUES (77, 'abc')"},
			sqldb.Postgres: {"DELETE FROM patch_words", "DELETE FROM patch_words WHERE patch_id = 1", "UPDATE patch_words SET grams = grams[2:] WHERE patch_id = 9"},
			sqldb.MariaDB:  {"DELETE FROM patch_words", "INSERT INTO patch_words (gram, patch_id) VALUES (1, 77)", "UPDATE patch_words SET gram = gram + 1000000 WHERE patch_id = 9"},
		}[db.Engine()]
		for _, query := range spoil {
			inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { _, err := tx.Exec(ctx, query); return err })
			found := check(t, db, true)
			if !slices.ContainsFunc(found, func(f patch.Finding) bool {
				return strings.Contains(f.What, "index of words") && f.Repaired && f.Rows > 0
			}) {
				t.Errorf("after %s the check says %+v", query, found)
			}
			leaks("[1 9]")
		}
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return patch.PurgeProject(ctx, tx, projectAlpha) })
		leaks("[]")
		if got := wordsFound(t, db, patch.Query{Words: "two leak"}); got != "-2960" {
			t.Errorf("of the other project: %s", got)
		}
	})
}

// TestFillWords: what was there before the index is put into it in pieces, each once.
func TestFillWords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		manyPatches(t, db, 4500)
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			clear := "DELETE FROM patch_words"
			if db.Engine() == sqldb.SQLite {
				clear = "INSERT INTO patch_words (patch_words) VALUES ('delete-all')"
			}
			if _, err := tx.Exec(ctx, clear); err != nil {
				return err
			}
			return tx.Insert(ctx, "patch_words_fill", []string{"id", "done", "last"}, [][]any{{1, 0, 6499}})
		})
		var steps []string
		ctx, stop := context.WithCancel(t.Context())
		err := patch.FillWords(ctx, db, func(done, last int64) {
			steps = append(steps, fmt.Sprint(done, " of ", last))
			stop() // as if the process had ended
		})
		if err == nil {
			t.Error("a fill that was cut off says that it is done")
		}
		err = patch.FillWords(t.Context(), db, func(done, last int64) { steps = append(steps, fmt.Sprint(done, " of ", last)) })
		if got := fmt.Sprint(steps); err != nil || got != "[3959 of 6499 5959 of 6499 6499 of 6499]" {
			t.Errorf("%s, %v", got, err)
		}
		if err := patch.FillWords(t.Context(), db, func(int64, int64) { t.Error("filled once more") }); err != nil {
			t.Error(err)
		}
		expectWords(t, db)
	})
}
