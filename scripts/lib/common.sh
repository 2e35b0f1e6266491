# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the scripts share: messages, a temporary directory, packages. Needs
# $top, the project's folder.

# Or a failure inside $(…) would go unnoticed.
shopt -s inherit_errexit

program=${0##*/}

say() { printf '%s: %s\n' "$program" "$*" >&2; }

die()
{
    say "$@"
    exit 1
}

usage_error()
{
    say "$@"
    printf "Try '%s --help'.\n" "$program" >&2
    exit 2
}

print_version()
{
    printf '%s (shmimage) %s\n' "$program" "$(
        sed -n 's/^AC_INIT(\[shmimage\], *\[\([^]]*\)\].*/\1/p' \
            "$top/configure.ac")"
}

# Sets $work to a new directory that is removed when the script ends.
make_work_dir()
{
    work=$(mktemp -d "${TMPDIR:-/tmp}/$program.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

cache_dir()
{
    local dir=${SHMIMAGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/shmimage}

    mkdir -p "$dir" || die "cannot create $dir; set SHMIMAGE_CACHE to a" \
                           "directory that can be written"
    (cd "$dir" && pwd)
}

is_present()
{
    case $1 in
    command:*) command -v "${1#*:}" >/dev/null ;;
    module:*)  pkg-config --exists "${1#*:}" 2>/dev/null ;;
    # As configure does, look for the system's Python first.
    python:*)  PATH=/usr/bin:$PATH python3 -c "import ${1#*:}" 2>/dev/null ;;
    *)         die "unknown kind of requirement: $1" ;;
    esac
}

# Reads rows of a requirement (command:NAME, module:NAME of pkg-config, or
# python:NAME) and the Debian packages that bring it; prints the packages of the
# rows that are not met.
missing_packages()
{
    local requirement packages

    while read -r requirement packages; do
        [ -n "$requirement" ] || continue
        is_present "$requirement" || printf '%s\n' "$packages"
    done | tr ' ' '\n' | sort -u | paste -s -d ' '
}

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt_install()
{
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=300 -q -y \
        --no-install-recommends install "$@" >&2
}

# need_packages ROWS [no-install]: sees to it that all requirements are met.
need_packages()
{
    local missing

    missing=$(missing_packages <<<"$1")
    [ -n "$missing" ] || return 0
    if [ "${2-}" = no-install ] || ! command -v apt-get >/dev/null ||
       { [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; }; then
        die "missing (by the names of Debian's packages): $missing." \
            "Install them and run this again"
    fi
    say "installing with apt: $missing"
    # shellcheck disable=SC2086 # one argument for each package
    apt_install $missing || {
        say "reading apt's package lists anew"
        as_root apt-get -o DPkg::Lock::Timeout=300 -q update >&2
        apt_install $missing ||
            die "apt could not install: $missing"
    }
    missing=$(missing_packages <<<"$1")
    [ -z "$missing" ] ||
        die "still missing after the installation: $missing." \
            "If a compiler or pkg-config of your own comes first in PATH, or" \
            "PKG_CONFIG_LIBDIR is set, check those"
}
