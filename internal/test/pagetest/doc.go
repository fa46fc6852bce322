// SPDX-License-Identifier: GPL-2.0-or-later

// Package pagetest looks at the pages of the whole program in a real Chromium: each kind of page in all widths and themes, by keyboard, on
// paper, without JavaScript, and as axe-core judges it; and it tells what maintainers do, over a small site of hostile mails and the archive
// of a real list.
//
// It has tests only, and owns no table.
//
//	go test ./internal/test/pagetest -run 'TestPages/look/bundle'
package pagetest
