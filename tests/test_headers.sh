#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each public header compiles on its own, twice, and with the others in any
# order, as C99, C11 and C++11, with no warning.

: "${SHMIMAGE_SRCDIR:=$(dirname "$0")/..}" "${CC:=cc}" "${CXX:=c++}"
core=$SHMIMAGE_SRCDIR/core
warnings='-pedantic -Wall -Wextra -Wundef -Werror'
work=$(mktemp -d "${TMPDIR:-/tmp}/shmimage-headers-XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
failures=0

# compile LANGUAGE HEADER... : of a file that includes just these, in order
compile() {
    case $1 in
    c++*) compiler=$CXX source=$work/headers.cpp ;;
    *) compiler=$CC source=$work/headers.c ;;
    esac
    language=$1
    shift
    for header; do
        printf '#include "%s"\n' "$header"
    done > "$source"
    # ISO C wants a file to declare something.
    echo 'extern int shmimage_header_test;' >> "$source"
    # CC and CXX may hold options.
    # shellcheck disable=SC2086
    $compiler -std="$language" $warnings -I"$core" \
        -c "$source" -o "$work/headers.o" 2> "$work/messages"
}

expect_compiles() {
    if compile "$@"; then
        echo "ok: $*"
    else
        echo "FAILED: $*"
        cat "$work/messages"
        failures=$((failures + 1))
    fi
}

check_language() {
    a=shmimage.h
    b=shared_memory_image_client.h
    c=shared_memory_image_client_priv.h
    for header in $a $b $c; do
        expect_compiles "$1" "$header"
        expect_compiles "$1" "$header" "$header"
    done
    for order in "$a $b $c" "$a $c $b" "$b $a $c" "$b $c $a" "$c $a $b" \
                 "$c $b $a"; do
        # shellcheck disable=SC2086
        expect_compiles "$1" $order
    done
}

# Whether the compiler can do this at all, and whether it complains.
can_compile() {
    echo 'int f(void) { return 0 }' > "$work/wrong.h"
    echo 'static int f(void) { return 0; }' > "$work/unused.h"
    compile "$1" stdint.h || return 1
    if compile "$1" "$work/wrong.h" || compile "$1" "$work/unused.h"; then
        echo "FAILED: the compiler lets pass, as $1, what is wrong"
        failures=$((failures + 1))
    fi
}

if ! can_compile c99; then
    echo "$CC does not compile C99 with $warnings:"
    cat "$work/messages"
    exit 77
fi
check_language c99
check_language c11
if can_compile c++11; then
    check_language c++11
    skipped=no
else
    skipped=yes
fi

if [ $failures -ne 0 ]; then
    echo "$failures failed"
    exit 1
fi
if [ $skipped = yes ]; then
    echo "C passed; C++ was skipped: $CXX does not compile C++11 here"
    exit 77
fi
