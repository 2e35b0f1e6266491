# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A root file system with nothing in it but the smallest Debian, to install
# packages in and run them there, apart from the system. Needs common.sh and
# debian.sh, and $work, a directory for what is made. What can't be had ends a
# subshell by no_root().

root_requirements='
command:debootstrap debootstrap
command:ip iproute2
command:unshare util-linux
'
# The status of a script that gets no root here.
root_unavailable=77

no_root()
{
    say "$@"
    exit "$root_unavailable"
}

# The suite that this system is of: packages built here fit no other.
system_suite()
(
    # shellcheck source=/dev/null
    . /etc/os-release
    [ "${ID-}" = debian ] ||
        no_root "a clean root is made of Debian, and this system is another"
    printf '%s\n' "${VERSION_CODENAME:-sid}"
)

# alone COMMAND...: with mounts, processes and a network of its own, which are
# gone when it ends.
alone() { as_root unshare --mount --pid --net --fork --kill-child "$@"; }

need_namespaces()
{
    alone sh -c 'mount -t tmpfs none /mnt && ip link set lo up &&
                 chroot / true' ||
        no_root "this system lets nobody make mounts, processes and a" \
            "network apart from its own"
}

# clean_root_archive PACKAGE...: prints the path of a clean root's archive, in
# which these packages have been downloaded, but not installed.
clean_root_archive()
{
    local cache suite archive new

    cache=$(cache_dir) && suite=$(system_suite) || return
    archive=$cache/root-$suite-$(dpkg --print-architecture)
    archive+=-$(printf '%s\n' "$@" | sha256sum | head -c 8).tar
    if [ ! -e "$archive" ]; then
        say "making a clean root of Debian $suite, which takes a minute"
        make_base "$work/base" "$suite" "$@" > "$work/log" 2>&1 || {
            tail -n 20 "$work/log" >&2
            no_root "a root of Debian $suite could not be made"
        }
        # Others may be about the same.
        new=$(mktemp "$archive.XXXXXX") &&
            as_root tar -C "$work/base" -cf - . > "$new" || return
        rm -f "$cache/root-$suite"-*.tar
        mv "$new" "$archive"
        as_root rm -rf "$work/base"
    fi
    printf '%s\n' "$archive"
}

# make_base DIRECTORY SUITE PACKAGE...
make_base()
{
    local root=$1 suite=$2 mirror

    shift 2
    write_apt_conf "$work/apt"
    write_source_list deb "$work/apt" "$suite" > "$work/sources.list" &&
        mirror=$(awk 'NR == 1 { print $(NF - 2) }' "$work/sources.list") &&
        as_root env "http_proxy=$(apt_proxy)" debootstrap --variant=minbase \
            --include=ca-certificates "$suite" "$root" "$mirror" &&
        as_root cp "$work/sources.list" "$root/etc/apt/sources.list" &&
        write_in "$root/etc/apt/apt.conf.d/90proxy" < <(
            apt-config dump | grep '^Acquire::.*Proxy') &&
        # No package may start a service.
        write_in "$root/usr/sbin/policy-rc.d" <<<$'#!/bin/sh\nexit 101' &&
        as_root chmod +x "$root/usr/sbin/policy-rc.d" &&
        as_root chroot "$root" apt-get clean &&
        apt_in "$root" update &&
        apt_in "$root" --download-only install "$@"
}

apt_proxy()
{
    local proxy=

    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    printf '%s\n' "${proxy:-${http_proxy-}}"
}

write_in() { as_root tee "$1" > /dev/null; }

# apt_in ROOT ARGUMENT...: dpkg need not wait for the disk in what is thrown
# away.
apt_in()
{
    local root=$1

    shift
    as_root cp /etc/resolv.conf "$root/etc/resolv.conf"
    as_root unshare --mount env -i DEBIAN_FRONTEND=noninteractive \
        LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -ec '
            mount -t proc proc "$0/proc"
            exec chroot "$0" "$@"
        ' "$root" apt-get -q -y --no-install-recommends \
        -o Acquire::Languages=none -o Dpkg::Options::=--force-unsafe-io "$@"
}

# install_in ROOT PACKAGE|FILE...: what the mirror no longer has as the lists
# in the root say is looked up anew.
install_in()
{
    local root=$1

    shift
    apt_in "$root" install "$@" && return
    apt_in "$root" update && apt_in "$root" install "$@"
}

# run_in ROOT USER DIRECTORY COMMAND...: as a user of the root, with nothing of
# the caller's environment.
run_in()
{
    local root=$1 user=$2 dir=$3

    shift 3
    alone env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -ec '
        mount -t proc proc "$0/proc"
        mount -t tmpfs -o mode=1777 tmpfs "$0/dev/shm"
        ip link set lo up
        root=$0 user=$1 dir=$2
        shift 2
        exec chroot "$root" setpriv --reuid="$user" --regid="$user" \
            --clear-groups env -C "$dir" HOME="/home/$user" LC_ALL=C.UTF-8 \
            PATH=/usr/local/bin:/usr/bin:/bin "$@"
    ' "$root" "$user" "$dir" "$@"
}
