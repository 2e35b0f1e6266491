# SPDX-License-Identifier: LGPL-2.1-or-later
#
# awk -f open-hints.awk HINTS OUTPUT
#
# Prints what FFmpeg's tools/patcheck said in OUTPUT, without what may stay as
# it is according to HINTS; patches/README.md describes that. Status 1 if OUTPUT
# is not patcheck's.

function flush()
{
    if (hint != "" && !lines && !(hint in accepted))
        print hint
    hint = ""
}

function accepts(line,    i)
{
    for (i = 1; i <= accepted[hint]; i++)
        if (line ~ pattern[hint, i])
            return 1
    return 0
}

FILENAME == ARGV[1] {
    if (/^@@ /)
        hint = substr($0, 4)
    else if (/^ /)
        pattern[hint, ++accepted[hint]] = substr($0, 2)
    next
}

FNR == 1 { hint = "" }

/^patCHeck / { banner = 1 }

/^License: / { ready = 1; next }

!ready { next }

/^$/ { flush(); begins = 1; next }

begins {
    begins = lines = 0
    hint = $0
    next
}

{
    lines++
    if (!accepts($0))
        print hint ": " $0
}

END {
    flush()
    exit !(banner && ready)
}
