# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Running the steps of scripts/check, each with a log of its own, and counting
# their results. Needs common.sh, and $build.

passed=0
failed=0
skipped=0

pass() { passed=$((passed + 1)); }

fail()
{
    failed=$((failed + 1))
    echo "  FAIL: $*" >&3
}

# skip WHY: print_results() has a line for each reason.
skip()
{
    skipped=$((skipped + 1))
    echo "$1" >> "$build/skipped"
}

# The number that follows $2 in the last line of file $1 that has it, or 0.
number_after()
{
    local number

    number=$(sed -n "s/.*$2\([0-9][0-9]*\).*/\1/p" "$1" | tail -n 1)
    echo "${number:-0}"
}

# The results of one test program, from the log and the verdict that automake
# leaves: libcheck and unittest say in the log how many cases there were.
count_program()
{
    local log=$1.log name=$3 ran=1 bad=0 left=0 verdict

    verdict=$(sed -n 's/^:test-result: *//p' "$1.trs")
    if grep -q '^[0-9]*%: Checks: ' "$log"; then
        ran=$(number_after "$log" '%: Checks: ')
        bad=$(($(number_after "$log" ', Failures: ') +
               $(number_after "$log" ', Errors: ')))
    elif grep -q '^Ran [0-9]* test' "$log"; then
        ran=$(number_after "$log" 'Ran ')
        bad=$(($(number_after "$log" '[( ]failures=') +
               $(number_after "$log" '[( ]errors=')))
        left=$(number_after "$log" '[( ]skipped=')
    elif [ "$verdict" = SKIP ]; then
        left=1
    fi
    case $verdict in
    PASS | SKIP) [ "$bad" -eq 0 ] || verdict=FAIL ;;
    *) [ "$bad" -gt 0 ] || bad=1 ;;
    esac
    [ "$ran" -ge $((bad + left)) ] || ran=$((bad + left))
    passed=$((passed + ran - bad - left))
    failed=$((failed + bad))
    skipped=$((skipped + left))
    case $verdict in
    PASS)
        [ "$left" -eq 0 ] ||
            sed -n "s/^.* \.\.\. skipped ['\"]\(.*\)['\"]$/\1/p" "$log" \
                >> "$build/skipped"
        ;;
    SKIP) grep -v '^SKIP ' "$log" | tail -n 1 >> "$build/skipped" ;;
    *)
        echo "  FAIL: $2: $name, see $log" >&3
        tail -n 40 "$log" >&3
        ;;
    esac
}

# count_results DIRECTORY STEP: all that the last make check there ran.
count_results()
{
    local trs found=

    for trs in "$1"/tests/*.trs; do
        [ -e "$trs" ] || continue
        found=yes
        count_program "${trs%.trs}" "$2" "$(basename "${trs%.trs}" .skip)"
    done
    [ -n "$found" ] || fail "$2: no test was run"
}

# clocked WHAT COMMAND...: runs it, and tells at the end how long it took.
clocked()
{
    local start=$SECONDS what=$1 status=0

    shift
    "$@" || status=$?
    clock+=("$((SECONDS - start)) $what")
    return "$status"
}
clock=()

# What took longest, in seconds.
print_clock()
{
    [ ${#clock[@]} -gt 0 ] || return 0
    echo "check: where the time went, in seconds:"
    printf '%s\n' "${clock[@]}" | sort -rn | head -n 20 |
        while read -r seconds what; do
            printf '  %5d  %s\n' "$seconds" "$what"
        done
}

# Runs the function step_NAME with its output in a log. In there set -e is
# off, as in every command whose status is looked at.
run_step()
{
    local log=$build/$1.log status=0
    local TIMEFORMAT='  %0R s, %0U s of processor time and %0S s of the kernel'

    echo "check: $1" >&3
    { time "step_$1" > "$log" 2>&1 || status=$?; } 2>&3
    if [ "$status" -ne 0 ]; then
        fail "$1, see $log"
        tail -n 40 "$log" >&3
    fi
    echo "  so far $passed passed, $failed failed, $skipped skipped" >&3
}

# Why tests were skipped, and how many for that reason.
print_skipped()
{
    [ "$skipped" -gt 0 ] || return 0
    echo "check: skipped:"
    sort "$build/skipped" | uniq -c | sort -rn
}

print_results()
{
    print_clock
    print_skipped
    echo "check: $passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}

exec 3>&1
