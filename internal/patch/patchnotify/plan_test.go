// SPDX-License-Identifier: GPL-2.0-or-later

package patchnotify

import (
	"fmt"
	"testing"

	"patchwork.example/pw/internal/test/dbtest"
)

// TestPlanChecks: to find a few checks, not all checks there are are read.
func TestPlanChecks(t *testing.T) {
	want := "[SEARCH c USING INTEGER PRIMARY KEY (rowid=?) SEARCH l USING PRIMARY KEY (patch_id=?)]"
	if got := fmt.Sprint(dbtest.Plan(t, latestFailed, []int64{1, 2, 3})); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
