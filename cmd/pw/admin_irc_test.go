// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"strings"
	"testing"
)

func TestIRCCommands(t *testing.T) {
	s := newSite(t)
	s.does("admin", "project", "create", "dev", "-n", "Dev", "-i", "dev.example.org", "-e", "dev@example.org")
	s.says("admin irc create --project dev --url ircs://irc.example.org/dev --events patch-created,series-completed --nick pw", 0, "created irc target 1\n", "")
	s.says("admin irc list", 0, "ID  PROJECT  URL                         NICK  ACTIVE  SENT AT  ERROR\n1   dev      ircs://irc.example.org/dev  pw    yes     -        -\n", "")
	if got := s.pw("kettle pass\n", "admin", "irc", "update", "1", "--account", "bot", "--password", "-", "--template", "{{.Title}}"); got.code != 0 || got.out != "changed irc target 1\n" {
		t.Errorf("%+v", got)
	}
	if shown := s.does("admin", "irc", "list", "dev", "--json"); !strings.Contains(shown, `"account": "bot", "template": "{{.Title}}", "events": ["patch-created","series-completed"]`) || strings.Contains(shown, "kettle") {
		t.Error(shown)
	}
	var password string
	if err := s.db().Get(t.Context(), &password, "SELECT password FROM irc_target"); err != nil || password != "kettle pass" {
		t.Errorf("%q, %v", password, err)
	}
	s.says("admin irc test 1", 0, "queued a test\n", "")
	s.says("admin irc update 1 --no-active", 0, "changed irc target 1\n", "")
	s.says("admin irc test 1", 73, "", "pw: test irc target 1: irc target 1 is switched off\n")
	s.says("admin irc create --project dev --url http://x/y", 65, "", "pw: create an irc target: address \"http://x/y\": want irc://HOST/CHANNEL, or ircs:// for TLS, with :PORT behind HOST if it is not 6667 or 6697\n")
	s.says("admin irc create --url irc://x/y", 65, "", "pw: say --project NAME\n")
	if got := s.does("admin", "irc", "create", "--events", "?"); !strings.HasPrefix(got, "check-created\ncheck-updated\n") {
		t.Error(got)
	}
	s.says("admin irc delete 1", 0, "deleted irc target 1\n", "")
	s.says("admin irc delete 1", 66, "", "pw: delete irc target 1: there is no irc target 1\n")
}
