# tiny.sh: a recipe that builds in a second, for the tests of the build itself. Source it behind tap.sh.
#
#   tiny_make               $T/recipes/tiny-1.0, $T/patches/tiny-1.0, the archive in $T/mirror
#   tiny_recipe JSON-MEMBERS   writes the recipe with further members ("" for none)
#   tiny_archive            packs $T/tiny-src again and puts its checksum into $tiny_sha
#
# The "interpreter" prints its argument back and knows an exit code; its configure script reads config.in and
# nothing else of the tree.
# shellcheck shell=sh

WLPACK_RECIPES=$T/recipes
WLPACK_MIRROR=$T/mirror
export WLPACK_RECIPES WLPACK_MIRROR
# shellcheck disable=SC2034 # the tests use it
tiny_log=$WLPACK_HOME/logs/tiny-1.0
unset SOURCE_DATE_EPOCH WLPACK_FLAVOUR 2>/dev/null || :

tiny_archive() {
    mkdir -p "$T/mirror"
    # a fixed order and time: the checksum depends on the contents alone
    (cd "$T" && find tiny-src -print | sort | sed 's/^tiny-src/tiny-1.0/' >.names &&
        rm -rf tiny-1.0 && cp -R tiny-src tiny-1.0 &&
        tar --no-recursion --owner=0 --group=0 --numeric-owner --mtime=@1500000000 -cf - -T .names) |
        gzip -n >"$T/mirror/tiny-1.0.tar.gz"
    tiny_sha=$(sha256sum "$T/mirror/tiny-1.0.tar.gz" | cut -d ' ' -f 1)
}

tiny_recipe() {
    mkdir -p "$T/recipes/tiny-1.0"
    cat >"$T/recipes/tiny-1.0/recipe.json" <<JSON
{
  "kind": "interpreter", "name": "tiny", "version": "1.0", "epoch": 1500000000,
  "source": {"urls": ["${tiny_url:-http://127.0.0.1:1/tiny-1.0.tar.gz}"], "file": "tiny-1.0.tar.gz", "sha256": "${tiny_sum:-$tiny_sha}"},
  "cflags": [${tiny_cflags:-}],
  "configure": {"argv": ["sh", "./configure", "CC=\${cc}"]},
  "compile": [{"argv": ["make", "-j\${jobs}", "CFLAGS=-O1 \${cflags}"]}],
  "artefacts": {"cli": {"from": "tiny", "file": "tiny.wasm",
    "checks": [{"argv": ["hello"], "stdout": ["${tiny_says:-tiny says hello}"]}, {"argv": ["3"], "status": 3}]}},
  "flavours": {"loud": {"cflags": ["-DLOUD=1"]}}
  ${1:+, $1}
}
JSON
}

tiny_make() {
    mkdir -p "$T/tiny-src/src" "$T/patches/tiny-1.0"
    cat >"$T/tiny-src/configure" <<'CONF'
#!/bin/sh
# counts its runs outside of the tree when a test wants to know
read -r answer <config.in
{
    echo "CC = ${1#CC=}"
    echo "tiny: src/main.c src/config.h src/say.h"
    echo "	\$(CC) \$(CFLAGS) -g -DFROM_CONFIGURE=$answer -o \$@ src/main.c"
} >Makefile
echo "#define CONFIGURED \"$PWD\"" >src/config.h
echo configured
CONF
    echo 1 >"$T/tiny-src/config.in"
    echo '#define SAYS "tiny says"' >"$T/tiny-src/src/say.h"
    cat >"$T/tiny-src/src/main.c" <<'MAIN'
#include <stdio.h>
#include <stdlib.h>
#include "say.h"
#include "config.h"

int main(int argc, char **argv) {
    if (argc > 1 && atoi(argv[1]) > 0)
        return atoi(argv[1]);
    printf("%s %s\n", SAYS, argc > 1 ? argv[1] : __FILE__);
    return 0;
}
MAIN
    : >"$T/patches/tiny-1.0/series"
    tiny_archive
    tiny_recipe ""
}

# left_over [HOME]: the names of what lies about in the work and temporary folders of a store
left_over() {
    find "${1:-$WLPACK_HOME}/work" "${1:-$WLPACK_HOME}/tmp" -mindepth 1 -maxdepth 1 2>/dev/null | tr '\n' ' '
}

# tiny_patch NAME FILE SED-EXPRESSION: a patch for FILE of the tree, added to the series
tiny_patch() {
    sed "$3" "$T/tiny-src/$2" >"$T/.new"
    {
        printf 'Description: %s\nForwarded: not-needed\n\n' "$1"
        diff -u --label "a/$2" --label "b/$2" "$T/tiny-src/$2" "$T/.new"
    } >"$T/patches/tiny-1.0/$1"
    grep -qx "$1" "$T/patches/tiny-1.0/series" 2>/dev/null || echo "$1" >>"$T/patches/tiny-1.0/series"
}
