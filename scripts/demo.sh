#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes a SQLite database in ./data and, if it has no project yet, a demo project with the mails of demo/demo.mbox. What is there
# already stays as it is. Then it runs the site. `make run` calls it with the program's path.
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
if [ "$("$pw" admin user list --json)" = '[]' ]; then
	echo kettle-demo | "$pw" admin user create demo --email demo@example.org --admin --password-stdin
	"$pw" admin maintainer create kettle demo
fi
cat <<EOF

  The pages   http://127.0.0.1:8080/     log in as demo, password kettle-demo
  The mail    SMTP on 127.0.0.1:2525     git send-email --smtp-server=127.0.0.1 --smtp-server-port=2525 \\
                                           --to=kettle-dev@lists.example.org --add-header='List-Id: <$list>' -1
  By hand     PW_DATABASE_URL=$PW_DATABASE_URL $pw --help
  Stop        Ctrl-C

EOF
exec "$pw" serve
