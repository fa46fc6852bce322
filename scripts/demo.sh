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
"$pw" db sync >/dev/null
if [ "$("$pw" admin project list --json)" = '[]' ]; then
	"$pw" admin project create kettle --name Kettle --list-id "$list" --list-email kettle-dev@lists.example.org
	"$pw" ingress --mbox --list-id "$list" demo/demo.mbox
fi
if [ "$("$pw" admin user list --json)" = '[]' ]; then
	echo kettle-demo | "$pw" admin user create demo --email demo@example.org --admin --password-stdin
	"$pw" admin maintainer create kettle demo
fi
export PW_HTTP_LISTEN=${PW_HTTP_LISTEN:-127.0.0.1:8080} PW_INGRESS_LISTEN=${PW_INGRESS_LISTEN:-127.0.0.1:2525}
cat <<EOF

  The pages   http://$PW_HTTP_LISTEN/     log in as demo, password kettle-demo
  The mail    SMTP at $PW_INGRESS_LISTEN     such as the last commit of any repository, by Debian's git-email:
                git send-email -1 --smtp-server=${PW_INGRESS_LISTEN%:*} --smtp-server-port=${PW_INGRESS_LISTEN##*:} --to=kettle-dev@lists.example.org
  By hand     PW_DATABASE_URL=$PW_DATABASE_URL $pw --help
  Stop        Ctrl-C

EOF
exec "$pw" serve
