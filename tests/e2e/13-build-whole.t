#!/bin/sh
# The tiny recipe the whole way: lowered, optimised, precompiled, packed; no image is made twice, none is missing.
. "${0%/*}/../lib/tap.sh"
. "$top/tests/lib/tiny.sh"
cd "$T" || exit 1
tiny_make
# A longjmp in it, so that there is something to lower.
cat >"$T/tiny-src/src/main.c" <<'MAIN'
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include "say.h"

static jmp_buf back;

__attribute__((noinline)) static void leave(int n) {
    longjmp(back, n);
}

int main(int argc, char **argv) {
    int n = setjmp(back);

    if (n > 0)
        return n;
    if (argc > 1 && atoi(argv[1]) > 0)
        leave(atoi(argv[1]));
    printf("%s %s\n", SAYS, argc > 1 ? argv[1] : "");
    return 0;
}
MAIN
sed -i 's/main.c"$/main.c -lsetjmp"/' tiny-src/configure
tiny_archive
tiny_cflags='"-mllvm", "-wasm-enable-sjlj", "-mllvm", "-wasm-use-legacy-eh=false"'
rest='"lower": ["exceptions"], "optimize": {"flags": ["-O2", "--strip-debug"]}, "aot": {"optimize": "1", "direct-calls": true}'
images='"images": {"cli": {"artefact": "cli", "tag": "${version}-cli", "entrypoint": ["/tiny.wasm"], "env": {"A": "b"}}}'
tiny_recipe "$rest, $images"

run wlpack build tiny-1.0 --output o -v
status_is 0 "a whole build"
is "$(cut -f 1 "$out" | tr '\n' ' ')" "artefact aot image image " "hands out the module, the precompiled one and two images"
err_like 'lower cli +.*checks behind [1-9]' "exceptions are lowered"
err_like 'optimize cli +.* [kM]?B -> ' "the sizes before and after optimising"
err_like 'aot cli .*[0-9]+ of [0-9]+ table calls direct \([0-9]+ types, \+[0-9]+ bytes\)' "and the table calls made direct"
memory=$(sed -n 's/^tiny-1.0: peak memory \([0-9]*\) MiB.*/\1/p' "$err")
case $WLPACK in
*san*) ;;
*) ok "wlpack itself stays below 32 MiB (${memory:-?})" test "${memory:-99}" -lt 32 ;;
esac
is "$(cut -f 2 "$out" | tail -n 2 | tr '\n' ' ')" "tiny:1.0-cli tiny:1.0-cli-aot " "the images' names"
digests=$(cut -f 1,4 "$out")
run wlpack images
out_like 'tiny:1.0-cli' "they are in the local store"
wasmedge=$(wlpack kit which wasmedge wasmedge)
run "$wasmedge" o/tiny-1.0/bin/tiny.wasm 7
status_is 7 "longjmp works in the module"
run "$wasmedge" o/tiny-1.0/bin/tiny-aot.wasm 7
status_is 7 "and in the precompiled one"

run wlpack build tiny-1.0 --output o
err_like 'up to date' "again: up to date"
is "$(cut -f 1,4 "$out")" "$digests" "with the same digests"
run wlpack rm tiny:1.0-cli
run wlpack build tiny-1.0 --output o --explain
err_unlike 'optimize cli +[0-9]' "an image that was removed:"
err_like 'image cli +[0-9.]+ s' "it alone is made again"
is "$(cut -f 1,4 "$out")" "$digests" "with the same digest"
run wlpack gc
status_is 0 "gc"
run wlpack build tiny-1.0 --output o
err_like 'up to date' "takes nothing that is needed"
run wlpack build tiny-1.0 --output none --arch none
is "$(cut -f 1 "$out" | tr '\n' ' ')" "artefact image " "--arch none: nothing precompiled"

# the same images elsewhere, from a build with other folders, at another time
mkdir elsewhere && cp -R recipes patches mirror elsewhere/
run env WLPACK_HOME="$T/elsewhere/home" WLPACK_RECIPES="$T/elsewhere/recipes" WLPACK_MIRROR="$T/elsewhere/mirror" \
    TZ=Asia/Tokyo "$WLPACK" build tiny-1.0 --output p --jobs 1
is "$(cut -f 1,4 "$out")" "$digests" "all digests are the same in another home and folder"

done_testing
