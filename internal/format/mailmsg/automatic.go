// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"strings"
	"unicode"
)

// Automatic tells whether a program sent the mail, as far as that can be seen: it says so itself (Auto-Submitted other than "no", RFC 3834; "Precedence:
// auto_reply"), or its author is called like a program. "Precedence: bulk" and "list" say nothing: each mail of a list has one of them.
func (m *Message) Automatic(author Address) bool {
	kind, _, _ := strings.Cut(m.Header.Get("Auto-Submitted"), ";")
	if kind = strings.TrimSpace(kind); kind != "" && !strings.EqualFold(kind, "no") {
		return true
	}
	return strings.EqualFold(strings.TrimSpace(m.Header.Get("Precedence")), "auto_reply") || author.program()
}

// programs are words that people are not called. What merely ends so is a name, as Talbot.
var programs = map[string]bool{"bot": true, "robot": true, "syzbot": true, "buildbot": true, "patchbot": true, "testbot": true, "autobuilder": true, "daemon": true, "noreply": true, "donotreply": true}

// program tells whether an author is called like a program: "kernel test robot", "patchwork-bot+netdev@…", "bugzilla-daemon@…", "Some List CI".
func (a Address) program() bool {
	local, _, _ := strings.Cut(a.Email, "@")
	local, _, _ = strings.Cut(local, "+") // what follows is often a number of a report or an account
	for _, w := range append(wordsOf(a.Name), wordsOf(local)...) {
		if programs[strings.TrimRight(strings.ToLower(w), "0123456789")] {
			return true
		}
	}
	squeezed := strings.ToLower(strings.NewReplacer("-", "", "_", "", ".", "").Replace(local))
	return programs[squeezed] || strings.HasSuffix(a.Name, " CI")
}

func wordsOf(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
