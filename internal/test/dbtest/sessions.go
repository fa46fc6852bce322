// SPDX-License-Identifier: GPL-2.0-or-later

package dbtest

import (
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
)

// EndSessions has PostgreSQL end all sessions of the database but by's own, and waits until they are gone.
func EndSessions(t *testing.T, by *sqldb.DB) {
	t.Helper()
	for alive := 1; alive > 0; time.Sleep(5 * time.Millisecond) { // the server takes its time
		const query = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
		if err := by.Get(t.Context(), &alive, query); err != nil {
			t.Fatal(err)
		}
	}
}
