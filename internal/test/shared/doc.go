// SPDX-License-Identifier: GPL-2.0-or-later

// Package shared finds the extra test data that lives beside the project: directory $PW_SHARED, by default ../shared seen from
// the module's root. PW_SHARED=none switches it off.
//
// It owns no table and never hides a gap: a test without its data is skipped and listed by `make test`, and fails under CI=true.
// The project's own tests use testdata directories.
//
//	f := shared.Open(t, "corpora", "list.mbox.gz")
package shared
