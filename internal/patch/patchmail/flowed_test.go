// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/test/dbtest"
)

const flowedHeader = "Content-Type: text/plain; charset=utf-8; format=flowed\n"

// TestFlowedReply: of a reply in format=flowed the lines stay, also quoted ones that end with a space, but for trailers that were broken; the space before lines goes.
func TestFlowedReply(t *testing.T) {
	const (
		prose  = "I have looked at all of it, and think that nothing is left to be \ndone here:\n\n"
		quoted = "> @@ -1,3 +1,3 @@\n>  \n> -\tint a; \n> +\tint b; \n>\n\n"
		broken = "Reviewed-by: Annegret Wilhelmine Charlotte Example-Wolkenstein \n<annegret@people.example>\n"
		whole  = "Reviewed-by: Annegret Wilhelmine Charlotte Example-Wolkenstein <annegret@people.example>\n"
	)
	for _, tc := range []struct{ name, header, body, want, mbox string }{
		{"flowed", flowedHeader, quoted + prose + "   if (x)\n  \ty();\n\n" + broken, quoted + prose + "  if (x)\n \ty();\n\n" + whole, whole},
		{"says so only", flowedHeader, quoted + "How about \n\n   if (x) \n \ty();\n\nAcked-by: Bob <bob@people.example> \nThanks, Bob\n",
			quoted + "How about \n\n   if (x) \n \ty();\n\nAcked-by: Bob <bob@people.example> \nThanks, Bob\n", "Acked-by: Bob <bob@people.example> \n"},
		{"broken by hand", "", "Fine.\n\nAcked-by: Bob\n <bob@people.example>\n", "Fine.\n\nAcked-by: Bob\n <bob@people.example>\n", "Acked-by: Bob <bob@people.example>\n"},
		{"DelSp", strings.ReplaceAll(flowedHeader, "flowed", "flowed; delsp=yes"), quoted + "It is the same as in https://lists.example.org/archives/devel/2021-Mar \nch/1.html  \nI think.\n",
			quoted + "It is the same as in https://lists.example.org/archives/devel/2021-March/1.html \nI think.\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
				s := newSite(t, db, "flowed")
				s.send("patch comment", letter{id: "p1", subject: "[PATCH] one", body: patchText("x")},
					letter{id: "r1", subject: "Re: one", refs: "p1", header: tc.header, body: tc.body + "-- \nBob\n"})
				if got, want := s.one("r1").content, strings.TrimSpace(tc.want); got != want {
					t.Errorf("content %q, want %q", got, want)
				}
				var id int64
				if err := db.Get(t.Context(), &id, "SELECT id FROM patch"); err != nil {
					t.Fatal(err)
				}
				mails, err := patch.MboxOfPatch(t.Context(), db, id)
				var b bytes.Buffer
				if err == nil {
					err = patchmail.ExportMbox(t.Context(), db, &b, mails)
				}
				if err != nil {
					t.Fatal(err)
				}
				if tc.mbox != "" && !slices.Contains(strings.SplitAfter(b.String(), "\n"), tc.mbox) {
					t.Errorf("mbox lacks %q:\n%s", tc.mbox, b.String())
				}
			})
		})
	}
}
