// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// reparse reads the mails of the site again; each finding is "id field: was → is", shortened, sorted; one that is only told ends with !.
func (s *site) reparse(by account.Actor, apply bool) (int, []string) {
	s.t.Helper()
	return s.reparseBy(by, apply, ingress.Limits{BatchMails: 3, BatchBytes: 1 << 20})
}

func (s *site) reparseBy(by account.Actor, apply bool, limits ingress.Limits) (int, []string) {
	s.t.Helper()
	fixed := clock.NewFake(now)
	r := patchmail.Reparse{DB: s.db, Intake: s.in, Claimer: patchmail.New(fixed), Project: s.project, Apply: apply, Limits: limits}
	mails := 0
	out := []string{}
	err := r.Run(context.Background(), by, func(p patchmail.Progress) {
		mails += p.Mails
		for _, f := range p.Findings {
			line := fmt.Sprintf("%s %s: %s → %s", short(f.MsgID), f.Field, brief(f.Was), brief(f.Is))
			if f.Kept {
				line += " !"
			}
			out = append(out, line)
		}
	})
	if err != nil {
		out = append(out, fault.UserText(err))
	}
	sort.Strings(out)
	return mails, out
}

func brief(s string) string {
	s = strings.ReplaceAll(s, "\n", "|")
	if len(s) > 30 {
		s = s[:30] + "…"
	}
	return s
}

func (s *site) exec(query string, args ...any) {
	s.t.Helper()
	err := s.db.Tx(context.Background(), func(tx *sqldb.Tx) error {
		n, err := tx.Exec(context.Background(), query, args...)
		if err == nil && n == 0 {
			s.t.Errorf("%s: no row", query)
		}
		return err
	})
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
}

// sentAs replaces the stored bytes of a mail: what is stored of it is then what another parser made of them.
func (s *site) sentAs(l letter) {
	s.t.Helper()
	id := s.numbers(l.id)[0]
	s.exec("UPDATE mail_raw SET raw = ? WHERE mail_id = ?", mailstore.Pack(l.raw()), id)
	s.exec("UPDATE mail SET size = ? WHERE id = ?", len(l.raw()), id)
}

// everything lists all that is stored of messages but the events, without numbers of rows that taking in once more makes anew.
func (s *site) everything() (out []string) {
	s.t.Helper()
	for _, query := range []string{
		"SELECT CONCAT_WS(' ', id, msgid, outcome, project_id) FROM mail",
		"SELECT CONCAT_WS(' ', m.msgid, m.kind, e.email, m.date, m.subject, m.in_reply_to, m.mail_id, b.headers, b.content) FROM message m JOIN message_body b ON b.message_id = m.id JOIN person e ON e.id = m.submitter_id",
		`SELECT CONCAT_WS(' ', p.id, m.msgid, e.email, p.date, p.name, p.name_key, p.state_id, p.delegate_id, p.archived, s.name, p.number, p.hash, p.git_patch_id, p.pull_url, d.charset, LENGTH(d.diff))
			FROM patch p JOIN message m ON m.id = p.message_id JOIN person e ON e.id = p.submitter_id LEFT JOIN patch_diff d ON d.patch_id = p.id LEFT JOIN series s ON s.id = p.series_id`,
		"SELECT CONCAT_WS(' ', c.id, m.msgid, e.email, c.date, c.name) FROM cover c JOIN message m ON m.id = c.message_id JOIN person e ON e.id = c.submitter_id",
		"SELECT CONCAT_WS(' ', c.id, m.msgid, c.patch_id, e.email, c.date, CASE WHEN c.addressed IS NULL THEN 'null' WHEN c.addressed THEN 'true' ELSE 'false' END) FROM patch_comment c JOIN message m ON m.id = c.message_id JOIN person e ON e.id = c.submitter_id",
		"SELECT CONCAT_WS(' ', s.id, s.name, s.date, e.email, s.version, s.total, s.received, s.cover_id, s.name_key) FROM series s JOIN person e ON e.id = s.submitter_id",
		"SELECT CONCAT_WS(' ', patch_id, tag_id, hits) FROM patch_tag",
		"SELECT CONCAT_WS(' ', m.msgid, r.msgid, r.distance) FROM pending_reference r JOIN message m ON m.id = r.message_id",
	} {
		var lines []string
		s.each(func(r *sqlx.Rows) error {
			var line string
			err := r.Scan(&line)
			lines = append(lines, line)
			return err
		}, query)
		sort.Strings(lines)
		out = append(out, lines...)
	}
	return out
}

// busyThread is a series with comments, a pull request, and replies that wait.
func (s *site) busyThread() {
	s.t.Helper()
	s.send("cover patch patch comment comment patch pending ignored duplicate",
		letter{id: "c", subject: "[PATCH 0/2] topic", body: "Words.\n"},
		letter{id: "p1", subject: "[PATCH 1/2] one", refs: "c", body: patchText("Why.\n\nTested-by: Tim <tim@people.example>")},
		letter{id: "p2", subject: "[PATCH 2/2] two", refs: "c", body: patchText("Why too.")},
		letter{id: "r1", subject: "Re: [PATCH 1/2] one", refs: "c p1", from: "Bob <bob@people.example>", body: "Acked-by: Bob <bob@people.example>\n"},
		letter{id: "r2", subject: "Re: [PATCH 2/2] two", refs: "c p2", header: "X-Patchwork-Action-Required: yes\n", body: "Hm.\n"},
		letter{id: "q", subject: "[GIT PULL] please", body: "The following changes since commit 1234567890:\n\n  x\n\nare available in the git repository at:\n\n  https://git.example/x.git for-you\n\nfor you to fetch changes\n"},
		letter{id: "w", subject: "Re: gone", refs: "older gone", body: "Hm.\n"},
		letter{id: "i", subject: "hello", body: "Hi.\n"},
		letter{id: "p1", subject: "[PATCH 1/2] one", refs: "c", body: patchText("Another.")})
}

// TestReparse: what an older parser left is shown, and mended; nothing else changes.
func TestReparse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "dev", useTags(true))
		s.busyThread()
		newSite(t, db, "other").send("patch", letter{id: "o", subject: "[PATCH] other", from: "Eve <eve@strangers.example>", body: patchText("x")})
		const message, satellite = " WHERE msgid = ?", " WHERE message_id = (SELECT id FROM message WHERE msgid = ?)"
		s.exec("UPDATE patch SET archived = TRUE"+satellite, msgid("p2"))
		s.exec("UPDATE patch_count SET archived = TRUE WHERE project_id = ? AND patches = 3", s.project.ID)
		s.exec("UPDATE patch SET archived = TRUE"+satellite, msgid("p1"))
		s.exec("UPDATE patch SET archived = TRUE"+satellite, msgid("q"))
		s.exec("UPDATE patch_comment SET addressed = TRUE"+satellite, msgid("r2")) // by somebody who did what was asked
		good, events := s.everything(), s.events()
		for _, apply := range []bool{false, true} {
			mails, got := s.reparse(account.CLI, apply)
			if mails != 9 || len(got) != 0 {
				t.Errorf("after the import, of %d mails: %q", mails, got)
			}
		}
		same(t, "the rows", s.everything(), good)

		s.exec("UPDATE message_body SET content = 'Why.'"+satellite, msgid("p1"))
		s.exec("DELETE FROM patch_tag WHERE patch_id = (SELECT id FROM patch"+satellite+")", msgid("p1"))
		s.exec("UPDATE message_body SET headers = 'Subject: none'"+satellite, msgid("p2"))
		s.exec("UPDATE patch SET name = 'bad', name_key = 'bad', hash = 'f00', git_patch_id = NULL, pull_url = 'x'"+satellite, msgid("p2"))
		s.exec("UPDATE patch_diff SET diff = ?, charset = 'koi8-r' WHERE patch_id = (SELECT id FROM patch"+satellite+")", []byte("garbage"), msgid("p2"))
		s.exec("UPDATE patch SET pull_url = NULL"+satellite, msgid("q"))
		const eve = " SET date = 7, submitter_id = (SELECT id FROM person WHERE email = 'eve@strangers.example')"
		s.exec("UPDATE series"+eve+" WHERE id = (SELECT series_id FROM patch"+satellite+")", msgid("q"))
		s.exec("UPDATE patch"+eve+satellite, msgid("q"))
		s.exec("UPDATE message"+eve+message, msgid("q"))
		s.exec("UPDATE cover SET name = '[0/2] tpoic'"+satellite, msgid("c"))
		s.exec("UPDATE series SET name = 'tpoic', name_key = CONCAT(submitter_id, ' tpoic') WHERE name = 'topic'")
		s.exec("UPDATE message SET in_reply_to = '', subject = 'Re: x'"+message, msgid("r1"))
		gitID := s.patchColumn("git_patch_id", "p1")
		differences := []string{
			"c name: [0/2] tpoic → [0/2] topic",
			"p1 content: Why. → Why.||Tested-by: Tim <tim@peop…",
			"p2 charset: koi8-r → ",
			"p2 diff: 7 bytes: garbage → 134 bytes: diff --git a/lib/a.…",
			"p2 git-patch-id:  → " + brief(gitID),
			"p2 hash: f00 → " + brief(s.patchColumn("hash", "p1")),
			"p2 headers: Subject: none → From: Ann Author <ann@people.e…",
			"p2 name: bad → [2/2] two",
			"p2 pull-url: x → ",
			"q date: 1970-01-01T00:00:00.000007Z → 2021-03-01T10:00:00.000000Z",
			"q pull-url:  → https://git.example/x.git for-…",
			"q submitter: eve@strangers.example → ann@people.example",
			"r1 in-reply-to:  → <p1@mail.example>",
			"r1 subject: Re: x → Re: [PATCH 1/2] one",
		}
		mails, got := s.reparse(account.Actor{User: 77, Via: "web"}, true)
		if mails != 0 {
			t.Errorf("a stranger read %d mails", mails)
		}
		same(t, "by a stranger", got, []string{`only a maintainer of "dev" may do this: ingress reparse`})
		for _, apply := range []bool{false, false, true} {
			_, got = s.reparse(account.CLI, apply)
			same(t, fmt.Sprint("with apply ", apply), got, differences)
		}
		if mails, got = s.reparse(account.CLI, true); mails != 9 || len(got) != 0 {
			t.Errorf("a second time, of %d mails: %q", mails, got)
		}
		same(t, "the rows", s.everything(), good)
		if got := s.events(); got != events {
			t.Errorf("events: %s, before %s", got, events)
		}
		if got := s.text("SELECT COUNT(*) FROM audit WHERE verb = 'ingress reparse' AND subject = 'project dev'"); got != "2" {
			t.Errorf("%s lines in the audit trail, want one for each batch that changed something", got)
		}
		check(t, db)
	})
}

// TestReparseTakesIn: mails that today's parser finds to be something else.
func TestReparseTakesIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "dev", useTags(true))
		p1 := letter{id: "p1", subject: "[PATCH] one", body: patchText("Why.")}
		r1 := letter{id: "r1", subject: "Re: [PATCH] one", refs: "p1", body: "Acked-by: Bob <bob@people.example>\n" + patchText("Better so.")}
		w1 := letter{id: "w1", subject: "Re: x", refs: "older", body: "Hm.\n" + diffOf("lib/w.c")}
		w2 := letter{id: "w2", subject: "Re: y", refs: "gone", body: "Hm.\n"}
		i1 := letter{id: "i1", subject: "[PATCH] hidden", header: "X-Patchwork-Hint: ignore\n", body: patchText("x")}
		b1 := letter{id: "b1", subject: "[PATCH] broken", from: "undisclosed", body: patchText("x")}
		s.send("patch comment pending pending patch pending ignored broken patch", p1, r1, w1, w2, letter{id: "a", subject: "[PATCH] answers a reply that waits", refs: "w2", body: patchText("z")},
			letter{id: "w3", subject: "Re: Re: x", refs: "older w1", body: "Reviewed-by: Joe <joe@people.example>\n"}, i1, b1, letter{id: "k", subject: "[PATCH] stays", body: patchText("k")})
		id := s.patchColumn("id", "p1")
		if _, got := s.reparse(account.CLI, true); len(got) != 0 {
			t.Fatalf("at first: %q", got)
		}
		r1.subject, w1.subject, i1.header, b1.from = "[PATCH v2] one", "[PATCH] waiting", "", author
		w2.refs = "gone p1"
		for _, l := range []letter{r1, w1, w2, i1, b1, {id: "k", subject: "Re: [PATCH] stays", body: patchText("k")}} {
			s.sentAs(l)
		}
		want := []string{"b1 outcome: broken → patch", "i1 outcome: ignored → patch", "k kind: patch → comment !", "r1 outcome: comment → patch",
			"w1 outcome: pending → patch", "w2 outcome: pending → comment"}
		for _, apply := range []bool{false, false, true} {
			_, got := s.reparse(account.CLI, apply)
			same(t, fmt.Sprint("with apply ", apply), got, want)
		}
		_, got := s.reparse(account.CLI, true)
		same(t, "a second time", got, []string{"k kind: patch → comment !"})
		if got, want := s.comments(), "w2→p1 w3→w1"; got != want {
			t.Errorf("comments: %s, want %s", got, want)
		}
		if s.patchColumn("id", "p1") != id {
			t.Error("the patch has another number")
		}
		if a, b := s.text("SELECT thread_id FROM message WHERE msgid = ?", msgid("p1")), s.text("SELECT thread_id FROM message WHERE msgid = ?", msgid("a")); a != b {
			t.Errorf("the thread of what answers the reply is %s, that of the patch %s", b, a)
		}
		// r1's comment and its event are gone, and it has become a patch with its own tag.
		if got, want := s.events(), "PSpsPSpsPSpsPSpsPSpsrrPSpsPSps"; got != want {
			t.Errorf("events: %s", got)
		}
		check(t, db)
	})
}

// TestReparseWhileMailComes: mail that comes in meanwhile is neither lost nor doubled.
func TestReparseWhileMailComes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "dev")
		for i := range 12 {
			s.send("patch", letter{id: fmt.Sprint("p", i), subject: fmt.Sprintf("[PATCH %d/24] x", i+1), refs: "c", body: patchText("x")})
		}
		s.exec("UPDATE patch SET name = 'bad'")
		done := make(chan []string)
		go func() {
			_, found := s.reparse(account.CLI, true)
			done <- found
		}()
		for i := 12; i < 24; i++ {
			s.send("patch", letter{id: fmt.Sprint("p", i), subject: fmt.Sprintf("[PATCH %d/24] x", i+1), refs: "c", body: patchText("x")})
		}
		if found := <-done; len(found) != 12 {
			t.Errorf("%d names mended", len(found))
		}
		if _, found := s.reparse(account.CLI, true); len(found) != 0 {
			t.Errorf("a second time: %q", found)
		}
		if got := s.text("SELECT COUNT(*) FROM patch WHERE name LIKE '[%/24] x'"); got != "24" {
			t.Errorf("%s patches of 24", got)
		}
		check(t, db)
	})
}

// agreesWithItself: right after the import of an archive today's parser finds nothing to be otherwise.
func agreesWithItself(t *testing.T, db *sqldb.DB, p project.Project, mails int) {
	t.Helper()
	if db.Engine() != sqldb.SQLite && !soak() {
		return // it reads every mail once more
	}
	s := &site{t, db, p, newIntake(db, ingress.DefaultLimits)}
	read, found := s.reparseBy(account.CLI, false, ingress.DefaultLimits)
	if read != mails {
		t.Errorf("%d mails read, %d imported", read, mails)
	}
	for i, line := range found {
		if i < 20 {
			t.Error(line)
		}
	}
	if len(found) > 0 {
		t.Errorf("%d differences", len(found))
	}
}

// TestReparseFindsAttachments: what was taken in before the files of replies were kept has them after it was read again.
func TestReparseFindsAttachments(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "dev")
		s.send("patch", letter{id: "p", subject: "[PATCH] one", body: patchText("One.")})
		reply := attachedTo("See there.", file("text/plain", "dmesg.txt", "BUG at x.c:1\n"))
		reply.id, reply.subject, reply.refs = "r", "Re: [PATCH] one", "p"
		s.send("comment", reply)
		const held = "SELECT attached FROM message_body b JOIN message m ON m.id = b.message_id WHERE m.kind = 'comment'"
		stored := s.text(held)
		if !strings.Contains(stored, "dmesg.txt") {
			t.Fatalf("the reply has %q", stored)
		}
		s.exec("UPDATE message_body SET attached = NULL WHERE message_id = (SELECT id FROM message WHERE kind = 'comment')")
		for _, apply := range []bool{false, true} {
			mails, found := s.reparse(account.CLI, apply)
			if mails != 2 || len(found) != 1 || !strings.HasPrefix(found[0], "r attached:  → ") || !strings.Contains(found[0], "dmesg.txt") {
				t.Errorf("%d mails, found %q", mails, found)
			}
			if got := s.text(held); apply && got != stored || !apply && got != "" {
				t.Errorf("applied %v: the reply has %q", apply, got)
			}
		}
		if _, found := s.reparse(account.CLI, true); len(found) != 0 {
			t.Errorf("the second time: %q", found)
		}
		check(t, db)
	})
}
