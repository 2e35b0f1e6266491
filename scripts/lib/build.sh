# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Building the project itself in a directory of its own. Needs common.sh, and
# $top, the project's folder.

build_requirements='
command:autoconf autoconf
command:automake automake
command:libtoolize libtool
command:make make
command:gcc gcc libc6-dev
command:g++ g++
command:pkg-config pkg-config
'
ffmpeg_requirements='
command:ffmpeg ffmpeg
module:libavformat libavformat-dev
module:libavdevice libavdevice-dev
module:libavcodec libavcodec-dev
module:libavutil libavutil-dev
'

# Whether requirements are met, after an attempt to install what is missing.
# Says what could not be had, and leaves it to the caller to go on without.
try_packages() { (need_packages "$1"); }

# Attempts each requirement apart, and goes on without those it can't meet.
try_each()
{
    local row

    while read -r row; do
        try_packages "$row" </dev/null || true
    done <<<"$1"
}

jobs() { nproc 2>/dev/null || echo 1; }
# Most tests wait for something most of the time.
test_jobs() { echo $((4 * $(jobs))); }

# Makes configure if it is not there or older than what it is made from.
make_configure()
{
    local newer

    newer=$(find "$top/configure.ac" "$top/m4/shmimage.m4" "$top/Makefile.am" \
                 "$top"/*/local.mk -newer "$top/configure" 2>&1) || newer=yes
    [ -z "$newer" ] || "$top/autogen.sh"
}

# A tree that was configured itself can't be built from elsewhere.
need_unconfigured_tree()
{
    [ ! -e "$top/config.status" ] ||
        die "$top has been configured itself, and so can't be built in" \
            "another directory; run 'make distclean' there, and then this" \
            "again"
}

# configure_in DIRECTORY OPTION...: does it only if the last one was another.
configure_in()
{
    local dir=$1 stamp

    shift
    stamp=$(printf '%s\n' "$top" "$@" "${CC-}" "${CXX-}" "${CFLAGS-}")
    mkdir -p "$dir"
    if [ -e "$dir/Makefile" ] &&
       [ "$stamp" = "$(cat "$dir/.configured" 2>/dev/null)" ]; then
        return
    fi
    # Callers look at the status, which switches set -e off.
    rm -f "$dir/.configured"
    # libtool links each test, which takes bash half as long again as dash.
    (cd "$dir" && CONFIG_SHELL=/bin/sh "$top/configure" "$@") || return
    # Where it is older than its stamp, make looks at it again each time, and
    # starts all compiled tests after the others.
    touch "$dir/config.h"
    printf '%s\n' "$stamp" > "$dir/.configured"
}
