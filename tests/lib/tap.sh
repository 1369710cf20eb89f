# tap.sh: what every end-to-end test sources. POSIX sh, TAP on stdout.
#
#   . "${0%/*}/../lib/tap.sh"
#   run wlpack version            # $status, $out (file), $err (file)
#   status_is 0 "version works"
#   out_like 'wlpack [0-9]' "and says a number"
#   done_testing
#
# $top: the checkout; $T: a temporary folder that is removed at the end; $WLPACK: the program under test (the
# environment may name another build); WLPACK_HOME points into $T, so that no test touches the user's store.
# Kits and the source mirror are still found in the user's own place.
# shellcheck shell=sh

set -u
# the same wherever it runs: under make, with another umask, behind a proxy (what is on loopback is never asked for there)
umask 022
LC_ALL=C
NO_PROXY=127.0.0.1,localhost,::1,${no_proxy:-${NO_PROXY:-}}
export LC_ALL NO_PROXY
unset no_proxy MAKEFLAGS MFLAGS MAKELEVEL CDPATH NO_COLOR
top=$(cd "${0%/*}/../.." && pwd)
WLPACK=${WLPACK:-$top/build/wlpack}
case $WLPACK in /*) ;; *) WLPACK=$top/$WLPACK ;; esac
T=$(mktemp -d "${TMPDIR:-/tmp}/wlpack-e2e-XXXXXX")
WLPACK_HOME=$T/home
WLPACK_TEST_DIR=$T
export WLPACK_HOME WLPACK_TEST_DIR
out=$T/.out
err=$T/.err
status=0
tap_n=0
tap_bad=0
# Commands to run at the end, newest first: at_end 'kill 123'
tap_end=

at_end() {
    tap_end="$1; $tap_end"
}

tap_exit() {
    tap_code=$?
    eval "$tap_end"
    cd / && chmod -R u+rwx "$T" 2>/dev/null
    rm -rf "$T"
    exit "$tap_code"
}
trap tap_exit EXIT
trap 'exit 130' INT TERM HUP

wlpack() {
    "$WLPACK" "$@"
}

# run CMD...: runs it with stdout in $out, stderr in $err and the exit code in $status
run() {
    tap_cmd=$*
    status=0
    "$@" >"$out" 2>"$err" </dev/null || status=$?
}

# wait_until CMD...: until it succeeds. Gives up (and fails) after five minutes only: how fast the machine is must not decide.
wait_until() {
    tap_tries=0
    until "$@"; do
        tap_tries=$((tap_tries + 1))
        [ "$tap_tries" -lt 6000 ] || return 1
        sleep 0.05
    done
}

# ended_by SIGNAL SECONDS CMD...: starts it, sends the signal after that time and waits until it is dead; its exit code in $status. (timeout sends
# the signal twice, to the command and to its group, and with KILL it is gone itself before the command is.) CMD is a program, no function.
ended_by() {
    tap_signal=$1
    tap_cmd=$*
    tap_seconds=$2
    shift 2
    "$@" >"$out" 2>"$err" </dev/null &
    tap_pid=$!
    sleep "$tap_seconds"
    kill "-$tap_signal" "$tap_pid" 2>/dev/null || :
    status=0
    wait "$tap_pid" 2>/dev/null || status=$?
}

tap_show() {
    printf '#   command: %s\n#   status: %s\n' "${tap_cmd:-}" "$status"
    [ -f "$out" ] && head -n 20 "$out" | sed 's/^/#   stdout: /'
    [ -f "$err" ] && tail -n 20 "$err" | sed 's/^/#   stderr: /'
}

pass() {
    tap_n=$((tap_n + 1))
    printf 'ok %d - %s\n' "$tap_n" "$1"
}

fail() {
    tap_n=$((tap_n + 1))
    tap_bad=$((tap_bad + 1))
    printf 'not ok %d - %s\n' "$tap_n" "$1"
    # to stderr, which prove shows
    { printf '# %s: not ok %d - %s\n' "${0##*/}" "$tap_n" "$1" && tap_show; } >&2
}

# ok NAME CMD...: passes when the command does
ok() {
    tap_name=$1
    shift
    if "$@"; then pass "$tap_name"; else fail "$tap_name"; fi
}

# is GOT WANT NAME
is() {
    if [ "$1" = "$2" ]; then
        pass "$3"
    else
        fail "$3"
        printf '#   got:  %s\n#   want: %s\n' "$1" "$2" >&2
    fi
}

status_is() {
    is "$status" "$1" "$2"
}

# out_like / err_like REGEX NAME; out_is TEXT NAME (the whole of stdout)
out_like() {
    if grep -qE -- "$1" "$out"; then pass "$2"; else fail "$2"; fi
}

out_unlike() {
    if grep -qE -- "$1" "$out"; then fail "$2"; else pass "$2"; fi
}

err_like() {
    if grep -qE -- "$1" "$err"; then pass "$2"; else fail "$2"; fi
}

err_unlike() {
    if grep -qE -- "$1" "$err"; then fail "$2"; else pass "$2"; fi
}

out_is() {
    is "$(cat "$out")" "$1" "$2"
}

# skip_all WHY: ends the test as skipped; only for what the host cannot do, never for what we did not finish
skip_all() {
    printf '1..0 # SKIP %s\n' "$1"
    exit 0
}

# containers_or_skip: makes the container root; skips the test where the host cannot run containers, and says why
containers_or_skip() {
    env -u WLPACK_HOME "$top/scripts/container-root" >"$T/root" 2>"$T/log" || {
        tap_code=$?
        cat "$T/log" >&2
        [ "$tap_code" = 77 ] && skip_all "no containers on this host: $(tail -n 1 "$T/log")"
        exit 1
    }
}

done_testing() {
    printf '1..%d\n' "$tap_n"
    [ "$tap_bad" -eq 0 ] || exit 1
    exit 0
}
