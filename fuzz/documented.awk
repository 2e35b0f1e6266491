# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Reads shmimage.h and prints, as rows of a C table, every status that the text
# after @return promises for each function: "SHMIMAGE_ERROR_NOT_FOUND, _OPEN"
# are two, and "as shmimage_writer_put()" stands for all of that one's.

/^ +SHMIMAGE_[A-Z_]+ += +-?[0-9]+,/ { is_status[$1] = 1 }

/@return/ { returns = 1 }
/@since/  { returns = 0 }
returns   { text = text " " $0 }

/\*\// {
    returns = 0
    complete = 1
}

complete && !/\*\// && match($0, /shmimage_[a-z_]+\(/) {
    call = substr($0, RSTART, RLENGTH - 1)
    promise[call] = text
    calls[++nb_calls] = call
}

complete && /[;{]/ { text = complete = "" }

function print_statuses(call, text,    name)
{
    while (match(text, /(SHMIMAGE)?_[A-Z_]+/)) {
        name = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        if (name ~ /^_/)
            name = "SHMIMAGE_ERROR" name
        if (name in is_status)
            printf "{ \"%s\", %s },\n", call, name
    }
}

END {
    for (i = 1; i <= nb_calls; i++) {
        call = calls[i]
        print_statuses(call, promise[call])
        if (match(promise[call], /as shmimage_[a-z_]+\(\)/))
            print_statuses(call, promise[substr(promise[call], RSTART + 3,
                                                RLENGTH - 5)])
    }
}
