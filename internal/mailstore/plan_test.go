// SPDX-License-Identifier: GPL-2.0-or-later

package mailstore

import (
	"fmt"
	"testing"

	"patchwork.example/pw/internal/test/dbtest"
)

// TestPlanSince: the first of the latest mails is found without reading all before it.
func TestPlanSince(t *testing.T) {
	if got := fmt.Sprint(dbtest.Plan(t, firstSince, 1)); got != "[SEARCH mail USING COVERING INDEX mail_received (received_at>?)]" {
		t.Error(got)
	}
}

// TestPlanSameBytes: each Message-ID is looked up once, whatever the number of bytes to compare.
func TestPlanSameBytes(t *testing.T) {
	msgids, sums := make([]string, 300), make([][]byte, 300)
	for i := range sums {
		msgids[i], sums[i] = fmt.Sprint(i), []byte{byte(i)}
	}
	want := "[SEARCH mail USING INTEGER PRIMARY KEY (rowid=?) LIST SUBQUERY 1 SEARCH mail USING COVERING INDEX mail_msgid (msgid=?)]"
	if got := fmt.Sprint(dbtest.Plan(t, sameBytes, msgids, sums)); got != want {
		t.Error(got)
	}
}
