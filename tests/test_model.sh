#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The model of the protocol has the properties that model/README.md lists, and
# loses them when something in it is broken.

: "${SHMIMAGE_SRCDIR:=$(dirname "$0")/..}" "${CC:=cc}"
case $SHMIMAGE_SRCDIR in
/*) model=$SHMIMAGE_SRCDIR/model/transport.pml ;;
*) model=$PWD/$SHMIMAGE_SRCDIR/model/transport.pml ;;
esac
if ! command -v spin > /dev/null; then
    echo 'spin is not installed; on Debian: apt install spin'
    exit 77
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/shmimage-model-XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
failures=0

# fail WHAT : with what spin, the compiler and the search said
fail() {
    echo "FAILED: $1"
    cat "$work"/*.log
    failures=$((failures + 1))
}

# build MACROS CFLAGS : the search in this variant of the model. Partial order
# reduction is off, since it does not go together with sudden death.
build() {
    rm -f "$work"/*.log "$work"/*.trail
    # There are several of each.
    # shellcheck disable=SC2086
    spin -P"$CC -E -x c" $1 -a "$model" > spin.log 2>&1 &&
        $CC -w -DNOREDUCE -DMEMLIM=2000 $2 -o pan pan.c > cc.log 2>&1
}

# run OPTION... : searches, whatever comes of it
run() {
    ./pan -n "$@" > pan.log 2>&1
}

holds() {
    grep -q 'errors: 0$' pan.log &&
        ! grep -q -e 'max search depth' -e 'not completed' pan.log
}

states() {
    sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1 states/p' pan.log
}

# proved WHAT MACROS : no assertion fails, and nobody waits for ever
proved() {
    if build "$2" '-O1 -DSAFETY' && run -m4000000 && holds; then
        echo "ok: $1: $(states)"
    else
        fail "$1"
    fi
}

# progress WHAT MACROS : neither does anything go on for ever and lead nowhere
progress() {
    if ! build "-DPROGRESS $2" '-O1 -DNFAIR=3'; then
        fail "$1"
        return
    fi
    for formula in room read_0 read_1; do
        if run -m300000 -a -f -N $formula && holds; then
            echo "ok: $1: $formula: $(states)"
        else
            fail "$1: $formula"
        fi
    done
}

# found FAULT SYMPTOM MACROS [FORMULA] : the search ends with this symptom
found() {
    fault="-DFAULT_$1 $3"
    if [ $# -eq 4 ]; then
        build "-DPROGRESS $fault" -DNFAIR=3 && run -m300000 -a -f -N "$4"
    else
        build "$fault" -DSAFETY && run -m300000
    fi
    if grep -q -F -e "$2" pan.log && grep -q 'errors: 1$' pan.log; then
        echo "ok: found $1: $(sed -n 's/^pan:1: \(.*\) (at.*/\1/p' pan.log)"
    else
        fail "$1 is to be found by '$2'"
    fi
}

server=-DSERVER_DIES
client=-DCLIENT_DIES
proved 'nobody dies' ''
proved 'nobody dies, and both wait' -DWAITING
proved 'the server dies' $server
proved 'the client dies' $client
proved 'both die' "$server $client"
proved 'both die, and sessions' "-DSESSIONS $server $client"
progress 'nobody dies, and both wait' -DWAITING
progress 'both die' "$server $client"

found TAKE_BACK_HELD '!(in_use' ''
found OVERWRITE_UNREAD '!(unread' ''
found DROP_SILENTLY '!(unaccounted' ''
found PUBLISH_EARLY '!(in_use' ''
found LOOK_ONCE 'oldest==b' ''
found RELEASE_STORES '!(unanswered' $server
found CONNECT_HELD '!(in_use' $server
found NO_RECHECK 'width==' $server
found CLEAR_FIRST 'width==' $server
found READ_AGAIN 'unread[b]' $client
found FORGET_HELD 'restarted' "-DSESSIONS $server"
found KEEP_LOCKED 'acceptance cycle' $client room
found CONNECT_ONCE 'acceptance cycle' $server room
found RELEASE_SILENTLY 'acceptance cycle' -DWAITING room
found SLEEP_ON_ONE 'acceptance cycle' -DWAITING room
found NOTE_LATE 'acceptance cycle' -DWAITING read_0

[ $failures -eq 0 ]
