// SPDX-License-Identifier: GPL-2.0-or-later

// Command runtests runs `go test -json` with its arguments and prints what a reader wants to see of it: the output of failed
// tests as they fail, then every skipped test with its reason, and last go test's own closing line of each package.
// With CI=true a skipped test is a failure.
//
// It owns no table and never changes what is tested.
//
//	go run ./internal/test/runtests -timeout 10m ./...
package main
