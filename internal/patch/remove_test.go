// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

// hang puts everything on the patches of a project that does not come by mail.
func hang(t *testing.T, db *sqldb.DB, p project.Project, user int64) {
	t.Helper()
	one, series := "(SELECT MIN(id) FROM patch WHERE project_id = %[1]d)", "(SELECT MIN(id) FROM series WHERE project_id = %[1]d)"
	base := p.ID * 1000
	for _, q := range []string{
		"INSERT INTO patch_check (id, patch_id, user_id, date, state, context) SELECT %[3]d, " + one + ", %[2]d, 5, 1, 'ci'",
		"INSERT INTO patch_check_latest (patch_id, user_id, context, check_id, state) SELECT " + one + ", %[2]d, 'ci', %[3]d, 1",
		"INSERT INTO bundle (id, owner_id, project_id, name, name_key, public) VALUES (%[3]d, %[2]d, %[1]d, 'b%[1]d', 'b%[1]d', TRUE)",
		"INSERT INTO bundle_patch (bundle_id, patch_id, position) SELECT %[3]d, " + one + ", 1",
		"INSERT INTO state_notice (patch_id, original_state_id, modified_at) SELECT " + one + ", 1, 5",
		"INSERT INTO series_metadata (series_id, name, value) SELECT " + series + ", 'n', 'v'",
		"INSERT INTO series_look (series_id, user_id, at) SELECT " + series + ", %[2]d, 5",
		"INSERT INTO series_dependency (series_id, depends_on_id, position) SELECT " + series + ", 999999, 0",
		"INSERT INTO series_need (project_id, kind, value, series_id, position) SELECT %[1]d, 'change', 'x', " + series + ", 1",
		"INSERT INTO series_kin (series_id, other_id, sign) SELECT " + series + ", 999999, 1",
		"INSERT INTO series_reference (project_id, msgid, series_id, distance, awaited) SELECT %[1]d, '<hung@x>', " + series + ", 1, TRUE",
		"INSERT INTO patch_superseded (patch_id, by_series_id, original_state_id, at, undone) SELECT " + one + ", 999999, 1, 5, FALSE",
		"INSERT INTO change_set (id, project_id, actor_id, via, at, state, wanted, undoes_id, undone_by, total, done, changed, refused, overtaken, lost, back, reason, finished_at, expires_at) VALUES (%[3]d, %[1]d, %[2]d, 'web', 5, 'done', '{}', 0, 0, 1, 1, 1, 0, 0, 0, '', '', 5, 5)",
		"INSERT INTO change_row (set_id, patch_id, field, old_value, new_value, later) SELECT %[3]d, " + one + ", 'state', '1', '2', FALSE",
		"INSERT INTO change_place (set_id, patch_id, bundle_id, old_place, new_place, later) SELECT %[3]d, " + one + ", 1, NULL, 1, FALSE",
		"INSERT INTO change_value (set_id, subject, subject_id, field, old_value, new_value, later) SELECT %[3]d, 'series', " + series + ", 'version', '1', '2', FALSE",
		"INSERT INTO change_todo (set_id, patch_id) SELECT %[3]d, " + one,
		"INSERT INTO patch_relation (id) VALUES (%[3]d)",
		"INSERT INTO saved_query (id, user_id, project_id, name, query, public, created_at) VALUES (%[3]d, %[2]d, %[1]d, 'q%[1]d', 'q', TRUE, 5)",
		"INSERT INTO delegation_rule (id, project_id, user_id, path, priority) VALUES (%[3]d, %[1]d, %[2]d, 'none', 0)",
		"INSERT INTO project_maintainer (project_id, user_id) VALUES (%[1]d, %[2]d)",
		"INSERT INTO webhook (id, project_id, url, secret, categories, filters, active, created_at, pending, failures, disabled_reason) VALUES (%[3]d, %[1]d, 'u', 's', 'c', '{}', TRUE, 5, 0, 0, '')",
		"INSERT INTO webhook_delivery (id, webhook_id, kind, body, state, attempts, created_at, error) VALUES (%[3]d, %[3]d, 'k', 'b', 'pending', 0, 5, '')",
		"INSERT INTO webhook_attempt (delivery_id, number, at, took, request, status, response, body, cut, error) VALUES (%[3]d, 1, 5, 5, '', 0, '', 'b', FALSE, '')",
		"INSERT INTO irc_target (id, project_id, url, nick, account, password, template, categories, active, created_at, error) VALUES (%[3]d, %[1]d, 'u', 'n', '', '', '', '', TRUE, 5, '')",
		"INSERT INTO project_ingress_secret (id, project_id, name, secret_hash, created_at) VALUES (%[3]d, %[1]d, 's', '12345678901234567890123456%[3]d', 5)",
		"INSERT INTO triage_sweep (project_id, step, after_id) VALUES (%[1]d, 3, 0)",
		"INSERT INTO tombstone (project_id, msgid, kind, at, reason) VALUES (%[1]d, '<gone@x>', 'deleted', 5, 'r')",
	} {
		execute(t, db, strings.NewReplacer("%[1]d", fmt.Sprint(p.ID), "%[2]d", fmt.Sprint(user), "%[3]d", fmt.Sprint(base)).Replace(q))
	}
	execute(t, db, fmt.Sprintf("UPDATE patch SET related_id = %d WHERE project_id = %d", base, p.ID))
	settle(t, db)
}

func TestDeletePatch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newProject(t, db, "demo")
		u := newUser(t, db, "maintainer")
		take(t, db, "demo")
		hang(t, db, p, u.ID)
		all := thread("demo")
		if err := patch.DeleteMessage(t.Context(), db, account.Actor{User: u.ID, Via: "web"}, now, p, "<p1@demo>", "secret"); err != nil {
			t.Fatal(err)
		}
		expectRows(t, db, messages, "<c0@demo> cover", "<lost@demo> pending", "<p2@demo> patch", "<r1@demo> pending", "<r2@demo> pending", "<rc@demo> comment")
		expectRows(t, db, mails, "<c0@demo> cover raw", "<p1@demo> deleted purged", "<p2@demo> patch raw", "<r1@demo> pending raw", "<r2@demo> pending raw", "<rc@demo> comment raw", "<lost@demo> pending raw")
		expectRows(t, db, waits, "<lost@demo> for <nowhere@demo>", "<r1@demo> for <p1@demo>", "<r2@demo> for <p1@demo>")
		expectRows(t, db, graves, "<gone@x> deleted 5 0 r", fmt.Sprintf("<p1@demo> deleted %d %d secret", now, u.ID))
		expectRows(t, db, tagRows, "<p2@demo> A 1")
		expectRows(t, db, countRows, "1 1 0 1")
		expectRows(t, db, seriesRows, "whole 2 1 1 cover")
		expectRows(t, db, eventRows, "cover-comment-created 1", "cover-created 1", "patch-completed 1", "patch-created 1", "series-completed 1", "series-created 1")
		for _, table := range []string{"patch_check", "patch_check_latest", "bundle_patch", "state_notice", "patch_superseded", "patch_comment", "patch_relation"} {
			expectRows(t, db, "SELECT CONCAT('', COUNT(*)) FROM "+table, "0")
		}
		expectRows(t, db, "SELECT CONCAT('', COUNT(*)) FROM patch WHERE related_id IS NOT NULL", "0")
		expectRows(t, db, "SELECT CONCAT('', COUNT(*)) FROM patch_diff", "1")
		if got := rows(t, db, "SELECT CONCAT_WS(' ', actor_id, via, verb, subject, detail) FROM audit WHERE verb LIKE 'message%'"); len(got) != 1 || got[0] != fmt.Sprintf("%d web message delete <p1@demo> project demo", u.ID) {
			t.Error(got)
		}
		expectClean(t, db)

		if got := deliver(t, db, all[1], all[1]+"again\n"); got != "known deleted" {
			t.Errorf("the mail again: %s", got)
		}
		expectRows(t, db, countRows, "1 1 0 1")
		// Taken back by hand, it collects its comments again.
		execute(t, db, "DELETE FROM tombstone WHERE msgid = '<p1@demo>'")
		if got := deliver(t, db, all[1]+"and again\n"); got != "patch" {
			t.Errorf("after the tombstone is gone: %s", got)
		}
		expectRows(t, db, tagRows, "<p1@demo> A 3", "<p1@demo> R 1", "<p1@demo> T 1", "<p2@demo> A 1")
		expectRows(t, db, seriesRows, "whole 2 2 1 cover")
		expectRows(t, db, waits, "<lost@demo> for <nowhere@demo>")
		expectClean(t, db)
	})
}

func TestDeleteCover(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newProject(t, db, "demo")
		take(t, db, "demo")
		if err := patch.DeleteMessage(t.Context(), db, account.CLI, now, p, "<c0@demo>", "r"); err != nil {
			t.Fatal(err)
		}
		expectRows(t, db, messages, "<lost@demo> pending", "<p1@demo> patch", "<p2@demo> patch", "<r1@demo> comment", "<r2@demo> comment", "<rc@demo> pending")
		expectRows(t, db, seriesRows, "[1/2] one 2 2 1 bare")                         // what it had of the cover letter went with it
		expectRows(t, db, tagRows, "<p1@demo> A 2", "<p1@demo> R 1", "<p1@demo> T 1") // without what was said to the cover letter
		expectRows(t, db, waits, "<lost@demo> for <nowhere@demo>", "<rc@demo> for <c0@demo>")
		expectRows(t, db, eventRows, "patch-comment-created 2", "patch-completed 2", "patch-created 2", "series-completed 1", "series-created 1")
		expectRows(t, db, "SELECT CONCAT('', COUNT(*)) FROM cover_comment", "0")
		expectClean(t, db)
		if got := deliver(t, db, thread("demo")[0], thread("demo")[0]+"x\n"); got != "known deleted" {
			t.Errorf("the mail again: %s", got)
		}
	})
}

func TestDeleteCommentAndPending(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newProject(t, db, "demo")
		take(t, db, "demo")
		for _, id := range []string{"<r1@demo>", "<rc@demo>", "<lost@demo>"} {
			if err := patch.DeleteMessage(t.Context(), db, account.CLI, now, p, id, "r"); err != nil {
				t.Fatal(id, err)
			}
		}
		expectRows(t, db, messages, "<c0@demo> cover", "<p1@demo> patch", "<p2@demo> patch", "<r2@demo> comment")
		expectRows(t, db, tagRows, "<p1@demo> A 1", "<p1@demo> T 1")
		expectRows(t, db, waits)
		expectRows(t, db, eventRows, "cover-created 1", "patch-comment-created 1", "patch-completed 2", "patch-created 2", "series-completed 1", "series-created 1")
		expectClean(t, db)
		all := thread("demo")
		if got := deliver(t, db, all[3], all[5]+"x\n", all[6]+"x\n"); got != "known deleted deleted" {
			t.Errorf("the mails again: %s", got)
		}
	})
}

func TestWhoMayDelete(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		p, other := newProject(t, db, "demo"), newProject(t, db, "other")
		u := newUser(t, db, "maintainer")
		take(t, db, "demo")
		if err := project.AddMaintainer(ctx, db, account.CLI, now, "other", "maintainer"); err != nil {
			t.Fatal(err)
		}
		for _, by := range []account.Actor{{}, stranger, {User: u.ID}} {
			expectKind(t, "delete", patch.DeleteMessage(ctx, db, by, now, p, "<p1@demo>", ""), fault.Denied, `only a maintainer of "demo" may do this: message delete`)
			expectKind(t, "hide", patch.HideMessage(ctx, db, by, now, p, "<p1@demo>", "", true), fault.Denied, `only a maintainer of "demo" may do this: message hide`)
		}
		expectKind(t, "in another project", patch.DeleteMessage(ctx, db, account.CLI, now, other, "<p1@demo>", ""), fault.NotFound, `project "other" has no message <p1@demo>`)
		expectRows(t, db, graves)
	})
}

func TestHideMessage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		p := newProject(t, db, "demo")
		take(t, db, "demo")
		const hidden = "SELECT msgid FROM message WHERE hidden = TRUE ORDER BY msgid"
		for range 2 {
			if err := patch.HideMessage(ctx, db, account.CLI, now, p, "<p1@demo>", "rude", true); err != nil {
				t.Fatal(err)
			}
		}
		expectRows(t, db, hidden, "<p1@demo>")
		expectRows(t, db, graves, fmt.Sprintf("<p1@demo> hidden %d 0 rude", now))
		if got := deliver(t, db, thread("demo")[1]+"x\n"); got != "duplicate" {
			t.Error(got)
		}
		expectRows(t, db, hidden, "<p1@demo>")
		if err := patch.HideMessage(ctx, db, account.CLI, now, p, "<p1@demo>", "", false); err != nil {
			t.Fatal(err)
		}
		expectRows(t, db, hidden)
		expectRows(t, db, graves)
		expectRows(t, db, seriesRows, "whole 2 2 1 cover")
		expectRows(t, db, "SELECT verb FROM audit WHERE subject = '<p1@demo>' ORDER BY id", "message hide", "message hide", "message show again")
	})
}

func TestReleaseUser(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newProject(t, db, "demo")
		one, two := newUser(t, db, "one"), newUser(t, db, "two")
		take(t, db, "demo")
		hang(t, db, p, one.ID)
		ids := rows(t, db, "SELECT CONCAT('', id) FROM patch ORDER BY id")
		for _, q := range []string{
			"UPDATE patch SET delegate_id = %[2]d WHERE id = " + ids[0],
			"UPDATE patch_count SET patches = 1",
			"INSERT INTO patch_count (project_id, state_id, archived, delegate_id, patches) VALUES (1, 1, FALSE, %[2]d, 1)",
			"INSERT INTO patch_check (id, patch_id, user_id, date, state, context) VALUES (2, " + ids[0] + ", NULL, 4, 3, 'ci'), (3, " + ids[0] + ", %[3]d, 9, 2, 'ci'), (4, " + ids[1] + ", %[2]d, 1, 0, 'other')",
			"INSERT INTO patch_check_latest (patch_id, user_id, context, check_id, state) VALUES (" + ids[0] + ", 0, 'ci', 2, 3), (" + ids[0] + ", %[3]d, 'ci', 3, 2), (" + ids[1] + ", %[2]d, 'other', 4, 0)",
		} {
			execute(t, db, strings.NewReplacer("%[2]d", fmt.Sprint(one.ID), "%[3]d", fmt.Sprint(two.ID)).Replace(q))
		}
		settle(t, db)
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			if err := patch.ReleaseUser(ctx, tx, one.ID); err != nil {
				return err
			}
			return account.RemoveUser(ctx, tx, one)
		})
		expectRows(t, db, countRows, "1 1 0 2")
		expectRows(t, db, "SELECT CONCAT_WS(' ', id, COALESCE(user_id, 0)) FROM patch_check ORDER BY id", "2 0", fmt.Sprint("3 ", two.ID), "4 0", "1000 0")
		// Of two checks that are nobody's now the newer one counts.
		expectRows(t, db, "SELECT CONCAT_WS(' ', user_id, context, check_id, state) FROM patch_check_latest ORDER BY check_id", fmt.Sprint(two.ID, " ci 3 2"), "0 other 4 0", "0 ci 1000 1")
		expectRows(t, db, "SELECT CONCAT('', COUNT(*)) FROM patch WHERE delegate_id IS NOT NULL", "0")
		for _, table := range []string{"bundle", "bundle_patch", "saved_query", "delegation_rule", "project_maintainer"} {
			expectRows(t, db, "SELECT CONCAT('', COUNT(*)) FROM "+table, "0")
		}
		expectClean(t, db)
	})
}

// hideAll hides all patches and covers of a project.
func hideAll(t *testing.T, db *sqldb.DB, p project.Project) {
	t.Helper()
	for _, msgid := range rows(t, db, fmt.Sprintf("SELECT msgid FROM message WHERE kind IN ('patch', 'cover') AND project_id = %d ORDER BY id", p.ID)) {
		if err := patch.HideMessage(t.Context(), db, account.CLI, now, p, msgid, "", true); err != nil {
			t.Fatal(err)
		}
	}
}

// tables counts the rows of every table.
func tables(t *testing.T, db *sqldb.DB) map[string]string {
	t.Helper()
	list := map[string]string{
		sqldb.SQLite:   "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('patch_words', 'patch_words_data', 'patch_words_idx', 'patch_words_config')", // patch_words_vocab tells what is in these
		sqldb.Postgres: "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
		sqldb.MariaDB:  "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
	}
	out := map[string]string{}
	for _, table := range rows(t, db, list[db.Engine()]) {
		out[table] = rows(t, db, "SELECT CONCAT('', COUNT(*)) FROM "+table)[0]
	}
	return out
}

// relay gives the events positions, after which they are counted.
func relay(t *testing.T, db *sqldb.DB) {
	t.Helper()
	for {
		n, err := event.Relay(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// Nothing of a project is left when it is deleted, and nothing of another one goes with it.
func TestPurgeProject(t *testing.T) {
	// Tables that hold nothing of a project: people, the site's own settings, the record of what administrators did, and queues.
	ofSite := map[string]bool{"audit": true, "id_block": true, "schema_version": true, "state": true, "tag": true, "user_account": true, "person": true, "login_session": true,
		"login_throttle": true, "api_token": true, "email_confirmation": true, "email_optout": true, "event_consumer": true, "event_last": true,
		"patch_words_fill": true, "job": true, "job_lane": true, "job_periodic": true, "mail_source": true, "worker": true,
		"site_secret": true, "outgoing_mail": true, "outgoing_pause": true, "mail_bounce": true, "mail_suspended": true,
		"notify_choice": true, "notify_item": true, "notify_sent": true} // of patchnotify: its own test
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		u := newUser(t, db, "one")
		keep := newProject(t, db, "keep")
		take(t, db, "keep")
		hang(t, db, keep, u.ID)
		hideAll(t, db, keep)
		relay(t, db)
		before := tables(t, db)
		drop := newProject(t, db, "drop")
		take(t, db, "drop")
		hang(t, db, drop, u.ID)
		hideAll(t, db, drop)
		relay(t, db)
		full := tables(t, db)
		for table, n := range full {
			if !ofSite[table] && before[table] == n {
				t.Errorf("the test puts nothing of a project into %s: is it one of the site?", table)
			}
		}
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			for _, purge := range []func(context.Context, *sqldb.Tx, int64) error{patch.PurgeProject, event.PurgeProject, mailstore.PurgeProject} {
				if err := purge(ctx, tx, drop.ID); err != nil {
					return err
				}
			}
			return project.Remove(ctx, tx, drop)
		})
		after := tables(t, db)
		for table := range ofSite {
			delete(before, table)
			delete(after, table)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("rows before the project was there (-) and after (+): %s", diff)
		}
		expectClean(t, db)
	})
}
