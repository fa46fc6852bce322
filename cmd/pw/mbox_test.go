// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"strings"
	"testing"
)

const printedPatch = `From patchwork Mon Jul 13 08:30:13 2026
Content-Type: text/plain; charset="utf-8"
MIME-Version: 1.0
Content-Transfer-Encoding: 7bit
X-Patchwork-Submitter: Ann Author <ann@example.org>
X-Patchwork-Id: 1
From: Ann Author <ann@example.org>
Subject: [PATCH v2 1/2] wobble: turn it down
Message-ID: <p1@example.org>
In-Reply-To: <cover@example.org>
Date: Mon, 13 Jul 2026 08:30:13 +0000
List-Id: <w.example.org>

Less is more.
Acked-by: Bob <bob@example.org>
---

` + printedDiff

const printedDiff = `diff --git a/wobble.c b/wobble.c
--- a/wobble.c
+++ b/wobble.c
@@ -1,3 +1,3 @@
 int a;
-int wobble = 11;
+int wobble = 3;
 int b;
`

func TestMbox(t *testing.T) {
	s := newSite(t)
	s.does("admin", "project", "create", "--linkname", "w", "--name", "Wobble", "--list-id", "w.example.org", "--list-email", "w@example.org")
	if got := s.pw(archive, "ingress", "--mbox"); got.code != 0 {
		t.Fatalf("ingress: %+v", got)
	}
	s.says("mbox p1@example.org", 0, printedPatch, "")
	s.says("mbox <p1@example.org> --project w", 0, printedPatch, "")
	s.says("mbox --series p1@example.org", 0, printedPatch, "")
	s.says("mbox --series cover@example.org", 0, printedPatch, "")
	s.says("mbox --diff p1@example.org", 0, printedDiff, "")
	if got := s.does("mbox", "cover@example.org"); !strings.HasPrefix(got, "From patchwork Mon Jul 13 08:30:12 2026\n") || !strings.HasSuffix(got, "\n\nTwo patches.\n") {
		t.Errorf("the cover letter is\n%s", got)
	}
	s.says("mbox --diff cover@example.org", 66, "", "pw: <cover@example.org> has no diff\n")
	s.says("mbox r1@example.org", 65, "", "pw: <r1@example.org> is neither a patch nor a cover letter\n")
	s.says("mbox r2@example.org", 65, "", "pw: <r2@example.org> is neither a patch nor a cover letter\n")
	s.says("mbox none@example.org", 66, "", "pw: no mail with the Message-ID <none@example.org>\n")
	s.does("admin", "message", "hide", "p1@example.org")
	s.says("mbox p1@example.org", 66, "", "pw: <p1@example.org> is hidden\n")
	s.says("mbox --series cover@example.org", 0, "", "")
}
