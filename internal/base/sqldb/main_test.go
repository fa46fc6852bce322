// SPDX-License-Identifier: GPL-2.0-or-later

package sqldb_test

import (
	"testing"

	"patchwork.example/pw/internal/test/dbtest"
)

func TestMain(m *testing.M) {
	if child() {
		return
	}
	dbtest.Main(m)
}
