#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Takes the picture of the README anew: the patch list of the demo project, 1280 pixels wide, in Debian's Chromium.
set -eu

cd "$(dirname "$0")/.."
PW_PICTURE=$PWD/docs/patch-list.png go test -count=1 -run '^TestPicture$' ./internal/test/pagetest
ls -l docs/patch-list.png
