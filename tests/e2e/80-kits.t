#!/bin/sh
# The kits that set-up installed: that they do what the stages ask of them, wherever they lie.
. "${0%/*}/../lib/tap.sh"
scripts=$top/scripts
places=$(env -u WLPACK_HOME "$scripts/kit-install" 2>"$T/log") || {
    cat "$T/log" >&2
    skip_all "the kits cannot be had here"
}
place() {
    printf '%s\n' "$places" | sed -n "s,^$1	,,p"
}
# every test below runs through links, in a folder with a blank in its name
mkdir "$T/else where"
for kit in wasi-sdk binaryen wasmedge; do
    ln -s "$(place $kit)" "$T/else where/$kit"
done
sdk="$T/else where/wasi-sdk" binaryen="$T/else where/binaryen" wasmedge="$T/else where/wasmedge"

for kit in wasi-sdk binaryen wasmedge; do
    ok "$kit: kit.json names it" grep -q "\"name\": \"$kit\"" "$(place $kit)/kit.json"
    ok "$kit: kit.json has an identity" grep -qE '"identity": "sha256:[0-9a-f]{64}"' "$(place $kit)/kit.json"
    ok "$kit: kit.json holds no path" sh -c '! grep -q "\"/" "$1"' no-path "$(place $kit)/kit.json"
done

cat >"$T/hello.c" <<'C'
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
static jmp_buf env;
static void leave(int n) { longjmp(env, n); }
int main(int argc, char **argv) {
    volatile int before = argc;
    int r = setjmp(env);
    if (r == 0) leave(41 + before);
    printf("%s %d\n", argv[argc - 1], r);
    return 3;
}
C
# nothing but the kit may be needed: no PATH
cc() {
    env PATH=/nowhere "$sdk/bin/clang" --target=wasm32-wasip1 --sysroot="$sdk/share/wasi-sysroot" -O2 --no-wasm-opt "$@"
}
run cc -mllvm -wasm-enable-sjlj "$T/hello.c" -lsetjmp -o "$T/legacy.wasm"
status_is 0 "clang: setjmp through exceptions in the old encoding"
run cc -mllvm -wasm-enable-sjlj -mllvm -wasm-use-legacy-eh=false "$T/hello.c" -lsetjmp -o "$T/new.wasm"
status_is 0 "clang: and in the new one"
run "$binaryen/bin/wasm-opt" -all -O2 "$T/new.wasm" -o "$T/opt.wasm"
status_is 0 "wasm-opt reads the new encoding"
ok "and makes it smaller" test "$(wc -c <"$T/opt.wasm")" -lt "$(wc -c <"$T/new.wasm")"
run "$wasmedge/bin/wasmedge" --enable-exception-handling "$T/legacy.wasm" hi
status_is 3 "wasmedge runs it and hands on its exit code"
out_is "hi 43" "longjmp arrived"

cat >"$T/f.ll" <<'LL'
define i32 @f(i32 %a) {
  %r = add i32 %a, 1
  ret i32 %r
}
LL
for target in x86_64 aarch64; do
    run "$sdk/bin/clang" --target=$target-linux-gnu -Wno-override-module -O2 -c "$T/f.ll" -o "$T/f.o"
    status_is 0 "clang compiles LLVM IR for $target"
    run "$sdk/bin/ld.lld" --shared "$T/f.o" -o "$T/f.so"
    status_is 0 "ld.lld links a shared object of it"
    run "$sdk/bin/llvm-objdump" -d "$T/f.so"
    out_like "$([ $target = aarch64 ] && echo 'add[[:space:]]+w0, w0, #' || echo 'leal')" "with $target code in it"
done
for tool in llvm-ar llvm-ranlib llvm-nm llvm-strip wasm-ld clang++; do
    ok "wasi-sdk has $tool" sh -c '"$1" --version >/dev/null 2>&1' tool "$sdk/bin/$tool"
done
for tool in wasm-dis wasm-as wasm-ctor-eval wasm-metadce; do
    ok "binaryen has $tool" sh -c '"$1" --version >/dev/null 2>&1' tool "$binaryen/bin/$tool"
done

# --- made again elsewhere: the same bytes; interrupted: nothing ---
if grep -q '"origin": "debian"' "$(place binaryen)/kit.json"; then
    run env WLPACK_KIT_ORIGIN=debian "$scripts/kit-install" binaryen
    status_is 0 "binaryen is made once more from packages"
    ok "and is the same, byte for byte" diff -r "$(place binaryen)" "$(cut -f 2 "$out")"
    rm -rf "$WLPACK_HOME"
    env WLPACK_KIT_ORIGIN=debian "$scripts/kit-install" binaryen >/dev/null 2>&1 &
    pid=$!
    begun() {
        [ -n "$(ls -A "$WLPACK_HOME/kits" 2>/dev/null)" ]
    }
    ok "kit-install has begun" wait_until begun
    kill -TERM $pid
    wait $pid
    is $? 143 "kit-install ends on SIGTERM"
    is "$(ls -A "$WLPACK_HOME/kits")" "" "and leaves nothing behind"
fi
done_testing
