#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs every fuzz test for a while, one after the other: fuzz.sh TIME [PATTERN], such as fuzz.sh 2m 'mailmsg|FuzzSplit'. An input that fails is kept in the
# package's testdata/fuzz and is run by `go test` from then on. All are run, then it fails if one did.
set -eu

time=$1 pattern=${2:-.}
failed=
for file in $(grep -rl --include='*_test.go' '^func Fuzz' internal cmd | sort); do
	dir=./$(dirname "$file")
	for name in $(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\)(.*/\1/p' "$file"); do
		if ! echo "$dir $name" | grep -Eq "$pattern"; then continue; fi
		echo "== $dir $name"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 5s -parallel 1 "$dir" || failed="$failed $name"
	done
done
if [ -n "$failed" ]; then
	echo "fuzz: these found something:$failed" >&2
	exit 1
fi
