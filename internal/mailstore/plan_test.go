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
