#!/bin/sh
# wlpack run: exit codes, streams, what a guest sees, on every runtime that is here.
. "${0%/*}/../lib/tap.sh"
. "${0%/*}/../lib/guest.sh"

cd "$T" || exit 1
guest_build guest.wasm || skip_all "the guest cannot be compiled"
runtimes=
wlpack kit which wasmedge >/dev/null 2>&1 && runtimes=wasmedge
command -v node >/dev/null && runtimes="$runtimes node"
command -v wasmtime >/dev/null && runtimes="$runtimes wasmtime"
[ -n "$runtimes" ] || skip_all "no runtime"

# a name that no other process on this machine has on its command line
loops=loops-${T##*-}.wasm
cp guest.wasm "$loops"
# shellcheck disable=SC2009
gone() {
    ! ps -e -o args | grep -v grep | grep -qF "$loops loop"
}
mkdir site big
# looks like WasmEdge's log, but is the guest's own
awk 'BEGIN { for (i = 0; i < 20000; i++) print "[2026-01-01 00:00:00.000] [error] mine " i }' >big/file
printf 'from the host\n' >site/file
SECRET=1
export SECRET

for rt in $runtimes; do
    guest() {
        run "$WLPACK" run ./guest.wasm --runtime "$rt" "$@"
    }

    guest -- args a 'b c' --dir -- -v
    status_is 0 "$rt: a guest runs"
    out_is "guest.wasm
args
a
b c
--dir
--
-v" "$rt: it gets its arguments, and its name without our folder"
    is "$(cat "$err")" "" "$rt: and nothing is said on stderr"
    guest -- exit 3
    status_is 3 "$rt: the exit code is the guest's"
    guest -- exit 134
    status_is 134 "$rt: 134 of its own is no trap"
    err_unlike 'trap' "$rt: and is not called one"

    guest -- env
    out_is "" "$rt: no environment"
    guest -e A=1 -e B=x=y -e A=2 -e SECRET -e NOT_SET -- env
    is "$(sort "$out")" "A=2
B=x=y
SECRET=1" "$rt: but what is given, the last one wins"

    guest -- ls /
    status_is 1 "$rt: no folder"
    guest -- cat "$T/site/file"
    status_is 1 "$rt: no file by its name here"
    guest -v site:/data -- cat /data/file
    out_is "from the host" "$rt: a given folder"
    guest -v site:/data -- cat /data/../guest.wasm
    status_is 1 "$rt: and not what is beside it"
    guest -v "$T/site:/data" -- put /data/new text
    is "$(cat site/new)" "text" "$rt: it can be written to"
    rm -f site/new

    printf 'in\nput\n' | "$WLPACK" run ./guest.wasm --runtime "$rt" -- cat >"$out"
    out_is "in
put" "$rt: stdin passes through"
    guest -- err
    is "$(cat "$out")/$(cat "$err")" "/to stderr" "$rt: stderr too"

    for trap in unreachable memory recurse; do
        guest -- $trap
        status_is 134 "$rt: a trap ($trap) gives 134"
        out_is "before the trap" "$rt: the guest's output alone is on stdout"
        err_like 'trap' "$rt: stderr says so"
    done

    "$WLPACK" run "./$loops" --runtime "$rt" -- loop >"$out" 2>"$err" &
    pid=$!
    ok "$rt: a guest that does not end" wait_until grep -q looping "$out"
    kill -TERM $pid
    wait $pid
    is $? 143 "$rt: SIGTERM reaches the guest"
    ok "$rt: and nothing of it is left" wait_until gone
    "$WLPACK" run ./guest.wasm --runtime "$rt" -v big:/big -- cat /big/file | cmp - big/file >"$out"
    out_is "" "$rt: a megabyte passes unchanged"
    "$WLPACK" run ./guest.wasm --runtime "$rt" -v big:/big -- cat /big/file 2>"$err" | head -c 5 >"$out"
    out_is "[2026" "$rt: a reader that goes away ends it"
done

case $runtimes in *wasmedge*)
    run wlpack run ./guest.wasm -v site:/data:ro -- put /data/new text
    status_is 1 "wasmedge: a read-only folder"
    ok "stays as it is" test ! -e site/new
    run wlpack run ./guest.wasm --interpret -- args
    out_like '^guest.wasm$' "wasmedge: --interpret"
    ;;
esac
case $runtimes in *node*)
    run wlpack run ./guest.wasm --runtime node -v site:/data:ro -- ls /data
    status_is 2 "node: a read-only folder is refused"
    err_like 'runtime wasmedge' "with the way out"
    mkdir -p bin kits empty
    ln -s "$(command -v node)" bin/node
    run env PATH="$T/bin" XDG_CACHE_HOME="$T/empty" HOME="$T/empty" WLPACK_HOME="$T/empty" WASMEDGE_ROOT= \
        "$WLPACK" run ./guest.wasm -- exit 5
    status_is 5 "Node where WasmEdge is missing"
    ;;
esac
mkdir -p none
run env PATH="$T/none" XDG_CACHE_HOME="$T/none" HOME="$T/none" WLPACK_HOME="$T/none" WASMEDGE_ROOT= \
    "$WLPACK" run ./guest.wasm
status_is 1 "no runtime at all"
err_like 'kit install wasmedge' "says how to get one"

# What cannot be.
run wlpack run ./nosuch.wasm
status_is 1 "a file that is not there"
err_like 'no file ./nosuch.wasm' "is named"
printf '<?php\n' >text.wasm
run wlpack run ./text.wasm
status_is 1 "a .wasm that is none"
err_like 'not a WebAssembly module' "is refused"
head -c 3000 guest.wasm >cut.wasm
run wlpack run ./cut.wasm
status_is 1 "a module that is cut off"
run wlpack run nosuch
status_is 1 "a name that is nothing"
err_like 'nosuch' "is named"
run wlpack run ./guest.wasm -p 8080:8080 -- args
status_is 2 "-p with plain WASI"
err_like 'wasmedge flavour' "says which flavour has sockets"
# A module that imports WasmEdge's sock_listen and does nothing.
printf '\000asm\001\000\000\000\001\012\002\140\000\000\140\002\177\177\001\177\002\046\001\026wasi_snapshot_preview1\013sock_listen\000\001' >sockets.wasm
printf '\003\002\001\000\005\003\001\000\001\007\023\002\006memory\002\000\006_start\000\001\012\004\001\002\000\013' >>sockets.wasm
for port in 8080 8080:8080; do
    run wlpack run ./sockets.wasm -p "$port"
    status_is 0 "-p $port with sockets"
done
for port in 8080:80 80:8080 1:18080; do
    run wlpack run ./sockets.wasm -p "$port"
    status_is 2 "-p $port"
    err_like "host's own ports" "nothing maps ports, and that is said"
done
run wlpack run ./sockets.wasm --runtime node
status_is 2 "sockets under Node"
err_like 'node has not' "are refused before it tries"
for bad in site :/x site: a:b:c; do
    run wlpack run ./guest.wasm -v "$bad"
    status_is 2 "-v $bad"
done
run wlpack run ./guest.wasm -v nosuch:/x
status_is 1 "-v with a folder that is not there"
run wlpack run ./guest.wasm -v guest.wasm:/x
status_is 2 "-v with a file"
run wlpack run ./guest.wasm -e =x
status_is 2 "-e without a name"
run wlpack run ./guest.wasm --runtime v8
status_is 2 "an unknown runtime"
run wlpack run
status_is 2 "nothing to run"
done_testing
