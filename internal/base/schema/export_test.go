// SPDX-License-Identifier: GPL-2.0-or-later

package schema

// For the tests of package schema_test, which need dbtest, which needs this package.
var (
	Files     = files
	SyncFS    = sync
	InspectFS = inspect
)
