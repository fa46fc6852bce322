// SPDX-License-Identifier: GPL-2.0-or-later

package main

import "testing"

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
