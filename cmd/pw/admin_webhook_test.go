// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"regexp"
	"strings"
	"testing"
)

func TestWebhookCommands(t *testing.T) {
	s := newSite(t)
	s.does("admin", "project", "create", "dev", "-n", "Dev", "-i", "dev.example.org", "-e", "dev@example.org")
	s.does("admin", "user", "create", "ann", "-e", "ann@example.org", "--no-password")
	made := s.does("admin", "webhook", "create", "--project", "dev", "--url", "https://a.example/x", "--user", "ann", "--events", "patch-created, check-created", "--check-contexts", "ci/*")
	if !regexp.MustCompile(`^created webhook 1\nsecret whsec_[A-Za-z0-9+/]{43}=\n$`).MatchString(made) {
		t.Errorf("%q", made)
	}
	if got := s.pw("sesame\n", "admin", "webhook", "create", "--site", "--url", "https://b.example/", "--secret", "-", "--no-active"); got.code != 0 || got.out != "created webhook 2\n" {
		t.Errorf("%+v", got)
	}
	for name, want := range map[string]string{"1": "whsec_%", "2": "sesame"} {
		var n int
		if err := s.db().Get(t.Context(), &n, "SELECT COUNT(*) FROM webhook WHERE id = ? AND secret LIKE ?", name, want); err != nil || n != 1 {
			t.Errorf("secret of %s: %v", name, err)
		}
	}
	const site, dev = "2   -        https://b.example/   no      0        0         -\n", "1   dev      https://a.example/x  yes     0        0         -\n"
	s.says("admin webhook list", 0, "ID  PROJECT  URL                  ACTIVE  PENDING  FAILURES  DELIVERED AT\n"+site+dev, "")
	s.says("admin webhook list dev", 0, "ID  PROJECT  URL                  ACTIVE  PENDING  FAILURES  DELIVERED AT\n"+dev, "")
	s.says("admin webhook list --site", 0, "ID  PROJECT  URL                 ACTIVE  PENDING  FAILURES  DELIVERED AT\n"+strings.Replace(site, "/   no", "/  no", 1), "")
	s.says("admin webhook update 1 --events ? --active", 0, `check-created
check-updated
cover-comment-addressed
cover-comment-created
cover-created
patch-archived-changed
patch-comment-addressed
patch-comment-created
patch-commit-ref-changed
patch-completed
patch-created
patch-delegated
patch-pull-url-changed
patch-relation-changed
patch-state-changed
series-completed
series-created
series-metadata-changed
series-version-changed
`, "")
	s.says("admin webhook update 1 --events check-created --states accepted --check-states fail --tags Acked-by --secret=", 0, "changed webhook 1\n", "")
	s.exec("UPDATE webhook SET created_at = 0")
	s.says("admin webhook show 1", 0, `id               1
project          dev
url              https://a.example/x
events           check-created
states           accepted
check states     fail
check contexts   ci/*
tags             Acked-by
active           yes
has secret       no
user             ann
created at       1970-01-01T00:00:00.000000Z
pending          0
failures         0
failing since    -
delivered at     -
disabled at      -
disabled reason  -
first pending    -
`, "")
	s.says("admin webhook update 1", 64, "", "pw: nothing to change: say with flags what should be different, see \"pw admin webhook update --help\"\nRun 'pw admin webhook update --help' for usage.\n")
	s.says("admin webhook update x --active", 65, "", "pw: webhook \"x\": want a number; see the list of them\n")
	s.says("admin webhook create --url https://a.example/", 65, "", "pw: say --project NAME or --site\n")
	s.says("admin webhook create --site --url gopher://a.example/", 65, "", "pw: create a webhook: address \"gopher://a.example/\": want http:// or https://, a host, and at most 2000 bytes\n")
	s.says("admin webhook ping 1", 0, "queued delivery 1\n", "")
	s.says("admin webhook redeliver 1 1", 0, "queued delivery 1 again\n", "")
	s.says("admin webhook redeliver 2 1", 66, "", "pw: deliver 1 again: there is no delivery 1, or it was removed since\n")
	s.says("admin webhook skip 1 1", 0, "skipped delivery 1\n", "")
	s.says("admin webhook skip 1 1", 73, "", "pw: skip delivery 1: delivery 1 is cancelled: only one that is pending can be skipped\n")
	s.says("admin webhook skip 1 x", 65, "", "pw: delivery \"x\": want a number; see the list of them\n")
	s.exec("INSERT INTO webhook_delivery (id, webhook_id, event_id, kind, body, state, attempts, created_at, error) VALUES (77, 1, 5, 'check-created', '{}', 'pending', 0, 0, '')")
	s.exec("INSERT INTO job (id, kind, target, priority, payload, state, run_at, attempts, max_attempts, lease_owner, lease_until, error, created_at) VALUES (99, 'webhook', 'webhook:1', 0, '{\"delivery\":77}', 'waiting', 9e15, 1, 10, '', 0, '', 0)")
	if got := s.does("admin", "webhook", "show", "1"); !strings.Contains(got, "\nfirst pending    77\n") {
		t.Error(got)
	}
	s.does("admin", "webhook", "skip", "1", "77")
	if got := s.does("job", "list", "--state", "queued"); !strings.Contains(got, "webhook:1") {
		t.Error(got)
	}
	s.exec("DELETE FROM webhook_delivery WHERE id = 77")
	s.exec("UPDATE webhook_delivery SET created_at = 0, state = 'failed', attempts = 1, error = 'answered 500'")
	s.exec("INSERT INTO webhook_attempt (delivery_id, number, at, took, request, status, response, body, cut, error) VALUES (1, 1, 0, 2000, 'A: b' || char(10), 500, 'C: d', CAST('no' || char(27) AS BLOB), FALSE, 'answered 500')")
	s.says("admin webhook deliveries 1", 0, "ID  CREATED AT                   KIND  EVENT  STATE   ATTEMPTS  ERROR\n"+
		"1   1970-01-01T00:00:00.000000Z  ping  -      failed  1         answered 500\n", "")
	shown := s.does("admin", "webhook", "deliveries", "1", "--delivery", "1")
	for _, text := range []string{`body         {"category":"ping",`, "history      attempt 1 at 1970-01-01T00:00:00.000000Z, 2 ms: answered 500\n", "  A: b\n", "  C: d\n", "  no\uFFFD\n"} {
		if !strings.Contains(shown, text) {
			t.Errorf("lacks %q:\n%s", text, shown)
		}
	}
	s.says("admin webhook delete 1", 0, "deleted webhook 1\n", "")
	s.says("admin webhook delete 1", 66, "", "pw: delete webhook 1: there is no webhook 1\n")
	s.says("admin webhook deliveries 1", 66, "", "pw: there is no webhook 1\n")
}
