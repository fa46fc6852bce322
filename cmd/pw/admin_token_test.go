// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"regexp"
	"testing"
)

func TestTokenCommands(t *testing.T) {
	s := newSite(t)
	s.says("admin user create ci -e ci@example.org --no-password", 0, "created user \"ci\"\n", "")
	if secret := s.does("admin", "user", "token", "create", "ci", "--name", "build"); !regexp.MustCompile(`^[0-9a-f]{40}\n$`).MatchString(secret) {
		t.Errorf("%q", secret)
	}
	s.does("admin", "user", "token", "create", "-u", "ci", "--name", "dash", "--read-only", "--expires-days", "3")
	s.does("admin", "user", "token", "create", "ci", "--name", "ci", "--checks-only")
	s.says("admin user token create ci --name build", 73, "", "pw: create a token: user \"ci\" has a token \"build\" already\n")
	s.says("admin user token create ci --name x --expires-days -1", 65, "", "pw: the token would have expired already\n")
	s.exec("UPDATE api_token SET expires_at = 0 WHERE name = 'dash'")
	const table = "USERNAME  NAME   SCOPE   EXPIRES AT                   USED AT\n" +
		"ci        build  write   -                            -\n" +
		"ci        ci     checks  -                            -\n" +
		"ci        dash   read    1970-01-01T00:00:00.000000Z  -\n"
	s.says("admin user token list", 0, table, "")
	s.says("admin user token list ci", 0, table, "")
	s.says("admin user token revoke ci --name build", 0, "revoked the token \"build\" of user \"ci\"\n", "")
	s.says("admin user token revoke ci --name build", 66, "", "pw: revoke a token: user \"ci\" has no token \"build\"\n")
}
