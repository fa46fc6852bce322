// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import "testing"

func TestAutomatic(t *testing.T) {
	tests := []struct {
		header string
		list   string
		want   bool
	}{
		{"From: Ann <ann@example.org>", "", false},
		{"From: Ann <ann@example.org>\nPrecedence: bulk", "", false},
		{"From: Ann <ann@example.org>\nPrecedence: list\nList-Id: <x.example.org>", "", false},
		{"From: Ann <ann@example.org>\nAuto-Submitted: no", "", false},
		{"From: Ann <ann@example.org>\nAuto-Submitted: No; x=y", "", false},
		{"From: Ann <ann@example.org>\nAuto-Submitted:", "", false},
		{"From: Ann <ann@example.org>\nauto-submitted: auto-generated", "", true},
		{"From: Ann <ann@example.org>\nAuto-Submitted: auto-replied; owner-email=\"a@example.org\"", "", true},
		{"From: Ann <ann@example.org>\nPrecedence: auto_reply", "", true},
		{"From: some test robot <x@example.org>", "", true},
		{"From: =?utf-8?q?some_Robot?= <x@example.org>", "", true},
		{"From: x-bot+netdev@example.org", "", true},
		{"From: tip-bot2@example.org", "", true},
		{"From: syzbot <syzbot+0123@example.org>", "", true},
		{"From: bugs-daemon@example.org", "", true},
		{"From: MAILER-DAEMON@example.org", "", true},
		{"From: Somebody <no-reply@example.org>", "", true},
		{"From: do_not_reply@example.org", "", true},
		{"From: Some List CI <tests@example.org>", "", true},
		{"From: Ian Abbott <abbotti@example.org>", "", false},
		{"From: Max Talbot <talbot@example.org>", "", false},
		{"From: Ci Wang <ci@example.org>", "", false},
		{"From: Robo <robo@bot.example.org>", "", false},
		{"From: Joe <12345+joe@users.noreply.example.org>", "", false},
		{"From: Botho <botho@example.org>", "", false},
		{"From: some robot via Robots <robots@lists.example.org>\nReply-To: some robot <x@example.org>", "robots@lists.example.org", true},
		{"From: Joe via Robot <robot@lists.example.org>\nReply-To: Joe <joe@example.org>", "robot@lists.example.org", false},
	}
	for _, test := range tests {
		m := Parse([]byte(test.header + "\nSubject: x\n\ntext\n"))
		author, err := m.Author(test.list)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Automatic(author); got != test.want {
			t.Errorf("%s: %v (author %+v)", test.header, got, author)
		}
	}
}
