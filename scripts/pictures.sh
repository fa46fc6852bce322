#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Takes the pictures of the README anew: pages of the demo project, 1280 pixels wide, in Debian's Chromium.
set -eu

cd "$(dirname "$0")/.."
PW_PICTURES=$PWD/docs/pictures go test -count=1 -run '^TestPictures$' ./internal/test/pagetest
ls -l docs/pictures
