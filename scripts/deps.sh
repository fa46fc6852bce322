#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installs what the tests need beside Go, by Debian's packages: PostgreSQL, MariaDB, Chromium, mail programs and clients, or the things named. axe-core, which
# looks for what makes pages hard to use, comes from npm into the user's cache: its licence is not ours, so it is not part of the source.
#
#	scripts/deps.sh [--try] [postgresql|mariadb|chromium|axe|gcc|make|git|git-email|git-pw|b4|curl|swaks|postfix|dovecot|ngircd ...]
#
# What is there is left alone, and no service is left running. Without root it prints the apt line and fails; with --try it
# succeeds even so, and leaves it to the tests to skip what is missing (with CI=true it fails).
set -eu

try=
if [ "${1-}" = --try ]; then
	try=yes
	shift
fi
[ $# -gt 0 ] || set -- postgresql mariadb chromium axe git git-email git-pw b4 curl swaks postfix dovecot ngircd

# The tests look for it in the same place: os.UserCacheDir.
axe=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pw-test/axe.min.js

have() { command -v "$1" >/dev/null 2>&1; }

# present THING: is it here?
present() {
	case $1 in
	postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || have initdb ;;
	mariadb) { have mariadbd || [ -x /usr/sbin/mariadbd ]; } && have mariadb-install-db ;;
	chromium) have chromium-headless-shell || have chromium || have chromium-browser || have google-chrome ;;
	axe) [ -s "$axe" ] ;;
	gcc) have gcc && echo '#include <stdlib.h>' | gcc -E - >/dev/null 2>&1 ;;
	git-email) have git && [ -e "$(git --exec-path)/git-send-email" ] ;;
	postfix | dovecot | ngircd) have "$1" || [ -x "/usr/sbin/$1" ] ;;
	*) have "$1" ;;
	esac
}

# packages THING: the names of Debian's packages
packages() {
	case $1 in
	mariadb) echo mariadb-server ;;
	chromium) echo chromium-headless-shell fonts-dejavu-core ;; # pages without a font have no text
	axe) have npm || echo npm ;;
	dovecot) echo dovecot-imapd ;;
	gcc) echo gcc libc6-dev ;;
	*) echo "$1" ;;
	esac
}

# give_up MESSAGE
give_up() {
	echo "deps: $1" >&2
	if [ -n "$try" ] && [ "${CI-}" != true ]; then
		exit 0
	fi
	exit 1
}

# fetch_axe puts axe-core into the cache.
fetch_axe() {
	dir=$(mktemp -d)
	mkdir -p "${axe%/*}"
	(cd "$dir" && npm pack --silent axe-core@4 >/dev/null && tar -xzf axe-core-4.*.tgz package/axe.min.js) &&
		mv "$dir/package/axe.min.js" "$axe.new" && mv "$axe.new" "$axe" || { rm -rf "$dir"; return 1; }
	rm -rf "$dir"
	echo "deps: axe-core is now in $axe"
}

missing=
want_axe=
for thing; do
	case $thing in
	postgresql | mariadb | chromium | axe | gcc | make | git | git-email | git-pw | b4 | curl | swaks | postfix | dovecot | ngircd) ;;
	*)
		echo "deps: unknown: $thing" >&2
		exit 2
		;;
	esac
	if present "$thing"; then
		[ -n "$try" ] || echo "deps: $thing is here"
	else
		missing="$missing $(packages "$thing")"
		[ "$thing" != axe ] || want_axe=yes
	fi
done
missing=$(echo $missing) # no blanks around
finish() {
	[ -z "$want_axe" ] || fetch_axe || give_up "npm pack axe-core@4 failed"
	exit 0
}
[ -n "$missing" ] || finish

have apt-get || give_up "missing: $missing; there is no apt-get here, install them by hand"
[ "$(id -u)" = 0 ] || give_up "missing; install with: sudo apt-get install --no-install-recommends $missing"

# Debian's packages start their services unless this file says no.
policy=/usr/sbin/policy-rc.d
restore() {
	rm -f "$policy"
	if [ -e "$policy.pw-saved" ]; then mv "$policy.pw-saved" "$policy"; fi
}
trap restore EXIT
trap 'exit 1' HUP INT TERM
if [ -e "$policy" ] && [ ! -e "$policy.pw-saved" ]; then mv "$policy" "$policy.pw-saved"; fi
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

install() {
	# shellcheck disable=SC2086 # a list of names
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 $missing
}

echo "deps: installing $missing"
# The package lists may be absent or too old: then, and only then, they are fetched.
if ! install; then
	apt-get update -q -o DPkg::Lock::Timeout=300 || give_up "apt-get update failed"
	# Older releases have no Chromium without windows.
	apt-cache show chromium-headless-shell >/dev/null 2>&1 || missing=$(echo "$missing" | sed 's/chromium-headless-shell/chromium/')
	install || give_up "apt-get install $missing failed"
fi
echo "deps: installed $missing"
finish
