#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs `go generate` and fails if that changes a file: what is generated is committed, and must be fresh.
set -eu

# state: one line per file that differs from the last commit, with a sum of its content
state() {
	git ls-files --modified --deleted --others --exclude-standard | sort -u | while IFS= read -r file; do
		if [ -e "$file" ]; then cksum "$file"; else echo "deleted $file"; fi
	done
}

before=$(state)
go generate ./...
after=$(state)
if [ "$before" != "$after" ]; then
	echo "generated files were stale; go generate changed:" >&2
	printf '%s\n' "$before" "$before" "$after" | sort | uniq -u >&2
	exit 1
fi
