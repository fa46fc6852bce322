// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
)

// halfSeries is a patch of the series of archive whose sender lost the thread, five hours later.
const halfSeries = `From a Mon Jul 13 00:00:00 2026
From: Ann Author <ann@example.org>
Subject: [PATCH v2 2/2] wobble: turn it off
Message-ID: <p2@example.org>
In-Reply-To: <lost@example.org>
Date: Mon, 13 Jul 2026 13:30:13 +0000
List-Id: <w.example.org>

Off.
---
diff --git a/wobble.c b/wobble.c
--- a/wobble.c
+++ b/wobble.c
@@ -1,3 +1,2 @@
 int a;
-int wobble = 3;
 int b;
`

func TestAdminSeries(t *testing.T) {
	s := newMailSite(t)
	if got := s.pw(halfSeries, "ingress", "--mbox"); got.code != 0 {
		t.Fatal(got)
	}
	const header = "SERIES  DATE                         VERSION  PATCHES  TOTAL  SUBMITTER                     NAME\n"
	const first = "1       2026-07-13T08:30:12.000000Z  2        1        2      Ann Author <ann@example.org>  wobble less\n"
	const list = header + "2       2026-07-13T13:30:13.000000Z  2        1        2      Ann Author <ann@example.org>  -\n" + first
	s.says("admin series list --project widgets", 0, list, "")
	s.says("admin series list --project widgets --before 2", 0, header+first, "")
	s.says("admin series merge 1 2 --dry-run", 0, "would do: changed series 1; removed series 2; events patch-completed, series-completed\n", "")
	s.says("admin series list --project widgets", 0, list, "")
	s.says("admin series merge 1 2", 0, "changed series 1; removed series 2; events patch-completed, series-completed\n", "")
	s.says("admin series show 1", 0, `series            1
date              2026-07-13T08:30:12.000000Z
version           2
patches           2
total             2
submitter         Ann Author <ann@example.org>
name              wobble less
cover             1
cover message id  <cover@example.org>
previous          -
previous by       -
change id         -
base commit       -
depends on        -
needed by         -

NUMBER  PATCH  STATE  MESSAGE ID        NAME
1       1      new    <p1@example.org>  [v2,1/2] wobble: turn it down
2       2      new    <p2@example.org>  [v2,2/2] wobble: turn it off
`, "")
	s.says("admin series show 2", 66, "", "pw: there is no series 2\n")
	s.says("admin series move 2 --to 1 --number 1", 73, "", "pw: series move: series 1 has a patch 1 already, <p1@example.org>: choose another number, or move that one first\n")
	s.says("admin series move 2 --to 1 --number 2", 0, "nothing to be changed\n", "")
	s.says("admin series split 1 --patch 2 --name later", 0, "changed series 1; new series 3; events series-created\n", "")
	s.says("admin series show 3 --json", 0, `[
  {"number": 2, "patch": 2, "state": "new", "message_id": "<p2@example.org>", "name": "[v2,2/2] wobble: turn it off"}
]
`, "")
	s.says("admin series move 1 --cover --to 3", 0, "changed series 1, 3\n", "")
	s.says("admin series move 2 --to 1", 0, "changed series 1, 3\n", "")
	s.says("admin series merge 1 3", 0, "changed series 1; removed series 3\n", "")
	s.says("admin series reparse 1 --dry-run", 0, "would do: changed series 1; new series 4; events series-created\n", "")
	s.says("admin series merge 1 one", 65, "", "pw: \"one\" is no number of a series\n")
	s.says("admin series split 1", 64, "", "pw: at least one of the flags in the group [number patch cover] is required\nRun 'pw admin series split --help' for usage.\n")
	s.says("db check", 0, s.does("db", "check"), "")
}

// TestSeriesDependencies: show tells what a series depends on, here or not, and what needs it.
func TestSeriesDependencies(t *testing.T) {
	in := newInbox(t, sqldb.SQLite)
	mail := func(id, subject, words string) string {
		return "From a@x.example Mon Mar  1 10:00:00 2021\n" + mailOf(id, subject, "List-Id: <"+inboxList+">\n\nWords\n\n"+words+"---\n--- a/"+id+"\n+++ b/"+id+"\n@@ -1 +1 @@\n-a\n+b\n\n")
	}
	mbox := mail("one", "[PATCH v2] one", "") + mail("two", "[PATCH] two", "Depends-on: <one@mail.example>\nDepends-on: <gone@mail.example>\nprerequisite-change-id: 20210301-tidy-0123456789ab:v2\n") +
		mail("three", "[PATCH] three", "Depends-on: <one@mail.example>\n")
	in.wants(mbox, 0, "N mails in T\n       3  patch      \n", "", "--mbox")
	for series, says := range map[string]string{
		"1": "depends on        -\nneeded by         series 2, v1: two\n                  series 3, v1: three\n",
		"2": "depends on        series 1, v2: [v2] one\n                  mail <gone@mail.example>, which is not here\n" +
			"                  change 20210301-tidy-0123456789ab:v2, which is not here\nneeded by         -\n",
	} {
		got := pw("", in.env(), "admin", "series", "show", series)
		if got.code != 0 || !strings.Contains(got.out, says) {
			t.Errorf("series %s, exit %d:\n%s%s\nlacks\n%s", series, got.code, got.out, got.err, says)
		}
	}
}
