#!/bin/sh
# A real library: zlib, the same in two places, and a program that finds it by pkg-config.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
unset SOURCE_DATE_EPOCH 2>/dev/null || :

mkdir -p recipes/pack-1.0 mirror pack-1.0
cat >pack-1.0/pack.c <<'C'
#include <stdio.h>
#include <string.h>
#include <zlib.h>

int main(int argc, char **argv) {
    unsigned char packed[1000], back[1000];
    uLongf n = sizeof(packed), m = sizeof(back);

    if (argc != 2 || compress2(packed, &n, (unsigned char *)argv[1], strlen(argv[1]), 9) != Z_OK)
        return 1;
    for (uLongf i = 0; i < n; i++)
        printf("%02x", packed[i]);
    puts("");
    if (uncompress(back, &m, packed, n) != Z_OK)
        return 2;
    printf("%.*s\n", (int)m, back);
    return 0;
}
C
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1500000000 -cf - pack-1.0 | gzip -n >mirror/pack-1.0.tar.gz
cat >recipes/pack-1.0/recipe.json <<JSON
{
  "name": "pack", "version": "1.0",
  "source": {"urls": ["http://127.0.0.1:1/pack-1.0.tar.gz"], "sha256": "$(sha256sum mirror/pack-1.0.tar.gz | cut -d ' ' -f 1)"},
  "deps": ["zlib-1.3.1"],
  "compile": [{"argv": ["sh", "-c", "exec \${cc} -O2 -o pack.wasm pack.c \$(pkg-config --cflags --libs 'zlib >= 1.3')"]}],
  "artefacts": {"cli": {"from": "pack.wasm", "file": "pack.wasm", "checks": [
    {"argv": ["wlpack wlpack wlpack"], "exact": true,
     "stdout": ["$(python3 -c 'import zlib; print(zlib.compress(b"wlpack wlpack wlpack", 9).hex())')", "wlpack wlpack wlpack"]}]}}
}
JSON
WLPACK_RECIPES=$T/recipes:
WLPACK_MIRROR=$T/mirror
export WLPACK_RECIPES WLPACK_MIRROR
run wlpack build pack-1.0 --output o
status_is 0 "a program that needs zlib builds, and packs what Python's zlib packs"
err_like '^pack-1.0: zlib-1.3.1/check test .* 1 passed' "zlib has passed its own test"
digest=$(cut -f 4 "$out")
run wlpack build zlib-1.3.1 --output o
err_like 'up to date' "zlib is built then"
tree=$(sed -n 's/^library	//p' "$out" | cut -f 1)
is "$(cd "$tree" && find . -type f | sort | tr '\n' ' ')" \
    "./include/zconf.h ./include/zlib.h ./lib/libz.a ./lib/pkgconfig/zlib.pc " "and holds what its users need"
library=$(sed -n 's/^library.*	//p' "$out")
ok "no folder of this machine is in it" sh -c "! grep -rq '$T' '$tree'"

WLPACK_HOME=$T/other/home
export WLPACK_HOME
run env TZ=Asia/Tokyo "$WLPACK" build pack-1.0 --output p --jobs 1
is "$(cut -f 4 "$out")" "$digest" "another home, time zone and number of jobs: the same program"
run wlpack build zlib-1.3.1 --output p
is "$(sed -n 's/^library.*	//p' "$out")" "$library" "and the same library"

done_testing
