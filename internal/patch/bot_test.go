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
