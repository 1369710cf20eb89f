#!/bin/sh
# Table calls made direct: the same answers and the same traps before and after, on WasmEdge (interpreted and precompiled) and on
# Node; what is not safe stays byte by byte; whatever the pass writes for the fuzz corpus is valid.
. "${0%/*}/../lib/tap.sh"
places=$(env -u WLPACK_HOME "$top/scripts/kit-install" 2>"$T/log") || {
    cat "$T/log" >&2
    skip_all "the kits cannot be had here"
}
place() {
    printf '%s\n' "$places" | sed -n "s,^$1	,,p"
}
binaryen=$(place binaryen)/bin wasmedge=$(place wasmedge)/bin/wasmedge
src=$top/tests/direct-calls
cd "$T" || exit 1

cat >answers.mjs <<'JS'
// answers MODULE INDEX...: what every export says to each index
import { readFileSync } from "node:fs";
const [file, ...indices] = process.argv.slice(2);
const imports = { wasi_snapshot_preview1: { sched_yield: () => 4 } };
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), imports);
for (const [name, f] of Object.entries(exports)) {
    if (typeof f !== "function") continue;
    for (const i of indices) {
        try {
            console.log(name, i, String(f(Number(i))));
        } catch (e) {
            console.log(name, i, e instanceof WebAssembly.Exception ? "exception" : e.message);
        }
    }
}
JS
# edge MODULE FUNCTION...: the same on WasmEdge; a trap as WasmEdge names it
edge() {
    module=$1
    shift
    for function in "$@"; do
        for n in $indices; do
            printf '%s %s ' "$function" "$n"
            "$wasmedge" --enable-tail-call --reactor "$module" "$function" "$n" 2>&1 |
                sed -n -e 's/.*execution failed: \([^,]*\).*/\1/' -e 1p
        done
    done
}
indices='0 1 2 3 4 5 19 20 21 22 23 59 60 61 62 63 64 65 66 67 68 69 199 200 201 202 299 300 301 -1 2147483647 -2147483648'
"$binaryen/wasm-as" --all-features "$src/traps.wat" -o traps.wasm || exit 1
for options in "" "--gap 0" "--peel 0" "--gap 0 --peel 101" "--gap 1000"; do
    # shellcheck disable=SC2086  # options are words
    run wlpack wasm $options direct-calls traps.wasm direct.wasm
    status_is 0 "traps $options: rewritten"
    err_like ' 10 of 11 table calls direct, 4 types' "traps $options: all calls whose type is in the table"
    ok "traps $options: valid" "$binaryen/wasm-opt" -q --mvp-features --enable-multivalue direct.wasm -o /dev/null
    if command -v node >/dev/null; then
        # shellcheck disable=SC2086
        node answers.mjs traps.wasm $indices >before
        # shellcheck disable=SC2086
        node answers.mjs direct.wasm $indices >after
        ok "traps $options: the same answers on Node" cmp before after
        ok "traps $options: traps among them" test "$(grep -cE 'null|signature|bounds' after)" -gt 50
    fi
done
run wlpack wasm direct-calls traps.wasm direct.wasm
indices='0 1 3 4 5 20 22 64 202 300 -1'
names='first second wide several yields passes_on unused deep nested'
# shellcheck disable=SC2086
edge traps.wasm $names >before
# shellcheck disable=SC2086
edge direct.wasm $names >after
ok "traps: the same answers on WasmEdge" cmp before after
ok "traps: traps among them" test "$(grep -cE 'uninitialized|mismatch|undefined|out of bounds' after)" -gt 20
run wlpack wasm aot direct.wasm aot.wasm
status_is 0 "traps: precompiled"
# shellcheck disable=SC2086
edge aot.wasm $names >after
ok "traps: the same answers precompiled" cmp before after
wlpack -q wasm direct-calls traps.wasm twice.wasm
ok "the same bytes every time" cmp direct.wasm twice.wasm
wlpack -q wasm direct-calls direct.wasm again.wasm
ok "nothing is left to do in the output" cmp direct.wasm again.wasm

"$binaryen/wasm-as" --all-features "$src/features.wat" -o features.wasm || exit 1
run wlpack wasm direct-calls features.wasm direct.wasm
status_is 0 "vectors, atomics, exceptions, tail calls: rewritten"
err_like ' 4 of 4 table calls direct, 3 types' "each call"
ok "valid" "$binaryen/wasm-opt" -q --all-features direct.wasm -o /dev/null
is "$("$binaryen/wasm-dis" --all-features direct.wasm | grep -c return_call_indirect)" 1 "a tail call stays one"
exception=--experimental-wasm-exnref
if node $exception answers.mjs features.wasm 0 >/dev/null 2>&1; then
    node $exception answers.mjs features.wasm 0 1 2 3 4 5 9 10 -1 >before
    node $exception answers.mjs direct.wasm 0 1 2 3 4 5 9 10 -1 >after
    ok "the same answers on Node" cmp before after
fi

# --- what stays as it is ---
while IFS='|' read -r name why wat; do
    printf '%s\n' "$wat" >in.wat
    "$binaryen/wasm-as" --all-features in.wat -o in.wasm || exit 1
    run wlpack wasm direct-calls in.wasm out.wasm
    status_is 0 "$name: no error"
    err_like "unchanged, .*$why" "$name: the reason"
    ok "$name: passed on byte by byte" cmp in.wasm out.wasm
done <"$src/refused"
run wlpack wasm --exported-constant direct-calls traps.wasm out.wasm
status_is 0 "a table that the host only reads"
echo 'no module' >text.wasm
run wlpack wasm direct-calls text.wasm no.wasm
status_is 1 "no module: refused"
err_like 'text.wasm: not a WebAssembly module' "no module: the error says so"
ok "no module: nothing is left" test ! -e no.wasm

# --- the corpus of the fuzzer ---
n=0 bad=
for f in "$top"/tests/fuzz/corpus/direct_calls/*.wasm; do
    "$binaryen/wasm-opt" -q --all-features "$f" -o /dev/null 2>/dev/null || continue
    n=$((n + 1))
    wlpack -q wasm direct-calls "$f" out.wasm &&
        "$binaryen/wasm-opt" -q --all-features out.wasm -o /dev/null || bad="$bad $f"
done
is "$bad" "" "valid modules of the corpus stay valid"
ok "there are some ($n)" test "$n" -gt 8
done_testing
