// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/test/mailsink"
)

// queueMails puts two mails into the queue, the second private.
func (s site) queueMails(at clock.Time) {
	s.t.Helper()
	err := s.db().Tx(s.t.Context(), func(tx *sqldb.Tx) error {
		for i, to := range []string{"Ann@Example.org", "bob@example.org"} {
			m := outmail.Mail{Kind: "test", To: mail.Address{Name: "X", Address: to}, Subject: fmt.Sprint("Subject ", i+1), Text: "See " + outmail.Link("/x/") + "\nand so on\n", Private: i == 1}
			if _, err := outmail.Queue(context.Background(), tx, at, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestMailCommands(t *testing.T) {
	s := newSite(t)
	s.says("mail list --json", 0, "[]\n", "")
	s.queueMails(clock.Time(1772366400000000))
	s.says("mail list --to ann@EXAMPLE.org", 0, ""+
		"ID  STATE   KIND  QUEUED AT                    RECIPIENT        ATTEMPTS  SUBJECT    ERROR\n"+
		"1   queued  test  2026-03-01T12:00:00.000000Z  Ann@Example.org  0         Subject 1  -\n", "")
	s.says("mail list --state lost", 65, "", "pw: no state \"lost\"; there are: queued, sent, failed, dropped, bounced\n")
	s.says("mail list -n 0", 65, "", "pw: a limit of 0: want at least 1\n")
	if got := s.does("mail", "show", "1", "--http-base-url", "https://pw.example"); !strings.Contains(got, "text       See https://pw.example/x/\n           and so on\n") {
		t.Errorf("%s", got)
	}
	if got := s.does("mail", "show", "2"); !strings.Contains(got, "text       (holds a secret)\n") {
		t.Errorf("%s", got)
	}
	s.says("mail show 3", 66, "", "pw: no outgoing mail 3\n")
	s.says("mail show x", 65, "", "pw: \"x\" is no number of a mail; `pw mail list` shows them\n")
	s.exec("UPDATE outgoing_mail SET state = 'failed', error = 'refused' WHERE id = 1")
	s.exec("UPDATE outgoing_mail SET state = 'failed', error = 'refused', body = '' WHERE id = 2")
	s.says("mail retry 2", 73, "", "pw: retry mail 2: the text of mail 2 held a secret and was not kept\n")
	s.says("mail retry --failed", 0, "queued 1 mail\n", "")
	if got := s.does("mail", "list", "--state", "queued", "--json"); !strings.Contains(got, `"id": 1, "state": "queued"`) {
		t.Errorf("%s", got)
	}
	s.exec("UPDATE outgoing_mail SET state = 'sent' WHERE id = 1")
	s.says("mail retry 1", 73, "", "pw: retry mail 1: it was sent already\n")
}

func TestMailTest(t *testing.T) {
	s := newSite(t)
	sink := mailsink.Start(t, mailsink.Options{})
	s.says("mail test ann@example.org", 65, "", "pw: smtp.host and smtp.sendmail are empty: there is no way for mail to leave\n")
	flags := []string{"mail", "test", "ann@example.org", "--smtp-host", "127.0.0.1", "--smtp-port", fmt.Sprint(sink.Port), "--smtp-from", "Patchwork <pw@example.net>"}
	want(t, s.pw("", flags...), outcome{0, fmt.Sprintf("127.0.0.1:%d took the mail: 2.0.0 OK: queued\n", sink.Port), ""})
	if got := sink.Mails(); len(got) != 1 || got[0].To != "ann@example.org" {
		t.Errorf("%+v", got)
	}
	sink.Refuse(func(stage, _ string) error {
		if stage == "rcpt" {
			return mailsink.Answer(550, [3]int{5, 1, 1}, "unknown")
		}
		return nil
	})
	want(t, s.pw("", flags...), outcome{75, "", fmt.Sprintf("pw: send a test to ann@example.org by 127.0.0.1:%d: RCPT TO: 550 5.1.1 unknown\n", sink.Port)})
}

func TestBounceCommands(t *testing.T) {
	s := newSite(t)
	s.queueMails(clock.Time(1772366400000000))
	s.exec("INSERT INTO mail_bounce (mail_id, status, recipient_key, permanent, detail, at) VALUES (1, '5.1.1', 'ann@example.org', TRUE, 'no such user', 1772366400000000)")
	s.exec("INSERT INTO mail_suspended (recipient_key, at, reason) VALUES ('ann@example.org', 1772366400000000, '3 mails came back')")
	s.says("mail bounces", 0, ""+
		"ADDRESS          PERMANENT  TEMPORARY  LAST                         SUSPENDED  DETAIL\n"+
		"ann@example.org  1          0          2026-03-01T12:00:00.000000Z  yes        no such user\n", "")
	s.says("mail bounces bob@example.org --json", 0, "[]\n", "")
	s.says("mail resume Ann@example.org", 0, "mail is sent to Ann@example.org again\n", "")
	s.says("mail resume ann@example.org", 0, "ann@example.org was not suspended; what came back from it is forgotten\n", "")
	s.says("mail bounces --json", 0, "[]\n", "")
}

func TestOptoutCommands(t *testing.T) {
	s := newSite(t)
	s.says("admin optout add Ann@Example.org", 0, "no more notices to Ann@Example.org\n", "")
	s.says("admin optout add ann@example.org", 0, "no more notices to ann@example.org\n", "")
	if got := s.does("admin", "optout", "list"); strings.Count(got, "\n") != 2 || !strings.Contains(got, "\nann@example.org  20") {
		t.Errorf("%s", got)
	}
	s.says("admin optout add nobody", 65, "", "pw: \"nobody\" is no address that mail can be sent to\n")
	s.says("admin optout remove ANN@example.org", 0, "notices are sent to ANN@example.org again\n", "")
	s.says("admin optout remove ann@example.org", 66, "", "pw: optout remove ann@example.org: ann@example.org has not opted out\n")
}

// TestPersonCommands: who is a program is said on the command line; lanes follow.
func TestPersonCommands(t *testing.T) {
	s := newSite(t)
	s.says("admin person list --json", 0, "[]\n", "")
	s.says("admin person update robot@example.org --bot", 66, "", "pw: person update: no mail came from a person \"robot@example.org\"\n")
	s.exec("INSERT INTO person (id, email, email_key, name, name_key, name_votes) VALUES (7, 'Builds@example.org', 'builds@example.org', 'Builds', 'builds', 1)")
	s.says("admin person update builds@example.org --bot", 0, "Builds@example.org is a program\n", "")
	s.says("admin person list", 0, "ID  EMAIL               NAME    BOT\n7   Builds@example.org  Builds  yes\n", "")
	s.says("admin person update 7 --no-bot", 0, "Builds@example.org is no program\n", "")
	s.says("admin person show 7 --json", 0, "{\n  \"id\": 7,\n  \"email\": \"Builds@example.org\",\n  \"name\": \"Builds\",\n  \"bot\": false\n}\n", "")
	s.says("admin person update builds@example.org --guess-bot", 0, "Builds@example.org is what its mails tell\n", "")
	s.says("admin person list --json", 0, "[]\n", "")
	s.says("admin person update builds@example.org", 64, "", "pw: nothing to change: say with flags what should be different, see \"pw admin person update --help\"\nRun 'pw admin person update --help' for usage.\n")
}

// TestChangeCommands: what a user changed is listed and taken back.
func TestChangeCommands(t *testing.T) {
	s := newSite(t)
	s.does("admin", "user", "create", "ann", "-e", "ann@example.org", "--no-password")
	s.says("admin change list ann --json", 0, "[]\n", "")
	s.says("admin change list nobody", 66, "", "pw: no user \"nobody\"\n")
	s.says("admin change undo 7", 66, "", "pw: take back change 7: there is no change 7\n")
	s.says("admin change undo x", 65, "", "pw: \"x\" is no number of a change\n")
	now := time.Now().UnixMicro()
	s.exec("INSERT INTO project (id, linkname, name, listid, listemail, subject_match, web_url, scm_url, webscm_url, list_archive_url, list_archive_url_format, commit_url_format, send_notifications, use_tags, show_dependencies, auto_supersede, hints, nav_html) VALUES (9, 'p', 'P', 'p', 'p@x', '', '', '', '', '', '', '', FALSE, FALSE, FALSE, FALSE, 'nobody', '')")
	s.exec("INSERT INTO patch (id, message_id, project_id, submitter_id, date, name, name_key, archived) VALUES (5, 5, 9, 1, 1, 'a', 'a', FALSE)")
	s.exec("INSERT INTO bundle (id, owner_id, project_id, name, name_key, public) VALUES (3, 1, 9, 'mine', 'mine', FALSE)")
	s.exec("INSERT INTO bundle_patch (bundle_id, patch_id, position) VALUES (3, 5, 1)")
	s.exec(fmt.Sprintf(`INSERT INTO change_set VALUES (7, 9, 1, 'web', %d, 'done', '{"bundle":{"id":3,"what":"create","name":"mine"}}', 0, 0, 1, 1, 1, 0, 0, 0, '', '', %[1]d, %[1]d)`, now))
	s.exec("INSERT INTO change_place VALUES (7, 5, 3, NULL, 1, FALSE)")
	if got := s.does("admin", "change", "list", "ann"); !strings.Contains(got, "bundle-create  done   1        0\n") {
		t.Errorf("%s", got)
	}
	if got := s.does("admin", "change", "undo", "7"); !strings.HasSuffix(got, " takes change 7 back: 1 as before, 0 changed by somebody since, 0 gone or impossible\n") {
		t.Errorf("%s", got)
	}
	if got := s.does("admin", "change", "show", "7", "--json"); !strings.Contains(got, `"what": "bundle-create"`) || strings.Contains(got, `"undone_by": 0`) {
		t.Errorf("%s", got)
	}
	s.says("admin change undo 7", 73, "", "pw: take back change 7: this change was taken back already\n")

	// Of two patches that were archived one is gone.
	s.exec("UPDATE patch SET archived = TRUE")
	s.exec(fmt.Sprintf("INSERT INTO change_set VALUES (8, 9, 1, 'web', %d, 'done', '{\"change\":{\"archived\":true}}', 0, 0, 2, 2, 2, 0, 0, 0, '', '', %[1]d, %[1]d)", now))
	s.exec("INSERT INTO change_row VALUES (8, 5, 'archived', 'false', 'true', FALSE), (8, 6, 'archived', 'false', 'true', FALSE)")
	got := s.does("admin", "change", "undo", "8")
	if !strings.HasSuffix(got, " takes change 8 back: 1 as before, 0 changed by somebody since, 1 gone or impossible\ngone or impossible: patch 6\n") {
		t.Errorf("%s", got)
	}
	set := strings.Fields(got)[1]
	if got := s.does("admin", "change", "show", set); !strings.Contains(got, "\ngone       6\n") || !strings.Contains(got, "\nlost       1\n") {
		t.Errorf("%s", got)
	}
	if got := s.does("admin", "change", "show", "8", "--json"); !strings.Contains(got, `"gone": []`) {
		t.Errorf("%s", got)
	}
}

func TestUserNotify(t *testing.T) {
	s := newSite(t)
	s.does("admin", "user", "create", "ann", "-e", "ann@example.org", "--no-password")
	for _, p := range []string{"kettle", "alpha"} {
		s.does("admin", "project", "create", p, "-n", p, "-i", p+".lists.example", "-e", p+"@lists.example")
	}
	s.says("admin user notify ann", 0, "delegated    no\nchecks       no\nseries       no\nreview days  0\nsummary      -\n", "")
	s.says("admin user notify ANN --delegated --series --review-days 14 --summary kettle,alpha", 0, "changed what user \"ann\" is told\n", "")
	s.says("admin user notify ann --no-series", 0, "changed what user \"ann\" is told\n", "")
	s.says("admin user notify -u ann --json", 0, "{\n  \"delegated\": true,\n  \"checks\": false,\n  \"series\": false,\n  \"review_days\": 14,\n  \"summary\": \"alpha,kettle\"\n}\n", "")
	want(t, s.pw("", "admin", "user", "notify", "ann", "--summary", ""), outcome{0, "changed what user \"ann\" is told\n", ""})
	s.says("admin user notify ann", 0, "delegated    yes\nchecks       no\nseries       no\nreview days  14\nsummary      -\n", "")
	s.says("admin user notify ann --summary none", 66, "", "pw: no project \"none\"\n")
	s.says("admin user notify ann --review-days -1", 65, "", "pw: -1 days: want 0 to 365\n")
	s.says("admin user notify bob", 66, "", "pw: no user \"bob\"\n")
}
