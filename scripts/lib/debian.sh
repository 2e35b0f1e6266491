# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Packages of another Debian suite than the system's, or in another root: from
# where the user's own apt gets its packages. No host is named here.

# write_apt_conf DIR: what apt is told besides the user's own configuration
# (which may name a proxy): to keep its files in DIR, and not to run hooks.
write_apt_conf()
{
    mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
    cat >"$1/apt.conf" <<EOF
Dir::State::Lists "$1/lists";
Dir::Cache "$1/cache";
Acquire::Languages "none";
APT::Sandbox::User "$(id -un)";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
EOF
}

# debian_mirror LABEL [APT-OPTION...]: where the user's apt gets Debian from.
debian_mirror()
{
    local label=$1

    shift
    # shellcheck disable=SC2016 # apt expands these
    apt-get "$@" indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' |
        awk -F '|' -v label="$label" \
            '$1 == "Debian" && $2 == label && !found++ { print $3 }'
}

# write_source_list deb|deb-src DIR SUITE: lines for a sources.list. DIR is one
# of write_apt_conf.
write_source_list()
{
    local type=$1 dir=$2 suite=$3 options='' keyring main security reread=()

    for keyring in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
        [ ! -r "$keyring" ] || options="[signed-by=$keyring] "
    done
    main=$(debian_mirror Debian)
    if [ -z "$main" ]; then
        # Without package lists apt cannot tell which source is Debian.
        reread=(-c "$dir/apt.conf")
        apt-get "${reread[@]}" -q update >"$dir/log" 2>&1 ||
            cat "$dir/log" >&2
        main=$(debian_mirror Debian "${reread[@]}")
    fi
    [ -n "$main" ] || return 1
    security=$(debian_mirror Debian-Security "${reread[@]}")
    printf '%s %s%s %s main\n' "$type" "$options" "$main" "$suite"
    [ -z "$security" ] || [ "$suite" = sid ] ||
        printf '%s %s%s %s-security main\n' \
               "$type" "$options" "$security" "$suite"
}
