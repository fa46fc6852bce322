// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/format/passhash"
)

// lets expects that a password is a user's.
func (s site) lets(username, password string) {
	s.t.Helper()
	u, err := account.UserByName(s.t.Context(), s.db(), username)
	if err != nil {
		s.t.Fatal(err)
	}
	if ok, _, err := passhash.Verify(password, u.Password); err != nil || !ok {
		s.t.Errorf("%q is not the password of %s (%v)", password, username, err)
	}
}

func TestUserCommands(t *testing.T) {
	s := newSite(t)
	s.says("admin user create ann -e ann@example.org --no-password --admin", 0, "created user \"ann\"\n", "")
	s.says("admin user create -u bob -e bob@example.org --no-password --no-active --first-name Bob", 0, "created user \"bob\"\n", "")
	s.says("admin user list", 0, ""+
		"USERNAME  EMAIL            FIRST NAME  LAST NAME  ACTIVE  ADMIN  LAST LOGIN\n"+
		"ann       ann@example.org  -           -          yes     yes    -\n"+
		"bob       bob@example.org  Bob         -          no      no     -\n", "")
	s.says("admin user update ANN --last-name Author -e a@example.org", 0, "changed user \"ann\"\n", "")
	s.says("admin user update -u bob --active", 0, "changed user \"bob\"\n", "")
	s.says("admin user update bob -u Robert", 0, "changed user \"Robert\"\n", "")
	s.exec("UPDATE user_account SET created_at = 0, id = CASE username WHEN 'ann' THEN 1 ELSE 2 END")
	s.says("admin user show robert", 0, `id              2
username        Robert
email           bob@example.org
first name      Bob
last name       -
has password    no
active          yes
pending         no
admin           no
send email      no
items per page  100
show ids        no
created at      1970-01-01T00:00:00.000000Z
last login      -
`, "")
	s.says("admin user show -u ann --json", 0, `{
  "id": 1,
  "username": "ann",
  "email": "a@example.org",
  "first_name": "",
  "last_name": "Author",
  "has_password": false,
  "active": true,
  "pending": false,
  "admin": true,
  "send_email": false,
  "items_per_page": 100,
  "show_ids": false,
  "created_at": "1970-01-01T00:00:00.000000Z",
  "last_login": null
}
`, "")
	s.says("admin user delete ann", 0, "deleted user \"ann\"\n", "")
	s.says("admin user delete --username robert", 0, "deleted user \"robert\"\n", "")
	s.says("admin user list --json", 0, "[]\n", "")
}

func TestUserErrors(t *testing.T) {
	s := newSite(t)
	s.does("admin", "user", "create", "ann", "-e", "ann@example.org", "--no-password")
	s.does("admin", "user", "create", "bob", "-e", "bob@example.org", "--no-password")
	usage := func(verb string) string { return "Run 'pw admin user " + verb + " --help' for usage.\n" }
	tests := []struct {
		line string
		code int
		err  string
	}{
		{"create Ann -e x@example.org --no-password", 73, "pw: there is a user \"ann\" already; `pw admin user update` changes him\n"},
		{"create carol", 64, "pw: required flag(s) \"email\" not set\n" + usage("create")},
		{"create carol -u dora -e c@example.org", 64, "pw: the argument \"carol\" and --username both name what this is about; leave one out\n" + usage("create")},
		{"create -e c@example.org", 64, "pw: wrong number of arguments; write \"pw admin user create NAME [flags]\"\n" + usage("create")},
		{"create carol -e nowhere --no-password", 65, "pw: e-mail address \"nowhere\": want local@domain, at most 254 characters\n"},
		{"create a,b -e c@example.org --no-password", 65, "pw: user name \"a,b\": want 1 to 150 letters, digits or any of _ . @ + -\n"},
		{"create carol -e c@example.org --no-password --password-stdin", 64, "pw: if any flags in the group [password-stdin no-password] are set none of the others can be; [no-password password-stdin] were all set\n" + usage("create")},
		{"show carol", 66, "pw: no user \"carol\"\n"},
		{"update carol --admin", 66, "pw: change user \"carol\": no user \"carol\"\n"},
		{"update ann -u Bob", 73, "pw: change user \"ann\": there is a user \"Bob\" already\n"},
		{"update ann --items-per-page 501", 65, "pw: change user \"ann\": items per page 501: want 1 to 500\n"},
		{"update ann --items-per-page many", 64, "pw: invalid argument \"many\" for \"--items-per-page\" flag: want a whole number\n" + usage("update")},
		{"update ann --admin=maybe", 64, "pw: invalid argument \"maybe\" for \"--admin\" flag: want true or false\n" + usage("update")},
		{"update ann", 64, "pw: nothing to change: say with flags what should be different, see \"pw admin user update --help\"\n" + usage("update")},
		{"update -u ann", 64, "pw: nothing to change: say with flags what should be different, see \"pw admin user update --help\"\n" + usage("update")},
		{"update ann bob --admin", 64, "pw: wrong number of arguments; write \"pw admin user update NAME [flags]\"\n" + usage("update")},
		{"passwd carol", 66, "pw: no user \"carol\"\n"},
		{"delete carol", 66, "pw: delete user \"carol\": no user \"carol\"\n"},
	}
	for _, tt := range tests {
		s.says("admin user "+tt.line, tt.code, "", tt.err)
	}
}

// TestPipedPasswords is item E11 of the known failures: both lines arrive in one piece.
func TestPipedPasswords(t *testing.T) {
	s := newSite(t)
	create := []string{"admin", "user", "create", "-u", "ann", "-e", "ann@example.org", "--admin"}
	tests := []struct {
		input string
		flags string
		want  outcome
	}{
		{"", "", outcome{65, "", "pw: no password was given; to set none say --no-password\n"}},
		{"long enough 1\n", "", outcome{65, "", "pw: the password was not repeated; to give it once say --password-stdin\n"}},
		{"long enough 1\nlong enough 2\n", "", outcome{65, "", "pw: the two passwords differ\n"}},
		{"short\nshort\n", "", outcome{65, "", "pw: the password is too short: want at least 8 characters\n"}},
		{"\n", "--password-stdin", outcome{65, "", "pw: no password was given; to set none say --no-password\n"}},
		{"short\n", "--password-stdin", outcome{65, "", "pw: the password is too short: want at least 8 characters\n"}},
	}
	for _, tt := range tests {
		want(t, s.pw(tt.input, append(create, strings.Fields(tt.flags)...)...), tt.want)
	}
	if got := s.does("admin", "user", "list", "--json"); got != "[]\n" {
		t.Fatalf("refused passwords leave %s", got)
	}

	want(t, s.pw("long enough 1\nlong enough 1\n", create...), outcome{0, "created user \"ann\"\n", ""})
	s.lets("ann", "long enough 1")
	want(t, s.pw(" pass phrase \r\n pass phrase \r\n", "admin", "user", "passwd", "ann"), outcome{0, "set the password of user \"ann\"\n", ""})
	s.lets("ann", " pass phrase ")
	want(t, s.pw("from a file", "admin", "user", "passwd", "-u", "ann", "--password-stdin"), outcome{0, "set the password of user \"ann\"\n", ""})
	s.lets("ann", "from a file")
	s.exec("INSERT INTO login_session (id_hash, user_id, created_at, seen_at, expires_at) VALUES (?, 1, 0, 0, 0)", make([]byte, 32))
	want(t, s.pw("", "admin", "user", "passwd", "ann", "--no-password"), outcome{0, "user \"ann\" has no password now\n", ""})
	var sessions int
	if err := s.db().Get(t.Context(), &sessions, "SELECT COUNT(*) FROM login_session"); err != nil || sessions != 0 {
		t.Errorf("%d sessions outlive the password (%v)", sessions, err)
	}
	if got := s.does("admin", "user", "show", "ann"); !strings.Contains(got, "\nhas password    no\n") {
		t.Errorf("after --no-password:\n%s", got)
	}
}

func TestTypedPasswords(t *testing.T) {
	s := newSite(t)
	const first, again = "Password (not shown): ", "Again (not shown): "
	at := s.atTerminal("admin", "user", "create", "ann", "-e", "ann@example.org")
	at.answer(first, "short\r")
	at.answer("characters\n"+first, "long enough 1\r")
	at.answer(again, "long enough 2\r")
	at.answer("differ\n"+first, "long enough 3\r")
	at.answer(again, "long enough 3\r")
	at.ends(0, first+"\nthe password is too short: want at least 8 characters\n"+
		first+"\n"+again+"\nthe two passwords differ\n"+
		first+"\n"+again+"\ncreated user \"ann\"\n")
	s.lets("ann", "long enough 3")

	at = s.atTerminal("admin", "user", "passwd", "ann")
	at.answer(first, "something else\r")
	at.answer(again, "some\x03")
	at.ends(130, first+"\n"+again+"\npw: interrupted\n")
	s.lets("ann", "long enough 3")

	at = s.atTerminal("admin", "user", "create", "ann", "-e", "ann@example.org") // refused before it asks
	at.ends(73, fmt.Sprintf("pw: there is a user %q already; `pw admin user update` changes him\n", "ann"))
}
