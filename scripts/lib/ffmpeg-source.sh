# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Pristine FFmpeg source trees, for build-ffmpeg and make-patches. A tree is
# named either by its release or by the path of one that is there already.
# Needs common.sh and debian.sh.

# A row for each release: its number, and the Debian suite whose source
# package has it. What a release needs besides is in patches/edits/RELEASE. sid
# has the newest, and drops one when the next has arrived.
ffmpeg_suites='
5.1 bookworm
7.1 trixie
8.1 sid
9.0 sid
'

# The status of a script that cannot get at a source here.
source_unavailable=77

ffmpeg_releases() { awk 'NF { print $1 }' <<<"$ffmpeg_suites"; }

ffmpeg_suite_of()
{
    awk -v release="$1" '$1 == release { print $2 }' <<<"$ffmpeg_suites"
}

# Whether tests have to do without a release whose source can't be had: sid may
# have moved on, and not every mirror has it.
ffmpeg_may_be_gone() { [ "$(ffmpeg_suite_of "$1")" = sid ]; }

# The version that a tree says it is, such as 7.1.5.
ffmpeg_version_of_tree()
{
    local file

    for file in VERSION RELEASE; do
        if [ -s "$1/$file" ]; then
            head -n 1 "$1/$file"
            return
        fi
    done
    die "$1 is not an FFmpeg source tree: it has no file RELEASE or VERSION"
}

# The release of $1, a release or a tree; dies unless it is one of the table.
ffmpeg_release_of()
{
    local release=$1

    if [ -d "$1" ]; then
        release=$(ffmpeg_version_of_tree "$1")
        [[ $release =~ ^n?([0-9]+\.[0-9]+) ]] && release=${BASH_REMATCH[1]}
    elif [[ $1 == */* ]]; then
        die "$1: no such directory"
    fi
    [ -n "$(ffmpeg_suite_of "$release")" ] ||
        die "$1: no patch for FFmpeg $release; there are patches for" \
            "$(ffmpeg_releases | paste -s -d ' ')"
    printf '%s\n' "$release"
}

# For subshells: a caller that asked "|| …" has switched set -e off in there.
no_source()
{
    say "$@"
    say "unpack FFmpeg's source yourself and give its path, not the release"
    exit "$source_unavailable"
}

newest_source_version()
{
    awk '$1 == "Version:" { print $2 }' |
        grep -E "^([0-9]+:)?${1//./\\.}[.+-]" | sort -V | tail -n 1
}

# Downloads the upstream tarball of a release into the cache. apt verifies the
# mirror's signature and with it the tarball's checksum.
ffmpeg_download()
(
    release=$1
    suite=$(ffmpeg_suite_of "$release")
    cache=$(cache_dir) && dir=$(mktemp -d "$cache/download.XXXXXX") || exit
    trap 'rm -rf "$dir"' EXIT

    command -v apt-get >/dev/null ||
        no_source "FFmpeg $release is fetched with apt, which is not here"
    write_apt_conf "$dir"
    write_source_list deb-src "$dir" "$suite" >"$dir/sources.list" ||
        no_source "FFmpeg $release is fetched from Debian ($suite), and apt" \
                  "knows no Debian mirror here"
    apt=(-c "$dir/apt.conf" -q -o "Dir::Etc::SourceList=$dir/sources.list"
         -o Dir::Etc::SourceParts=/dev/null)
    say "downloading FFmpeg $release (the source package of Debian $suite)"
    apt-get "${apt[@]}" update >"$dir/log" 2>&1 || {
        cat "$dir/log" >&2
        no_source "apt cannot read the source lists of Debian $suite"
    }
    version=$(apt-cache "${apt[@]}" showsrc --only-source ffmpeg |
              newest_source_version "$release") ||
        no_source "Debian $suite has no FFmpeg $release any more"
    cd "$dir" || exit
    apt-get "${apt[@]}" source --download-only --tar-only \
            "ffmpeg=$version" >"$dir/log" 2>&1 || {
        cat "$dir/log" >&2
        no_source "apt cannot download the source of FFmpeg $version"
    }
    mv ffmpeg_*.orig.tar.xz "$cache/" || exit
)

cached_tarball()
{
    find "$(cache_dir)" -maxdepth 1 -name "ffmpeg_$1*.orig.tar.xz" |
        grep -E "/ffmpeg_${1//./\\.}(\.[0-9]+)?\.orig" | sort -V | tail -n 1
}

# Prints the path of a release's tarball, downloading it if need be.
ffmpeg_tarball()
{
    local tarball

    tarball=$(cached_tarball "$1") || {
        ffmpeg_download "$1" || return
        tarball=$(cached_tarball "$1")
    }
    printf '%s\n' "$tarball"
}

# ffmpeg_unpack RELEASE|TREE DIR: makes DIR a copy of the source that can be
# changed. An object file of the user's would be taken for one of ours.
ffmpeg_unpack()
{
    local tarball

    mkdir -p "$2"
    if [ ! -d "$1" ]; then
        tarball=$(ffmpeg_tarball "$1") || return
        tar -xJf "$tarball" --strip-components=1 --no-same-owner -C "$2"
        return
    fi
    tar -C "$1" --exclude=./.git -cf - . | tar -C "$2" --no-same-owner -xf -
    [ ! -e "$2/ffbuild/config.mak" ] || make -C "$2" -s distclean
}

# A text that differs whenever the source of $1, a release or a tree, does.
ffmpeg_source_identity()
{
    local tarball

    if [ ! -d "$1" ]; then
        tarball=$(ffmpeg_tarball "$1") || return
        sha256sum <"$tarball"
        return
    fi
    (
        cd "$1" || exit
        find . -path ./.git -prune -o -type f -print0 | LC_ALL=C sort -z |
            xargs -0 sha256sum | sha256sum
    )
}
