#!/bin/sh
# Precompiling an interpreter (--interpreter): its functions go on to the next one by themselves, memory is moved in place; the answers
# and the traps stay those of the portable module.
. "${0%/*}/../lib/tap.sh"
. "${0%/*}/../lib/guest.sh"

cd "$T" || exit 1
wlpack kit which wasmedge >/dev/null 2>&1 || skip_all "the wasmedge kit is not installed"
"$sdk/bin/clang" --target=wasm32-wasip1 --sysroot="$sdk/share/wasi-sysroot" --no-wasm-opt -O2 -mbulk-memory \
    -o machine.wasm "$top/tests/lib/machine.c" || skip_all "the guest cannot be compiled"
# as a build does it: the loop's form is wasm-opt's
binaryen=$(wlpack kit which binaryen 2>/dev/null) && "$binaryen/bin/wasm-opt" -O3 machine.wasm -o machine.wasm

run wlpack wasm aot --interpreter machine.wasm aot.wasm
status_is 0 "precompiles"
err_like ' 26 functions threaded' "every opcode goes on by itself"
[ -z "$binaryen" ] || err_like 'calls and returns of its programs too' "and goes on with another state"
run wlpack wasm verify aot.wasm
status_is 0 "what it made is sound"
run wlpack run ./machine.wasm --interpret
want=$(cat "$out")
out_like '^-9223372036852794801 ' "the interpreter computes"
run wlpack run ./aot.wasm
out_is "$want" "native code computes the same"

# Without the promise nothing is threaded, and the answers are the same.
run wlpack wasm aot machine.wasm plain.wasm
err_like ' 0 functions threaded' "only on request"
run wlpack run ./plain.wasm
out_is "$want" "and the same answers without"

for trap in type index empty state end-from end-to end-fill end-from-far end-to-far end-fill-far; do
    run wlpack run ./machine.wasm --interpret -- $trap
    why=$(sed 's/.*: trap: //' "$err")
    for module in aot plain; do
        run wlpack run ./$module.wasm -- $trap
        status_is 134 "$module: $trap traps"
        is "$(sed 's/.*: trap: //' "$err")" "$why" "for the same reason ($why)"
        out_is "before the trap" "at the same place"
    done
done
run wlpack run ./machine.wasm --interpret -- end-fits
want=$(cat "$out")
run wlpack run ./aot.wasm -- end-fits
out_is "$want" "a move up to the last byte"

# Programs at random: the same answers as the interpreter's, and the same traps at the same places.
same=0
trapped=0
for seed in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do
    run wlpack run ./machine.wasm --interpret -- seed-$seed
    want=$status:$(cat "$out")$(sed 's/.*: trap: //' "$err")
    [ "$status" -ne 134 ] || trapped=$((trapped + 1))
    run wlpack run ./aot.wasm -- seed-$seed
    if [ "$want" = "$status:$(cat "$out")$(sed 's/.*: trap: //' "$err")" ]; then
        same=$((same + 1))
    else
        echo "# seed-$seed differs"
    fi
done
is $same 24 "programs at random"
ok "some of them trap ($trapped)" test $trapped -gt 2 -a $trapped -lt 20

# The same with setjmp and longjmp, lowered: the flag, and the stack pointer after a throw.
"$sdk/bin/clang" --target=wasm32-wasip1 --sysroot="$sdk/share/wasi-sysroot" --no-wasm-opt -O2 -mbulk-memory -DTHROWS \
    -mllvm -wasm-enable-sjlj -mllvm -wasm-use-legacy-eh=false -o throws.wasm "$top/tests/lib/machine.c" -lsetjmp
run wlpack wasm lower-eh throws.wasm throws.wasm
[ -z "$binaryen" ] || "$binaryen/bin/wasm-opt" -O3 throws.wasm -o throws.wasm
run wlpack wasm aot --interpreter throws.wasm throws-aot.wasm
err_like ' 2[0-9] functions threaded' "a loop that looks at the flag"
same=0
for seed in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    run wlpack run ./throws.wasm --interpret -- seed-$seed
    want=$status:$(cat "$out")$(sed 's/.*: trap: //' "$err")
    run wlpack run ./throws-aot.wasm -- seed-$seed
    if [ "$want" = "$status:$(cat "$out")$(sed 's/.*: trap: //' "$err")" ]; then
        same=$((same + 1))
    else
        echo "# seed-$seed differs: $want"
    fi
done
is $same 30 "programs at random that throw"

# A table that others may change has no known functions.
"$sdk/bin/clang" --target=wasm32-wasip1 --sysroot="$sdk/share/wasi-sysroot" --no-wasm-opt -O2 -Wl,--export-table \
    -o open.wasm "$top/tests/lib/machine.c"
run wlpack wasm aot --interpreter open.wasm open-aot.wasm
err_like ' 0 functions threaded' "an exported table: as it was"
run wlpack run ./open-aot.wasm
out_like '^-9223372036852794801 ' "and the same answers"

# The other architecture compiles.
case $(uname -m) in x86_64) other=aarch64 ;; *) other=x86_64 ;; esac
run wlpack wasm aot --interpreter machine.wasm other.wasm --arch $other
status_is 0 "code for $other"
run wlpack wasm aot --interpreter throws.wasm other.wasm --arch $other
status_is 0 "and of the one that throws"
done_testing
