#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the libraries export: exactly the functions of the public headers, which
# are those of the export list, each under its version; and the static one
# nothing without a prefix.

: "${SHMIMAGE_SRCDIR:=$(dirname "$0")/..}" "${SHMIMAGE_BUILDDIR:=.}"
: "${CC:=cc}" "${NM:=nm}"
core=$SHMIMAGE_SRCDIR/core
public='shmimage_[a-z0-9_]*|SharedMemoryImageStream_[a-z0-9_]*'
work=$(mktemp -d "${TMPDIR:-/tmp}/shmimage-exports-XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
failures=0
skipped=

# same WHAT FILE LIST : the file has the lines of the list, which has some
same() {
    if [ -s "$3" ] && diff "$3" "$2" > "$work/difference"; then
        echo "ok: $1"
    else
        echo "FAILED: $1 (< is in the list, > is not)"
        cat "$work/difference"
        failures=$((failures + 1))
    fi
}

# NAME@@VERSION for each name of the list.
list_exports() {
    awk '$2 == "{" { node = $1 }
         /^ *[A-Za-z0-9_]+;$/ { sub(/;/, ""); print $1 "@@" node }' \
        "$core/libshmimage.sym" | sort
}

without_versions() { sed 's/@.*//' "$1"; }

# Functions that the public headers declare. The preprocessor takes away the
# comments, which mention functions too.
list_declared() {
    printf '#include "%s"\n' shmimage.h shared_memory_image_client_priv.h |
        $CC -E -I"$core" -x c - |
        tr '\n' ' ' | sed 's/ *(/(/g' | tr -c 'A-Za-z0-9_(' '\n' |
        grep -E "^($public)\\(" | sed 's/(.*//' | sort -u
}

# Names that another program can link with. An absolute one is no function but
# the name of a version. Older tools leave the version out.
list_shared() {
    $NM -D --defined-only "$1" | awk '$2 != "A" { print $3 }' | sort
}

# Sanitizers add names of their own to the objects, which are not ours.
list_foreign() {
    $NM -g --defined-only "$1" 2> /dev/null | awk 'NF == 3 { print $3 }' |
        grep -vE "^($public|shmi_[a-z0-9_]*|__odr_asan\\..*)\$" | sort -u
}

list_exports > "$work/versions"
without_versions "$work/versions" > "$work/list"
list_declared > "$work/declared"
same 'public headers declare what is in libshmimage.sym' \
    "$work/declared" "$work/list"

shared=$SHMIMAGE_BUILDDIR/.libs/libshmimage.so
if [ ! -f "$shared" ]; then
    skipped='no shared library was built'
elif ! grep -q 'version-script' "$SHMIMAGE_BUILDDIR/Makefile"; then
    skipped='the linker takes no export list'
else
    list_shared "$shared" > "$work/shared"
    if grep -q @ "$work/shared"; then
        same 'libshmimage.so exports what is in libshmimage.sym' \
            "$work/shared" "$work/versions"
    else
        skipped="$NM does not tell the versions of names"
        same 'libshmimage.so exports the names in libshmimage.sym' \
            "$work/shared" "$work/list"
    fi
fi

static=$SHMIMAGE_BUILDDIR/.libs/libshmimage.a
[ -f "$static" ] || static=$SHMIMAGE_BUILDDIR/.libs/libshmimage-core.a
if ! $NM -g --defined-only "$static" | grep -q ' T shmimage_version$'; then
    echo "FAILED: $static has no symbols that $NM can list"
    failures=$((failures + 1))
elif list_foreign "$static" | grep .; then
    echo "FAILED: names in $static without a prefix of ours"
    failures=$((failures + 1))
else
    echo 'ok: the static library has no name without a prefix'
fi

[ $failures -eq 0 ] || exit 1
if [ -n "$skipped" ]; then
    echo "the shared library was skipped: $skipped"
    exit 77
fi
