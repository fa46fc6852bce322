// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import "testing"

func TestRunOf(t *testing.T) {
	for _, tc := range []struct {
		msgid, want string
		place       int
	}{
		{"<20190528031943.239665-2-ann@example.org>", "20190528031943.239665-ann@example.org", 2},
		{"<20190528031943.239665-11-ann-lee@example.org>", "20190528031943.239665-ann-lee@example.org", 11},
		{"<20190528031943.239665-1-ann@example.org>", "20190528031943.239665-ann@example.org", 1},
		{"<1557140462-22578-2-git-send-email-ann@example.org>", "1557140462-22578-git-send-email-ann@example.org", 2},
		{"<5d887762024424.1659496805.git.ann@example.org>", "1659496805.git.ann@example.org", 0},
		{"<cover.1659496805.git.ann@example.org>", "1659496805.git.ann@example.org", 0},
		{"<20230101-topic-with-words-v2-3-0a1b2c3d4e5f@example.org>", "20230101-topic-with-words-v2@example.org", 0},
		{"<20230101-topic-v2-0-0a1b2c3d4e5f@example.org>", "20230101-topic-v2@example.org", 0},
		{"<YXE30+2qU75+0szk@B-P7TQMD6M-0146.local>", "", 0},
		{"<ab-1-cd@example.org>", "", 0},
		{"<1-2-3-4@example.org>", "", 0},
		{"no brackets", "", 0},
		{"", "", 0},
	} {
		got := runOf(tc.msgid)
		if got.stem != tc.want {
			t.Errorf("stem of %q: %q, want %q", tc.msgid, got.stem, tc.want)
		}
		if got.place != tc.place {
			t.Errorf("%q: place %d", tc.msgid, got.place)
		}
	}
}

func TestRunBegins(t *testing.T) {
	for _, tc := range []struct {
		place, number int
		want          bool
	}{{1, 0, true}, {1, 1, true}, {2, 1, true}, {2, 2, true}, {3, 2, true}, {1, 2, false}, {1, 10, false}, {4, 2, false}, {0, 7, true}} {
		if got := (run{"stem", tc.place}).begins(tc.number); got != tc.want {
			t.Errorf("mail %d of a run is number %d: %v", tc.place, tc.number, got)
		}
	}
	if (run{}).begins(1) {
		t.Error("no run begins")
	}
}
