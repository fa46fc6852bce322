// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import "strings"

// stem is what the Message-IDs of all mails have in common that one run of git-send-email or b4 sent; empty for other Message-IDs.
// The forms are
//
//	<20190528031943.239665-2-ann@example.org>              git-send-email since 2.3: time and process, number of the mail
//	<1557140462-22578-2-git-send-email-ann@example.org>    git-send-email before
//	<5d887762.1659496805.git.ann@example.org>              git-format-patch --thread: commit or "cover", time
//	<20230101-topic-v2-3-0a1b2c3d4e5f@example.org>         b4
func stem(msgid string) string {
	local, host, ok := strings.Cut(strings.Trim(msgid, "<>"), "@")
	if !ok {
		return ""
	}
	if before, after, ok := strings.Cut(local, ".git."); ok {
		_, stamp, ok := strings.Cut(before, ".")
		if ok && digits(stamp) {
			return stamp + ".git." + after + "@" + host
		}
		return ""
	}
	parts := strings.Split(local, "-")
	for i := 1; i < len(parts)-1; i++ {
		if !digits(parts[i]) {
			continue
		}
		first := parts[0]
		switch {
		case i == 1 && sendEmailStamp(first), i == 2 && digits(first) && digits(parts[1]) && parts[3] == "git":
			return strings.Join(parts[:i], "-") + "-" + strings.Join(parts[i+1:], "-") + "@" + host
		case i == len(parts)-2 && len(first) == 8 && digits(first) && version(parts[i-1]):
			return strings.Join(parts[:i], "-") + "@" + host
		}
	}
	return ""
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
