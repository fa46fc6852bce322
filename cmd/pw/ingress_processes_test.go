// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// wire is a mail as the list sends it; refs are its ancestors, the parent last.
func wire(minute int, from, id, refs, subject, body string) string {
	const host = "@mail.example>"
	var b strings.Builder
	fmt.Fprintf(&b, "From: %s <%s@people.example>\nDate: %s\nMessage-ID: <%s%s\nSubject: %s\n", from, strings.ToLower(from),
		time.Date(2024, 1, 1, 10, minute, 0, 0, time.UTC).Format(time.RFC1123Z), id, host, subject)
	if list := strings.Fields(refs); len(list) > 0 {
		for i := range list {
			list[i] = "<" + list[i] + host
		}
		fmt.Fprintf(&b, "In-Reply-To: %s\nReferences: %s\n", list[len(list)-1], strings.Join(list, " "))
	}
	return b.String() + "\n" + body
}

// parallelMails are a threaded series in two versions with replies, a series in the deep way, and two unthreaded ones that only the Message-IDs of
// git-send-email tell apart; none of the outcome depends on their order.
func parallelMails() []string {
	diff := func(file string) string {
		return "Why.\n---\n" + strings.ReplaceAll(aDiff, "file", file)
	}
	var out []string
	add := func(minute int, from, id, refs, subject, body string) {
		out = append(out, wire(minute, from, id, refs, subject, body))
	}
	add(0, "Ann", "c", "", "[PATCH 0/5] whole", "Words.\n")
	add(60, "Ann", "d", "c", "[PATCH v2 0/5] whole", "Words.\n")
	for n := 1; n <= 5; n++ {
		p, q := fmt.Sprint("p", n), fmt.Sprint("q", n)
		add(n, "Ann", p, "c", fmt.Sprintf("[PATCH %d/5] one %d", n, n), diff(p))
		add(60+n, "Ann", q, "c d", fmt.Sprintf("[PATCH v2 %d/5] one %d", n, n), diff(q))
		add(70+n, "Bob", "r"+p, "c "+p, "Re: one", "Acked-by: Bob <bob@people.example>\n")
	}
	add(80, "Eve", "rd", "c d", "Re: whole", "Reviewed-by: Eve <eve@people.example>\n")
	add(81, "Ann", "rrd", "c d rd", "Re: whole", "Thanks.\n")
	refs := ""
	for n := 1; n <= 4; n++ {
		id := fmt.Sprint("e", n)
		add(n, "Dan", id, refs, fmt.Sprintf("[PATCH %d/4] deep %d", n, n), diff(id))
		refs += " " + id
	}
	for _, run := range []string{"11", "22"} {
		for n := 1; n <= 3; n++ {
			add(n, "Flo", fmt.Sprintf("20240101100000.%s-%d-flo", run, n), "", fmt.Sprintf("[PATCH %d/3] run %s %d", n, run, n), diff(fmt.Sprint("f", run, n)))
		}
	}
	return out
}

var parallelEnd = []string{
	"comment rp1 p1", "comment rp2 p2", "comment rp3 p3", "comment rp4 p4", "comment rp5 p5",
	"cover comment rd d", "cover comment rrd d",
	"event cover-comment-created 2", "event cover-created 2", "event patch-comment-created 5", "event patch-completed 20", "event patch-created 20", "event series-completed 5", "event series-created 5",
	"mail comment 7", "mail cover 2", "mail patch 20",
	"series 1/3 [1 2 3] - run 11 1 -", "series 1/3 [1 2 3] - run 22 1 -", "series 1/4 [1 2 3 4] - deep 1 -", "series 1/5 [1 2 3 4 5] c whole -", "series 2/5 [1 2 3 4 5] d whole c",
	"tag p1 A 1", "tag p2 A 1", "tag p3 A 1", "tag p4 A 1", "tag p5 A 1", "tag q1 R 1", "tag q2 R 1", "tag q3 R 1", "tag q4 R 1", "tag q5 R 1",
	"threads 8",
}

// TestProcesses: eight processes that take in shuffled shares of an archive at the same time leave what one alone leaves.
func TestProcesses(t *testing.T) {
	if !slices.Contains(dbtest.Engines(t), sqldb.Postgres) {
		t.Skip("PostgreSQL only")
	}
	program := builtProgram(t)
	in := newInbox(t, sqldb.Postgres)
	rounds := 3
	if os.Getenv("PW_SOAK") == "1" {
		rounds = 100
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	began := time.Now()
	for round := range rounds {
		name := fmt.Sprint("round-", round)
		in.project(name, name+".lists.example")
		in.together(program, name+".lists.example", random)
		got := in.end(name)
		if missing, more := less(parallelEnd, got), less(got, parallelEnd); len(missing)+len(more) > 0 {
			t.Errorf("round %d, seed %d:\nmissing %s\nmore    %s", round, seed, strings.Join(missing, "\n        "), strings.Join(more, "\n        "))
		}
	}
	t.Logf("%d rounds in %v, seed %d", rounds, time.Since(began), seed)
	if p := in.command(program, "db", "check"); p.Start() != nil || p.code(t) != 0 {
		t.Errorf("the check found something: %s", p.err.String())
	}
}

func less(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// together runs eight processes on shares of the mails, in batches of one to three.
func (in *inbox) together(program, list string, random *rand.Rand) {
	in.t.Helper()
	shares := make([]strings.Builder, 8)
	mails := parallelMails()
	for i, k := range random.Perm(len(mails)) {
		shares[i%8].WriteString("From mboxrd@z Thu Jan  1 00:00:00 1970\n" + mails[k] + "\n")
	}
	var running []*process
	for i := range shares {
		file := filepath.Join(in.t.TempDir(), "share.mbox")
		if err := os.WriteFile(file, []byte(shares[i].String()), 0o600); err != nil {
			in.t.Fatal(err)
		}
		p := in.command(program, "ingress", "--mbox", "--list-id", list, file)
		p.Env = append(p.Env, fmt.Sprint("PW_LIMITS_BATCH_MAILS=", 1+i%3))
		if err := p.Start(); err != nil {
			in.t.Fatal(err)
		}
		running = append(running, p)
	}
	for _, p := range running {
		if code := p.code(in.t); code != 0 {
			in.t.Errorf("exit %d: %s", code, p.err.String())
		}
	}
}

// end says what a project consists of, as a line per thing, sorted.
func (in *inbox) end(linkname string) []string {
	in.t.Helper()
	db := in.open()
	defer db.Close()
	const ofProject = " JOIN project j ON j.linkname = ? AND j.id = "
	var out []string
	for _, query := range []string{
		"SELECT CONCAT('comment ', m.msgid, ' ', pm.msgid) FROM patch_comment c JOIN message m ON m.id = c.message_id JOIN patch p ON p.id = c.patch_id JOIN message pm ON pm.id = p.message_id" + ofProject + "m.project_id",
		"SELECT CONCAT('cover comment ', m.msgid, ' ', pm.msgid) FROM cover_comment c JOIN message m ON m.id = c.message_id JOIN cover p ON p.id = c.cover_id JOIN message pm ON pm.id = p.message_id" + ofProject + "m.project_id",
		"SELECT CONCAT('event ', e.kind, ' ', COUNT(*)) FROM event e" + ofProject + "e.project_id GROUP BY e.kind",
		"SELECT CONCAT('mail ', e.outcome, ' ', COUNT(*)) FROM mail e" + ofProject + "e.project_id GROUP BY e.outcome",
		"SELECT CONCAT('tag ', m.msgid, ' ', t.abbrev, ' ', g.hits) FROM patch_tag g JOIN tag t ON t.id = g.tag_id JOIN patch p ON p.id = g.patch_id JOIN message m ON m.id = p.message_id" + ofProject + "p.project_id",
		"SELECT CONCAT('threads ', COUNT(DISTINCT m.thread_id)) FROM message m" + ofProject + "m.project_id",
		`SELECT CONCAT('series ', s.version, '/', s.total, ' [', (SELECT STRING_AGG(CAST(p.number AS TEXT), ' ' ORDER BY p.number) FROM patch p WHERE p.series_id = s.id), '] ',
			COALESCE(m.msgid, '-'), ' ', SUBSTR(s.name, STRPOS(s.name, ']') + 1), ' ', COALESCE(om.msgid, '-')) FROM series s LEFT JOIN cover c ON c.id = s.cover_id LEFT JOIN message m ON m.id = c.message_id
			LEFT JOIN series o ON o.id = s.previous_id LEFT JOIN cover oc ON oc.id = o.cover_id LEFT JOIN message om ON om.id = oc.message_id` + ofProject + "s.project_id",
	} {
		err := db.Each(in.t.Context(), func(rows *sqlx.Rows) error {
			var line string
			err := rows.Scan(&line)
			out = append(out, strings.NewReplacer("<", "", "@mail.example>", "", "  ", " ").Replace(line))
			return err
		}, query, linkname)
		if err != nil {
			in.t.Fatal(err)
		}
	}
	slices.Sort(out)
	return out
}
