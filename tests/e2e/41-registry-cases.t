#!/bin/sh
# The registry client against scripted servers: tests/registry/*.case say what a server answers, which requests must come, and
# what wlpack makes of it. tests/lib/registry-case.py describes the format.
. "${0%/*}/../lib/tap.sh"

command -v python3 >/dev/null 2>&1 || skip_all "python3 is not installed"

# eight at a time: most of the time is waiting
n=0
for case in "$top"/tests/registry/*.case; do
    name=$(basename "$case" .case)
    (
        rc=0
        python3 "$top/tests/lib/registry-case.py" "$WLPACK" "$case" >"$T/$name.out" 2>&1 || rc=$?
        echo "$rc" >"$T/$name.rc"
    ) &
    n=$((n + 1))
    [ $((n % 8)) -ne 0 ] || wait
done
wait
for case in "$top"/tests/registry/*.case; do
    name=$(basename "$case" .case)
    title="$name: $(sed -n 's/^# //p' "$case" | head -n 1)"
    if [ "$(cat "$T/$name.rc" 2>/dev/null)" = 0 ]; then
        pass "$title"
    else
        run sh -c 'cat "$1" >&2; exit 1' case "$T/$name.out"
        fail "$title"
    fi
done
done_testing
