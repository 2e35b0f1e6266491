#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The server in README.md compiles without a warning, and another program
# receives what it sends.

: "${SHMIMAGE_SRCDIR:=$(dirname "$0")/..}" "${SHMIMAGE_BUILDDIR:=.}"
: "${SHMIMAGE:=$SHMIMAGE_BUILDDIR/tools/shmimage}"
: "${CC:=cc}" "${PYTHON3:=python3}"
warnings='-std=c11 -pedantic -Wall -Wextra -Werror'
work=$(mktemp -d "${TMPDIR:-/tmp}/shmimage-readme-XXXXXX") || exit 99
server=
trap '[ -z "$server" ] || kill $server 2> /dev/null; rm -rf "$work"' EXIT

awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' \
    "$SHMIMAGE_SRCDIR/README.md" > "$work/server.c"
# The variables may hold several options.
# shellcheck disable=SC2086
$CC $warnings $SANITIZE_CFLAGS -I"$SHMIMAGE_SRCDIR/core" \
    -c "$work/server.c" -o "$work/server.o" &&
"$SHMIMAGE_BUILDDIR/libtool" --silent --tag=CC --mode=link $CC \
    $SANITIZE_CFLAGS -no-install "$work/server.o" \
    "$SHMIMAGE_BUILDDIR/libshmimage.la" -o "$work/server" || exit 1

"$SHMIMAGE" create --size 640x480 "$work/live.shm" || exit 1
"$work/server" "$work/live.shm" &
server=$!
"$PYTHON3" "$SHMIMAGE_SRCDIR/tests/peer.py" client --wait-file 30 \
    --frames 600 --manifest "$work/received" "$work/live.shm" || exit 1
wait $server || exit 1
server=

# Of the first image, the pixels are as the program says.
expected=$("$PYTHON3" -c '
import hashlib
row = b"".join(bytes([x % 256]) * 3 for x in range(640))
print("0 640 480", hashlib.md5(row * 480).hexdigest())')
if [ "$(head -n 1 "$work/received")" != "$expected" ]; then
    echo "FAILED: the first image is $(head -n 1 "$work/received")"
    exit 1
fi
