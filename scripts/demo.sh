#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes a SQLite database in ./data and, if it has no project yet, a demo project with the mails of demo/demo.mbox. What is there
# already stays as it is. `make run` calls it with the program's path.
set -eu

pw=${1:-bin/pw}
export PW_DATABASE_URL=sqlite:data/patchwork.db
list=kettle-dev.lists.example.org

mkdir -p data
"$pw" db sync
if [ "$("$pw" admin project list --json)" = '[]' ]; then
	"$pw" admin project create kettle --name Kettle --list-id "$list" --list-email kettle-dev@lists.example.org
	"$pw" ingress --mbox --list-id "$list" demo/demo.mbox
fi
cat <<EOF

The database is data/patchwork.db. Try:
  $pw admin message show 20260204203000.5120-3-ann@example.org
  $pw admin project list
  $pw ingress --mbox --list-id $list demo/demo.mbox
  $pw --help
EOF
