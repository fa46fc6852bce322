// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
)

const now = clock.Time(1_704_110_400_000_000) // 2024-01-01T12:00:00Z

func ptr[T any](v T) *T { return &v }

func inTx(t *testing.T, db *sqldb.DB, f func(ctx context.Context, tx *sqldb.Tx) error) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *sqldb.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func execute(t *testing.T, db *sqldb.DB, queries ...string) {
	t.Helper()
	inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		for _, q := range queries {
			if _, err := tx.Exec(ctx, q); err != nil {
				return fmt.Errorf("%w in: %s", err, q)
			}
		}
		return nil
	})
}

func rows(t *testing.T, db *sqldb.DB, query string) []string {
	t.Helper()
	got := []string{}
	if err := db.Select(t.Context(), &got, query); err != nil {
		t.Fatal(query, err)
	}
	return got
}

func expectRows(t *testing.T, db *sqldb.DB, query string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), rows(t, db, query)); diff != "" {
		t.Errorf("%s: %s", query, diff)
	}
}

func expectKind(t *testing.T, what string, err error, kind fault.Kind, text string) {
	t.Helper()
	if !fault.Is(err, kind) || text != "" && fault.UserText(err) != text {
		t.Errorf("%s: kind %v: %v; want %v: %s", what, fault.KindOf(err), err, kind, text)
	}
}

func newProject(t *testing.T, db *sqldb.DB, linkname string) project.Project {
	t.Helper()
	p, err := project.Create(t.Context(), db, account.CLI, now, project.Change{Linkname: &linkname, Name: &linkname, ListID: ptr(linkname + ".example.org"), ListEmail: ptr(linkname + "@example.org")})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newUser(t *testing.T, db *sqldb.DB, name string) account.User {
	t.Helper()
	u, err := account.CreateUser(t.Context(), db, account.CLI, now, account.UserChange{Username: &name, Email: ptr(name + "@example.org")})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

const diffText = `---
 file | 2 +-

diff --git a/drivers/net/file b/drivers/net/file
--- a/drivers/net/file
+++ b/drivers/net/file
@@ -1 +1 @@
-old
+new
`

// letter is a mail of Ann to the list of a project; parent is empty or the Message-ID it answers, without brackets.
func letter(list, id, parent, subject, body string) string {
	reply := ""
	if parent != "" {
		reply = "In-Reply-To: <" + parent + ">\n"
	}
	return "From: Ann <ann@example.org>\nDate: Mon, 1 Jan 2024 10:00:00 +0000\nList-Id: <" + list + ".example.org>\nMessage-Id: <" + id + ">\n" + reply +
		"Subject: " + subject + "\nContent-Type: text/plain; charset=utf-8\n\n" + body
}

// deliver takes mails in as one batch and gives their outcomes, with "known" for bytes that were here before.
func deliver(t *testing.T, db *sqldb.DB, mails ...string) string {
	t.Helper()
	c := clock.NewFake(now)
	in := ingress.New(db, c, ingress.DefaultLimits, patchmail.New(c))
	var list []ingress.Delivery
	for _, m := range mails {
		list = append(list, ingress.Delivery{Raw: []byte(m), Via: "stdin"})
	}
	outcomes, err := in.Deliver(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range outcomes {
		if o.Known {
			o.Kind = "known"
		}
		out = append(out, o.Kind)
	}
	return strings.Join(out, " ")
}

// thread is a series of two with its cover letter, comments on all of them, a comment on a comment, and a reply to a mail that is not here.
func thread(list string) []string {
	at := func(s string) string { return s + "@" + list }
	return []string{
		letter(list, at("c0"), "", "[PATCH 0/2] whole", "Cover text\n"),
		letter(list, at("p1"), at("c0"), "[PATCH 1/2] one", "Text one\n\nAcked-by: A\n"+diffText),
		letter(list, at("p2"), at("c0"), "[PATCH 2/2] two", "Text two\n"+diffText),
		letter(list, at("r1"), at("p1"), "Re: [PATCH 1/2] one", "Fine.\n\nAcked-by: B\nReviewed-by: B\n"),
		letter(list, at("r2"), at("r1"), "Re: [PATCH 1/2] one", "Tested-by: C\n"),
		letter(list, at("rc"), at("c0"), "Re: [PATCH 0/2] whole", "Acked-by: D\n"),
		letter(list, at("lost"), at("nowhere"), "Re: something", "A reply\n"),
	}
}

func take(t *testing.T, db *sqldb.DB, list string) {
	t.Helper()
	if got := deliver(t, db, thread(list)...); got != "cover patch patch comment comment comment pending" {
		t.Fatal(got)
	}
}

const (
	tagRows    = "SELECT CONCAT_WS(' ', m.msgid, t.abbrev, g.hits) FROM patch_tag g JOIN patch p ON p.id = g.patch_id JOIN message m ON m.id = p.message_id JOIN tag t ON t.id = g.tag_id ORDER BY 1"
	countRows  = "SELECT CONCAT_WS(' ', project_id, state_id, delegate_id, patches) FROM patch_count WHERE patches <> 0 ORDER BY 1"
	seriesRows = "SELECT CONCAT_WS(' ', COALESCE(name, '-'), total, received, COALESCE(state_id, 0), CASE WHEN cover_id IS NULL THEN 'bare' ELSE 'cover' END) FROM series ORDER BY id"
	standRows  = "SELECT CONCAT_WS(' ', series_id, lane, date, active_at, patches, open, reviewed, comments, unaddressed, pending, success, warning, fail, states, tags, delegates) FROM series_triage ORDER BY series_id"
	laneRows   = "SELECT CONCAT_WS(' ', project_id, lane, series) FROM triage_count WHERE series <> 0 ORDER BY project_id, lane"
	eventRows  = "SELECT CONCAT(kind, ' ', COUNT(*)) FROM event GROUP BY kind ORDER BY kind"
	messages   = "SELECT CONCAT(msgid, ' ', kind) FROM message ORDER BY msgid"
	mails      = "SELECT CONCAT_WS(' ', m.msgid, m.outcome, CASE WHEN r.mail_id IS NULL THEN 'purged' ELSE 'raw' END) FROM mail m LEFT JOIN mail_raw r ON r.mail_id = m.id ORDER BY m.id"
	waits      = "SELECT CONCAT_WS(' ', m.msgid, 'for', r.msgid) FROM pending_reference r JOIN message m ON m.id = r.message_id ORDER BY 1"
	graves     = "SELECT CONCAT_WS(' ', msgid, kind, at, COALESCE(actor_id, 0), reason) FROM tombstone ORDER BY msgid"
)
