#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fails if `go mod tidy` would change go.mod. It goes on over modules that can't be fetched, and does not look at go.sum: tidy also
# wants what only the tests of our dependencies import, and not every module proxy has all of that. The build itself reads go.sum.
set -eu

changes=$(go mod tidy -e -diff 2>/dev/null) || true
case $changes in
*"diff current/go.mod"*)
	echo "go.mod is not tidy; go mod tidy would change:" >&2
	printf '%s\n' "$changes" | sed '/^diff current\/go.sum/,$d' >&2
	exit 1
	;;
esac
