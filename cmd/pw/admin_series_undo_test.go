// SPDX-License-Identifier: GPL-2.0-or-later

package main

import "testing"

const twoVersions = `From a Mon Jul 13 00:00:00 2026
From: Ann <ann@example.org>
Subject: [PATCH] lib: one
Message-ID: <one@example.org>
Date: Mon, 13 Jul 2026 09:00:00 +0000
List-Id: <w.example.org>

Text.
---
diff --git a/f b/f
--- a/f
+++ b/f
@@ -1 +1 @@
-a
+b

From a Mon Jul 13 00:00:00 2026
From: Ann <ann@example.org>
Subject: [PATCH v2] lib: one
Message-ID: <two@example.org>
Date: Mon, 13 Jul 2026 10:00:00 +0000
List-Id: <w.example.org>

Text.

base-commit: 0123456789abcdef
---
diff --git a/f b/f
--- a/f
+++ b/f
@@ -1 +1 @@
-a
+c
`

func TestAdminSeriesUnsupersede(t *testing.T) {
	s := newSite(t)
	s.does("admin", "project", "create", "widgets", "-n", "Widgets", "-i", "w.example.org", "-e", "w@example.org")
	s.does("admin", "project", "update", "widgets", "--auto-supersede")
	if got := s.pw(twoVersions, "ingress", "--mbox"); got.code != 0 {
		t.Fatalf("ingress: %+v", got)
	}
	s.says("admin series unsupersede 1", 0, "1 patches of series 1 have their old state again\n", "")
	s.says("admin series unsupersede 1", 73, "", "pw: take back that series 1 was superseded: no patch of series 1 was superseded by a newer version and left alone since\n")
	s.says("admin series unsupersede 77", 66, "", "pw: take back that series 77 was superseded: there is no series 77\n")
	s.says("admin series unsupersede x", 65, "", "pw: \"x\" is no number of a series\n")
	var state, audit string
	if err := s.db().Get(t.Context(), &state, "SELECT t.slug FROM patch p JOIN state t ON t.id = p.state_id ORDER BY p.id LIMIT 1"); err != nil || state != "new" {
		t.Errorf("the old patch is %q, %v", state, err)
	}
	if err := s.db().Get(t.Context(), &audit, "SELECT CONCAT_WS('; ', via, verb, subject, detail) FROM audit ORDER BY id DESC LIMIT 1"); err != nil || audit != "cli; series unsupersede; series 1; 1 patches" {
		t.Errorf("audit: %q, %v", audit, err)
	}
}
