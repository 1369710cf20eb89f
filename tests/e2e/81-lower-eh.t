#!/bin/sh
# Exceptions lowered: C programs with setjmp and longjmp must print what the host's compiler makes them print, and a module
# that uses the proposal in other ways must give the same answers before (interpreted) and after.
. "${0%/*}/../lib/tap.sh"
places=$(env -u WLPACK_HOME "$top/scripts/kit-install" 2>"$T/log") || {
    cat "$T/log" >&2
    skip_all "the kits cannot be had here"
}
place() {
    printf '%s\n' "$places" | sed -n "s,^$1	,,p"
}
sdk=$(place wasi-sdk) binaryen=$(place binaryen) wasmedge=$(place wasmedge)/bin/wasmedge
src=$top/tests/lower-eh
cd "$T" || exit 1

# valid MODULE: without the proposal nothing in it is unknown
valid() {
    "$binaryen/bin/wasm-opt" --mvp-features --enable-multivalue --enable-tail-call --enable-mutable-globals \
        --enable-bulk-memory --enable-reference-types --enable-sign-ext \
        --enable-nontrapping-float-to-int -q "$1" -o /dev/null
}

for program in nested frames operands million cleanup; do
    cc -O1 -w -o native "$src/$program.c" || exit 1
    want_status=0
    ./native >want || want_status=$?
    for level in 0 2 z; do
        "$sdk/bin/clang" --target=wasm32-wasip1 --sysroot="$sdk/share/wasi-sysroot" "-O$level" -w --no-wasm-opt \
            -mllvm -wasm-enable-sjlj -mllvm -wasm-use-legacy-eh=false -o eh.wasm "$src/$program.c" -lsetjmp || exit 1
        run wlpack wasm lower-eh eh.wasm low.wasm
        status_is 0 "$program -O$level: lowered"
        ok "$program -O$level: a module without exceptions" valid low.wasm
        run "$wasmedge" low.wasm
        status_is "$want_status" "$program -O$level: exit code"
        ok "$program -O$level: output as of the native program" cmp want "$out"
    done
    "$wasmedge" compile low.wasm aot.wasm >/dev/null 2>&1
    run "$wasmedge" aot.wasm
    ok "$program: output when compiled ahead of time" cmp want "$out"
    "$binaryen/bin/wasm-opt" -q -O3 low.wasm -o opt.wasm
    run "$wasmedge" opt.wasm
    ok "$program: output after wasm-opt" cmp want "$out"
done

# --- by hand ---
# answers MODULE FUNCTION...: what the functions say to 0, 1, 2 and 3
answers() {
    module=$1
    shift
    for function in "$@"; do
        for n in 0 1 2 3; do
            printf '%s %s ' "$function" "$n"
            "$wasmedge" --enable-tail-call --enable-exception-handling --reactor "$module" "$function" "$n" 2>&1 |
                sed -n -e 's/.*execution failed: .*/trap/' -e 1p
        done
    done
}
# same NAME FUNCTION...
same() {
    name=$1
    shift
    "$binaryen/bin/wasm-as" --all-features "$src/$name.wat" -o eh.wasm || exit 1
    run wlpack wasm lower-eh eh.wasm low.wasm
    status_is 0 "$name: lowered"
    ok "$name: a module without exceptions" valid low.wasm
    answers eh.wasm "$@" >before
    answers low.wasm "$@" >after
    ok "$name: the same answers" cmp before after
}
same multi sort_out two_deep leaves_two_deep many looped tailed order uncaught uncaught_void
ok "multi: uncaught exceptions trap" grep -qx 'uncaught 1 trap' after
is "$(wlpack -q wasm lower-eh low.wasm again.wasm && cmp low.wasm again.wasm && echo same)" same \
    "a module without exceptions passes unchanged"
wlpack -q wasm lower-eh eh.wasm twice.wasm
ok "the same bytes every time" cmp low.wasm twice.wasm

# WasmEdge does not load every null that Binaryen writes: the answers stand here
"$binaryen/bin/wasm-as" --all-features "$src/refs.wat" -o eh.wasm || exit 1
run wlpack wasm lower-eh eh.wasm low.wasm
status_is 0 "refs: lowered"
ok "refs: a module without exceptions" valid low.wasm
answers low.wasm kinds catch_ref null >after
is "$(paste -sd, after | sed 's/catch_ref/,&/;s/null/,&/')" \
    "kinds 0 8,kinds 1 4294967285,kinds 2 2002,kinds 3 3000,,catch_ref 0 7,catch_ref 1 4294967274,\
catch_ref 2 trap,catch_ref 3 trap,,null 0 trap,null 1 trap,null 2 trap,null 3 trap" "refs: the answers"

# --- what cannot be done is said ---
"$sdk/bin/clang" --target=wasm32-wasip1 --sysroot="$sdk/share/wasi-sysroot" -O2 -w --no-wasm-opt \
    -mllvm -wasm-enable-sjlj -mllvm -wasm-use-legacy-eh=true -o legacy.wasm "$src/nested.c" -lsetjmp || exit 1
run wlpack wasm lower-eh legacy.wasm no.wasm
status_is 1 "legacy encoding: refused"
err_like 'legacy.wasm: .*-wasm-use-legacy-eh=false' "legacy encoding: the error says what to do"
ok "legacy encoding: nothing is left" test ! -e no.wasm
echo 'no module' >text.wasm
run wlpack wasm lower-eh text.wasm no.wasm
status_is 1 "no module: refused"
err_like 'text.wasm: not a WebAssembly module: .*at offset 0x0' "no module: the error says so"
head -c 5000 eh.wasm | head -c 200 >cut.wasm
run wlpack wasm lower-eh cut.wasm no.wasm
status_is 1 "cut module: refused"
err_like 'not a WebAssembly module: .* at offset 0x' "cut module: the error names the place"
run wlpack wasm lower-eh missing.wasm no.wasm
status_is 1 "missing file"
done_testing
