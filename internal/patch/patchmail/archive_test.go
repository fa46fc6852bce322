// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/test/dbtest"
)

func soak() bool { return os.Getenv("PW_SOAK") == "1" }

func newClaimer(c clock.Clock) ingress.Claimer { return patchmail.New(c) }

// generate writes an archive of n mails: series with and without cover, re-rolls, replies with tags, pull requests, announcements, some out of
// order and some twice. The same seed gives the same mails.
func generate(seed uint64, n int) [][]byte {
	g := generator{rand: rand.New(rand.NewPCG(seed, 42))}
	for len(g.mails) < n {
		g.thread()
	}
	mails := g.mails[:n]
	for i := 0; i+3 < n; i += 7 { // mail arrives in another order than it was sent in
		k := i + g.rand.IntN(3)
		mails[i], mails[k] = mails[k], mails[i]
	}
	return mails
}

type generator struct {
	rand  *rand.Rand
	mails [][]byte
	n     int
	clock int // minutes
}

var people = []string{author, "Bob Builder <bob@people.example>", "=?utf-8?q?J=C3=BCrgen?= <juergen@people.example>", "eve@people.example", "\"Last, First\" <lf@People.example>"}

func (g *generator) add(l letter) {
	g.clock += g.rand.IntN(3)
	l.minutes = g.clock
	g.mails = append(g.mails, l.raw())
	if g.rand.IntN(40) == 0 { // the same mail by another way
		l.header += "Received: again\n"
		g.mails = append(g.mails, l.raw())
	}
}

func (g *generator) id(kind string) string {
	g.n++
	return fmt.Sprintf("%s%d", kind, g.n)
}

// thread is one series with its replies, and sometimes its second version.
func (g *generator) thread() {
	g.clock += g.rand.IntN(90)
	who, total, topic := people[g.rand.IntN(len(people))], 1+g.rand.IntN(6), g.rand.IntN(1000)
	for version := 1; version == 1 || version < 4 && g.rand.IntN(3) == 0; version++ {
		mark := ""
		if version > 1 {
			mark = fmt.Sprintf(" v%d", version)
		}
		root := ""
		if g.rand.IntN(3) > 0 {
			root = g.id("c")
			g.add(letter{id: root, from: who, subject: fmt.Sprintf("[PATCH%s 0/%d] topic %d", mark, total, topic), body: "What it is about.\n"})
		}
		for n := 1; n <= total; n++ {
			id := g.id("p")
			g.add(letter{id: id, from: who, refs: root, subject: fmt.Sprintf("[PATCH%s %d/%d] topic %d: step %d", mark, n, total, topic, n),
				body: fmt.Sprintf("Step %d.\n\nSigned-off-by: %s\n---\n\n%s%s", n, who, diffOf(fmt.Sprintf("lib/%d.c", topic)), signature)})
			g.replies(root, id, fmt.Sprintf("[PATCH%s %d/%d] topic %d: step %d", mark, n, total, topic, n))
		}
	}
	switch g.rand.IntN(8) {
	case 0:
		g.add(letter{id: g.id("g"), from: who, subject: fmt.Sprintf("[GIT PULL] topic %d", topic), body: pullRequest("  " + git + "ann/lib.git next")})
	case 1:
		g.add(letter{id: g.id("a"), from: who, subject: "An announcement", body: "Words.\n"})
	}
}

func (g *generator) replies(root, id, subject string) {
	refs := strings.TrimSpace(root + " " + id)
	for range g.rand.IntN(3) {
		r := g.id("r")
		tag := []string{"Acked-by", "Reviewed-by", "Tested-by", "Nacked-by"}[g.rand.IntN(4)]
		who := people[g.rand.IntN(len(people))]
		g.add(letter{id: r, from: who, refs: refs, subject: "Re: " + subject, body: "> +two\n\n" + tag + ": " + who + "\n"})
		refs += " " + r
	}
}

// writeMbox joins mails to an mbox.
func writeMbox(mails [][]byte) []byte {
	var b bytes.Buffer
	for _, raw := range mails {
		b.WriteString("From mboxrd@z Thu Jan  1 00:00:00 1970\n")
		b.Write(raw)
		if !bytes.HasSuffix(raw, []byte("\n")) {
			b.WriteByte('\n')
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func (s *site) importMbox(mbox []byte) (ingress.Summary, error) {
	s.t.Helper()
	source, err := ingress.OpenArchive(bytes.NewReader(mbox), "test.mbox", s.project.ListID, 50<<20)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.in.Import(context.Background(), source, func(ingress.Summary) {})
}

// allTables is what intake writes, with what orders the rows of each.
var allTables = map[string]string{
	"mail": "id", "mail_raw": "mail_id", "message": "id", "message_body": "message_id", "pending_reference": "project_id, msgid, message_id", "tombstone": "msgid",
	"person": "id", "cover": "id", "patch": "id", "patch_diff": "patch_id", "patch_comment": "id", "cover_comment": "id", "patch_tag": "patch_id, tag_id",
	"patch_count": "project_id, state_id, delegate_id", "series": "id", "series_reference": "project_id, msgid", "series_dependency": "series_id, depends_on_id",
	"event": "id", "event_subject": "kind, subject_id, event_id", "audit": "id", "job": "id",
}

// dump gives every row of every table.
func dump(t *testing.T, db *sqldb.DB) []string {
	t.Helper()
	var out []string
	for table, order := range allTables {
		err := db.Each(context.Background(), func(r *sqlx.Rows) error {
			row, err := r.SliceScan()
			out = append(out, fmt.Sprintf("%s %q", table, row))
			return err
		}, "SELECT * FROM "+table+" ORDER BY "+order)
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(out)
	return out
}

// logical gives the contents of all tables without ids and without what depends on the cut into batches: every id is replaced by the
// Message-ID or name it stands for.
func logical(t *testing.T, db *sqldb.DB) []string {
	t.Helper()
	const ofPatch = "JOIN patch p ON p.id = x.patch_id JOIN message m ON m.id = p.message_id"
	const nameOfSeries = "(SELECT MIN(pm.msgid) FROM patch pp JOIN message pm ON pm.id = pp.message_id WHERE pp.series_id = s.id)"
	var out []string
	for name, query := range map[string]string{
		"mail":     "SELECT x.sha256, x.size, x.via, x.list_id, x.msgid, x.outcome, COUNT(*) FROM mail x GROUP BY x.sha256, x.size, x.via, x.list_id, x.msgid, x.outcome",
		"message":  "SELECT x.msgid, x.copy, x.msgid_long, x.kind, e.email, x.date, x.subject, x.in_reply_to, tm.msgid, ma.sha256, b.headers, b.content FROM message x JOIN person e ON e.id = x.submitter_id JOIN message tm ON tm.id = x.thread_id JOIN mail ma ON ma.id = x.mail_id JOIN message_body b ON b.message_id = x.id",
		"waiting":  "SELECT x.msgid, x.distance, m.msgid FROM pending_reference x JOIN message m ON m.id = x.message_id",
		"person":   "SELECT email, name, name_votes FROM person",
		"cover":    "SELECT m.msgid, x.date, x.name, s.version, s.total, s.received, s.name FROM cover x JOIN message m ON m.id = x.message_id LEFT JOIN series s ON s.cover_id = x.id",
		"patch":    "SELECT m.msgid, x.date, x.name, x.state_id, x.delegate_id, x.number, x.hash, x.pull_url, s.version, s.total, s.received, s.date, s.name, cm.msgid FROM patch x JOIN message m ON m.id = x.message_id LEFT JOIN series s ON s.id = x.series_id LEFT JOIN cover c ON c.id = s.cover_id LEFT JOIN message cm ON cm.id = c.message_id",
		"members":  "SELECT m.msgid, " + nameOfSeries + " FROM patch x JOIN message m ON m.id = x.message_id JOIN series s ON s.id = x.series_id",
		"diff":     "SELECT m.msgid, x.charset, x.diff FROM patch_diff x " + ofPatch,
		"tag":      "SELECT m.msgid, x.tag_id, x.hits FROM patch_tag x " + ofPatch,
		"comment":  "SELECT m.msgid, cm.msgid, x.date, x.addressed FROM patch_comment x " + ofPatch + " JOIN message cm ON cm.id = x.message_id",
		"ccomment": "SELECT m.msgid, cm.msgid, x.date, x.addressed FROM cover_comment x JOIN cover p ON p.id = x.cover_id JOIN message m ON m.id = p.message_id JOIN message cm ON cm.id = x.message_id",
		"count":    "SELECT state_id, archived, delegate_id, patches FROM patch_count",
		"ref":      "SELECT x.msgid, " + nameOfSeries + ", c.msgid FROM series_reference x JOIN series s ON s.id = x.series_id LEFT JOIN cover cc ON cc.id = s.cover_id LEFT JOIN message c ON c.id = cc.message_id",
		"event":    "SELECT kind, COUNT(*) FROM event GROUP BY kind",
		"subject":  "SELECT kind, COUNT(*) FROM event_subject GROUP BY kind",
	} {
		err := db.Each(context.Background(), func(r *sqlx.Rows) error {
			row, err := r.SliceScan()
			for i, v := range row { // one engine gives text where another gives bytes
				if b, ok := v.([]byte); ok {
					row[i] = string(b)
				}
			}
			out = append(out, fmt.Sprintf("%s %q", name, row))
			return err
		}, query)
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(out)
	return out
}

// TestSecondRunChangesNothing imports an archive twice: every row of every table stays as it is.
func TestSecondRunChangesNothing(t *testing.T) {
	mbox := writeMbox(generate(7, 500))
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "twice")
		first, err := s.importMbox(mbox)
		if err != nil || first.Mails != 500 || first.Known != 0 {
			t.Fatalf("%+v, %v", first, err)
		}
		before := dump(t, db)
		s.in = newIntake(db, ingress.Limits{BatchMails: 100, BatchBytes: 1 << 20, MailSize: 1 << 20})
		second, err := s.importMbox(mbox)
		if err != nil || second.Known != 500 || len(second.Outcomes) != 0 {
			t.Errorf("%+v, %v", second, err)
		}
		differ(t, "the second run", dump(t, db), before)
		check(t, db)
	})
}

// TestBatchSizeDoesNotMatter imports an archive in batches of several sizes: the tables hold the same.
func TestBatchSizeDoesNotMatter(t *testing.T) {
	mbox := writeMbox(generate(8, 300))
	engines := dbtest.Engines(t)
	var want []string
	for _, engine := range engines {
		for _, size := range []int{256, 7, 1} {
			t.Run(fmt.Sprint(engine, "-", size), func(t *testing.T) {
				db := dbtest.Open(t, engine)
				s := newSite(t, db, "sizes")
				s.in = newIntake(db, ingress.Limits{BatchMails: size, BatchBytes: 1 << 20, MailSize: 1 << 20})
				if sum, err := s.importMbox(mbox); err != nil || sum.Mails != 300 {
					t.Fatalf("%+v, %v", sum, err)
				}
				got := logical(t, db)
				if want == nil {
					want = got
				}
				differ(t, fmt.Sprintf("batches of %d", size), normal(got), normal(want))
				check(t, db)
			})
		}
	}
}

// normal undoes that engines give a boolean as a number or as itself.
func normal(rows []string) []string {
	r := strings.NewReplacer("'\\x01'", "1", "'\\x00'", "0", "%!q(bool=false)", "0", "%!q(bool=true)", "1", "\"0\"", "0", "\"1\"", "1")
	out := make([]string, len(rows))
	for i := range rows {
		out[i] = r.Replace(rows[i])
	}
	slices.Sort(out)
	return out
}

func differ(t *testing.T, what string, got, want []string) {
	t.Helper()
	for _, side := range []struct {
		name string
		a, b []string
	}{{"new", got, want}, {"gone", want, got}} {
		n := 0
		for _, row := range side.a {
			if _, ok := slices.BinarySearch(side.b, row); !ok {
				if n++; n <= 5 {
					t.Errorf("%s: %s: %.600s", what, side.name, row)
				}
			}
		}
		if n > 5 {
			t.Errorf("%s: %d rows %s", what, n, side.name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d rows, want %d", what, len(got), len(want))
	}
}
