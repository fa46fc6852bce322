// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
)

const noProject = "no project for the list unknown.example.org"

func TestIngressList(t *testing.T) {
	s := newMailSite(t)
	s.says("ingress list --outcome unrouted,pending", 0, `MAIL  RECEIVED AT                  OUTCOME   SIZE  VIA   PROJECT  MESSAGE ID         REASON
5     1970-01-01T00:00:00.000000Z  unrouted  146   mbox  -        pills@example.net  `+noProject+`
4     1970-01-01T00:00:00.000000Z  pending   177   mbox  widgets  <r2@example.org>   none of the mails it answers is here
`, "")
	s.says("ingress list --project widgets --limit 1", 0, `MAIL  RECEIVED AT                  OUTCOME  SIZE  VIA   PROJECT  MESSAGE ID        REASON
4     1970-01-01T00:00:00.000000Z  pending  177   mbox  widgets  <r2@example.org>  none of the mails it answers is here
`, "pw: there are older mails: go on with --before 4\n")
	s.says("ingress list --project widgets --limit 1 --before 3", 0, `MAIL  RECEIVED AT                  OUTCOME  SIZE  VIA   PROJECT  MESSAGE ID        REASON
2     1970-01-01T00:00:00.000000Z  patch    354   mbox  widgets  <p1@example.org>  -
`, "pw: there are older mails: go on with --before 2\n")
	s.says("ingress list --reason NONE --json", 0, `[
  {"mail": 4, "received_at": "1970-01-01T00:00:00.000000Z", "outcome": "pending", "size": 177, "via": "mbox", "project": "widgets", "list_id": "", "message_id": "<r2@example.org>", "sha256": "`+
		s.sha256(4)+`", "reason": "none of the mails it answers is here"}
]
`, "")
	s.says("ingress list --list-id unknown.example.org --since 1969-12-31", 0, `MAIL  RECEIVED AT                  OUTCOME   SIZE  VIA   PROJECT  MESSAGE ID         REASON
5     1970-01-01T00:00:00.000000Z  unrouted  146   mbox  -        pills@example.net  `+noProject+`
`, "")
	s.says("ingress list --since 1h", 0, "MAIL  RECEIVED AT  OUTCOME  SIZE  VIA  PROJECT  MESSAGE ID  REASON\n", "")
	s.says("ingress list --summary", 0, `OUTCOME   MAILS  MEANING
comment   1      replies to patches and cover letters
cover     1      cover letters
patch     1      -
pending   1      replies whose parent is not here yet; they are attached when it comes
unrouted  1      no project for their list
`, "")
	s.says("ingress list --summary --project widgets --outcome patch,unrouted --json", 0, "[\n  {\"outcome\": \"patch\", \"mails\": 1, \"meaning\": \"\"}\n]\n", "")
	for line, err := range map[string]string{
		"ingress list --outcome lost":      `no mail has the outcome "lost"; there are: bounce, broken, comment, cover, deleted, dropped, duplicate, ignored, patch, pending, unrouted`,
		"ingress list --since yesterday":   `"yesterday" is no date: write 2026-07-13, 2026-07-13T08:30:00Z, or how long ago, such as 36h`,
		"ingress list --limit 0":           "--limit must be from 1 to 10000",
		"ingress show 77":                  "there is no mail 77",
		"ingress show nobody@example.org":  "no mail with the Message-ID <nobody@example.org> was received",
		"ingress route 5 --list-id a.test": `no project has the list id "a.test"; there are: w.example.org`,
	} {
		if got := s.pw("", strings.Fields(line)...); got.code == 0 || !strings.HasSuffix(got.err, err+"\n") || got.out != "" {
			t.Errorf("pw %s: %+v", line, got)
		}
	}
}

func (s site) sha256(mail int) string {
	s.t.Helper()
	var sum []byte
	if err := s.db().Get(s.t.Context(), &sum, "SELECT sha256 FROM mail WHERE id = ?", mail); err != nil {
		s.t.Fatal(err)
	}
	return hex.EncodeToString(sum)
}

func TestIngressShow(t *testing.T) {
	s := newMailSite(t)
	s.says("ingress show r1@example.org", 0, `mail         3
received at  1970-01-01T00:00:00.000000Z
outcome      comment
size         226
via          mbox
project      widgets
list id      -
message id   <r1@example.org>
sha256       `+s.sha256(3)+`
reason       -
message      3
patch        1
cover        -
comment      1
series       -
header       From: bob@example.org
             Subject: Re: [PATCH v2 1/2] wobble: turn it down
             Message-ID: <r1@example.org>
             In-Reply-To: <p1@example.org>
             Date: Mon, 13 Jul 2026 09:30:13 +0000
             List-Id: <w.example.org>
`, "")
	raw := s.does("ingress", "show", "5", "--raw")
	if !strings.HasPrefix(raw, "From: c@example.net\nSubject: cheap pills\n") || !strings.HasSuffix(raw, "\n\nBuy.\n") || len(raw) != 146 {
		t.Errorf("the mail as it was received: %q", raw)
	}
	var all []map[string]any
	if err := json.Unmarshal([]byte(s.does("ingress", "show", "2", "--json")), &all); err != nil || len(all) != 1 || all[0]["patch"] != 1.0 || all[0]["series"] != 1.0 || all[0]["cover"] != nil {
		t.Errorf("as JSON: %v, %v", all, err)
	}
	other := strings.Replace(archive, "Less is more.", "Less is less.", 1)
	if got := s.pw(other, "ingress", "--mbox"); got.code != 0 {
		t.Fatal(got)
	}
	if got := s.pw("", "ingress", "show", "p1@example.org", "--raw"); got.code != 65 || !strings.HasPrefix(got.err, "pw: <p1@example.org> came several times, as the mails 2, ") {
		t.Errorf("two deliveries: %+v", got)
	}
	if got := s.does("ingress", "show", "p1@example.org"); strings.Count(got, "message id ") != 2 || strings.Count(got, "outcome      duplicate") != 1 {
		t.Errorf("two deliveries: %s", got)
	}
}

func TestIngressRetryRouteDrop(t *testing.T) {
	s := newMailSite(t)
	s.says("ingress route 5 --project widgets --dry-run", 0, `MAIL  MESSAGE ID         WAS       IS       PROJECT  REASON
5     pills@example.net  unrouted  ignored  widgets  it is neither a patch nor a cover letter and answers no mail
1 of 1 mails have another outcome now
`, "")
	s.says("ingress retry --outcome unrouted", 0, `MAIL  MESSAGE ID         WAS       IS        PROJECT  REASON
5     pills@example.net  unrouted  unrouted  -        `+noProject+`
0 of 1 mails have another outcome now
`, "")
	s.does("admin", "project", "create", "pills", "-n", "Pills", "-i", "unknown.example.org", "-e", "u@example.org")
	s.says("ingress retry pills@example.net 2", 0, `MAIL  MESSAGE ID         WAS       IS       PROJECT  REASON
2     <p1@example.org>   patch     patch    -        skipped: it is a patch already: message 2
5     pills@example.net  unrouted  ignored  pills    it is neither a patch nor a cover letter and answers no mail
1 of 2 mails have another outcome now
`, "")
	s.says("ingress drop --outcome ignored --project pills --reason spam --purge --json", 0, `[
  {"mail": 5, "message_id": "pills@example.net", "was": "ignored", "is": "dropped", "project": "pills", "reason": "spam"}
]
`, "")
	s.says("ingress show 5 --raw", 66, "", "pw: the bytes of mail 5 are no longer kept\n")
	s.says("ingress retry 5 --force", 0, `MAIL  MESSAGE ID         WAS      IS       PROJECT  REASON
5     pills@example.net  dropped  dropped  -        skipped: its bytes are no longer kept
0 of 1 mails have another outcome now
`, "")
	s.says("ingress retry", 64, "", "pw: name mails by number or Message-ID, or choose them with --outcome; see \"pw ingress retry --help\"\nRun 'pw ingress retry --help' for usage.\n")
	s.says("ingress retry 5 --outcome broken", 64, "", "pw: name mails or choose them by flags, not both\nRun 'pw ingress retry --help' for usage.\n")
	s.says("db check", 0, s.does("db", "check"), "")
	sc := s.atTerminal("ingress", "drop", "4", "--reason", "old", "--purge")
	sc.answer("Remove the bytes of the mails? This can't be undone. Type yes to go on [no]: ", "yes\n")
	if code := <-sc.done; code != 0 {
		t.Errorf("drop at a terminal: exit %d, %s", code, sc.text())
	}
	s.expectRows("mail WHERE outcome = 'dropped'", 2)
	s.expectRows("mail_raw", 3)
}
