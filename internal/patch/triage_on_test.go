// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestStandsGoOn: mails that come one by one for a series that is here, each of which goes on from how it stood; after each, what is noted is what is found anew. The facts are
// lane, patches, open, reviewed, comments, comments by others, unaddressed, waiting, and the tags.
func TestStandsGoOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		newProject(t, db, "demo")
		step := func(what, want, mail string) {
			t.Helper()
			deliver(t, db, mail)
			expectClean(t, db)
			expectRows(t, db, "SELECT CONCAT_WS(' ', lane, patches, open, reviewed, comments, others, unaddressed, waiting, 'tags', tags, '.') FROM series_triage", want)
		}
		review, again := "Reviewed-by: Bob <bob@example.org>\n", "Again.\nReviewed-by: Bob <bob@example.org>\n"
		step("a cover letter", "0 0 0 0 0 0 0 0 tags  .", letter("demo", "c0", "", "[PATCH 0/3] whole", "Cover\n"))
		step("a reply to it", "0 0 0 0 1 1 0 0 tags  .", from(letter("demo", "r0", "c0", "Re: [PATCH 0/3] whole", "Hm.\n")))
		step("the second patch", "4 1 1 0 1 1 0 0 tags  .", letter("demo", "p2", "c0", "[PATCH 2/3] two", "Text\n"+diffText))
		step("it is reviewed", "4 1 1 1 2 2 0 0 tags =2 2:1 .", from(letter("demo", "r2", "p2", "Re: [PATCH 2/3] two", review)))
		step("once more", "4 1 1 1 3 3 0 0 tags =2 2:1 .", from(letter("demo", "r3", "r2", "Re: [PATCH 2/3] two", again)))
		step("its sender answers", "4 1 1 1 4 3 0 0 tags =2 2:1 .", letter("demo", "r4", "r2", "Re: [PATCH 2/3] two", "Thanks.\n"))
		step("the first patch", "4 2 2 1 4 3 0 0 tags 2:1 .", letter("demo", "p1", "c0", "[PATCH 1/3] one", "Text\n"+diffText))
		step("the third patch", "3 3 3 1 4 3 0 0 tags 2:1 .", letter("demo", "p3", "c0", "[PATCH 3/3] three", "Text\n"+diffText))
		step("all are reviewed", "2 3 3 3 5 4 0 0 tags =2 2:3 .", from(letter("demo", "r5", "c0", "Re: [PATCH 0/3] whole", review)))
		step("something is asked", "4 3 3 3 6 5 1 0 tags =2 2:3 .", from("X-Patchwork-Action-Required: yes\n"+letter("demo", "r6", "p1", "Re: [PATCH 1/3] one", "Why?\n")))
		state, err := patch.FindState(t.Context(), db, "changes-requested")
		if err != nil {
			t.Fatal(err)
		}
		var first int64
		if err := db.Get(t.Context(), &first, "SELECT id FROM patch WHERE number = 1"); err != nil {
			t.Fatal(err)
		}
		if _, err := patch.Update(t.Context(), db, account.CLI, now, []int64{first}, patch.Change{State: &state.ID}); err != nil {
			t.Fatal(err)
		}
		step("a patch waits for its sender", "4 3 2 2 7 6 1 1 tags =2 2:3 .", from(letter("demo", "r7", "p1", "Re: [PATCH 1/3] one", "Acknowledged.\n")))
		execute(t, db, "UPDATE series_triage SET others = -1, waiting = -1")
		expectClean(t, db)
		step("what is not known is read", "4 3 2 2 8 7 1 1 tags =2 2:3 .", from(letter("demo", "r8", "p1", "Re: [PATCH 1/3] one", "Hm.\n")))
		execute(t, db, "UPDATE series_triage SET states = '"+strings.Repeat("1:1 ", 60)+"'")
		step("a list that may have been cut is read", "4 3 2 2 9 8 1 1 tags =2 2:3 .", from(letter("demo", "r9", "p1", "Re: [PATCH 1/3] one", "Hm.\n")))
	})
}
