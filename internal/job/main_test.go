// SPDX-License-Identifier: GPL-2.0-or-later

package job_test

import (
	"os"
	"testing"

	"patchwork.example/pw/internal/test/dbtest"
)

// TestMain is the worker process of TestKilledWorkers when it is started by that test.
func TestMain(m *testing.M) {
	if url := os.Getenv("PW_PROBE_DATABASE"); url != "" {
		os.Exit(probe(url, os.Getenv("PW_PROBE_DIR")))
	}
	dbtest.Main(m)
}
