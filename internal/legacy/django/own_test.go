// SPDX-License-Identifier: GPL-2.0-or-later

package django_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/legacy/django"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// oldFile makes the database of testdata/old.sql, and then runs more statements on it.
func oldFile(t *testing.T, more ...string) string {
	t.Helper()
	script, err := os.ReadFile("testdata/old.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "old.db")
	db, err := sqlx.Open("sqlite", path+"?_pragma=synchronous(0)&_pragma=journal_mode(MEMORY)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, query := range append([]string{string(script)}, more...) {
		if _, err := db.Exec(query); err != nil {
			t.Fatalf("%.200s: %v", query, err)
		}
	}
	return path
}

// lists compares the rows of queries, each of one column of text.
func lists(t *testing.T, db *sqldb.DB, want map[string]string) {
	t.Helper()
	for query, text := range want {
		got := reader{t, db}.texts(query)
		wanted := strings.Split(strings.TrimSpace(text), "\n")
		for i := range wanted {
			wanted[i] = strings.TrimSpace(wanted[i])
		}
		if text == "" {
			wanted = nil
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

// TestOwn imports a small database, whose every row is here.
func TestOwn(t *testing.T) {
	path := oldFile(t)
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		sum := importFile(t, db, path)
		nothingWrong(t, db)
		lists(t, db, ownPeople)
		lists(t, db, ownMails)
		lists(t, db, ownRest)
		if want := []django.LeftOut{{Table: "django_migrations", Rows: 2, Why: "Django's own"}, {Table: "django_session", Rows: 2, Why: "logins: everybody logs in again"},
			{Table: "patchwork_patchtag", Rows: 1, Why: "counts of tags: counted anew"}}; !cmp.Equal(want, sum.LeftOut) {
			t.Errorf("left out: %v", sum.LeftOut)
		}
		notes := []string{"texts with characters that are no text (NUL, or bytes that are not UTF-8), which were removed or replaced: 1",
			"users with more than 500 items per page, or none: set to the nearest that is allowed: 1", "patches with a hash but no diff: the hash was left out: 1"}
		if diff := cmp.Diff(notes, sum.Notes); diff != "" || sum.Version != "after 3.2 (migration 0048)" || sum.Source != path {
			t.Error(sum.Source, sum.Version, diff)
		}
		sessions := account.NewSessions(db, clock.NewFake(now))
		if u, scope, err := sessions.Bearer(t.Context(), "00112233445566778899aabbccddeeff00112233"); err != nil || u.ID != 3 || scope != account.ScopeWrite {
			t.Errorf("the old token: %d, %q, %v", u.ID, scope, err)
		}
		for name, want := range map[string]bool{"ann": true, "Ann": true, "Bob": false, "gone": false} {
			if _, _, err := sessions.Login(t.Context(), name, "tea-and-biscuits", "192.0.2.1"); want != (err == nil) || err != nil && !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("login of %s: %v", name, err)
			}
		}
	})
}

var ownPeople = map[string]string{
	"SELECT CONCAT_WS('|', id, username, username_key, email, first_name, last_name, items_per_page, created_at, COALESCE(last_login, 0)) FROM user_account ORDER BY id": `
		3|ann|ann|ann@people.example|Ann|Löwe|500|1705320000000001|1719822600250000
		5|Bob|bob|bob@people.example|||100|1705406400000000|0
		6|gone|gone||||25|1705492800000000|0`,
	"SELECT CONCAT_WS('|', id, CASE WHEN is_active THEN 'active' ELSE '' END, CASE WHEN is_admin THEN 'admin' ELSE '' END, CASE WHEN send_email THEN 'email' ELSE '' END, CASE WHEN show_ids THEN 'ids' ELSE '' END) FROM user_account ORDER BY id": `
		3|active|admin|email|ids
		5|active|||
		6||||`,
	"SELECT CONCAT_WS('|', id, email, email_key, COALESCE(name, 'null'), name_key, name_votes, COALESCE(user_id, 0)) FROM person ORDER BY id": `
		1|ann@people.example|ann@people.example|Ann Löwe|ann löwe|3|3
		2|bo@People.Example|bo@people.example|Bo|bo|4|0
		4|cy@people.example|cy@people.example|null||0|0
		8|dee@people.example|dee@people.example|||0|0`,
	"SELECT CONCAT_WS('|', user_id, name, scope, created_at, COALESCE(expires_at, 0)) FROM api_token":                                   "3|imported|write|1706745600000000|0",
	"SELECT CONCAT_WS('|', id, kind, email, COALESCE(user_id, 0), created_at) FROM email_confirmation WHERE active = TRUE ORDER BY id":  "11|registration|Bob@People.Example|5|1705406400000000",
	"SELECT CONCAT_WS('|', id, kind, email, COALESCE(user_id, 0), created_at) FROM email_confirmation WHERE active = FALSE ORDER BY id": "12|optout|old@people.example|0|1705410000000000",
	"SELECT CONCAT_WS('|', email_key, created_at) FROM email_optout ORDER BY email_key": `
		amy@people.example|1800000000000000
		zed@people.example|1800000000000000`,
	"SELECT CONCAT_WS('|', p.linkname, u.username) FROM project_maintainer m JOIN project p ON p.id = m.project_id JOIN user_account u ON u.id = m.user_id ORDER BY p.id": `
		kettle|ann
		mug|gone`,
}

var ownMails = map[string]string{
	"SELECT CONCAT_WS('|', id, project_id, msgid, copy, kind, submitter_id, date, subject, in_reply_to, thread_id, COALESCE(mail_id, 0)) FROM message WHERE msgid_long IS NULL ORDER BY id": `
		1|1|<single/one+2@kettle.example>|0|patch|4|31536000000000|[GIT PULL] leaves|<lost@kettle.example>|1|0
		2|1|<r3@kettle.example>|0|comment|4|31622400000000|||1|0
		3|1|<c0@kettle.example>|0|cover|1|1709287200000000|[PATCH 0/3] better lids||3|0
		4|1|<p1@kettle.example>|0|patch|1|1709287201000000|[PATCH 1/3] lid: close it|<c0@kettle.example>|3|0
		5|1|<p2@kettle.example>|0|patch|1|1709287202000000|[PATCH 2/3] lid: open it|<c0@kettle.example>|3|0
		6|1|<r1@kettle.example>|0|comment|2|1709290800000000|Re: [PATCH 1/3] lid: close it|<p1@kettle.example>|3|0
		7|1|<both@kettle.example>|0|comment|2|1709294400000000|Re: all||3|0
		8|1|<both@kettle.example>|1|comment|2|1709294400000000|Re: all||3|0
		10|4|<p1@kettle.example>|0|patch|8|2147483648000000|[PATCH mug] handle||10|0`,
	// Cut after 190 bytes, then the SHA-256 of the whole; its text has lost the NUL.
	"SELECT CONCAT_WS('|', m.id, m.msgid, m.msgid_long, m.date, m.thread_id, b.content) FROM message m JOIN message_body b ON b.message_id = m.id WHERE m.msgid_long IS NOT NULL": "9|<" +
		strings.Repeat("é", 94) + "#" + sum([]byte("<"+strings.Repeat("é", 200)+"@kettle.example>")) + "|<" + strings.Repeat("é", 200) + "@kettle.example>|1709683199999999|1|ab",
	"SELECT CONCAT_WS('|', p.id, m.id, p.name, COALESCE(p.state_id, 0), COALESCE(p.delegate_id, 0), COALESCE(p.series_id, 0), COALESCE(p.number, -1), COALESCE(p.related_id, 0), COALESCE(p.hash, 'null'), COALESCE(p.commit_ref, 'null'), COALESCE(p.pull_url, 'null')) FROM patch p JOIN message m ON m.id = p.message_id WHERE p.id < 14 ORDER BY p.id": `
		10|4|[1/3] lid: close it|1|0|20|1|0|0123456789abcdef0123456789abcdef01234567|null|null
		11|5|[2/3] lid: open it|9|3|20|2|6|null|feedbeef|null
		12|1|[GIT,PULL] leaves|0|0|21|1|6|null|null|git://kettle.example/leaves.git for-kettle
		13|10|[mug] handle|2|0|0|-1|0|null|null|null`,
	"SELECT CONCAT_WS('|', patch_id, tag_id, hits) FROM patch_tag": "10|2|2",
	"SELECT CONCAT_WS('|', id, COALESCE(project_id, 0), COALESCE(cover_id, 0), COALESCE(name, 'null'), date, submitter_id, version, total, received, COALESCE(state_id, 0)) FROM series ORDER BY id": `
		20|1|5|better lids|1709287200000000|1|1|3|2|0
		21|1|0|null|31536000000000|4|2|1|1|0
		22|0|0||1709337600000000|2|1|1|0|0`,
	"SELECT CONCAT_WS('|', id, COALESCE(change_id, ''), COALESCE(base_commit, ''), COALESCE(name_key, ''), CASE WHEN threaded THEN 'threaded' ELSE '' END, CASE WHEN completed THEN 'completed' ELSE '' END) FROM series ORDER BY id": `
		20|20240301-lids-0a1b2c3d|beefbeefbeefbeefbeefbeefbeefbeefbeefbeef|1 better lids|threaded|
		21|||4 leaves|threaded|completed
		22|||||`,
	"SELECT CONCAT_WS('|', msgid, series_id, distance, CASE WHEN awaited THEN 'awaited' ELSE '' END) FROM series_reference ORDER BY msgid": `
		<c0@kettle.example>|20|1|
		<far@kettle.example>|21|2|awaited
		<lost@kettle.example>|21|1|awaited
		<p1@kettle.example>|20|1|
		<p2@kettle.example>|20|1|
		<single/one+2@kettle.example>|21|1|`,
	// What git patch-id --stable says.
	"SELECT CONCAT_WS('|', id, git_patch_id) FROM patch WHERE git_patch_id IS NOT NULL": "10|80f16ac1d039b6fc5c57aa4cdf264c37602d61e7",
	"SELECT CONCAT_WS('|', series_id, depends_on_id) FROM series_dependency ORDER BY series_id, position": `
		20|22
		20|21`,
	"SELECT CONCAT_WS('|', c.id, m.msgid, m.copy, c.patch_id, c.submitter_id, CASE WHEN addressed THEN 'yes' WHEN addressed IS NULL THEN 'null' ELSE 'no' END) FROM patch_comment c JOIN message m ON m.id = c.message_id ORDER BY c.id": `
		31|<r1@kettle.example>|0|10|2|no
		32|<both@kettle.example>|0|10|2|null
		33|<r3@kettle.example>|0|12|4|yes`,
	"SELECT CONCAT_WS('|', c.id, m.msgid, m.copy, c.cover_id) FROM cover_comment c JOIN message m ON m.id = c.message_id ORDER BY c.id": "41|<both@kettle.example>|1|5",
	"SELECT COALESCE(REPLACE(content, '\n', '/'), 'null') FROM message_body ORDER BY message_id": `
		null
		null
		All of it.//change-id: 20240301-lids-0a1b2c3d/base-commit: beefbeefbeefbeefbeefbeefbeefbeefbeefbeef
		Steam.//Tasted-by: Bo <bo@people.example>

		Good./Tasted-by: Cy <cy@people.example>
		To both.
		To both.
		ab
		Tasted-by: nobody counts here`,
}

var ownRest = map[string]string{
	"SELECT CONCAT_WS('|', id, name, slug, ordering) FROM state ORDER BY id": `
		1|Fresh|fresh|0
		2|Under Review|under-review|1
		9|Brewed|brewed|5`,
	"SELECT CONCAT_WS('|', id, name, pattern, abbrev) FROM tag":                           "2|Tasted-by|^Tasted-by:|T",
	"SELECT CONCAT_WS('|', id, project_id, user_id, path, priority) FROM delegation_rule": "3|1|5|lid/*|7",
	"SELECT CONCAT_WS('|', id, patch_id, user_id, date, state, COALESCE(target_url, 'null'), COALESCE(description, 'null'), context) FROM patch_check ORDER BY id": `
		50|10|3|1719824400000000|3|https://ci.example/50|broken|build
		51|10|3|1719824400000000|1|||build
		52|10|5|1719820800123456|2|null|null|lint`,
	"SELECT CONCAT_WS('|', patch_id, user_id, context, check_id, state) FROM patch_check_latest ORDER BY check_id": `
		10|3|build|51|1
		10|5|lint|52|2`,
	"SELECT CONCAT_WS('|', id, owner_id, project_id, name) FROM bundle ORDER BY id": `
		60|3|1|with/slash
		61|5|4|empty`,
	"SELECT CONCAT_WS('|', bundle_id, position, patch_id) FROM bundle_patch ORDER BY position": `
		60|1|11
		60|2|10`,
	"SELECT CONCAT_WS('|', patch_id, original_state_id, modified_at) FROM state_notice": "11|1|1719826200000000",
	"SELECT CONCAT_WS('|', id, pos, project_id, kind, COALESCE(actor_id, 0), at, payload) FROM event ORDER BY id": `
		100|1|1|series-created|0|1709287200500000|{"series":20}
		101|2|1|cover-created|0|1709287200500000|{"cover":5}
		102|3|1|patch-completed|0|1709287201000000|{"patch":10,"series":20}
		103|4|1|patch-state-changed|3|1719826200000000|{"patch":11,"previous_state":"fresh","current_state":"brewed"}
		104|5|1|patch-delegated|3|1719826201000000|{"patch":11,"previous_delegate":5,"current_delegate":3}
		105|6|1|check-created|3|1719824400000000|{"patch":10,"check":50}
		106|7|1|patch-comment-created|0|1709290801000000|{"patch":10,"comment":31}
		107|8|1|cover-comment-created|0|1709294401000000|{"cover":5,"comment":41}
		108|9|1|patch-relation-changed|0|1719878400000000|{"patch":12,"current_relation":6}`,
	"SELECT CONCAT_WS('|', event_id, kind, subject_id) FROM event_subject ORDER BY event_id, kind": `
		100|series|20
		101|cover|5
		102|patch|10
		102|series|20
		103|patch|11
		104|patch|11
		105|patch|10
		106|patch|10
		107|cover|5
		108|patch|12`,
	"SELECT CONCAT_WS('|', verb, detail) FROM audit": "db migrate|Django Patchwork after 3.2 (migration 0048)",
}

// TestTimeZone: dates of mails are in UTC, all others what the old site's clock showed.
func TestTimeZone(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	importFile(t, db, oldFile(t), func(o *django.Options) { o.TimeZone = "Australia/Canberra" })
	lists(t, db, map[string]string{
		"SELECT date FROM message WHERE msgid = '<c0@kettle.example>'": "1709287200000000",
		"SELECT date FROM series WHERE id = 20":                        "1709287200000000",
		"SELECT at FROM event WHERE id = 103":                          "1719790200000000", // 10 hours earlier in winter
		"SELECT at FROM event WHERE id = 100":                          "1709247600500000", // 11 in summer
		"SELECT created_at FROM user_account WHERE id = 3":             "1705280400000001",
		"SELECT last_login FROM user_account WHERE id = 3":             "1719786600250000",
		"SELECT date FROM patch_check WHERE id = 52":                   "1719784800123456",
		"SELECT created_at FROM email_confirmation WHERE id = 11":      "1705366800000000",
		"SELECT modified_at FROM state_notice":                         "1719790200000000",
		"SELECT created_at FROM api_token":                             "1706706000000000",
	})
}

// mailText is a mail to the list of kettle.
func mailText(msgid, subject, refs, body string) []byte {
	return []byte("From: Ann <ann@people.example>\nSubject: " + subject + "\nDate: Fri, 1 Mar 2024 10:05:00 +0000\nMessage-Id: " + msgid + "\nReferences: " + refs +
		"\nList-Id: <kettle-dev.lists.example>\n\n" + body)
}

const newDiff = "diff --git a/lid/b.c b/lid/b.c\n--- a/lid/b.c\n+++ b/lid/b.c\n@@ -1 +1,2 @@\n open\n+closed\n"

// TestGoesOn: what happens after an import fits to it, and gets ids that the old site never gave.
func TestGoesOn(t *testing.T) {
	path := oldFile(t)
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		if _, err := event.Consume(ctx, db, now, event.Consumer{Name: "early"}); err != nil { // it stands at the beginning, before the import
			t.Fatal(err)
		}
		importFile(t, db, path)
		var deliveries []ingress.Delivery
		for _, raw := range [][]byte{
			mailText("<new1@kettle.example>", "Re: [PATCH 1/3] lid: close it", "<p1@kettle.example>", "Tasted-by: Ann <ann@people.example>\n"),
			mailText("<p1@kettle.example>", "[PATCH 1/3] lid: close it", "<c0@kettle.example>", "Other bytes.\n"+newDiff),
			mailText("<p3@kettle.example>", "[PATCH 3/3] lid: more of it", "<c0@kettle.example>", "More.\n"+newDiff),
			mailText("<new2@kettle.example>", "Re: better lids", "<c0@kettle.example>", "Thanks.\n"),
			mailText("<both@kettle.example>", "Re: all", "<p1@kettle.example>", "Once more.\n"),
			mailText("<new3@kettle.example>", "Re: all", "<both@kettle.example>", "An answer to what is here twice.\n"),
			mailText("<v2c@kettle.example>", "[PATCH v2 0/1] better lids", "", "All of it, better.\n"),
			mailText("<new4@kettle.example>", "[PATCH] alone", "", "Alone.\n"+newDiff),
		} {
			deliveries = append(deliveries, ingress.Delivery{Raw: raw, Via: "test"})
		}
		fake := clock.NewFake(now)
		outcomes, err := ingress.New(db, fake, ingress.DefaultLimits, patchmail.New(fake)).Deliver(ctx, deliveries)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, o := range outcomes {
			kinds = append(kinds, o.Kind)
		}
		if got, want := strings.Join(kinds, " "), "comment duplicate patch comment duplicate comment cover patch"; got != want {
			t.Errorf("the mails became %s, want %s", got, want)
		}
		nothingWrong(t, db)
		lists(t, db, map[string]string{
			"SELECT CONCAT_WS('|', c.patch_id, m.thread_id) FROM patch_comment c JOIN message m ON m.id = c.message_id WHERE m.msgid IN ('<new1@kettle.example>', '<new3@kettle.example>') ORDER BY m.msgid": "10|3\n10|3",
			"SELECT c.cover_id FROM cover_comment c JOIN message m ON m.id = c.message_id WHERE m.msgid = '<new2@kettle.example>'":                                                                           "5",
			"SELECT CONCAT_WS('|', p.series_id, p.number, s.received, COALESCE(p.delegate_id, 0)) FROM patch p JOIN series s ON s.id = p.series_id WHERE p.name = '[3/3] lid: more of it'":                   "20|3|3|5",
			"SELECT hits FROM patch_tag WHERE patch_id = 10":               "3",
			"SELECT DISTINCT kind FROM event WHERE id > 108 ORDER BY kind": "cover-comment-created\ncover-created\npatch-comment-created\npatch-completed\npatch-created\nseries-completed\nseries-created",
			// Nobody hears of the history, but of what came after it.
			"SELECT pos FROM event_consumer": "9",
		})
		newIDs(t, db)
	})
}

// newIDs makes one of everything and looks at the ids: above those of the import and, of patches, above those that were deleted there.
func newIDs(t *testing.T, db *sqldb.DB) {
	t.Helper()
	for query, above := range map[string]int64{
		"SELECT MIN(id) FROM patch WHERE id > 14":                            500,
		"SELECT MIN(id) FROM series WHERE id > 22":                           22,
		"SELECT MIN(id) FROM patch_comment WHERE id > 33":                    33,
		"SELECT MIN(id) FROM cover_comment WHERE id > 41":                    41,
		"SELECT MIN(id) FROM message WHERE id > 10":                          10,
		"SELECT MIN(id) FROM event WHERE id > 108":                           108,
		"SELECT next_id - 1 FROM id_block WHERE name = 'patch_check'":        51,
		"SELECT next_id - 1 FROM id_block WHERE name = 'bundle'":             60,
		"SELECT next_id - 1 FROM id_block WHERE name = 'patch_relation'":     5,
		"SELECT next_id - 1 FROM id_block WHERE name = 'email_confirmation'": 11,
		"SELECT next_id - 1 FROM id_block WHERE name = 'cover'":              4,
		"SELECT next_id - 1 FROM id_block WHERE name = 'person'":             7,
		"SELECT next_id - 1 FROM id_block WHERE name = 'api_token'":          0,
		"SELECT next_id - 1 FROM id_block WHERE name = 'delegation_rule'":    2,
		"SELECT next_id - 1 FROM id_block WHERE name = 'state'":              8,
		"SELECT next_id - 1 FROM id_block WHERE name = 'tag'":                1,
	} {
		var id int64
		if err := db.Get(t.Context(), &id, query); err != nil || id <= above {
			t.Errorf("%s: %d, want more than %d: %v", query, id, above, err)
		}
	}
	u, err := account.CreateUser(t.Context(), db, account.CLI, now, account.UserChange{Username: ptr("new"), Email: ptr("new@people.example")})
	if err != nil || u.ID <= 6 {
		t.Errorf("a new user: %d, %v", u.ID, err)
	}
	p, err := project.Create(t.Context(), db, account.CLI, now, project.Change{Linkname: ptr("new"), Name: ptr("New"), ListID: ptr("new.example"), ListEmail: ptr("new@lists.example")})
	if err != nil || p.ID <= 4 {
		t.Errorf("a new project: %d, %v", p.ID, err)
	}
}

// TestDryRun reads everything and leaves the database as it was.
func TestDryRun(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	var last, of int64
	sum := importFile(t, db, oldFile(t), func(o *django.Options) {
		o.DryRun = true
		o.Progress = func(what string, done, total int64) {
			if what == "" || done < last {
				t.Errorf("progress: %q, %d after %d", what, done, last)
			}
			last, of = done, total
		}
	})
	if len(sum.Imported) != 23 || len(sum.Notes) != 3 || last != of || of == 0 {
		t.Errorf("%d tables, %d notes, %d of %d rows", len(sum.Imported), len(sum.Notes), last, of)
	}
	untouched(t, db)
	importFile(t, db, oldFile(t))
	if _, err := django.Import(t.Context(), db, account.CLI, now, django.Options{From: "sqlite://" + oldFile(t), DryRun: true}); !fault.Is(err, fault.Conflict) {
		t.Error("a dry run on a database with projects:", err)
	}
}

// untouched is a database as `pw db sync` leaves it.
func untouched(t *testing.T, db *sqldb.DB) {
	t.Helper()
	for _, table := range []string{"project", "user_account", "person", "patch", "cover", "series", "message", "message_body", "event", "audit", "api_token", "patch_check", "bundle"} {
		lists(t, db, map[string]string{"SELECT COUNT(*) FROM " + table: "0"})
	}
	lists(t, db, map[string]string{"SELECT COUNT(*) FROM state": "10", "SELECT COUNT(*) FROM tag": "3"})
}

// TestOlder imports databases of released versions, which lack some columns.
func TestOlder(t *testing.T) {
	v32 := []string{"DROP TABLE patchwork_series_dependencies", "ALTER TABLE patchwork_project DROP COLUMN show_dependencies"}
	v30 := append([]string{"ALTER TABLE patchwork_patchcomment DROP COLUMN addressed", "ALTER TABLE patchwork_covercomment DROP COLUMN addressed",
		"ALTER TABLE patchwork_event DROP COLUMN patch_comment_id", "ALTER TABLE patchwork_event DROP COLUMN cover_comment_id"}, v32...)
	for version, changes := range map[string][]string{"3.1 or 3.2 (migration 0046)": v32, "3.0 (migration 0044)": v30} {
		db := dbtest.Open(t, sqldb.SQLite)
		if sum := importFile(t, db, oldFile(t, changes...)); sum.Version != version {
			t.Errorf("version %q, want %q", sum.Version, version)
		}
		nothingWrong(t, db)
		addressed, payload := "no null yes", `{"patch":10,"comment":31}`
		if strings.HasPrefix(version, "3.0") {
			addressed, payload = "null null null", `{"patch":10}`
		}
		lists(t, db, map[string]string{
			"SELECT COUNT(*) FROM series_dependency":                                                                                "0",
			"SELECT COUNT(*) FROM project WHERE show_dependencies = TRUE":                                                           "0",
			"SELECT payload FROM event WHERE id = 106":                                                                              payload,
			"SELECT CASE WHEN addressed THEN 'yes' WHEN addressed IS NULL THEN 'null' ELSE 'no' END FROM patch_comment ORDER BY id": strings.ReplaceAll(addressed, " ", "\n"),
		})
	}
}

// TestRefused: nothing is imported of what can't be, and the error says why.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	changed := func(query string) string { return "sqlite://" + oldFile(t, query) }
	tests := []struct {
		name, from string
		kind       fault.Kind
		text       string // of the error, for users
	}{
		{"no address", "", fault.Invalid, "--from: want sqlite:/// and the path of the old file, as in sqlite:///srv/old/patchwork.db: a database URL begins with sqlite:, postgres:// or mariadb://"},
		{"postgres", "postgres://u:secret@h/x", fault.Invalid, "--from postgres://…: only SQLite files can be imported so far, named as sqlite:///srv/old/patchwork.db"},
		{"mysql", "mysql://u:secret@h/x", fault.Invalid, "--from mysql://…: only SQLite files can be imported so far, named as sqlite:///srv/old/patchwork.db"},
		{"missing", "sqlite://" + dir + "/none.db", fault.NotFound, "there is no file " + dir + "/none.db"},
		{"directory", "sqlite://" + dir, fault.Invalid, dir + " is a directory, not the file of a database"},
		{"text", "sqlite://" + text, fault.Invalid, text + " is no SQLite database"},
		{"other", changed("DROP TABLE patchwork_project"), fault.Invalid, "FILE is no database of a Django Patchwork: it has no table patchwork_project"},
		{"version 2", changed("DROP TABLE patchwork_cover"), fault.Invalid, "FILE is of Patchwork 2 (before migration 0043): only 3.0 to 3.2 and what followed can be imported; bring it up to Patchwork 3.2 first"},
		{"newer table", changed("CREATE TABLE patchwork_teapot (id INTEGER)"), fault.Invalid,
			"FILE is of a newer or changed Patchwork (later than migration 0048): this pw does not know table patchwork_teapot"},
		{"newer column", changed("ALTER TABLE patchwork_patch ADD COLUMN sugar INTEGER"), fault.Invalid,
			"FILE is of a newer or changed Patchwork (later than migration 0048): this pw does not know column patchwork_patch.sugar"},
		{"lacking", changed("ALTER TABLE patchwork_patch DROP COLUMN hash"), fault.Invalid, "FILE is of no Patchwork that is known: it lacks patchwork_patch.hash"},
		{"people", changed("INSERT INTO patchwork_person VALUES (9, 'Ann@people.example', 'A', NULL)"), fault.Invalid,
			"FILE can't be imported as it is; nothing was written:\nthe people \"ann@people.example\" and \"Ann@people.example\" differ only by letter case: here they are one; join them on the old site first"},
		{"users", changed("UPDATE auth_user SET username = 'ANN' WHERE id = 6"), fault.Invalid,
			"FILE can't be imported as it is; nothing was written:\nthe users \"ann\" and \"ANN\" differ only by letter case: here they are one; join them on the old site first"},
		{"dangling", changed("DELETE FROM auth_user WHERE id = 5"), fault.Invalid, "FILE is damaged; nothing was imported:\n" +
			"1 rows of patchwork_delegationrule.user_id name a row of auth_user that is not there\n1 rows of patchwork_emailconfirmation.user_id name a row of auth_user that is not there\n" +
			"1 rows of patchwork_check.user_id name a row of auth_user that is not there\n1 rows of patchwork_bundle.owner_id name a row of auth_user that is not there\n" +
			"1 rows of patchwork_event.previous_delegate_id name a row of auth_user that is not there"},
		{"long", changed("UPDATE patchwork_patch SET name = name || hex(zeroblob(130)) WHERE id = 10"), fault.Invalid,
			"FILE can't be imported as it is; nothing was written:\npatchwork_patch 10: its name has more than 255 characters"},
		{"check", changed("UPDATE patchwork_check SET state = 4 WHERE id = 51"), fault.Invalid, "FILE can't be imported as it is; nothing was written:\npatchwork_check 51: its state is 4"},
		{"keys", changed(`UPDATE patchwork_emailconfirmation SET "key" = 'x'`), fault.Invalid,
			"FILE can't be imported as it is; nothing was written:\npatchwork_emailconfirmation 12 has the same key as 11"},
		{"no states", changed("UPDATE patchwork_patch SET state_id = NULL; UPDATE patchwork_event SET previous_state_id = NULL, current_state_id = NULL; DELETE FROM patchwork_patchchangenotification; DELETE FROM patchwork_state"),
			fault.Invalid, "FILE can't be imported as it is; nothing was written:\nthe old site has no states: load its default ones first"},
	}
	db := dbtest.Open(t, sqldb.SQLite)
	for _, test := range tests {
		for _, dry := range []bool{true, false} {
			_, err := django.Import(t.Context(), db, account.CLI, now, django.Options{From: test.from, DryRun: dry})
			want := strings.ReplaceAll(test.text, "FILE", strings.TrimPrefix(test.from, "sqlite://"))
			if got := fault.UserText(err); !fault.Is(err, test.kind) || got != want {
				t.Errorf("%s, dry run %v: kind %v, %q (%v), want %v, %q", test.name, dry, fault.KindOf(err), got, err, test.kind, want)
			}
		}
		untouched(t, db)
	}
}

// TestManyProblems: of many problems the first are told.
func TestManyProblems(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	from := "sqlite://" + oldFile(t, "INSERT INTO patchwork_check SELECT 100 + seq, '2024-01-01', 7, '', '', 'x', 3, 10 FROM (WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < 25) SELECT seq FROM n)")
	_, err := django.Import(t.Context(), db, account.CLI, now, django.Options{From: from})
	if text := fault.UserText(err); strings.Count(text, "\n") != 21 || !strings.HasSuffix(text, "\n… and 5 more") {
		t.Errorf("%v", err)
	}
}

// TestTargets: what the target must be, and who may.
func TestTargets(t *testing.T) {
	path := oldFile(t)
	run := func(db *sqldb.DB, by account.Actor, opt django.Options) error {
		opt.From = "sqlite://" + path
		_, err := django.Import(context.Background(), db, by, now, opt)
		return err
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		if err := run(db, account.Actor{User: 3, Via: "web"}, django.Options{}); !fault.Is(err, fault.Denied) {
			t.Error("by a user:", err)
		}
		if err := run(db, account.CLI, django.Options{TimeZone: "Mars/Olympus"}); fault.UserText(err) != `--time-zone "Mars/Olympus": want the TIME_ZONE of the old site's settings, such as UTC or Australia/Canberra` {
			t.Error("on Mars:", err)
		}
		if err := run(db, account.CLI, django.Options{}); err != nil {
			t.Fatal(err)
		}
		err := run(db, account.CLI, django.Options{})
		if want := "the database holds projects already, and an import needs a new one: make one, name it by database.url, and run `pw db sync`"; !fault.Is(err, fault.Conflict) || fault.UserText(err) != want {
			t.Error("a second time:", err)
		}
		lists(t, db, map[string]string{"SELECT COUNT(*) FROM patch": "5", "SELECT COUNT(*) FROM audit": "1"})
	})
	for _, engine := range dbtest.Engines(t) {
		db, err := sqldb.Open(t.Context(), dbtest.URL(t, engine), sqldb.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := run(db, account.CLI, django.Options{}); !fault.Is(err, fault.Conflict) || !strings.Contains(fault.UserText(err), "pw db sync") {
			t.Errorf("%s, without schema: %v", engine, err)
		}
		db.Close()
	}
	db := dbtest.Open(t, sqldb.SQLite)
	if _, err := account.CreateUser(t.Context(), db, account.CLI, now, account.UserChange{Username: ptr("x"), Email: ptr("x@people.example")}); err != nil {
		t.Fatal(err)
	}
	if err := run(db, account.CLI, django.Options{}); !strings.HasPrefix(fault.UserText(err), "the database holds users already") {
		t.Error("with a user:", err)
	}
}

// TestInterrupted: an import that is cancelled leaves nothing.
func TestInterrupted(t *testing.T) {
	path := oldFile(t)
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, err := django.Import(ctx, db, account.CLI, now, django.Options{From: "sqlite://" + path, Progress: func(what string, _, _ int64) {
			if what == "events" {
				cancel()
			}
		}})
		if err == nil {
			t.Fatal("it came to its end")
		}
		untouched(t, db)
		importFile(t, db, path)
		nothingWrong(t, db)
		if got := (reader{t, db}).texts("SELECT COUNT(*) FROM patch"); got[0] != "5" {
			t.Error(fmt.Sprint(got))
		}
	})
}
