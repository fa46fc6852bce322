// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// fromBot lets a letter of Ann come from a program, by its sender.
func fromBot(mail string) string {
	return strings.Replace(mail, "Ann <ann@example.org>", "some test robot <robot@ci.example>", 1)
}

// TestBots: a program's reply is no review, however it comes; an administrator says who is one.
func TestBots(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		newProject(t, db, "demo")
		expect := func(what, lanes string) {
			t.Helper()
			if got := stands(t, db); got != lanes {
				t.Errorf("%s: lanes %s, want %s", what, got, lanes)
			}
		}
		reply := func(id, to string) string { return letter("demo", id, to, "Re: [PATCH]", "Hm.\n") }
		deliver(t, db, letter("demo", "p1", "", "[PATCH] one", "Text\n"+diffText), fromBot(reply("r1", "p1")))
		expect("in one batch", "1")
		deliver(t, db, fromBot(reply("r2", "p2")), strings.Replace(from(reply("r3", "p2")), "Subject:", "Auto-Submitted: auto-generated\nSubject:", 1))
		deliver(t, db, letter("demo", "p2", "", "[PATCH] two", "Text\n"+diffText))
		expect("two that waited", "1 1")
		deliver(t, db, letter("demo", "c", "", "[PATCH 0/1] three", "Text\n"), letter("demo", "p3", "c", "[PATCH 1/1] three", "Text\n"+diffText))
		deliver(t, db, fromBot(reply("r4", "c")))
		expect("one that came later, on the cover letter", "1 1 1")
		deliver(t, db, from(reply("r5", "p3")))
		expect("a person", "1 1 3")
		deliver(t, db, fromBot(reply("r6", "r7")), from(reply("r7", "p1")))
		expect("a person, whom the program answers", "3 1 3")
		expectRows(t, db, "SELECT x.msgid FROM patch_comment c JOIN message x ON x.id = c.message_id WHERE c.automatic = TRUE ORDER BY 1",
			"<r1>", "<r2>", "<r3>", "<r6>")

		set := func(who string, bot *bool) {
			t.Helper()
			if _, err := patch.SetBot(t.Context(), db, account.CLI, now, who, bot, nil); err != nil {
				t.Fatal(err)
			}
		}
		set("Robot@ci.example", ptr(false))
		expect("it is a person", "3 3 3")
		deliver(t, db, letter("demo", "p4", "", "[PATCH] four", "Text\n"+diffText), fromBot(reply("r8", "p4")))
		expect("also for new mail", "3 3 3 3")
		set("robot@ci.example", nil)
		expect("as its mails tell", "3 1 3 1")
		set("bob@example.org", ptr(true))
		expect("the person is a program", "1 1 1 1")
		deliver(t, db, letter("demo", "p5", "", "[PATCH] five", "Text\n"+diffText), from(reply("r9", "p5")))
		deliver(t, db, from(reply("r10", "p5")))
		expect("also for new mail", "1 1 1 1 1")
		set("bob@example.org", ptr(true))
		expectRows(t, db, "SELECT CONCAT_WS(' ', verb, subject) FROM audit ORDER BY id DESC LIMIT 1", "person update person bob@example.org")
		bots, err := account.Bots(t.Context(), db)
		if err != nil || len(bots) != 1 || bots[0].Email != "bob@example.org" || !*bots[0].Bot {
			t.Errorf("%+v %v", bots, err)
		}
		if _, err := patch.SetBot(t.Context(), db, account.CLI, now, "nobody@example.org", nil, nil); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if _, err := patch.SetBot(t.Context(), db, account.Actor{User: 1, Via: "test"}, now, "bob@example.org", nil, nil); !fault.Is(err, fault.Denied) {
			t.Error(err)
		}
	})
}

// TestMergedPullRequest: that a pull request was merged is an answer although a program says so, whether its mail finds it or has to wait for it; so it needs no first review any more.
func TestMergedPullRequest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		newProject(t, db, "demo")
		expect := func(what, lanes string) {
			t.Helper()
			if got := stands(t, db); got != lanes {
				t.Errorf("%s: lanes %s, want %s", what, got, lanes)
			}
		}
		pull := func(id string) string {
			return letter("demo", id, "", "[GIT PULL] Changes for 6.9", "The following changes since commit 1234567:\n\n  One (2024-01-01 00:00:00 +0000)\n\nare available in the Git repository at:\n\n  git://git.example/a.git tags/for-6.9\n\nThanks\n")
		}
		says := func(id, to, text string) string {
			return fromBot(letter("demo", id, to, "Re: [GIT PULL] Changes for 6.9", text))
		}
		const merged = "The pull request you sent on Mon, 1 Jan 2024 10:00:00 +0000:\n\n> git://git.example/a.git tags/for-6.9\n\nhas been merged into main/tree.git:\nhttps://git.example/c/1234567\n\nThank you!\n"
		deliver(t, db, pull("p1"), says("r1", "p1", "Build passed.\n"))
		expect("a program's reply", "1")
		deliver(t, db, says("r2", "p1", merged))
		expect("it was merged", "3")
		deliver(t, db, says("r3", "p2", merged))
		deliver(t, db, pull("p2"))
		expect("it was said before it came", "3 3")
		deliver(t, db, pull("p3"), says("r4", "p3", "> The pull request you sent\n> has been merged\n\nBuild passed.\n"))
		expect("what is quoted says nothing", "3 3 1")
		expectRows(t, db, "SELECT x.msgid FROM patch_comment c JOIN message x ON x.id = c.message_id WHERE c.automatic = TRUE ORDER BY 1", "<r1>", "<r4>")
	})
}
