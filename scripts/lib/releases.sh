# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the steps "patches" and "ffmpeg" of scripts/check do with each release of
# FFmpeg. Needs the other files here, and $build, $scripts, $ffmpeg_option and
# $have_units of the script.

# A release that Debian keeps must be there, or the test tests nothing.
go_without()
{
    local reason="no source of FFmpeg $2 can be had"

    if ffmpeg_may_be_gone "$2"; then
        skip "$reason"
    else
        fail "$1: $reason"
    fi
}

# Whether make-patches complains of a patch with a letter changed, and of what
# patcheck hints at when nothing says that it may stay.
refuses_altered()
{
    local copy=$build/altered patch=patches/ffmpeg-$1.patch status=0
    local hints=patches/edits/common/hints

    rm -rf "$copy"
    mkdir -p "$copy"
    cp -R "$top"/{configure.ac,scripts,patches,libavdevice-shmimage} \
        "$copy" || return
    sed -i '0,/^+static /s//+Static /' "$copy/$patch"
    : > "$copy/$hints"
    [ "$(cmp -l "$top/$patch" "$copy/$patch" | wc -l)" -eq 1 ] || return
    "$copy/scripts/make-patches" --check "$1" > "$copy/log" 2>&1 || status=$?
    cat "$copy/log"
    [ "$status" -eq 1 ] &&
        grep -q 'is not what its sources make' "$copy/log" &&
        grep -q '^possibly unused variables: ' "$copy/log"
}

# Installs libshmimage for the patched FFmpegs to be built with. It is shared,
# so that not every change in it has them all built anew.
install_for_ffmpeg()
{
    build_in install --prefix="$build/prefix" --without-ffmpeg \
        --disable-static &&
        make -C "$build/install" install
}

ffmpeg_prefix() { echo "$build/ffmpeg-$1"; }

# Builds a release with the device, and beside it, but for the system's, a
# libavdevice without.
build_ffmpeg()
{
    local stock=(--stock)

    ! is_of_system "$1" || stock=()
    # -O3 makes no difference to what is tested, and takes half as long again.
    PKG_CONFIG_PATH=$build/prefix/lib/pkgconfig "$scripts/build-ffmpeg" \
        "${stock[@]}" "$1" "$(ffmpeg_prefix "$1")" -- --optflags=-O1
}

# Builds all of them while other steps run, whose tests mostly wait. The step
# "ffmpeg" then finds them built, or says what is wrong.
build_ffmpegs()
{
    local release

    renice -n 19 -p "$BASHPID"
    install_for_ffmpeg || return
    for release in $(ffmpeg_releases); do
        build_ffmpeg "$release" || true
    done
}

# The release of the system's FFmpeg, or nothing.
system_release()
{
    [ ${#ffmpeg_option[@]} -eq 0 ] || return 0
    ffmpeg -version | sed -nE '1s/^ffmpeg version n?([0-9]+\.[0-9]+).*/\1/p'
}

# With the system's own release the step "default" tests the module. So of this
# one, the build is the usual one with static libraries.
is_of_system() { [ "$(system_release)" = "$1" ]; }

# compare_features COLUMN COMMAND...: runs tests, and compares what they show of
# an FFmpeg with its column in docs/ffmpeg.md.
compare_features()
{
    local results=$build/features/$1 said status=0

    mkdir -p "$build/features"
    rm -f "$results"
    shift
    SHMIMAGE_FEATURES=$results "$@" || return
    said=$("$scripts/make-matrix" --check "$results" 2>&1) || status=$?
    echo "$said"
    case $status in
    0) pass ;;
    77) skip "$said" ;;
    *) fail "docs/ffmpeg.md: $said" ;;
    esac
}

# The tests of the real tools, with an FFmpeg that has the device built in.
test_native()
{
    FFMPEG_NATIVE=1 FFMPEG=$2/bin/ffmpeg FFPLAY=$2/bin/ffplay \
        compare_features "$1-patched" run_tests install "ffmpeg $1" \
        check TESTS="$tool_tests"
}
tool_tests='tests/test_film.py tests/test_record.py tests/test_documents.py
    tests/test_ffmpeg.py tests/test_ffmpeg_output.py tests/test_ffplay.py
    tests/test_full_ffmpeg.py tests/test_full_record.py
    tests/test_interrupt.py tests/test_preload.py
    tests/test_survive.py tests/truncations.py'

# The same with one that gets it from the module, and those of the device by
# way of the libraries.
test_module()
{
    local libraries=$2/lib/stock:$2/lib device_tests=

    # shellcheck disable=SC2016 # make expands it
    [ "$have_units" = no ] || device_tests='$(device_tests)'
    if LD_LIBRARY_PATH=$libraries "$2/bin/ffmpeg" -hide_banner -devices |
           grep shmimage; then
        fail "module $1: there is nothing to add to this FFmpeg"
        return 0
    fi
    PKG_CONFIG_PATH=$2/lib/pkgconfig build_in "module-$1" --enable-werror \
        --disable-static || { fail "module $1: build"; return 0; }
    LD_LIBRARY_PATH=$libraries FFMPEG=$2/bin/ffmpeg FFPLAY=$2/bin/ffplay \
        compare_features "$1-module" run_tests "module-$1" "module $1" \
        check TESTS="$tool_tests $device_tests" check_PROGRAMS="$device_tests"
    [ ${#ffmpeg_option[@]} -eq 0 ] || return 0
    if minds_its_release "$build/module-$1" "$libraries"; then
        pass
    else
        fail "module $1: the system's ffmpeg does not run with it"
    fi
}

# The module stays out of a program that has libraries of another release, and
# says so. The system's may be so close to this one that it fits.
minds_its_release()
{
    local said

    said=$(LD_LIBRARY_PATH=$2 "$1/tools/shmimage" exec \
               ffmpeg -hide_banner -devices 2>&1) &&
        grep -E 'was built for .* and stays out|^ *D.* shmimage ' <<<"$said"
}
