// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/shared"
)

// someBlocks passes on a few stretches of a source, chosen by chance but always the same.
type someBlocks struct {
	ingress.Source
	chance *rand.Rand
	n      int
	keep   bool
}

func (s *someBlocks) Next() (ingress.Delivery, error) {
	const block, oneIn = 250, 9
	for {
		if s.n%block == 0 {
			s.keep = s.chance.IntN(oneIn) == 0
		}
		s.n++
		d, err := s.Source.Next()
		if s.keep || err != nil {
			return d, err
		}
	}
}

// trial is a patch, or all patches of a series, to be applied as sent and as we write it.
type trial struct {
	name   string
	mails  []*patch.MboxMail
	raw    [][]byte
	series bool
}

// TestGitAmArchives has git apply patches and series of real archives, as they were sent and as we write them, to files made up so that they apply: what
// git accepts as sent must give the same trees, authors and messages.
func TestGitAmArchives(t *testing.T) {
	soak := os.Getenv("PW_SOAK") != ""
	for _, a := range []struct {
		file, listID, email string
	}{
		{"lore-linux-erofs.mbox.gz", erofsList, erofsEmail},
		{"lore-linux-man.mbox.gz", "linux-man.vger.kernel.org", "linux-man@vger.kernel.org"},
	} {
		t.Run(a.file, func(t *testing.T) {
			db := dbtest.Open(t, sqldb.SQLite)
			newProject(t, db, "list", a.listID, a.email)
			chance := rand.New(rand.NewPCG(20260101, 7))
			archive, err := ingress.OpenArchive(shared.Open(t, "corpora", a.file), a.file, a.listID, 100<<20)
			if err != nil {
				t.Fatal(err)
			}
			var source ingress.Source = archive
			patches, series := 30, 20
			if soak {
				patches, series = 1<<30, 1<<30
			} else {
				source = &someBlocks{Source: archive, chance: chance}
			}
			in := ingress.New(db, clock.System{}, ingress.DefaultLimits, patchmail.New(clock.System{}))
			if _, err := in.Import(t.Context(), source, func(ingress.Summary) {}); err != nil {
				t.Fatal(err)
			}
			tryAll(t, db, a.email, trials(t, db, chance, patches, series))
		})
	}
}

// trials chooses patches and complete series of two to six patches.
func trials(t *testing.T, db *sqldb.DB, chance *rand.Rand, patches, series int) []trial {
	t.Helper()
	pick := func(query string, most int) []int64 {
		var ids []int64
		if err := db.Select(t.Context(), &ids, query); err != nil {
			t.Fatal(err)
		}
		chance.Shuffle(len(ids), func(i, k int) { ids[i], ids[k] = ids[k], ids[i] })
		return ids[:min(most, len(ids))]
	}
	var out []trial
	for _, id := range pick("SELECT p.id FROM patch p JOIN patch_diff d ON d.patch_id = p.id ORDER BY p.id", patches) {
		mails, err := patch.MboxOfPatch(t.Context(), db, id)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, trial{name: mails[0].MsgID, mails: mails})
	}
	for _, id := range pick("SELECT id FROM series WHERE total BETWEEN 2 AND 6 AND received = total ORDER BY id", series) {
		mails, err := patch.MboxOfSeries(t.Context(), db, id)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, trial{name: fmt.Sprintf("series %d: %s", id, mails[0].MsgID), mails: mails, series: true})
	}
	return out
}

// tally counts what became of trials; its counts are guarded by mu.
type tally struct {
	mu                                                       sync.Mutex
	tried, noBase, refused, equal, trailer, attached, signed int
	wrong, words                                             []string // words: only the message differs
}

func tryAll(t *testing.T, db *sqldb.DB, listEmail string, all []trial) {
	t.Helper()
	counts := map[bool]*tally{false: {}, true: {}}
	queue := make(chan trial)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		w := newWorkshop(t)
		workers.Add(1)
		go func() {
			defer workers.Done()
			for tr := range queue {
				if err := tr.try(t.Context(), db, w, listEmail, counts[tr.series]); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	for _, tr := range all {
		queue <- tr
	}
	close(queue)
	workers.Wait()
	for series, n := range counts {
		what := map[bool]string{false: "patches", true: "series"}[series]
		t.Logf("%s: %d tried, %d to nothing that could be made up, %d refused by git as sent; accepted %d, of them equal %d (%d with trailers added, %d with a patch attached, %d but for a signature, %d but for other words)",
			what, n.tried, n.noBase, n.refused, n.equal+len(n.wrong), n.equal, n.trailer, n.attached, n.signed, len(n.words))
		if n.equal < n.tried/8 {
			t.Errorf("%s: too few can be compared", what)
		}
		for _, w := range n.wrong {
			t.Error(w)
		}
		// Of a thousand mails a few have text behind a diff that is not the last thing in them, or MIME that git takes for text.
		if len(n.words)*100 > n.equal {
			t.Errorf("%s: %d messages differ: %s", what, len(n.words), strings.Join(n.words, "\n"))
		}
	}
}

func (tr trial) try(ctx context.Context, db *sqldb.DB, w *workshop, listEmail string, n *tally) error {
	ours, trailers, submitters, err := tr.read(ctx, db)
	if err != nil {
		return err
	}
	note := func(count *int) error { n.mu.Lock(); defer n.mu.Unlock(); *count++; return nil }
	note(&n.tried)
	base, ok := w.base(tr.raw...)
	if !ok {
		return note(&n.noBase)
	}
	want, err := w.applyEach(base, tr.raw)
	if err != nil || len(want) != len(tr.raw) {
		return note(&n.refused)
	}
	var args []string
	if bytes.Contains(ours, []byte("\n>From ")) || bytes.Contains(ours, []byte("\n>>From ")) {
		args = []string{"--patch-format=mboxrd"}
	}
	got, err := w.apply(base, ours, args...)
	wrong := ""
	switch {
	case err != nil:
		wrong = err.Error()
	case len(got) != len(want):
		wrong = fmt.Sprintf("%d commits, want %d", len(got), len(want))
	default:
		for i := range got {
			wrong += n.compare(got[i], want[i], listEmail, submitters[i], trailers[i])
		}
	}
	if wrong != "" {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.wrong = append(n.wrong, tr.name+": "+wrong)
		return nil
	}
	if strings.Join(trailers, "") != "" {
		note(&n.trailer)
	}
	return note(&n.equal)
}

var responses = regexp.MustCompile(`(?im)^(Tested|Reviewed|Acked|Signed-off|Nacked|Reported)-by:.*$`)

// read reads the mails as they were sent and as we write them, the trailers they should have got, and their submitters' addresses.
func (tr *trial) read(ctx context.Context, db *sqldb.DB) (ours []byte, trailers, submitters []string, err error) {
	var b bytes.Buffer
	if err := patchmail.ExportMbox(ctx, db, &b, tr.mails); err != nil {
		return nil, nil, nil, err
	}
	err = patch.ReadMbox(ctx, db, tr.mails, func(m *patch.MboxMail) error {
		var added string
		for _, text := range m.Comments {
			for _, line := range responses.FindAllString(text, -1) {
				added += "\n" + strings.TrimRight(line, " \t\r")
			}
		}
		trailers, submitters = append(trailers, added), append(submitters, m.SubmitterMail)
		var mail int64
		if err := db.Get(ctx, &mail, "SELECT mail_id FROM message WHERE id = ?", m.Message); err != nil {
			return err
		}
		raw, err := mailstore.Raw(ctx, db, mail, 100<<20)
		tr.raw = append(tr.raw, raw)
		return err
	})
	return b.Bytes(), trailers, submitters, err
}

// compare says how a commit made of our mail differs from one made of the mail as sent, beyond what it should.
func (n *tally) compare(got, want result, listEmail, submitter, trailers string) string {
	if got.tree != want.tree {
		return fmt.Sprintf("\n\ttree %s, want %s", got.tree, want.tree)
	}
	// Where the list had put itself in the place of the sender, we are right.
	munged := strings.Contains(strings.ToLower(want.author), "<"+listEmail+">") && strings.Contains(got.author, "<"+submitter+">")
	if got.author != want.author && !munged {
		return fmt.Sprintf("\n\tauthor %s, want %s", got.author, want.author)
	}
	subject, body, _ := strings.Cut(want.message, "\n\n")
	if got.message == message(subject, body, trailers) {
		return ""
	}
	// What stands from a signature on is gone, and so is what git takes for text: the headers of parts and of attached files.
	n.mu.Lock()
	defer n.mu.Unlock()
	if notText.MatchString(want.message) && !notText.MatchString(got.message) {
		n.attached++
		return ""
	}
	if above, _, ok := strings.Cut(body, "\n--\n"); ok && got.message == message(subject, strings.TrimRight(above, "\n"), trailers) {
		n.signed++
		return ""
	}
	n.words = append(n.words, fmt.Sprintf("%s\n\tmessage:\n%s\n\twant:\n%s", submitter, got.message, want.message+trailers))
	return ""
}

var notText = regexp.MustCompile("(?m)^(From [0-9a-f]{40} Mon Sep 17 00:00:00 2001$|Content-Type: )")

func message(subject, body, trailers string) string {
	return strings.TrimRight(subject+"\n\n"+strings.TrimPrefix(body+trailers, "\n"), "\n")
}
