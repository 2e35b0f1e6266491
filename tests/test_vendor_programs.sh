#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A client in C and a server in C++, written as the published interface is
# used, compile without a warning, link with the library that was built, and
# understand one another.

: "${SHMIMAGE_SRCDIR:=$(dirname "$0")/..}" "${SHMIMAGE_BUILDDIR:=.}"
: "${CC:=cc}" "${CXX:=c++}"
warnings='-pedantic -Wall -Wextra -Werror'
images=300
work=$(mktemp -d "${TMPDIR:-/tmp}/shmimage-vendor-XXXXXX") || exit 99
server=
# A server that is still there waits for a client that is not.
trap '[ -z "$server" ] || kill $server 2> /dev/null; rm -rf "$work"' EXIT

# build TAG STANDARD SOURCE : of one source, an object and then a program
build() {
    case $1 in
    CXX) compiler=$CXX ;;
    *) compiler=$CC ;;
    esac
    name=$(basename "$3" | sed 's/\..*//')
    # The variables may hold several options.
    # shellcheck disable=SC2086
    $compiler -std="$2" $warnings $SANITIZE_CFLAGS -I"$SHMIMAGE_SRCDIR/core" \
        -c "$SHMIMAGE_SRCDIR/tests/$3" -o "$work/$name.o" &&
    "$SHMIMAGE_BUILDDIR/libtool" --silent --tag="$1" --mode=link $compiler \
        $SANITIZE_CFLAGS -no-install "$work/$name.o" \
        "$SHMIMAGE_BUILDDIR/libshmimage.la" -o "$work/$name"
}

echo 'int main() { return 0; }' > "$work/empty.cpp"
# shellcheck disable=SC2086
if ! $CXX -std=c++11 "$work/empty.cpp" -o "$work/empty" 2> /dev/null; then
    echo "skipped: $CXX can't build a C++11 program here"
    exit 77
fi
build CC gnu99 vendor_client.c || exit 1
build CXX c++11 vendor_server.cpp || exit 1

# The client makes the file, and the server opens it first or second: both are
# ordinary. So make it here, and let them race.
dd if=/dev/zero of="$work/live.shm" bs=1 count=0 seek=26214400 2> /dev/null
"$work/vendor_server" "$work/live.shm" $images &
server=$!
if ! "$work/vendor_client" "$work/live.shm" $images; then
    echo 'FAILED: the client'
    exit 1
fi
if ! wait $server; then
    server=
    echo 'FAILED: the server'
    exit 1
fi
server=
echo "ok: $images images arrived"
