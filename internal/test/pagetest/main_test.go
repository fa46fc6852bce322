// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"testing"

	"patchwork.example/pw/internal/test/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }
