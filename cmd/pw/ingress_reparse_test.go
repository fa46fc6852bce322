// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"encoding/json"
	"testing"
)

func TestIngressReparse(t *testing.T) {
	s := newMailSite(t)
	s.exec("UPDATE mail SET received_at = 1785000000000000") // July 2026: the dates of the mails are to be believed
	s.says("ingress reparse --project widgets", 0, "4 mails read, 0 differences\n", "")
	s.says("ingress reparse --project widgets --json", 0, "[]\n", "")
	s.says("ingress reparse", 64, "", "pw: required flag(s) \"project\" not set\nRun 'pw ingress reparse --help' for usage.\n")
	s.says("ingress reparse --project nobody", 66, "", "pw: no project \"nobody\"\n")

	s.exec("UPDATE patch SET name = '[2/2] wobble: tune it down'")
	s.exec("UPDATE message_body SET content = 'Nacked-by: Bob <bob@example.org>' WHERE message_id = 3")
	s.exec("UPDATE message_body SET content = 'Hm' WHERE message_id = 4")
	const table = `FIELD    MAILS  ACTION         FOR EXAMPLE       WAS                               IS
content  2      to be written  <r1@example.org>  Nacked-by: Bob <bob@example.org>  Acked-by: Bob <bob@example.org>
name     1      to be written  <p1@example.org>  [2/2] wobble: tune it down        [v2,1/2] wobble: turn it down
4 mails read, 3 differences
`
	s.says("ingress reparse --project widgets", 1, table, "pw: 3 differences can be written: run it with --apply\n")
	s.says("ingress reparse --project widgets --since 1h", 0, "0 mails read, 0 differences\n", "")
	var found []map[string]any
	if got := s.pw("", "ingress", "reparse", "--project", "widgets", "--json"); got.code != 1 || json.Unmarshal([]byte(got.out), &found) != nil || len(found) != 3 ||
		found[0]["message_id"] != "<p1@example.org>" || found[0]["field"] != "name" || found[0]["kept"] != false || found[2]["is"] != "Hm." {
		t.Errorf("as JSON: %+v", got)
	}
	s.says("ingress reparse --project widgets --apply --verbose", 0, `2 <p1@example.org> name: [2/2] wobble: tune it down → [v2,1/2] wobble: turn it down
3 <r1@example.org> content: Nacked-by: Bob <bob@example.org> → Acked-by: Bob <bob@example.org>
4 <r2@example.org> content: Hm → Hm.
FIELD    MAILS  ACTION   FOR EXAMPLE       WAS                               IS
content  2      written  <r1@example.org>  Nacked-by: Bob <bob@example.org>  Acked-by: Bob <bob@example.org>
name     1      written  <p1@example.org>  [2/2] wobble: tune it down        [v2,1/2] wobble: turn it down
4 mails read, 3 differences
`, "")
	s.says("ingress reparse --project widgets --apply", 0, "4 mails read, 0 differences\n", "")
	s.says("db check", 0, s.does("db", "check"), "")
}

func TestApart(t *testing.T) {
	for _, test := range []struct{ a, b, wantA, wantB string }{
		{"", "x", "", "x"},
		{"one", "two", "one", "two"},
		{"a text of more than forty characters, which ends so", "a text of more than forty characters, which ends otherwise, and goes on and on, as texts do", "…hich ends so", "…hich ends otherwise, and goes on and on,…"},
		{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "äxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…", "äxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"},
	} {
		if a, b := apart(test.a, test.b); a != test.wantA || b != test.wantB {
			t.Errorf("apart(%q, %q) = %q, %q", test.a, test.b, a, b)
		}
	}
}
