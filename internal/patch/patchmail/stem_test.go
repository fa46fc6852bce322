// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import "testing"

func TestStem(t *testing.T) {
	for _, tc := range []struct{ msgid, want string }{
		{"<20190528031943.239665-2-ann@example.org>", "20190528031943.239665-ann@example.org"},
		{"<20190528031943.239665-11-ann-lee@example.org>", "20190528031943.239665-ann-lee@example.org"},
		{"<1557140462-22578-2-git-send-email-ann@example.org>", "1557140462-22578-git-send-email-ann@example.org"},
		{"<5d887762024424.1659496805.git.ann@example.org>", "1659496805.git.ann@example.org"},
		{"<cover.1659496805.git.ann@example.org>", "1659496805.git.ann@example.org"},
		{"<20230101-topic-with-words-v2-3-0a1b2c3d4e5f@example.org>", "20230101-topic-with-words-v2@example.org"},
		{"<20230101-topic-v2-0-0a1b2c3d4e5f@example.org>", "20230101-topic-v2@example.org"},
		{"<YXE30+2qU75+0szk@B-P7TQMD6M-0146.local>", ""},
		{"<ab-1-cd@example.org>", ""},
		{"<1-2-3-4@example.org>", ""},
		{"no brackets", ""},
		{"", ""},
	} {
		if got := stem(tc.msgid); got != tc.want {
			t.Errorf("stem(%q) = %q, want %q", tc.msgid, got, tc.want)
		}
	}
}
