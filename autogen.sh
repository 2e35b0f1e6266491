#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Make configure and its like from a checkout.
set -e
cd "$(dirname "$0")"
autoreconf --install --force "$@"
# Generated configure scripts remove core dumps by the name of "core". Here that
# is a folder, and each of some hundred attempts would print a complaint.
sed 's/rm -f core /rm -f /' configure > configure.tmp
cat configure.tmp > configure
rm -f configure.tmp
