// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"strconv"
	"strings"
)

// run is what a Message-ID tells of the run of git-send-email or b4 that sent the mail.
type run struct {
	stem  string // what the Message-IDs of all its mails have in common; empty for other Message-IDs
	place int    // of the mail in it, from 1; 0: a run that sends whole series only
}

// begins tells whether the run began with the first mail of the series, if it sent that with this number as this mail. If not, it went on with a series that
// another run began.
func (r run) begins(number int) bool {
	return r.stem != "" && (r.place == 0 || r.place == number || r.place == number+1)
}

// runOf reads a Message-ID. The forms are
//
//	<20190528031943.239665-2-ann@example.org>              git-send-email since 2.3: time and process, number of the mail
//	<1557140462-22578-2-git-send-email-ann@example.org>    git-send-email before
//	<5d887762.1659496805.git.ann@example.org>              git-format-patch --thread: commit or "cover", time
//	<20230101-topic-v2-3-0a1b2c3d4e5f@example.org>         b4
func runOf(msgid string) run {
	local, host, ok := strings.Cut(strings.Trim(msgid, "<>"), "@")
	if !ok {
		return run{}
	}
	if before, after, ok := strings.Cut(local, ".git."); ok {
		_, stamp, ok := strings.Cut(before, ".")
		if ok && digits(stamp) {
			return run{stamp + ".git." + after + "@" + host, 0}
		}
		return run{}
	}
	parts := strings.Split(local, "-")
	for i := 1; i < len(parts)-1; i++ {
		if !digits(parts[i]) {
			continue
		}
		first := parts[0]
		switch {
		case i == 1 && sendEmailStamp(first), i == 2 && digits(first) && digits(parts[1]) && parts[3] == "git":
			return run{strings.Join(parts[:i], "-") + "-" + strings.Join(parts[i+1:], "-") + "@" + host, place(parts[i])}
		case i == len(parts)-2 && len(first) == 8 && digits(first) && version(parts[i-1]):
			return run{strings.Join(parts[:i], "-") + "@" + host, 0}
		}
	}
	return run{}
}

func place(digits string) int {
	n, _ := strconv.Atoi(digits[:min(len(digits), 6)])
	return n
}

// sendEmailStamp tells whether s is a time of fourteen digits, a dot and a process number.
func sendEmailStamp(s string) bool {
	stamp, pid, ok := strings.Cut(s, ".")
	return ok && len(stamp) == 14 && digits(stamp) && digits(pid)
}

func version(s string) bool { return strings.HasPrefix(s, "v") && digits(s[1:]) }

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
