#!/bin/sh
# The registry client against scripted servers: tests/registry/*.case say what a server answers, which requests must come, and
# what wlpack makes of it. tests/lib/registry-case.py describes the format.
. "${0%/*}/../lib/tap.sh"

command -v python3 >/dev/null 2>&1 || skip_all "python3 is not installed"

# eight at a time: most of the time is waiting
# shellcheck disable=SC2016 # the inner shell's own
printf '%s\n' "$top"/tests/registry/*.case | xargs -P 8 -n 1 sh -c '
    name=$(basename "$4" .case)
    rc=0
    python3 "$1/tests/lib/registry-case.py" "$2" "$4" >"$3/$name.out" 2>&1 || rc=$?
    echo "$rc" >"$3/$name.rc"' case "$top" "$WLPACK" "$T"
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

# tests/registry/README.md says what is tested where: what it names is there, and it names every kind of trouble by number
missing=0
for name in $(grep -o '`[^`]*`' "$top/tests/registry/README.md" | tr -d '`' | grep -E '^(auth|copy|login|proxy|pull|push|referrers|token)-[a-z0-9-]*$' | sort -u); do
    [ -f "$top/tests/registry/$name.case" ] || { missing=$((missing + 1)); echo "# no case $name"; }
done
for name in $(grep -oE '`[0-9][0-9]-[a-z-]+\.t`|`[a-z]+_test`' "$top/tests/registry/README.md" | tr -d '`' | sort -u); do
    [ -f "$top/tests/e2e/$name" ] || [ -f "$top/tests/unit/$name.c" ] || { missing=$((missing + 1)); echo "# no test $name"; }
done
is $missing 0 "README.md: the cases and tests that it names are there"
done_testing
