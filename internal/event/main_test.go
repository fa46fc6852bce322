// SPDX-License-Identifier: GPL-2.0-or-later

package event_test

import (
	"os"
	"testing"

	"patchwork.example/pw/internal/test/dbtest"
)

// TestMain is the relay process of TestKilledRelays when it is started by that test.
func TestMain(m *testing.M) {
	if url := os.Getenv("PW_PROBE_DATABASE"); url != "" {
		os.Exit(relayForever(url))
	}
	dbtest.Main(m)
}
