#!/bin/sh
# Precompiling: native code that belongs to its module, for a fixed processor, the same each time.
. "${0%/*}/../lib/tap.sh"
. "${0%/*}/../lib/guest.sh"

cd "$T" || exit 1
wlpack kit which wasmedge >/dev/null 2>&1 || skip_all "the wasmedge kit is not installed"
guest_build guest.wasm || skip_all "the guest cannot be compiled"
arch=$(uname -m)

run wlpack wasm aot guest.wasm aot.wasm --jobs 1
status_is 0 "precompiles"
err_like '[1-9][0-9]* indirect calls without the runtime' "and looks functions up where the table cannot change"
case $arch in
x86_64) cpu=x86-64-v2 ;;
*) cpu=armv8-a ;;
esac
out_like "^$arch ($cpu|host) [0-9]+$" "for this machine's architecture"
# The upstream SDK's clang makes WebAssembly alone: WasmEdge's own compiler then stands in.
bound=$(grep -c ' host ' "$out")
run wlpack wasm verify aot.wasm
status_is 0 "and what it made is sound"
out_like "^module sha256:$(sha256sum guest.wasm | cut -d ' ' -f 1) $(wc -c <guest.wasm)$" "it names the module it was made from"
out_like "^code $arch" "and the code"
ok "the portable module comes first, unchanged" cmp -n "$(wc -c <guest.wasm)" guest.wasm aot.wasm

# Calls through the table: as the interpreter does them, traps included.
run wlpack run ./guest.wasm --interpret -- calls
calls=$(cat "$out")
run wlpack run ./aot.wasm -- calls
out_is "$calls" "indirect calls"
for trap in call-index call-empty call-type; do
    run wlpack run ./guest.wasm --interpret -- $trap
    why=$(sed 's/.*: trap: //' "$err")
    run wlpack run ./aot.wasm -- $trap
    status_is 134 "native code: $trap traps"
    is "$(sed 's/.*: trap: //' "$err")" "$why" "for the same reason ($why)"
done

# It computes what the portable module does.
run wlpack run ./guest.wasm --interpret -- sums
want=$(cat "$out")
run wlpack run ./aot.wasm -- sums
out_is "$want" "native code computes what the interpreter does"
run wlpack run ./aot.wasm --interpret -- sums
out_is "$want" "the precompiled module still is a portable one"
if command -v node >/dev/null; then
    run wlpack run ./aot.wasm --runtime node -- sums
    out_is "$want" "and runs on Node"
fi
for case in 'exit 3' 'unreachable' 'memory' 'recurse'; do
    # shellcheck disable=SC2086 # words
    run wlpack run ./aot.wasm -- $case
    case $case in exit*) code=3 ;; *) code=134 ;; esac
    status_is $code "native code: $case"
done

if [ "$bound" = 0 ]; then
    mkdir -p elsewhere
    cp guest.wasm elsewhere/other.wasm
    (cd elsewhere && WLPACK_HOME=$T/home2 "$WLPACK" wasm aot other.wasm again.wasm --jobs 3) >/dev/null 2>&1
    ok "the same bytes in another folder, with other jobs" cmp aot.wasm elsewhere/again.wasm
    run wlpack wasm aot guest.wasm fat.wasm --arch aarch64 --arch x86_64
    status_is 0 "two architectures in one file"
    run wlpack wasm verify fat.wasm
    is "$(grep -c '^code ' "$out")" 2 "are both there"
    run wlpack run ./fat.wasm -- sums
    out_is "$want" "the other one is passed over, and the guest's output is all there is"
    case $arch in x86_64) other=aarch64 ;; *) other=x86_64 ;; esac
    run wlpack wasm aot guest.wasm other.wasm --arch $other
    run wlpack run ./other.wasm -- sums
    out_is "$want" "code for $other alone: interpreted here"

    # No instruction beyond the baseline: nothing with a vex or evex prefix, no bmi, no 256 bit register.
    if [ "$arch" = x86_64 ]; then
        # the text that WasmEdge would load, and nothing else: data read as code could be anything
        python3 "$top/tests/lib/aot-text.py" aot.wasm text.bin
        printf '.text\n.incbin "text.bin"\n' >text.s
        "$sdk/bin/clang" --target=x86_64-linux-gnu -c -o text.o text.s
        "$sdk/bin/llvm-objdump" -d --no-show-raw-insn text.o >dis 2>/dev/null
        ok "the text was disassembled" test "$(wc -l <dis)" -gt 5000
        is "$(grep -c '<unknown>' dis)" 0 "every byte of it is an instruction"
        is "$(grep -cE '%[yz]mm[0-9]|\{%k[0-7]\}' dis)" 0 "none uses AVX registers"
        is "$(grep -cE '[[:space:]](v[a-z]{3,}|andn|bextr|bls[ir]|bzhi|mulx|pdep|pext|rorx|s[ah][lr]x|lzcnt|movbe)[lqw]?[[:space:]]' dis)" \
            0 "none is beyond x86-64-v2 (tzcnt is: rep bsf, which older ones read as bsf)"
        # the same look at what WasmEdge makes of it here tells whether this test can see anything
        if grep -q ' avx2 ' /proc/cpuinfo; then
            "$(wlpack kit which wasmedge)/bin/wasmedge" compile --generic-binary guest.wasm host.wasm >/dev/null 2>&1
            python3 "$top/tests/lib/aot-text.py" host.wasm text.bin
            "$sdk/bin/clang" --target=x86_64-linux-gnu -c -o text.o text.s
            "$sdk/bin/llvm-objdump" -d --no-show-raw-insn text.o >dis 2>/dev/null
            ok "WasmEdge's own code does use them" grep -qE '[[:space:]]v[a-z]{3,}[[:space:]]' dis
        fi
    fi
fi

# What does not belong together is refused, before it runs.
size=$(wc -c <guest.wasm)
flip() { # FILE OFFSET TO: one byte changed
    cp "$1" "$3"
    byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf '%o' $((byte ^ 1)))" | dd of="$3" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
flip aot.wasm $(($(wc -c <aot.wasm) - 1000)) tampered.wasm
run wlpack run ./tampered.wasm -- sums
status_is 1 "changed code"
out_is "" "does not run"
err_like 'not the one that its record names' "and it is said why"
# A module that was verified before is verified again when it has changed, whatever its size and date say.
sleep 3
run wlpack run ./aot.wasm -- sums
status_is 0 "a sound module"
ok "is known from then on" test -n "$(ls "$WLPACK_HOME/verified")"
run wlpack run ./aot.wasm -- sums
status_is 0 "and runs again"
# It is kept as a shared object, which starts faster and does the same.
mapped=$(echo "$WLPACK_HOME"/mapped/*/aot.wasm)
if [ "$arch" = x86_64 ] || [ "$arch" = aarch64 ]; then
    is "$(od -An -c -N 4 "$mapped" | tr -d ' ')" '177ELF' "as a shared object, under its own name"
    out_is "$want" "which computes the same"
    run wlpack run ./aot.wasm -- calls
    out_is "$calls" "calls the same"
    for case in 'exit 3' 'unreachable' 'memory' 'recurse'; do
        # shellcheck disable=SC2086 # words
        run wlpack run ./aot.wasm -- $case
        case $case in exit*) code=3 ;; *) code=134 ;; esac
        status_is $code "and ends the same: $case"
    done
    run wlpack run ./aot.wasm --interpret -- sums
    out_is "$want" "--interpret takes the module"
    printf 'no code' >"$mapped"
    run wlpack run ./aot.wasm -- sums
    ok "what is kept is what runs" test "$status" -ne 0
    run wlpack gc
    ok "gc clears it" test ! -e "$mapped"
    run wlpack run ./aot.wasm -- sums
    out_is "$want" "without it the module runs"
fi
flip aot.wasm $((size - 1000)) tampered.wasm
cp aot.wasm sound.wasm
touch -r aot.wasm date
cat tampered.wasm >aot.wasm
touch -r date aot.wasm
run wlpack run ./aot.wasm -- sums
status_is 1 "damaged behind our back"
cat sound.wasm >aot.wasm

flip aot.wasm $((size / 2)) tampered.wasm
run wlpack run ./tampered.wasm -- sums
status_is 1 "a changed module"
err_like 'made from another module' "is told from its code"
wasmedge=$(wlpack kit which wasmedge)
"$wasmedge/bin/wasmedge" compile guest.wasm foreign.wasm >/dev/null 2>&1
run wlpack run ./foreign.wasm -- sums
status_is 1 "code that wlpack did not make"
err_like 'without the record' "is not run"
run wlpack wasm aot aot.wasm twice.wasm
status_is 1 "precompiling twice"
err_like 'precompiled already' "is an error"

# A table that somebody outside may change is left to the runtime.
"$sdk/bin/clang" --target=wasm32-wasip1 --sysroot="$sdk/share/wasi-sysroot" --no-wasm-opt -O2 -Wl,--export-table \
    -o open.wasm "$top/tests/lib/guest.c"
run wlpack wasm aot open.wasm open-aot.wasm
err_like ' 0 indirect calls' "an exported table: no lookups"
run wlpack run ./open-aot.wasm -- calls
out_is "$calls" "and the same result"

# What cannot be precompiled.
run wlpack wasm aot nosuch.wasm x.wasm
status_is 1 "no such module"
err_like 'nosuch.wasm' "is named"
printf '\0asm\1\0\0\0\377' >bad.wasm
run wlpack wasm aot bad.wasm x.wasm
status_is 1 "a broken module"
ok "leaves nothing" test ! -e x.wasm
run wlpack wasm aot guest.wasm x.wasm --arch sparc
status_is 2 "an architecture that is not made"
err_like 'x86_64, aarch64' "with those that are"
run wlpack wasm aot guest.wasm x.wasm --optimize 9
ok "a level that is none" test "$status" -ne 0
ok "no work is left behind" test -z "$(ls "$WLPACK_HOME/tmp" 2>/dev/null)"
done_testing
