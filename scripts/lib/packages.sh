# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the step "packages" of scripts/check does with the Debian packages once
# they are built. Needs the other files here, and $build, $scripts and $top
# of the script.

package_requirements='
command:dpkg-buildpackage dpkg-dev
command:dh debhelper
command:lintian lintian
'

# The release archive has all that git has, but what only developers need, even
# though it was made without FFmpeg.
compare_archive()
{
    local lists=$build/packages/lists

    git -C "$top" rev-parse > /dev/null ||
        { skip "this tree is not a git checkout"; return 0; }
    mkdir -p "$lists"
    git -C "$top" ls-files | grep -v '^\.' | LC_ALL=C sort > "$lists/git"
    tar -tJf "$build"/packages/shmimage_*.orig.tar.xz | sed 's,^[^/]*/,,' |
        LC_ALL=C sort > "$lists/archive"
    if LC_ALL=C comm -23 "$lists/git" "$lists/archive" | grep .; then
        fail "packages: these files are not in the release archive"
    else
        pass
    fi
}

# Not for Debian's archive as yet, so no wish for a package is fulfilled.
ask_lintian()
{
    if lintian --fail-on error,warning \
           --suppress-tags initial-upload-closes-no-bugs \
           "$build"/packages/*.changes; then
        pass
    else
        fail "packages: lintian"
    fi
}

test_in_clean_root()
{
    local status=0 before=$failed

    "$scripts/test-packages" "$build/packages" || status=$?
    if [ "$status" -eq 77 ]; then
        skip "$(sed -n \
            's/^test-packages: //p' "$build/packages.log" | tail -n 1)"
        return 0
    fi
    count_results "$build/packages" packages
    [ "$status" -eq 0 ] || [ "$failed" -gt "$before" ] ||
        fail "packages: scripts/test-packages ended with status $status"
}
