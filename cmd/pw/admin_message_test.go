// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"strings"
	"testing"

	"patchwork.example/pw/internal/test/dbtest"
)

// archive holds a cover letter, a patch, a reply, a reply to a mail that never came, and a mail for no project.
const archive = `From a Mon Jul 13 00:00:00 2026
From: Ann Author <ann@example.org>
Subject: [PATCH v2 0/2] wobble less
Message-ID: <cover@example.org>
Date: Mon, 13 Jul 2026 08:30:12 +0000
List-Id: <w.example.org>

Two patches.

From a Mon Jul 13 00:00:00 2026
From: Ann Author <ann@example.org>
Subject: [PATCH v2 1/2] wobble: turn it down
Message-ID: <p1@example.org>
In-Reply-To: <cover@example.org>
Date: Mon, 13 Jul 2026 08:30:13 +0000
List-Id: <w.example.org>

Less is more.
---
diff --git a/wobble.c b/wobble.c
--- a/wobble.c
+++ b/wobble.c
@@ -1,3 +1,3 @@
 int a;
-int wobble = 11;
+int wobble = 3;
 int b;

From b Mon Jul 13 00:00:00 2026
From: bob@example.org
Subject: Re: [PATCH v2 1/2] wobble: turn it down
Message-ID: <r1@example.org>
In-Reply-To: <p1@example.org>
Date: Mon, 13 Jul 2026 09:30:13 +0000
List-Id: <w.example.org>

Acked-by: Bob <bob@example.org>

From b Mon Jul 13 00:00:00 2026
From: bob@example.org
Subject: Re: nothing here
Message-ID: <r2@example.org>
In-Reply-To: <gone@example.org>
Date: Mon, 13 Jul 2026 09:31:13 +0000
List-Id: <w.example.org>

Hm.

From c Mon Jul 13 00:00:00 2026
From: c@example.net
Subject: cheap pills
Message-ID: pills@example.net
Date: Mon, 13 Jul 2026 09:31:13 +0000
List-Id: <unknown.example.org>

Buy.
`

// newMailSite has the project widgets with the mails of archive.
func newMailSite(t *testing.T) site {
	t.Helper()
	s := newSite(t)
	s.fill()
	return s
}

func (s site) fill() {
	s.t.Helper()
	s.does("admin", "project", "create", "widgets", "-n", "Widgets", "-i", "w.example.org", "-e", "w@example.org")
	s.imports()
	s.exec("UPDATE mail SET received_at = 0")
}

func (s site) imports(args ...string) {
	s.t.Helper()
	if got := s.pw(archive, append([]string{"ingress", "--mbox"}, args...)...); got.code != 0 {
		s.t.Fatalf("ingress: %+v", got)
	}
}

// secondProject takes the same mails into the project copy.
func (s site) secondProject() {
	s.t.Helper()
	s.does("admin", "project", "create", "copy", "-n", "Copy", "-i", "copy.example.org", "-e", "copy@example.org")
	s.imports("--list-id", "copy.example.org")
	s.exec("UPDATE mail SET received_at = 0")
}

func (s site) expectRows(table string, want int) {
	s.t.Helper()
	var n int
	if err := s.db().Get(s.t.Context(), &n, "SELECT COUNT(*) FROM "+table); err != nil || n != want {
		s.t.Errorf("%s has %d rows (%v), want %d", table, n, err, want)
	}
}

const (
	deliveryHeader = "DELIVERY  RECEIVED AT                  VIA   LIST ID  PROJECT  SIZE  OUTCOME  REASON\n"
	shownPatch     = `message id   <p1@example.org>
project      widgets
kind         patch
hidden       no
date         2026-07-13T08:30:13.000000Z
submitter    Ann Author <ann@example.org>
subject      [PATCH v2 1/2] wobble: turn it down
in reply to  <cover@example.org>
patch        1
series       1
number       1 of 2
version      2
state        new

` + deliveryHeader + `2         1970-01-01T00:00:00.000000Z  mbox  -        widgets  354   patch    -
`
	shownCover = `message id  <cover@example.org>
project     widgets
kind        cover
hidden      no
date        2026-07-13T08:30:12.000000Z
submitter   Ann Author <ann@example.org>
subject     [PATCH v2 0/2] wobble less
cover       1
series      1
version     2

` + deliveryHeader + `1         1970-01-01T00:00:00.000000Z  mbox  -        widgets  180   cover    -
`
	shownComment = `message id   <r1@example.org>
project      widgets
kind         comment
hidden       no
date         2026-07-13T09:30:13.000000Z
submitter    bob@example.org
subject      Re: [PATCH v2 1/2] wobble: turn it down
in reply to  <p1@example.org>
patch        1
comment      1

` + deliveryHeader + `3         1970-01-01T00:00:00.000000Z  mbox  -        widgets  226   comment  -
`
)

func TestMessageShow(t *testing.T) {
	s := newMailSite(t)
	for _, spelling := range []string{"p1@example.org", "<p1@example.org>", " <p1@example.org> "} {
		want(t, s.pw("", "admin", "message", "show", spelling), outcome{0, shownPatch, ""})
	}
	s.says("admin message show cover@example.org --project widgets", 0, shownCover, "")
	s.says("admin message show r1@example.org", 0, shownComment, "")
	s.says("admin message show pills@example.net", 0, ""+
		"DELIVERY  RECEIVED AT                  VIA   LIST ID  PROJECT  SIZE  OUTCOME   REASON\n"+
		"5         1970-01-01T00:00:00.000000Z  mbox  -        -        146   unrouted  no project for the list unknown.example.org\n", "")
	s.says("admin message show <nobody@example.org>", 66, "", "pw: no mail with the Message-ID <nobody@example.org>\n")
	s.says("admin message show p1@example.org --project gadgets", 66, "", "pw: no project \"gadgets\"\n")
	s.says("admin message show pills@example.net --project widgets", 66, "", "pw: project \"widgets\" has no mail with the Message-ID <pills@example.net>\n")
}

func TestMessageShowJSON(t *testing.T) {
	s := newMailSite(t)
	s.does("admin", "user", "create", "ann", "-e", "ann@example.org", "--no-password")
	s.exec("UPDATE patch SET delegate_id = 1")
	s.says("admin message show p1@example.org --json", 0, `{
  "message_id": "<p1@example.org>",
  "messages": [
    {
      "id": 2,
      "project": "widgets",
      "kind": "patch",
      "hidden": false,
      "date": "2026-07-13T08:30:13.000000Z",
      "submitter": "Ann Author <ann@example.org>",
      "subject": "[PATCH v2 1/2] wobble: turn it down",
      "in_reply_to": "<cover@example.org>",
      "patch": 1,
      "series": 1,
      "number": 1,
      "total": 2,
      "version": 2,
      "state": "new",
      "delegate": "ann",
      "delivery": 2
    }
  ],
  "tombstones": [],
  "deliveries": [
    {
      "id": 2,
      "received_at": "1970-01-01T00:00:00.000000Z",
      "via": "mbox",
      "list_id": "",
      "project": "widgets",
      "size": 354,
      "sha256": "3d934544523c92996a31bf77a0ae2fb5f43d2527b36a42e2564068f5f87f6ff4",
      "outcome": "patch",
      "reason": ""
    }
  ]
}
`, "")
}

func TestMessageRaw(t *testing.T) {
	s := newMailSite(t)
	mails := strings.SplitAfter(archive, "\n\nFrom ")
	first := strings.TrimSuffix(strings.TrimPrefix(mails[0], "From a Mon Jul 13 00:00:00 2026\n"), "\nFrom ")
	s.says("admin message show cover@example.org --raw", 0, first, "")
	s.says("admin message show cover@example.org --raw --delivery 1", 0, first, "")
	s.says("admin message show cover@example.org --raw --delivery 2", 66, "", "pw: <cover@example.org> has no delivery 2\n")
	if got := s.does("admin", "message", "show", "pills@example.net", "--raw"); !strings.HasSuffix(got, "\n\nBuy.\n") {
		t.Errorf("a mail of no project:\n%s", got)
	}
	s.says("admin message show cover@example.org --raw --json", 64, "",
		"pw: if any flags in the group [raw json] are set none of the others can be; [json raw] were all set\nRun 'pw admin message show --help' for usage.\n")
	s.does("admin", "message", "delete", "cover@example.org", "--reason", "spam")
	s.says("admin message show cover@example.org --raw", 66, "", "pw: the bytes of <cover@example.org>, delivery 1, are no longer stored: deleted: spam\n")
	s.exec("UPDATE message SET mail_id = NULL WHERE msgid = '<p1@example.org>'")
	s.says("admin message show p1@example.org --raw", 66, "", "pw: <p1@example.org> is here without the mail it came in\n")
}

// TestLargeMailComesBack has bytes that do not compress, more than the window of the compression.
func TestLargeMailComesBack(t *testing.T) {
	s := newMailSite(t)
	var b strings.Builder
	b.WriteString("From: a@example.org\nSubject: [PATCH] large\nMessage-ID: <large@example.org>\nList-Id: <w.example.org>\n\n")
	for i := range 100_000 {
		fmt.Fprintf(&b, "%d %x\n", i, uint64(i)*0x9e3779b97f4a7c15)
	}
	if got := s.pw(b.String(), "ingress", "--stdin"); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	if got := s.does("admin", "message", "show", "large@example.org", "--raw"); got != b.String() {
		t.Errorf("%d bytes come back, want %d", len(got), b.Len())
	}
}

func TestMessageHide(t *testing.T) {
	s := newMailSite(t)
	s.says("admin message hide p1@example.org --reason private", 0, "hid <p1@example.org> in project \"widgets\"\n", "")
	s.exec("UPDATE tombstone SET at = 0")
	got := s.does("admin", "message", "show", "p1@example.org")
	for _, part := range []string{"\nhidden       yes\n", "\n\nWITHHELD  PROJECT  AT                           REASON\nhidden    widgets  1970-01-01T00:00:00.000000Z  private\n\n"} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in\n%s", part, got)
		}
	}
	s.says("admin message hide p1@example.org --undo", 0, "<p1@example.org> in project \"widgets\" is shown again\n", "")
	s.says("admin message show p1@example.org", 0, shownPatch, "")
	s.says("admin message hide pills@example.net", 66, "", "pw: no message was made of pills@example.net, only its deliveries are kept; see `pw admin message show`\n")
	s.says("admin message hide gone@example.org", 66, "", "pw: no mail with the Message-ID <gone@example.org>\n")
	s.expectRows("audit", 3) // project create, hide, undo
}

func TestMessageDelete(t *testing.T) {
	s := newMailSite(t)
	s.says("admin message delete <p1@example.org> --reason spam", 0, "deleted <p1@example.org> from project \"widgets\"\n", "")
	s.exec("UPDATE tombstone SET at = 0")
	const tomb = "WITHHELD  PROJECT  AT                           REASON\ndeleted   widgets  1970-01-01T00:00:00.000000Z  spam\n\n"
	s.says("admin message show p1@example.org", 0, tomb+deliveryHeader+
		"2         1970-01-01T00:00:00.000000Z  mbox  -        widgets  354   deleted  deleted: spam\n", "")
	s.says("admin message delete p1@example.org", 66, "", "pw: <p1@example.org> was deleted from project \"widgets\" at 1970-01-01T00:00:00.000000Z\n")
	s.imports()
	s.expectRows("patch", 0)
	s.expectRows("mail_raw", 4)
	if got := s.does("admin", "message", "show", "r1@example.org"); !strings.Contains(got, "\nkind         pending\n") {
		t.Errorf("the reply does not wait:\n%s", got)
	}
	s.says("db check", 0, s.url+": nothing is wrong\n", "")
}

func TestMessageDeleteAsks(t *testing.T) {
	s := newMailSite(t)
	const question = "Delete the patch \"[PATCH v2 1/2] wobble: turn it down\" from project \"widgets\"? This can't be undone. Type yes to go on [no]: "
	at := s.atTerminal("admin", "message", "delete", "p1@example.org")
	at.answer(question, "\n")
	at.ends(130, question+"\npw: nothing was deleted: interrupted\n")
	s.expectRows("patch", 1)
	at = s.atTerminal("admin", "message", "delete", "p1@example.org", "--yes")
	at.ends(0, "deleted <p1@example.org> from project \"widgets\"\n")
	s.expectRows("patch", 0)
}

func TestMessageInTwoProjects(t *testing.T) {
	s := newMailSite(t)
	s.secondProject()
	for _, line := range []string{"delete", "hide", "hide --undo", "show --raw"} {
		s.says("admin message "+line+" p1@example.org", 65, "", "pw: <p1@example.org> is in the projects copy, widgets: say which with --project\n")
	}
	if got := s.does("admin", "message", "show", "p1@example.org"); strings.Count(got, "\nkind         patch\n") != 2 {
		t.Errorf("not both are shown:\n%s", got)
	}
	s.says("admin message show p1@example.org --project widgets", 0, shownPatch, "")
	s.says("admin message delete p1@example.org --project copy", 0, "deleted <p1@example.org> from project \"copy\"\n", "")
	s.says("admin message show p1@example.org --project widgets", 0, shownPatch, "")
	s.says("admin message hide p1@example.org", 0, "hid <p1@example.org> in project \"widgets\"\n", "")
}

func TestMessagesOnAllEngines(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		s := site{t, url}
		s.does("db", "sync")
		s.fill()
		s.says("admin message show p1@example.org", 0, shownPatch, "")
		s.says("admin message show cover@example.org", 0, shownCover, "")
		s.says("admin message show r1@example.org", 0, shownComment, "")
		s.says("admin message hide cover@example.org", 0, "hid <cover@example.org> in project \"widgets\"\n", "")
		s.says("admin message hide cover@example.org --undo", 0, "<cover@example.org> in project \"widgets\" is shown again\n", "")
		for _, id := range []string{"r1", "p1", "cover", "r2"} {
			s.says("admin message delete "+id+"@example.org", 0, "deleted <"+id+"@example.org> from project \"widgets\"\n", "")
		}
		s.expectRows("message", 0)
		s.expectRows("tombstone", 4)
		if got := s.does("db", "check", "--repair"); !strings.HasSuffix(got, ": nothing is wrong\n") {
			t.Errorf("db check:\n%s", got)
		}
		s.does("admin", "project", "delete", "widgets", "--purge")
		s.expectRows("tombstone", 0)
	})
}
