# SPDX-License-Identifier: LGPL-2.1-or-later
#
# awk -v tree=DIR -v shared=DIR -f apply-edits.awk FILE.edits
#
# Edits the files of a source tree as FILE.edits says; patches/README.md
# describes its notation. A hunk is applied only if the lines that it expects
# are in the file exactly once: a release that has moved on, or an anchor that
# fits in two places, ends the run with a message and status 1.

function fail(text)
{
    printf "%s:%d: %s\n", FILENAME, hunk_line, text > "/dev/stderr"
    failed = 1
    exit 1
}

function read_lines(path, lines,    n, status)
{
    n = 0
    while ((status = (getline lines[n + 1] < path)) > 0)
        n++
    close(path)
    if (status < 0)
        fail("cannot read " path)
    return n
}

function matches_at(start,    i)
{
    for (i = 1; i <= old_count; i++)
        if (text[start + i - 1] != old[i])
            return 0
    return 1
}

function find_once(count,    start, place, found)
{
    for (start = 1; start + old_count - 1 <= count; start++)
        if (matches_at(start)) {
            place = start
            found++
        }
    if (found != 1)
        fail("the lines of this hunk are in " target " " (found + 0) \
             " times, not once; change the hunk to fit the release")
    return place
}

function write_edited(path, count, place,    i)
{
    for (i = 1; i < place; i++)
        print text[i] > path
    for (i = 1; i <= new_count; i++)
        print new[i] > path
    for (i = place + old_count; i <= count; i++)
        print text[i] > path
    close(path)
}

function apply_hunk(    path, count)
{
    if (!target)
        return
    old_count -= trailing_blanks
    new_count -= trailing_blanks
    if (!old_count)
        fail("a hunk needs at least one line that is in the file already")
    if (!changes)
        fail("this hunk changes nothing")
    path = tree "/" target
    count = read_lines(path, text)
    write_edited(path, count, find_once(count))
}

function insert_shared(name,    lines, n, i)
{
    n = read_lines(shared "/" name, lines)
    for (i = 1; i <= n; i++)
        new[++new_count] = lines[i]
}

/^#/ { next }

/^@@ / {
    apply_hunk()
    target = substr($0, 4)
    hunk_line = FNR
    old_count = new_count = changes = trailing_blanks = 0
    next
}

/^$/ {
    if (target) {
        old[++old_count] = ""
        new[++new_count] = ""
        trailing_blanks++
    }
    next
}

{
    if (!target)
        fail("a line before the first @@ line")
    trailing_blanks = 0
    sign = substr($0, 1, 1)
}
sign == " " {
    old[++old_count] = substr($0, 2)
    new[++new_count] = substr($0, 2)
    next
}
sign == "-" { old[++old_count] = substr($0, 2); changes++; next }
sign == "+" { new[++new_count] = substr($0, 2); changes++; next }
sign == "<" { insert_shared(substr($0, 3)); changes++; next }
{
    hunk_line = FNR
    fail("a line must begin with a space, -, +, <, @@ or #")
}

END {
    if (!failed)
        apply_hunk()
}
