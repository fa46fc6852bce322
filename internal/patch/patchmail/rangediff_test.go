// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/rangediff"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/shared"
)

// TestRangeDiffOfArchives compares versions of real series, and has git range-diff compare the commits that git am makes of them: which patches belong together and
// what became of them must be the same; and of the same commits what is printed must be the same to the last line, but for a few.
func TestRangeDiffOfArchives(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	newProject(t, db, "list", erofsList, erofsEmail)
	const file = "lore-linux-erofs.mbox.gz"
	archive, err := ingress.OpenArchive(shared.Open(t, "corpora", file), file, erofsList, 100<<20)
	if err != nil {
		t.Fatal(err)
	}
	var source ingress.Source = archive
	least := 40
	if os.Getenv("PW_SOAK") == "" {
		source, least = &stretch{Source: archive, from: 5000, to: 7000}, 8
	}
	in := ingress.New(db, clock.System{}, ingress.DefaultLimits, patchmail.New(clock.System{}))
	if _, err := in.Import(t.Context(), source, func(ingress.Summary) {}); err != nil {
		t.Fatal(err)
	}
	var pairs []struct{ Old, New int64 }
	if err := db.Select(t.Context(), &pairs, `SELECT o.id AS old, s.id AS new FROM series s JOIN series o ON o.id = s.previous_id
		WHERE s.received = s.total AND o.received = o.total AND s.total BETWEEN 2 AND 25 ORDER BY s.id`); err != nil {
		t.Fatal(err)
	}
	n := rangeTally{t: t, w: newWorkshop(t)}
	for _, p := range pairs {
		n.try(db, p.Old, p.New)
	}
	t.Logf("%d pairs of versions, %d compared; patches together as git has them: %d; what is printed of the same commits: %d equal, %d not", n.tried, n.compared, n.heads, n.equal, n.compared-n.equal)
	if n.compared < least || n.heads != n.compared || n.equal*5 < n.compared*4 {
		t.Errorf("want %d compared, all together as git has them, and four of five equal", least)
	}
}

// stretch passes on some mails of a source in a row.
type stretch struct {
	ingress.Source
	n, from, to int
}

func (s *stretch) Next() (ingress.Delivery, error) {
	for {
		d, err := s.Source.Next()
		if s.n++; s.n > s.to {
			return ingress.Delivery{}, io.EOF
		}
		if s.n > s.from || err != nil {
			return d, err
		}
	}
}

// rangeTally counts comparisons.
type rangeTally struct {
	t                             *testing.T
	w                             *workshop
	tried, compared, heads, equal int
}

func (n *rangeTally) try(db *sqldb.DB, older, newer int64) {
	n.t.Helper()
	n.tried++
	old, oldRange, ok := n.commits(db, older, "old")
	if !ok {
		return
	}
	new, newRange, ok := n.commits(db, newer, "new")
	if !ok {
		return
	}
	n.compared++
	// What is made up has other functions than the mails name, so neither side may name one.
	want := runGit(n.t, n.w.dir, nil, "-c", "diff.default.xfuncname=^no such line$", "range-diff", "--no-color", oldRange, newRange)
	if got, wanted := patchHeads(rangeText(n.t, withoutFunctions(old), withoutFunctions(new))), patchHeads(want); cmp.Equal(wanted, got) {
		n.heads++
	} else {
		n.t.Logf("series %d to %d, of mails: %s", older, newer, cmp.Diff(wanted, got))
	}
	want = runGit(n.t, n.w.dir, nil, "range-diff", "--no-color", oldRange, newRange)
	got := rangeText(n.t, n.ofGit(oldRange), n.ofGit(newRange))
	if got == want {
		n.equal++
	} else {
		n.t.Logf("series %d to %d, of commits: %s", older, newer, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
	}
}

// commits has git apply a series, and returns what we read of its mails and the range of commits. Not ok: nothing it applies to can be made up, or git refuses it.
func (n *rangeTally) commits(db *sqldb.DB, series int64, branch string) (ours []rangediff.Patch, commits string, ok bool) {
	n.t.Helper()
	mails, err := patch.MboxOfSeries(n.t.Context(), db, series)
	if err != nil {
		n.t.Fatal(err)
	}
	if ours, err = patchmail.Commits(n.t.Context(), db, mails); err != nil {
		n.t.Fatal(err)
	}
	var raw [][]byte
	for _, m := range mails {
		var mail int64
		if err := db.Get(n.t.Context(), &mail, "SELECT mail_id FROM message WHERE id = ?", m.Message); err != nil {
			n.t.Fatal(err)
		}
		bytes, err := mailstore.Raw(n.t.Context(), db, mail, 100<<20)
		if err != nil {
			n.t.Fatal(err)
		}
		raw = append(raw, bytes)
	}
	base, ok := n.w.base(raw...)
	if !ok {
		return nil, "", false
	}
	if done, err := n.w.applyEach(base, raw); err != nil || len(done) != len(raw) {
		return nil, "", false
	}
	tip := fmt.Sprintf("%s-%d", branch, n.tried)
	runGit(n.t, n.w.dir, nil, "branch", "-f", tip)
	return ours, base + ".." + tip, true
}

// ofGit reads commits as patches.
func (n *rangeTally) ofGit(commits string) []rangediff.Patch {
	n.t.Helper()
	var out []rangediff.Patch
	for hash := range strings.FieldsSeq(runGit(n.t, n.w.dir, nil, "rev-list", "--reverse", commits)) {
		out = append(out, rangediff.Patch{Name: strings.TrimSpace(runGit(n.t, n.w.dir, nil, "rev-parse", "--short", hash)),
			Author: strings.TrimSpace(runGit(n.t, n.w.dir, nil, "log", "-1", "--format=%an <%ae>", hash)), Message: runGit(n.t, n.w.dir, nil, "log", "-1", "--format=%B", hash),
			Diff: []byte(runGit(n.t, n.w.dir, nil, "show", "--format=", "-p", "-M", hash))})
	}
	return out
}

var function = regexp.MustCompile(`(?m)^(@@ -[0-9,]+ \+[0-9,]+ @@).*$`)

func withoutFunctions(patches []rangediff.Patch) []rangediff.Patch {
	out := slices.Clone(patches)
	for i := range out {
		out[i].Diff = function.ReplaceAll(out[i].Diff, []byte("$1"))
	}
	return out
}

func rangeText(t *testing.T, old, new []rangediff.Patch) string {
	t.Helper()
	pairs, err := rangediff.Compare(old, new, rangediff.CreationFactor)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := rangediff.WriteText(&b, old, new, pairs); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var headName = regexp.MustCompile(`:  \S+`)

// patchHeads are the lines that say which patches belong together, without names of commits and without titles.
func patchHeads(text string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" && !strings.HasPrefix(line, "    ") {
			words := strings.Fields(headName.ReplaceAllString(line, ""))
			out = append(out, strings.Join(words[:3], " "))
		}
	}
	return out
}
